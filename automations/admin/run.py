"""Runs and all that belongs to them: history, with cancel, resume now and retry by the same services as the pages."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.admin.bulk import RETRY
from automations.admin.machinery import leases, waits_due
from automations.admin.words import resolution_word, rule_word, why_word
from automations.models import Event, Run, Signal, StepRun, TriggerDecision, Wait
from automations.services.runs import cancel_run, resume_now, retry_run
from workspaces.admin.base import InspectAdmin, everything
from workspaces.admin.bulk import offer_job
from workspaces.admin.choosing import choose_failed
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import draw
from workspaces.admin.shown import link_to
from workspaces.services.bulk import AT_MOST

STEP_RUNS_SHOWN = 100


@admin.register(Run)
class RunAdmin(InspectAdmin):
    """One execution of a flow version."""

    list_display = (
        "__str__", "flow", "status", "contact", "started_at", "ended_at", "wake_at", "error_code", "mode",
    )  # fmt: skip
    list_filter = (
        ("flow", OfRow),
        ("version", OfRow),
        ("contact", OfRow),
        ("chat", OfRow),
        ("conversation", OfRow),
        "status",
        "mode",
        "started_at",
    )
    list_select_related = ("flow", "contact")
    search_fields = ("flow__name", "^contact__phone", "contact__name", "=error_code", "=start_key", "workspace__slug")
    first = ("status", "error_code", "error_step", "flow", "version", "contact", "trigger", "started_at", "ended_at")
    hidden = ("error_facts", "lease_token", "leads")
    change_form_template = "admin/automations/run/change_form.html"
    actions = ("cancel", "resume", "retry")
    list_links = (
        ("admin:automations_run_leases", gettext_lazy("Leases"), False),
        ("admin:automations_run_retry", gettext_lazy("Retry failed ones"), True),
    )
    related_lists = (
        ("automations.StepRun", "run"),
        ("automations.Wait", "run"),
        ("automations.Signal", "run"),
        ("automations.TriggerDecision", "run"),
    )

    def around(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """Besides the usual: the attempts of its steps, in order."""
        steps = StepRun.objects.across_workspaces().filter(run_id=object_id).order_by("-pk")[:STEP_RUNS_SHOWN]
        rows = [
            {"link": link_to(step, step.step_key), "row": step}
            for step in reversed(list(steps))
        ]  # fmt: skip
        return {**super().around(request, object_id), "step_runs": rows, "is_shortened": len(rows) == STEP_RUNS_SHOWN}

    def action_fits(self, name: str, object_id: str) -> bool:
        run = Run.objects.across_workspaces().filter(pk=object_id).first()
        if run is None:
            return False
        if name == "resume":
            return Wait.objects.across_workspaces().filter(run=run, resolved_at=None).exists()
        return run.status == Run.Status.FAILED if name == "retry" else not run.has_ended

    def row_links(self, request: HttpRequest, object_id: str) -> list[tuple[str, str]]:
        run = self.get_object(request, object_id)
        if run is None:
            return []
        address = reverse("admin:messaging_message_changelist")
        return [(f"{address}?q={run.public_id}", _("Its messages"))]

    @admin.action(description=gettext_lazy("Cancel"), permissions=["act"])
    def cancel(self, request: HttpRequest, runs: Any) -> None:
        now = timezone.now()
        self.act_on_each(request, _with_people(runs), lambda run: cancel_run(run=run, by=request.user, now=now))  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Resume now"), permissions=["act"])
    def resume(self, request: HttpRequest, runs: Any) -> None:
        now = timezone.now()
        self.act_on_each(request, _with_people(runs), lambda run: resume_now(run=run, by=request.user, now=now))  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Retry from the failed step"), permissions=["act"])
    def retry(self, request: HttpRequest, runs: Any) -> HttpResponse | None:
        """One at once; of several those that surely sent nothing, in the background."""
        ids = list(runs.order_by("pk").values_list("pk", flat=True)[: AT_MOST + 1])
        if len(ids) != 1:
            return offer_job(self, request, RETRY, ids)
        now = timezone.now()
        return self.act_on_each(request, _with_people(runs), lambda run: retry_run(run=run, by=request.user, now=now))  # type: ignore[arg-type]

    # --- pages -------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("retry/", view(self.retry_view), name="automations_run_retry"),
            path("leases/", view(self.leases_view), name="automations_run_leases"),
            *super().get_urls(),
        ]

    def leases_view(self, request: HttpRequest) -> HttpResponse:
        """Which runs are held by a worker, and whose holder has died."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = leases(timezone.now())
        return draw(self, request, "admin/automations/run/leases.html", title=_("Leases"), context=context)

    def retry_view(self, request: HttpRequest) -> HttpResponse:
        """Failed runs by error, to be retried in bulk."""
        rows = everything(Run).filter(status=Run.Status.FAILED)
        intro = _(
            "Choose what failed. The next page shows each run, and which are left out: their step may have got through."
        )
        title = _("Retry failed runs")
        return choose_failed(self, request, rows=rows, failed_at="ended_at", kind=RETRY, title=title, intro=intro)


