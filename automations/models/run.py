"""Runs: a row is the truth about one execution; the broker only wakes workers up."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from automations.models.flow import Flow, FlowVersion
from messaging.models import Chat, Contact, Conversation, Message
from workspaces.ids import uuid7
from workspaces.scope import ScopedQuerySet, TenantRow


class Event(TenantRow):
    """Something another system told us (a call ended, an order came), kept once a deduplication id."""

    name = models.CharField(_("event"), max_length=80)
    deduplication_id = models.CharField(_("deduplication id"), max_length=200, blank=True)
    data = models.JSONField(_("data"), default=dict)
    source = models.CharField(_("source"), max_length=40, default="api")
    occurred_at = models.DateTimeField(_("when"))
    routed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name", "deduplication_id"],
                condition=~Q(deduplication_id=""),
                name="event_is_kept_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.deduplication_id}".strip()


_CLAIM = """
UPDATE automations_run
   SET status = 'running', lease_token = %s, lease_until = %s, wake_at = %s, crash_count = crash_count + 1,
       updated_at = %s
 WHERE id = %s
   AND (status = 'queued' OR (status = 'running' AND lease_until < %s))
   AND (SELECT count(*) FROM automations_run AS other
         WHERE other.workspace_id = automations_run.workspace_id AND other.status = 'running'
           AND other.lease_until >= %s) < %s
