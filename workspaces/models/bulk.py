"""One thing done to many rows by staff: chosen first, looked at, then worked off in the background with progress."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from workspaces.ids import uuid7
from workspaces.models.people import User


class BulkJobQuerySet(models.QuerySet["BulkJob"]):
    """State changes of jobs: one UPDATE that names the state it expects."""

    def claim(self, job_id: int, *, now: datetime, until: datetime) -> bool:
        """True for the one worker that may go on with the job now."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        rows = self.filter(free, pk=job_id, state=BulkJob.State.RUNNING)
        return rows.update(lease_until=until, wake_at=until) == 1

    def move(self, job_id: int, *, expected: str, to: str, **changes: object) -> bool:
        """True for the one caller who moved it from the one state to the other."""
        return self.filter(pk=job_id, state=expected).update(state=to, **changes) == 1

    def abandoned(self, before: datetime) -> Self:
        """Chosen, looked at, and never started."""
        return self.filter(state=BulkJob.State.DRAFT, created_at__lt=before)


class BulkJob(models.Model):
    """A choice of rows, of any workspaces, and what is done to each. For staff: no tenant sees it."""

    class State(models.TextChoices):
        DRAFT = "draft", _("not started")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # A name of workspaces/services/bulk.py's register.
    kind = models.CharField(_("what is done"), max_length=40)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("who"))
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulk job")
        verbose_name_plural = _("bulk jobs")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running") | Q(wake_at=None, lease_until=None), name="only_a_running_job_wakes"
            ),
        ]
        indexes = [models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="bulk_job_wakes")]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"


class BulkItem(models.Model):
    """One row of a job, and what became of it."""

    class Outcome(models.TextChoices):
        PENDING = "pending", pgettext_lazy("row of a bulk job", "to be done")
        DONE = "done", pgettext_lazy("row of a bulk job", "done")
        UNCHANGED = "unchanged", pgettext_lazy("row of a bulk job", "nothing to do")
        REFUSED = "refused", pgettext_lazy("row of a bulk job", "refused")
        LEFT_OUT = "left_out", pgettext_lazy("row of a bulk job", "left out")

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="items")
    row_id = models.BigIntegerField(_("number of the row"))
    outcome = models.CharField(_("what became of it"), max_length=10, choices=Outcome, default=Outcome.PENDING)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    done_at = models.DateTimeField(_("when"), null=True, blank=True)

    class Meta:
        verbose_name = _("row of a bulk job")
        verbose_name_plural = _("rows of bulk jobs")
        constraints = [models.UniqueConstraint(fields=["job", "row_id"], name="row_stands_once_in_a_job")]
        indexes = [models.Index(fields=["job", "outcome", "id"], name="items_of_a_job")]

    def __str__(self) -> str:
        return f"{self.row_id}: {self.get_outcome_display()}"
