"""Finds every trigger type: a new one is one file in this folder."""

import importlib
import pkgutil

from automations import triggers
from automations.actions.base import NotARegisteredType
from automations.triggers import base
from automations.triggers.base import Trigger, all_triggers


def load_triggers() -> None:
    """Import every module of the folder; called when the app is ready."""
    for module in pkgutil.iter_modules(triggers.__path__):
        importlib.import_module(f"{triggers.__name__}.{module.name}")


def trigger(type_name: str) -> Trigger:
    """The trigger of a type. Raises NotARegisteredType."""
    known = base.find(type_name)
    if known is None:
        raise NotARegisteredType(type=type_name)
    return known


__all__ = ["all_triggers", "load_triggers", "trigger"]
