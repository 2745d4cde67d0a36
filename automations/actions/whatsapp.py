"""What the WhatsApp steps share: which sender speaks, to whom, and how long a slot or the arrival is waited for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from django import forms
from django.utils.translation import gettext_lazy as _

from automations.actions.base import Action, Effect, Group, StepContext, settled
from automations.engine.results import Done, Suspend
from automations.errors import ConfigInvalid
from automations.expressions import paths
from automations.findings import Finding
from automations.forms.fields import DurationField, LiquidField, duration
from automations.models import Wait
from automations.taps import tap_prefix
from messaging.errors import OutsideWindow, RateLimited, VariableMissing
from messaging.models import Message, Sender
from messaging.services.attention import last_inbound
from messaging.services.outbox import SlotLater, SlotPolicy
from workspaces.models import Workspace

F = TypeVar("F", bound=forms.Field)

HOUR = {"amount": 1, "unit": "hours"}
ARRIVED = (Message.Status.DELIVERED, Message.Status.READ, Message.Status.PLAYED)
# The platform disagrees with us about the window now and then, and not for long (traps.md Z1).
WINDOW_PAUSE_SECONDS = 30.0


class SendingAction(Action):
    """A step that sends to the customer: how long it takes and what it tells, where it waits for the arrival."""

    group = Group.WHATSAPP
    effect = Effect.OUTSIDE
    speaks_to_customer = True
    timeout_seconds = 30

    def time_passing(self, config: Mapping[str, Any]) -> timedelta | None:
        return delivery_passing(config)

    def output_for(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.output, **delivery_output(config)}

    def validate(self, config: Mapping[str, Any], workspace: Workspace) -> Iterator[Finding]:
        yield from sender_findings(config, workspace)


def wait_for_delivery_field() -> forms.BooleanField:
    """The setting `wait_for_delivery` of a step that sends."""
    field = forms.BooleanField(
        label=_("Wait until it has arrived"),
        required=False,
        help_text=_("A message that WhatsApp takes and then does not deliver fails the step, with its cause."),
    )
    return _folded(field)


def delivery_timeout_field() -> DurationField:
    """The setting `delivery_timeout`: when the run goes on though nothing was reported."""
    field = DurationField(
        label=_("Wait for that at most"),
        required=False,
        initial=HOUR,
        max_days=7,
        help_text=_("Then the run goes on: a phone that is switched off gets the message later."),
    )
    return _folded(field)


def slot_timeout_field() -> DurationField:
    """The setting `slot_timeout`: beyond it a rate limit is an error and not a wait (architecture.md, Pacing)."""
    field = DurationField(
        label=_("Wait for a slot at most"),
        required=False,
        initial=HOUR,
        max_days=7,
        help_text=_("Where a limit of WhatsApp holds the message back. Beyond that the step fails."),
    )
    return _folded(field)


def _folded(field: F) -> F:
    """Few need it: the panel folds it away."""
    field.is_folded = True  # type: ignore[attr-defined]
    return field


def delivery_passing(config: Mapping[str, Any]) -> timedelta:
    """How much time the wait for the arrival takes at most."""
    return _timeout(config, "delivery_timeout") if config.get("wait_for_delivery") else timedelta()


def delivery_output(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the wait for the arrival adds to the step's output."""
    return {"delivered": True} if config.get("wait_for_delivery") else {}


def sender_of(config: Mapping[str, Any], workspace: Workspace) -> Sender | None:
    """The sender that the settings name; None where they leave it to the conversation. Raises ConfigInvalid."""
    if not config.get("sender"):
        return None
    found = Sender.objects.in_workspace(workspace).filter(public_id=config["sender"], retired_at=None).first()
    if found is None:
        raise ConfigInvalid(what="sender", field="sender")
    return found


def sender_findings(config: Mapping[str, Any], workspace: Workspace) -> Iterator[Finding]:
    """What is wrong with the sender that the settings name."""
    try:
        sender_of(config, workspace)
    except ConfigInvalid:
        yield Finding("sender_gone", _("The sender no longer exists. Choose another one."), field="sender")


def sender_for(step: StepContext) -> Sender:
    """The sender that speaks in this step: the named one, else the conversation's. Raises ConfigInvalid."""
    named = sender_of(step.config, step.workspace)
    if named is not None:
        return named
    if step.chat is not None:
        return step.chat.sender
    raise ConfigInvalid(what="sender", field="sender")


