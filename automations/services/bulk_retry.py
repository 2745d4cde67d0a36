"""Which failed runs may be retried in bulk without sending anything twice, and what runs say to messages sent again."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from automations.errors import AnswerLost, HttpFailed, RunHasEnded
from automations.models import Run
from automations.services.runs import retry_run
from messaging.errors import DeliveryUnknown
from messaging.models import Message
from messaging.retry_errors import MayHaveArrived, RunIsAtIt, SentAgainAlready
from workspaces.errors import BotenwerkError
from workspaces.models import User, Workspace

# A failed step whose work may have been done all the same.
UNSURE = (DeliveryUnknown.code, AnswerLost.code)
UNSURE_ANSWERS = ("answer_lost", "no_answer")
SAFE_METHODS = ("GET", "HEAD", "PUT", "DELETE")


def not_to_be_retried(runs: Sequence[Run]) -> dict[int, BotenwerkError]:
    """By primary key, why each must be left out. A constant number of queries a workspace."""
    why: dict[int, BotenwerkError] = {}
    for workspace, rows in _by_workspace(runs):
        left_behind = _left_behind(workspace, rows)
        for run in rows:
            reason = _why(run, left_behind.get(run.pk, []))
            if reason is not None:
                why[run.pk] = reason
    return why


def retry_one_of_many(run: Run, *, by: User, now: datetime) -> Run:
    """Go on from the step that failed. Raises RunHasEnded where it has not failed any more."""
    return retry_run(run=run, by=by, now=now)


def runs_at_it(workspace: Workspace, messages: Sequence[Message]) -> dict[int, BotenwerkError]:
    """A guard for messages sent again: a run that goes on tries by itself."""
    causes = {message.cause_id for message in messages if message.cause_kind == Message.Cause.RUN}
    if not causes:
        return {}
    rows = Run.objects.in_workspace(workspace).select_related("flow").filter(public_id__in=causes)
    live = {str(run.public_id): run for run in rows.exclude(status__in=Run.ENDED)}
    return {
        message.pk: RunIsAtIt(flow=live[message.cause_id].flow.name)
        for message in messages
        if message.cause_kind == Message.Cause.RUN and message.cause_id in live
    }


def _why(run: Run, left_behind: list[Message]) -> BotenwerkError | None:
    if run.status != Run.Status.FAILED:
        return RunHasEnded(status=str(run.get_status_display()))
    if run.error_code in UNSURE or _may_have_got_through(run):
        return MayHaveArrived()
    for message in left_behind:
        if message.error_code == DeliveryUnknown.code or message.status == Message.Status.UNKNOWN:
            return MayHaveArrived()
        if message.status not in (Message.Status.FAILED, Message.Status.CANCELLED):
            return SentAgainAlready(status=str(message.get_status_display()))
    return None


def _may_have_got_through(run: Run) -> bool:
    """A call of another system whose answer did not come, and that must not be made twice."""
    if run.error_code != HttpFailed.code or run.error_facts.get("reason") not in UNSURE_ANSWERS:
        return False
    return str(run.error_facts.get("method")).upper() not in SAFE_METHODS


def _by_workspace(runs: Iterable[Run]) -> list[tuple[Workspace, list[Run]]]:
    groups: dict[int, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.workspace_id, []).append(run)
    return [(rows[0].workspace, rows) for rows in groups.values()]


def _left_behind(workspace: Workspace, runs: list[Run]) -> dict[int, list[Message]]:
    """The messages of each run's failed step, and what people have sent in their stead."""
    by_id = {str(run.public_id): run for run in runs}
    stored = Message.objects.in_workspace(workspace)
    found: dict[int, list[Message]] = {}
    again: dict[str, Run] = {}
    for message in stored.filter(cause_kind=Message.Cause.RUN, cause_id__in=list(by_id)):
        run = by_id[message.cause_id]
        # The key of a step's message is run:step:iteration:attempt:part.
        if f":{run.error_step}:" in str(message.idempotency_key):
            found.setdefault(run.pk, []).append(message)
            again[f"again:{message.public_id}"] = run
    for message in stored.filter(idempotency_key__in=list(again)):
        found[again[str(message.idempotency_key)].pk].append(message)
    return found
