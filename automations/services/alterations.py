"""What runs make of a message that its customer edits or deletes later: nothing starts or goes on again.

An edited answer is noted at its step. A deleted one is taken out of the data of runs and of assistants' memory
(traps.md W8, W9).
"""

from django.db.models import QuerySet

from assistants.services.forgetting import forget_turns
from automations.engine.commits import announce_run
from automations.models import Run, StepRun
from messaging.events import MessageAltered
from messaging.models import Message

EDITED, DELETED = "answer_edited", "answer_deleted"
TEXTS = ("text", "first_text")


def note_alteration(altered: MessageAltered) -> None:
    """Subscriber to MessageAltered, under the contact's lock."""
    message, is_deleted = altered.message, altered.kind == "revoke"
    for step in _answered_steps(message).select_related("run__workspace"):
        note = DELETED if is_deleted else EDITED
        step.notes = [*step.notes, *([] if note in step.notes else [note])]
        if is_deleted:
            step.output = {**step.output, "reply": ""}
        step.save(update_fields=["notes", "output"])
        announce_run(step.run, now=altered.now)
    if is_deleted:
        _forget(message, altered)


def _answered_steps(message: Message) -> QuerySet[StepRun]:
    """The steps whose answer the message was: each names it in its output."""
    rows = StepRun.objects.in_workspace(message.workspace).filter(run__chat=message.chat)
    return rows.filter(output__message_id=str(message.public_id))


def _forget(message: Message, altered: MessageAltered) -> None:
    runs = Run.objects.in_workspace(message.workspace).filter(chat=message.chat, started_at__gte=message.occurred_at)
    for run in runs.filter(start_key=f"message:{message.public_id}").select_related("workspace"):
        run.trigger = {name: "" if name in TEXTS else value for name, value in run.trigger.items()}
        run.save(update_fields=["trigger"])
        announce_run(run, now=altered.now)
    ids = Run.objects.in_workspace(message.workspace).filter(chat=message.chat).order_by("-id")[:200]
    forget_turns(
        workspace=message.workspace,
        customer_identifiers=[str(run.public_id) for run in ids],
        texts=message.earlier_texts,
        since=message.occurred_at,
        now=altered.now,
    )