def send(step: StepContext, call: Callable[[SlotPolicy], Message]) -> Done | Suspend:
    """Send through the outbox; a slot further off suspends the run until it comes.

    Where the step waits for the arrival, the run stands still until the platform reports it, or its failure.
    """
    deadline = step.now + _timeout(step.config, "slot_timeout")
    try:
        message = call(SlotPolicy(kind="suspend", deadline=deadline))
        result = settled(message)
    except SlotLater as later:
        return Suspend(Wait.Kind.PACING, later.until, message=later.message)
    except OutsideWindow as error:
        if error.has_disagreement and step.attempt == 1:
            error.retryable, error.retry_after = True, WINDOW_PAUSE_SECONDS
        raise
    except RateLimited as error:
        # The slot lies behind the deadline: that patience was the retry.
        error.retryable = False
        raise
    if not isinstance(result, Done) or not step.config.get("wait_for_delivery"):
        return result
    if step.is_dry:
        return replace(result, output={**result.output, "delivered": True})
    return _arrived(step, message, result)


def _arrived(step: StepContext, message: Message, result: Done) -> Done | Suspend:
    """On with the run if the message has arrived, or if the time for that is over."""
    due_at = (message.accepted_at or message.occurred_at) + _timeout(step.config, "delivery_timeout")
    has_arrived = message.status in ARRIVED
    wait = step.run.resumed_wait
    is_sent_on = wait is not None and wait.kind == Wait.Kind.DELIVERY and wait.resolution == "person"
    if has_arrived or step.now >= due_at or is_sent_on:
        return replace(result, output={**result.output, "delivered": has_arrived})
    return Suspend(Wait.Kind.DELIVERY, due_at, message=message, chat=message.chat)


def _timeout(config: Mapping[str, Any], name: str) -> timedelta:
    return duration(config.get(name) or HOUR)


def recipient(step: StepContext) -> dict[str, Any]:
    """`to` as given in the settings, or the run's own chat where they leave it empty (it may have no phone).

    Raises VariableMissing where data should have filled it and did not: the chat's customer was not meant.
    """
    to, written = (str(settings.get("to") or "").strip() for settings in (step.config, step.written))
    if to:
        return {"to": to}
    if written:
        used = paths(written)
        raise VariableMissing(path=used[0].path if used else "to", step=step.step_name, field="to")
    if step.chat is not None:
        return {"chat": step.chat}
    return {"to": ""}


def taps_of(step: StepContext) -> str:
    """What stands before the choice in each button of this step, so that a tap finds the run."""
    return tap_prefix(step.run.public_id, step.step_key, step.iteration)


def kind_field(choices: Sequence[tuple[str, Any]], *, label: Any) -> forms.ChoiceField:
    """The setting `kind`, which decides what else the form asks for (`StepForm.shown_for`)."""
    widget = forms.Select(attrs={"data-shows": ""})
    return forms.ChoiceField(label=label, choices=choices, initial=choices[0][0], widget=widget)


def recipient_field() -> LiquidField:
    """The setting `to`."""
    return LiquidField(
        label=_("Recipient's phone"),
        required=False,
        help_text=_("International, for example +4915112345678. Empty: the customer of the conversation."),
    )


def needed(field: forms.Field) -> Any:
    """A field that its kind cannot do without, though other kinds can: it is not called optional."""
    field.is_needed = True  # type: ignore[attr-defined]
    return field


def shortened(text: Any, *, limit: int = 60) -> str:
    """The beginning of a text for a card; never cut in the middle of its data."""
    words = " ".join(str(text or "…").split())
    if len(words) <= limit:
        return words
    cut = words[: limit - 1]
    opened = cut.rfind("{{")
    if opened > cut.rfind("}}"):
        end = words.find("}}", opened)
        cut = words[: end + 2] if end >= 0 else cut[:opened]
    return f"{cut}…"


def quote_field() -> forms.BooleanField:
    """The setting `quotes` of a step that answers."""
    return forms.BooleanField(
        label=_("Quote what the customer wrote last"),
        required=False,
        help_text=_(
            "Useful where much was written meanwhile. A chat where nobody has written yet has nothing to quote."
        ),
    )


def quoted(step: StepContext) -> str:
    """The platform's id of the message that is quoted; empty where none is wanted or there is none."""
    return last_said(step) if step.config.get("quotes") else ""


def last_said(step: StepContext) -> str:
    """The platform's id of what the customer of the conversation wrote last; empty where there is nothing.

    Where the step's sender is another one, its chat has messages of its own.
    """
    if step.chat is None or step.written.get("to") or sender_for(step).pk != step.chat.sender_id:
        return ""
    message = last_inbound(step.chat)
    return message.provider_id if message is not None else ""
