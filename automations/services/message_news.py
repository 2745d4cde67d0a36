"""What becomes of a run's messages after their steps are through, and when what held them back is over."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from automations.engine.commits import QUIET_ERRORS, announce_run
from automations.models import Run, StepRun, Wait
from messaging.events import MessageStatusChanged, SenderAnswersAgain
from messaging.models import Message
from messaging.services.breaker import LIMIT
from workspaces.services.notifications import notify_team

# A note of a step, in words in run_picture.py.
ARRIVED_AFTER_ALL = "arrived_after_all"
THROUGH = (StepRun.Status.DONE, StepRun.Status.FAILED)


def note_late_news(event: MessageStatusChanged) -> None:
    """Subscriber to MessageStatusChanged: what comes after the step is through is noted there, a failure is told."""
    message = event.message
    note = _note(event)
    if not note or message.cause_kind != Message.Cause.RUN:
        return
    step_run = _step_run_of(message)
    if step_run is None or step_run.status not in THROUGH or note in step_run.notes:
        return
    if step_run.status == StepRun.Status.FAILED and step_run.error_code == note:
        return
    run = step_run.run
    rows = StepRun.objects.in_workspace(message.workspace).filter(pk=step_run.pk)
    rows.update(notes=[*step_run.notes, note], updated_at=event.now)
    announce_run(run, now=event.now)
    if message.status == Message.Status.FAILED and note not in QUIET_ERRORS:
        notify_team(
            workspace=message.workspace,
            code=note,
            title=_("A message of “%(flow)s” did not arrive"),
            link=reverse("run", args=[message.workspace.slug, run.public_id]),
            facts={**message.error_facts, "flow": run.flow.name},
            digest_key=f"not_arrived:{run.flow_id}:{note}",
            now=event.now,
        )


def wake_runs_of_sender(event: SenderAnswersAgain) -> None:
    """Subscriber to SenderAnswersAgain: runs whose messages waited for that go on now, at the clock's pace."""
    workspace = event.sender.workspace
    waits = Wait.objects.in_workspace(workspace).filter(
        kind=Wait.Kind.PACING,
        resolved_at=None,
        message__sender=event.sender,
        message__status=Message.Status.QUEUED,
        message__payload__terms__slot__limit=LIMIT,
    )
    # Waits before runs, as everywhere (engine/waits.py).
    waits.update(due_at=event.now, updated_at=event.now)
    runs = Run.objects.in_workspace(workspace).filter(pk__in=waits.values("run_id"), status=Run.Status.WAITING)
    runs.update(wake_at=event.now, wake_tries=0, updated_at=event.now)


def _note(event: MessageStatusChanged) -> str:
    if event.message.status == Message.Status.FAILED:
        return event.message.error_code
    return ARRIVED_AFTER_ALL if event.previous == Message.Status.FAILED else ""


def _step_run_of(message: Message) -> StepRun | None:
    """The attempt that sent it, by the message's key: run, step, iteration, attempt, perhaps a part."""
    parts = (message.idempotency_key or "").split(":")
    if len(parts) < 4 or not parts[3].isdecimal():
        return None
    return (
        StepRun.objects.in_workspace(message.workspace)
        .filter(run__public_id=message.cause_id, step_key=parts[1], iteration=parts[2], attempt=int(parts[3]))
        .select_related("run__flow", "run__workspace")
        .first()
    )
