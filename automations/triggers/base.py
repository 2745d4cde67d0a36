"""What every trigger type declares: its settings, its data, and when it matches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from automations.findings import Finding
from automations.forms.fields import StepForm
from workspaces.errors import Text
from workspaces.models import Workspace


class Source(StrEnum):
    """What a trigger listens to."""

    MESSAGE = "message"
    EVENT = "event"
    MANUAL = "manual"


# An alias, because `type` is a name of its own inside the class.
FormClass = type[StepForm]


@dataclass(frozen=True)
class Match:
    """Whether a trigger matches, and if not, why: shown in the decision log."""

    matches: bool
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


YES = Match(True)


class Trigger:
    """Base of every trigger type. `data` is schema and sample in one: flat, every key always present."""

    type: ClassVar[str]
    label: ClassVar[Text]
    icon: ClassVar[str]
    source: ClassVar[Source]
    form: ClassVar[FormClass]
    data: ClassVar[dict[str, Any]]
    data_version: ClassVar[int] = 1
    opens_window: ClassVar[bool] = False
    # Keys below which anything may stand (an event's own fields).
    open_keys: ClassVar[frozenset[str]] = frozenset()
    takes_any_key: ClassVar[bool] = False
    synonyms: ClassVar[tuple[Text, ...]] = ()

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        """What the card says starts the flow."""
        return str(self.label)

    def rule(self, config: Mapping[str, Any]) -> str:
        """The router's rule this trigger belongs to with these settings."""
        return self.type

    def matches(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> Match:
        """Whether these settings want this data."""
        return YES

    def validate(self, config: Mapping[str, Any], workspace: Workspace) -> Iterator[Finding]:
        """What the form alone cannot know."""
        return iter(())


_types: dict[str, Trigger] = {}


def register(type_name: str) -> Callable[[type[Trigger]], type[Trigger]]:
    """Class decorator: makes the trigger known under its type's name."""

    def add(trigger_class: type[Trigger]) -> type[Trigger]:
        trigger_class.type = type_name
        _types[type_name] = trigger_class()
        return trigger_class

    return add


def find(type_name: str) -> Trigger | None:
    """The trigger of a type, or None where this installation does not have it."""
    return _types.get(type_name)


def all_triggers() -> list[Trigger]:
    """Every type, in the order of registration."""
    return list(_types.values())
