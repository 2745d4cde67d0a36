"""What every action type declares about itself, and what it gets when it runs.

One declaration feeds the editor, the data picker, the validator, the dry run and the documentation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy as _

from automations.engine.program import RetryPolicy
from automations.engine.results import Done, Suspend
from automations.errors import AnswerLost
from automations.findings import Finding
from automations.forms.fields import StepForm
from automations.models import Run, Wait
from messaging.models import Chat, Contact, Conversation, Message
from messaging.services.outbox import Origin
from workspaces.errors import BotenwerkError, Text, stored_error
from workspaces.models import Workspace

if TYPE_CHECKING:
    from automations.engine.context import StepData


TIMEOUT = "timeout"
# An alias, because `type` is a name of its own inside the class.
FormClass = type[StepForm]


class Effect(StrEnum):
    """What a step does to the world; decides what may be repeated after a crash and what a dry run leaves out."""

    NONE = "none"
    READS = "reads"
    OUTSIDE = "outside"


class Group(StrEnum):
    """Where the step chooser lists a type."""

    WHATSAPP = "whatsapp"
    AI = "ai"
    LOGIC = "logic"
    DATA = "data"
    PEOPLE = "people"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Lane:
    """A way out of a step. A lane that ends the run does not join the trunk again."""

    key: str
    label: Text
    ends_run: bool = False


@dataclass(frozen=True)
class StepContext:
    """All that an action may look at: `config` is the settings with expressions worked out, `written` as they stand."""

    run: Run
    workspace: Workspace
    step_key: str
    step_name: str
    iteration: str
    attempt: int
    now: datetime
    config: Mapping[str, Any]
    written: Mapping[str, Any]
    data: StepData
    contact: Contact | None
    chat: Chat | None
    conversation: Conversation | None
    is_repeat_after_crash: bool = False

    @property
    def key(self) -> str:
        """Names this attempt of this step all over the house: the idempotency key of what it does outside."""
        return f"{self.run.public_id}:{self.step_key}:{self.iteration}:{self.attempt}"

    @property
    def stable_key(self) -> str:
        """Names this step over all its attempts: what must not be said twice when it is tried again."""
        return f"{self.run.public_id}:{self.step_key}:{self.iteration}"

    @property
    def is_dry(self) -> bool:
        """Whether outside calls are shown, not made."""
        return self.run.mode == Run.Mode.DRY

    @property
    def origin(self) -> Origin:
        """What a message of this step is stored as having been caused by."""
        return Origin(
            kind=Message.Cause.RUN,
            id=str(self.run.public_id),
            label=self.run.flow.name,
            only_recipient=self.run.only_recipient,
            dry=self.is_dry,
        )


class Action(ABC):
    """Base of every action type."""

    type: ClassVar[str]
    label: ClassVar[Text]
    icon: ClassVar[str]
    group: ClassVar[Group]
    form: ClassVar[FormClass]
    effect: ClassVar[Effect] = Effect.NONE
    is_idempotent: ClassVar[bool] = True
    needs_open_window: ClassVar[bool] = False
    needs_template: ClassVar[bool] = False
    speaks_to_customer: ClassVar[bool] = False
    # What an attempt has begun with is what it goes on with after a slot, a turn or a crash: texts that hold {{now}}
    # would come out otherwise. Only for types whose shown input is all of it.
    keeps_input: ClassVar[bool] = False
    # Stands still for the customer's answer; the lane TIMEOUT is taken when none comes.
    awaits_reply: ClassVar[bool] = False
    timeout_seconds: ClassVar[int] = 10
    default_retry: ClassVar[RetryPolicy] = RetryPolicy()
    # Schema and sample in one. Keys that only a run can know are added by `output_for`.
    output: ClassVar[dict[str, Any]] = {}
    synonyms: ClassVar[tuple[Text, ...]] = ()

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        """What the card says the step does."""
        return str(self.label)

    def lanes(self, config: Mapping[str, Any]) -> list[Lane]:
        """The ways out besides the next step; the failure lane is the engine's."""
        return []

    def time_passing(self, config: Mapping[str, Any]) -> timedelta | None:
        """How much time goes by in this step, at most; None where nobody can know."""
        return timedelta()

    def output_for(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The output's keys with sample values, for these settings."""
        return self.output

    def validate(self, config: Mapping[str, Any], workspace: Workspace) -> Iterator[Finding]:
        """What the form alone cannot know: whether the things that the settings name exist and are usable."""
        return iter(())

    def is_safe_to_repeat(self, config: Mapping[str, Any]) -> bool:
        """Whether a step whose worker died in the middle may simply be done again."""
        return self.is_idempotent

    def answer_lost(self, config: Mapping[str, Any], step_name: str) -> BotenwerkError:
        """The error of a step that broke off and is not safe to repeat."""
        return AnswerLost(step=step_name)

    def shown_input(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The input as the run's page shows it; leave out what must not be seen."""
        return dict(config)

    @abstractmethod
    def run(self, step: StepContext) -> Done | Suspend:
        """Do it. Raises a named error. Called again, with the same key, after a slot or a crash."""

    def resume(self, step: StepContext, wait: Wait) -> Done | Suspend:
        """Go on after a delay or a reply."""
        return Done()


def settled(message: Message) -> Done | Suspend:
    """What a message row means for its step: through, still open, or a named error."""
    if message.status == Message.Status.FAILED:
        raise stored_error(message.error_code, message.error_facts)
    if message.status == Message.Status.CANCELLED:
        raise stored_error(message.error_code or "internal", message.error_facts)
    if message.status in (Message.Status.UNKNOWN, Message.Status.SENDING):
        return Suspend(Wait.Kind.DELIVERY, None, message=message, chat=message.chat)
    output = {"message_id": str(message.public_id), "status": message.status, "text": message.body}
    notes = tuple(_about_cleaned(message.payload.get("cleaned") or []))
    return Done(output, chat=message.chat, conversation=message.conversation, notes=notes)


def _about_cleaned(names: list[str]) -> Iterator[str]:
    """Values that went out otherwise than they were given (traps.md T1)."""
    if names:
        shown = ", ".join(f"{{{{{name}}}}}" for name in names)
        text = _("Line breaks, tabs and runs of spaces in %(names)s became one space; WhatsApp refuses them.")
        yield str(text % {"names": shown})


class NotARegisteredType(BotenwerkError):
    """A version names a type that this installation does not have."""

    code = "step_type_unknown"
    title = _("The step's type is not known here.")
    cause = _("This installation has no step or trigger type “%(type)s”.")
    cure = _("Remove the step, or install the version of Botenwerk that has it.")
    http_status = 422