def _with_people(runs: Any) -> Any:
    return runs.select_related("workspace", "flow", "contact", "chat", "conversation")


@admin.register(StepRun)
class StepRunAdmin(InspectAdmin):
    """One attempt of one step."""

    list_display = ("__str__", "run", "status", "lane", "started_at", "ended_at", "error_code")
    list_filter = (("run", OfRow), "status", "started_at")
    list_select_related = ("run__flow",)
    search_fields = ("=step_key", "=error_code", "run__flow__name", "workspace__slug")
    first = ("run", "step_key", "status", "error_code", "input", "output", "notes")


@admin.register(Wait)
class WaitAdmin(InspectAdmin):
    """Why a run stands still, and what ended that."""

    list_display = ("__str__", "run", "step_key", "due_at", "resolved_at", "shown_resolution", "chat")
    list_filter = (("run", OfRow), ("chat", OfRow), "kind", ("resolved_at", admin.EmptyFieldListFilter), "due_at")
    list_select_related = ("run__flow", "chat__contact", "chat__sender")
    search_fields = ("=step_key", "run__flow__name", "^chat__contact__phone", "workspace__slug")
    hidden = ("token", "resolution")
    list_links = (("admin:automations_wait_due", gettext_lazy("Waits due"), False),)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.due_view)
        return [path("due/", view, name="automations_wait_due"), *super().get_urls()]

    def due_view(self, request: HttpRequest) -> HttpResponse:
        """Open waits by their time, what is overdue first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = waits_due(timezone.now())
        return draw(self, request, "admin/automations/wait/due.html", title=_("Waits due"), context=context)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "shown_resolution"]

    @admin.display(description=gettext_lazy("by"), ordering="resolution")
    def shown_resolution(self, wait: Wait) -> str:
        return resolution_word(wait.resolution)


@admin.register(Signal)
class SignalAdmin(InspectAdmin):
    """What came for a run that was busy, and whether a wait has taken it."""

    list_display = ("__str__", "run", "message", "consumed_at", "created_at")
    list_filter = (("run", OfRow), "kind", ("consumed_at", admin.EmptyFieldListFilter))
    list_select_related = ("run__flow", "message")
    search_fields = ("=source", "run__flow__name", "workspace__slug")


@admin.register(Event)
class EventAdmin(InspectAdmin):
    """What another system has told us."""

    list_display = ("name", "deduplication_id", "source", "occurred_at", "routed_at")
    list_filter = ("name", "source", "occurred_at")
    search_fields = ("=name", "=deduplication_id", "workspace__slug")
    related_lists = (("automations.TriggerDecision", "event"),)


@admin.register(TriggerDecision)
class TriggerDecisionAdmin(InspectAdmin):
    """The router's log: why a message or an event did, or did not, start or continue a run."""

    list_display = ("decided_at", "outcome", "shown_rule", "shown_reason", "flow", "run", "message", "event")
    list_filter = (
        ("message", OfRow),
        ("event", OfRow),
        ("flow", OfRow),
        ("run", OfRow),
        "outcome",
        "decided_at",
    )
    list_select_related = ("flow", "run__flow", "message", "event")
    first = ("outcome", "shown_rule", "shown_reason", "facts", "flow", "run", "message", "event", "decided_at")
    hidden = ("rule", "reason")
    id_fields = ("source_id",)
    search_fields = ("=source_id", "=reason", "flow__name", "^message__chat__contact__phone", "workspace__slug")

    @admin.display(description=gettext_lazy("rule"), ordering="rule")
    def shown_rule(self, decision: TriggerDecision) -> str:
        return rule_word(decision.rule)

    @admin.display(description=gettext_lazy("why"), ordering="reason")
    def shown_reason(self, decision: TriggerDecision) -> str:
        return why_word(decision.reason)
