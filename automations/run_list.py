"""The list of runs: filtered, counted by state, failures grouped by cause, and where each run stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KT
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from automations.models import Run, Step, Wait
from automations.run_picture import length_words, wait_words
from workspaces.errors import BotenwerkError, stored_error
from workspaces.models import Notification, Workspace

PAGE = 50
GROUPS = 6


@dataclass(frozen=True)
class RunLine:
    """One run in the list."""

    run: Run
    person: str
    stands: str
    length: str
    is_failed: bool


@dataclass(frozen=True)
class Cause:
    """Failed runs of one kind: the same flow, step and error."""

    error: BotenwerkError
    flow_name: str
    flow_id: UUID
    step: str
    step_key: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class PageOfRuns:
    """A page, newest first, and the cursors to its neighbours (empty where there is none)."""

    lines: list[RunLine]
    older: str
    newer: str


def filtered(workspace: Workspace, given: Mapping[str, Any], *, now: datetime) -> QuerySet[Run]:
    """The runs that the filters leave, whatever their state."""
    runs = Run.objects.in_workspace(workspace)
    if given.get("flow"):
        runs = runs.filter(flow__public_id=given["flow"])
    if given.get("days"):
        runs = runs.filter(started_at__gte=now - timedelta(days=given["days"]))
    if given.get("code"):
        runs = runs.filter(error_code=given["code"])
    if words := given.get("q", "").strip():
        runs = runs.filter(_about(words))
    return runs


def counted(runs: QuerySet[Run]) -> dict[str, int]:
    """How many there are in each state, and in all; one query."""
    found = dict(runs.order_by().values_list("status").annotate(Count("pk")))
    return {**{state: found.get(state, 0) for state in Run.Status.values}, "all": sum(found.values())}


def page_of(workspace: Workspace, runs: QuerySet[Run], *, before: str, after: str, now: datetime) -> PageOfRuns:
    """The page before or after a run's public id; a cursor that is none of ours gives the first page."""
    start, end = _row_id(runs, before), _row_id(runs, after)
    rows = runs.select_related("flow", "contact", "version").annotate(told_name=KT("trigger__customer_name"))
    rows = rows.defer("version__program", "version__trigger_config", "trigger")
    if end is not None:
        found = list(rows.filter(pk__gt=end).order_by("pk")[: PAGE + 1])
        has_newer, has_older = len(found) > PAGE, True
        found = found[:PAGE][::-1]
    else:
        rows = rows.filter(pk__lt=start) if start is not None else rows
        found = list(rows.order_by("-pk")[: PAGE + 1])
        has_newer, has_older = start is not None, len(found) > PAGE
        found = found[:PAGE]
    return PageOfRuns(
        lines=_lines(workspace, found, now=now),
        older=str(found[-1].public_id) if found and has_older else "",
        newer=str(found[0].public_id) if found and has_newer else "",
    )


def causes(workspace: Workspace, runs: QuerySet[Run]) -> list[Cause]:
    """Failed runs grouped by flow, step and error, the most frequent first; three queries."""
    failed = runs.filter(status=Run.Status.FAILED).order_by()
    grouped = failed.values("flow__name", "flow__public_id", "error_step", "error_code").annotate(
        count=Count("pk"), newest=Max("pk"), last_at=Max("ended_at")
    )
    groups = list(grouped.order_by("-count", "-newest")[:GROUPS])
    newest = {run.pk: run for run in runs.filter(pk__in=[group["newest"] for group in groups])}
    names = _step_names(workspace, [(run.version_id, run.error_step) for run in newest.values()])
    return [
        Cause(
            error=stored_error(group["error_code"], newest[group["newest"]].error_facts),
            flow_name=group["flow__name"],
            flow_id=group["flow__public_id"],
            step=names.get((newest[group["newest"]].version_id, group["error_step"]), group["error_step"]),
            step_key=group["error_step"],
            count=group["count"],
            last_at=group["last_at"],
        )
        for group in groups
    ]


def failing_causes(workspace: Workspace) -> int:
    """How many causes of failed runs wait for someone (not how many runs): the number in the rail."""
    notices = Notification.objects.in_workspace(workspace).filter(solved_at=None, digest_key__startswith="run:")
    return notices.aggregate(causes=Count("pk"))["causes"] or 0


def person_of(run: Run, told_name: str) -> str:
    """Whom the run is about: the contact, else the name that the trigger told, else nobody."""
    if run.contact is not None:
        return str(run.contact)
    return told_name or _("nobody")


def _about(words: str) -> Q:
    try:
        return Q(public_id=UUID(words))
    except ValueError:
        digits = "".join(letter for letter in words if letter.isdigit() or letter == "+")
        wanted = Q(contact__name__icontains=words) | Q(contact__profile_name__icontains=words)
        return wanted | Q(contact__phone__contains=digits) if len(digits) > 2 else wanted


def _row_id(runs: QuerySet[Run], cursor: str) -> int | None:
    try:
        public_id = UUID(cursor)
    except ValueError:
        return None
    return runs.filter(public_id=public_id).values_list("pk", flat=True).first()


def _lines(workspace: Workspace, runs: Sequence[Run], *, now: datetime) -> list[RunLine]:
    open_waits = Wait.objects.in_workspace(workspace).filter(run__in=[run.pk for run in runs], resolved_at=None)
    waits = {wait.run_id: wait for wait in open_waits}
    names = _step_names(workspace, [(run.version_id, run.error_step or run.cursor) for run in runs])
    return [
        RunLine(
            run=run,
            person=person_of(run, str(getattr(run, "told_name", "") or "")),
            stands=_stands(run, waits.get(run.pk), names.get((run.version_id, run.error_step or run.cursor), "")),
            length=length_words((run.ended_at or now) - run.started_at),
            is_failed=run.status == Run.Status.FAILED,
        )
        for run in runs
    ]


def _stands(run: Run, wait: Wait | None, step: str) -> str:
    if run.status == Run.Status.FAILED:
        title = stored_error(run.error_code, run.error_facts).title_text()
        return f"{step}: {title}" if step else title
    if run.error_code:
        return stored_error(run.error_code, run.error_facts).title_text()
    if wait is not None:
        words = wait_words(wait)
        if wait.due_at is None:
            return words
        until = date_format(localtime(wait.due_at), "SHORT_DATETIME_FORMAT")
        return _("%(waits)s, until %(time)s") % {"waits": words, "time": until}
    return "" if run.has_ended else step


def _step_names(workspace: Workspace, wanted: list[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Names of steps by version and key; one query."""
    versions, keys = {version for version, _key in wanted}, {key for _version, key in wanted if key}
    steps = Step.objects.in_workspace(workspace).filter(version__in=versions, key__in=keys)
    return {(step.version_id, step.key): step.name or step.key for step in steps}
