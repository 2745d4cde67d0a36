"""The loop guard for messages: two bots that answer each other are stopped (traps.md A5), in one run or over many."""

from datetime import datetime, timedelta

from automations.errors import RunLimitReached
from messaging.models import Contact, Message

MESSAGES_A_MINUTE = 30
MINUTE = timedelta(minutes=1)
# A run that has taken fewer steps cannot have gone round often; what many runs send together is seen at their start.
STEPS_BEFORE_LOOKING = 20
AUTOMATIC = (Message.Cause.RUN, Message.Cause.ASSISTANT)


def demand_calm(contact: Contact, *, now: datetime) -> None:
    """Raises RunLimitReached where this contact has got too many automatic messages within a minute."""
    sent = Message.objects.in_workspace(contact.workspace).filter(
        chat__contact=contact,
        direction=Message.Direction.OUT,
        cause_kind__in=AUTOMATIC,
        occurred_at__gt=now - MINUTE,
    )
    if sent.count() >= MESSAGES_A_MINUTE:
        raise RunLimitReached(limit=MESSAGES_A_MINUTE, what="messages")
