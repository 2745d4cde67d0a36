"""What the WhatsApp steps share: which sender speaks, to whom, and when a slot is waited for."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from automations.actions.base import StepContext, settled
from automations.engine.results import Done, Suspend
from automations.errors import ConfigInvalid
from automations.expressions import paths
from automations.models import Wait
from messaging.errors import RateLimited, VariableMissing
from messaging.models import Message, Sender
from messaging.services.outbox import SlotLater, SlotPolicy
from workspaces.models import Workspace

# Beyond this a rate limit is an error and not a wait (architecture.md, Pacing).
SLOT_DEADLINE = timedelta(hours=1)


def sender_of(config: Mapping[str, Any], workspace: Workspace) -> Sender | None:
    """The sender that the settings name; None where they leave it to the conversation. Raises ConfigInvalid."""
    if not config.get("sender"):
        return None
    found = Sender.objects.in_workspace(workspace).filter(public_id=config["sender"], retired_at=None).first()
    if found is None:
        raise ConfigInvalid(what="sender", field="sender")
    return found


def sender_for(step: StepContext) -> Sender:
    """The sender that speaks in this step: the named one, else the conversation's. Raises ConfigInvalid."""
    named = sender_of(step.config, step.workspace)
    if named is not None:
        return named
    if step.chat is not None:
        return step.chat.sender
    raise ConfigInvalid(what="sender", field="sender")


def send(step: StepContext, call: Callable[[SlotPolicy], Message]) -> Done | Suspend:
    """Send through the outbox; a slot further off suspends the run until it comes."""
    deadline = step.now + SLOT_DEADLINE
    try:
        return settled(call(SlotPolicy(kind="suspend", deadline=deadline)))
    except SlotLater as later:
        return Suspend(Wait.Kind.PACING, later.until, message=later.message)
    except RateLimited as error:
        # The slot lies behind the deadline: that patience was the retry.
        error.retryable = False
        raise


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