"""


class RunQuerySet(ScopedQuerySet["Run"]):
    """State changes of runs: one UPDATE that names the state it expects."""

    def claim_lease(self, run_id: int, *, token: UUID, now: datetime, until: datetime, at_once: int) -> bool:
        """True for the one worker that may advance the run now. Counts the attempt before anything is executed.

        Refused too while `at_once` other runs of its workspace are being advanced. One statement, by hand: building
        it took longer than the database takes for it.
        """
        self._demand_scope()
        instant, unique = Run._meta.get_field("lease_until"), Run._meta.get_field("lease_token")
        now_value, until_value = (instant.get_db_prep_value(at, connection) for at in (now, until))
        token_value = unique.get_db_prep_value(token, connection)
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                [token_value, until_value, until_value, now_value, run_id, now_value, now_value, at_once],
            )
            return cursor.rowcount == 1

    def held(self, run_id: int, token: object) -> Self:
        """The run, if this token still holds its lease."""
        return self.filter(pk=run_id, lease_token=token, status=Run.Status.RUNNING)


class Run(TenantRow):
    """One execution of a flow version."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Mode(models.TextChoices):
        LIVE = "live", _("live")
        DRY = "dry", _("dry")

    ENDED = (Status.DONE, Status.FAILED, Status.CANCELLED)

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(FlowVersion, on_delete=models.CASCADE, related_name="runs")
    start_key = models.CharField(_("start key"), max_length=255)
    trigger = models.JSONField(_("trigger data"), default=dict)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.QUEUED)
    # The node that comes next, with the path of loop indices.
    cursor = models.CharField(max_length=60, blank=True)
    iteration = models.CharField(max_length=60, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    wake_at = models.DateTimeField(null=True, blank=True)
    wake_tries = models.PositiveSmallIntegerField(default=0)
    crash_count = models.PositiveSmallIntegerField(default=0)
    steps_taken = models.PositiveIntegerField(default=0)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.LIVE)
    only_recipient = models.CharField(_("only to"), max_length=16, blank=True)
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    chat = models.ForeignKey(Chat, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    leads = models.BooleanField(default=True)
    depth = models.PositiveSmallIntegerField(default=0)
    # The wait that was resolved last and whose step has not committed since: resume, not run, that step.
    resumed_wait = models.ForeignKey("Wait", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    started_by = models.CharField(_("started by"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    error_step = models.CharField(max_length=60, blank=True)

    objects = RunQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(fields=["flow", "start_key"], name="event_starts_a_flow_once"),
            models.CheckConstraint(
                condition=(Q(status="running") & Q(lease_token__isnull=False) & Q(lease_until__isnull=False))
                | (~Q(status="running") & Q(lease_token=None)),
                name="only_a_running_run_is_leased",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("done", "failed", "cancelled"), ended_at__isnull=False, wake_at=None)
                | (~Q(status__in=("done", "failed", "cancelled")) & Q(ended_at=None)),
                name="ended_run_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="run_wakes"),
            models.Index(fields=["workspace", "-id"], name="runs_by_time"),
            models.Index(fields=["workspace"], condition=Q(status="running"), name="running_of_a_workspace"),
            # Staff look at these over all workspaces.
            models.Index(fields=["ended_at"], condition=Q(status="failed"), name="failed_runs_by_time"),
            models.Index(fields=["flow", "-id"], name="runs_of_a_flow"),
            models.Index(
                fields=["contact", "status"],
                condition=Q(status__in=("queued", "running", "waiting")),
                name="live_runs_of_a_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow} · {str(self.public_id)[:13]}"

    @property
    def has_ended(self) -> bool:
        """Done, failed or cancelled."""
        return self.status in self.ENDED


class StepRun(TenantRow):
    """One attempt of one step in one run."""

    class Status(models.TextChoices):
        STARTED = "started", _("running")
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("skipped")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="step_runs")
    step_key = models.CharField(_("step"), max_length=60)
    iteration = models.CharField(max_length=60, blank=True)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    status = models.CharField(_("state"), max_length=10, choices=Status)
    lane = models.CharField(_("lane"), max_length=60, blank=True)
    input = models.JSONField(_("input"), default=dict)
    output = models.JSONField(_("output"), default=dict)
    notes = models.JSONField(_("notes"), default=list)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("step run")
        verbose_name_plural = _("step runs")
        constraints = [
            models.UniqueConstraint(
                fields=["run", "step_key", "iteration", "attempt"], name="attempt_of_a_step_stands_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(error_code=""), name="failed_step_names_its_error"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step_key} ({self.attempt})"


class WaitQuerySet(ScopedQuerySet["Wait"]):
    """Waits."""

    def resolve(self, wait: "Wait", *, resolution: str, now: datetime) -> bool:
        """True for the one caller who wins; for everyone else nothing changes."""
        changed = self.filter(pk=wait.pk, token=wait.token, resolved_at=None).update(
            resolved_at=now, resolution=resolution, updated_at=now
        )
        return changed == 1


class Wait(TenantRow):
    """Why a run stands still. Whoever resolves it first wins; the token makes the loser a no-op."""

    class Kind(models.TextChoices):
        DELAY = "delay", _("delay")
        REPLY = "reply", _("reply of the customer")
        RETRY = "retry", _("another attempt")
        PACING = "pacing", _("a slot")
        DELIVERY = "delivery", _("news of a message")
        THREAD = "thread", _("the assistant's turn")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="waits")
    step_key = models.CharField(max_length=60)
    iteration = models.CharField(max_length=60, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    token = models.UUIDField(default=uuid7, editable=False)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    chat = models.ForeignKey(Chat, null=True, blank=True, on_delete=models.CASCADE, related_name="waits")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Answers that come within so many seconds of silence are taken together; the first of them came at `answered_at`.
    quiet_seconds = models.PositiveSmallIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)
    # Since when it stands still under a person's hand: so long its time does not run.
    stands_since = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolution = models.CharField(_("by"), max_length=20, blank=True)

    objects = WaitQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("wait")
        verbose_name_plural = _("waits")
        constraints = [
            models.UniqueConstraint(fields=["run"], condition=Q(resolved_at=None), name="run_has_one_open_wait"),
            models.CheckConstraint(
                condition=~Q(kind__in=("delay", "retry", "pacing"), due_at=None), name="timed_wait_has_a_due_time"
            ),
        ]
        indexes = [
            models.Index(fields=["chat"], condition=Q(resolved_at=None, kind="reply"), name="open_reply_waits"),
            models.Index(fields=["due_at"], condition=Q(resolved_at=None), name="open_waits_by_due_time"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Signal(TenantRow):
    """What came for a run that was not waiting: its next wait of that kind takes it at once."""

    class Kind(models.TextChoices):
        REPLY = "reply", _("reply of the customer")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="signals")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    source = models.CharField(max_length=60)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    consumed_at = models.DateTimeField(null=True, blank=True)
    # The wait that took it; none where it was routed anew.
    wait = models.ForeignKey(Wait, null=True, blank=True, on_delete=models.SET_NULL, related_name="signals")

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        constraints = [models.UniqueConstraint(fields=["run", "kind", "source"], name="signal_is_kept_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class TriggerDecision(TenantRow):
    """Why a message or event did, or did not, start or continue a run."""

    class Outcome(models.TextChoices):
        STARTED = "started", _("started a run")
        RESUMED = "resumed", _("answered a waiting run")
        KEPT = "kept", _("kept for a busy run")
        LATE = "late", _("came too late for a run")
        ANSWERED = "answered", _("given to the assistant")
        HELD = "held", _("left to a person")
        CONSENT = "consent", _("opt-out or opt-in")
        LOST = "lost", _("did not start")
        NOTHING = "nothing", _("nothing matched")

    source_kind = models.CharField(_("kind"), max_length=20)
    source_id = models.CharField(_("id"), max_length=40)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="decisions")
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.CASCADE, related_name="decisions")
    flow = models.ForeignKey(Flow, null=True, blank=True, on_delete=models.CASCADE, related_name="decisions")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="decisions")
    rule = models.CharField(_("rule"), max_length=40)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    reason = models.CharField(_("why"), max_length=60, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    decided_at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("trigger decision")
        verbose_name_plural = _("trigger decisions")
        indexes = [models.Index(fields=["source_kind", "source_id"], name="decisions_of_a_source")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.get_outcome_display()}"
