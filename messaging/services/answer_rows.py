"""Rows of answers that are owed: made with the fact, worked off by a task, found again by the clock."""

from datetime import datetime, timedelta

from messaging.models import Message
from messaging.models.answer import AutomaticAnswer
from workspaces.queue import enqueue

TASK = "messaging.tasks.give_answer"
FIRST_LOOK = timedelta(seconds=5)


def owe_answer(message: Message, kind: str, *, now: datetime) -> AutomaticAnswer:
    """The row for this message and kind; made once."""
    answer, was_created = AutomaticAnswer.objects.in_workspace(message.workspace).get_or_create(
        message=message, kind=kind, defaults={"workspace": message.workspace, "wake_at": now + FIRST_LOOK}
    )
    if was_created:
        enqueue(TASK, answer.pk)
    return answer
