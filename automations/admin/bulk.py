"""What staff do to many failed runs at once: retried from the step that failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.models import Run
from automations.services.bulk_retry import not_to_be_retried, retry_one_of_many
from workspaces.admin.bulk_rows import BulkView, show_bulk_kind
from workspaces.errors import Text, stored_error
from workspaces.models import BulkJob
from workspaces.services.bulk import BulkKind, register_bulk_kind

RETRY = "runs.retry"


def _runs(ids: Sequence[int]) -> QuerySet[Run]:
    rows = Run.objects.across_workspaces().filter(pk__in=ids)
    return rows.select_related("workspace", "flow", "contact", "chat", "conversation").order_by("pk")


def _retry(run: Run, job: BulkJob, now: datetime) -> dict[str, Any]:
    assert job.asked_by is not None
    retry_one_of_many(run, by=job.asked_by, now=now)
    return {"step": run.error_step}


def _why_it_failed(runs: Sequence[Run], now: datetime) -> Mapping[int, list[Text]]:
    return {run.pk: _failure(run) for run in runs}


def _failure(run: Run) -> list[Text]:
    error = stored_error(run.error_code, run.error_facts)
    told = _("Goes on from the step “%(step)s”. It had failed: %(title)s: %(cause)s")
    return [told % {"step": run.error_step, "title": error.title_text(), "cause": error.cause_text()}]


register_bulk_kind(
    BulkKind(
        name=RETRY,
        label=gettext_lazy("Retry failed runs"),
        model=Run,
        permission="automations.change_run",
        rows=_runs,
        sift=not_to_be_retried,
        act=_retry,
    )
)
show_bulk_kind(
    BulkView(
        name=RETRY,
        promise=gettext_lazy(
            "Each goes on from its failed step with a new attempt. Where that step may have got through after all, the "
            "run is left out."
        ),
        rows=_runs,
        preview=_why_it_failed,
    )
)
