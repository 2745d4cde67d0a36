"""Finds every action type: a new one is one file in this folder."""

import importlib
import pkgutil
from collections.abc import Callable

from automations import actions
from automations.actions.base import Action, Group, NotARegisteredType

_types: dict[str, Action] = {}


def register(type_name: str) -> Callable[[type[Action]], type[Action]]:
    """Class decorator: makes the action known under its type's name."""

    def add(action_class: type[Action]) -> type[Action]:
        action_class.type = type_name
        _types[type_name] = action_class()
        return action_class

    return add


def load_actions() -> None:
    """Import every module of the folder; called when the app is ready."""
    for module in pkgutil.iter_modules(actions.__path__):
        importlib.import_module(f"{actions.__name__}.{module.name}")


def action(type_name: str) -> Action:
    """The action of a type. Raises NotARegisteredType."""
    try:
        return _types[type_name]
    except KeyError:
        raise NotARegisteredType(type=type_name) from None


def all_actions() -> list[Action]:
    """Every type, in the chooser's order."""
    return sorted(_types.values(), key=lambda known: (list(Group).index(known.group), known.type))
