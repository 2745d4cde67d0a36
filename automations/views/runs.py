"""Runs: the list with failures grouped by cause, one run with its path lit, and what people do with it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from automations.cures import cures_of
from automations.forms.pages import RunFilterForm
from automations.models import Run, Wait
from automations.picture import trigger_of, trigger_sentence
from automations.run_list import causes, counted, filtered, page_of
from automations.run_picture import Stage, length_words, path_of, story_of, wait_words
from automations.services.restarting import start_again
from automations.services.runs import cancel_run, resume_now, retry_run
from automations.views.showing import REFUSED, show
from messaging.models import Message
from workspaces.errors import BotenwerkError, stored_error
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

TRIGGER = "trigger"
RETRIED_AT_ONCE = 50
STATES = ("", "failed", "running", "waiting", "queued", "done", "cancelled")


@require_safe
@requires("workspace.read")
def run_list(request: WorkspaceRequest) -> HttpResponse:
    """Newest first, by cursor; filters stand in the address, and what fails for one reason stands together."""
    workspace, now = request.workspace, timezone.now()
    form = RunFilterForm(request.GET, workspace=workspace)
    given = form.cleaned_data if form.is_valid() else {}
    runs = filtered(workspace, given, now=now)
    state = given.get("status", "")
    shown = runs.filter(status=state) if state else runs
    page = page_of(workspace, shown, before=request.GET.get("before", ""), after=request.GET.get("after", ""), now=now)
    kept = {name: str(value) for name, value in given.items() if value and name != "status"}
    in_state = {**kept, "status": state} if state else kept
    counts = counted(runs)
    context = {
        "form": form,
        "page": page,
        "tabs": [_tab(each, counts[each or "all"], kept) for each in STATES],
        "state": state,
        "causes": causes(workspace, runs) if state in ("", "failed") else [],
        "failed_count": counts["failed"],
        "older": urlencode({**in_state, "before": page.older}) if page.older else "",
        "newer": urlencode({**in_state, "after": page.newer}) if page.newer else "",
        "is_filtered": bool(in_state),
        "back": request.get_full_path(),
    }
    return show(request, "runs", context, part="_runs")


@require_safe
@requires("workspace.read")
def run_detail(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """The path, and the card that `?step=` names (the failed or newest one unless given)."""
    return _show_run(request, _fetch_run(request, run_id))


@require_safe
@requires("workspace.read")
def run_picture(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """The path alone, for the page that shows phone, thread and run side by side."""
    run = _fetch_run(request, run_id)
    context = {
        "run": run,
        "person": str(run.contact) if run.contact else str(run.trigger.get("customer_name") or ""),
        "trigger_values": list(run.trigger.items()),
        "stages": path_of(run),
        "trigger": trigger_of(run.version),
        "trigger_sentence": trigger_sentence(run.version),
    }
    return render(request, "automations/_run_picture.html", context)


@require_POST
@requires("run.cancel")
def run_cancel(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """End the run here."""
    return _act(request, run_id, cancel_run, _("The run is cancelled."))


@require_POST
@requires("run.resume")
def run_resume(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """Let the wait be over now."""
    return _act(request, run_id, resume_now, _("The run goes on."))


@require_POST
@requires("run.retry")
def run_retry(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """Go on from the step that failed."""
    return _act(request, run_id, retry_run, _("The run goes on from the step that failed."))


@require_POST
@requires("flow.start")
def run_again(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    """A new run with the same trigger data; a form that is sent twice starts one."""
    run = _fetch_run(request, run_id)
    key = request.POST.get("key", "")[:60].replace("\x00", "") or str(uuid4())
    try:
        started, _is_new = start_again(run=run, key=key, by=request.membership, now=timezone.now())
    except BotenwerkError as error:
        return _show_run(request, run, error=error, status=REFUSED)
    messages.success(request, _("The flow runs again with the same data."))
    return HttpResponseRedirect(reverse("run", args=[request.workspace.slug, started.public_id]))


@require_POST
@requires("run.retry")
def runs_retry(request: WorkspaceRequest) -> HttpResponse:
    """Every failed run of one cause (flow, step, error), the oldest first, at most fifty at once."""
    now = timezone.now()
    form = RunFilterForm(request.POST, workspace=request.workspace)
    given = form.cleaned_data if form.is_valid() else {}
    runs = filtered(request.workspace, given, now=now).filter(status=Run.Status.FAILED)
    if "step" in request.POST:
        runs = runs.filter(error_step=request.POST["step"].replace("\x00", ""))
    done = 0
    for run in runs.select_related("flow", "contact", "workspace").order_by("pk")[:RETRIED_AT_ONCE]:
        try:
            retry_run(run=run, by=request.membership, now=now)
        except BotenwerkError as error:
            messages.error(request, error.for_person())
            continue
        done += 1
    text = ngettext("%(count)s run goes on.", "%(count)s runs go on.", done)
    messages.success(request, text % {"count": done})
    return HttpResponseRedirect(reverse("runs", args=[request.workspace.slug]))


def _tab(state: str, count: int, kept: dict[str, str]) -> dict[str, Any]:
    label = Run.Status(state).label if state else _("All")
    return {"state": state, "label": label, "count": count, "query": urlencode({**kept, "status": state})}


def _act(request: WorkspaceRequest, run_id: UUID, verb: Any, done: str) -> HttpResponse:
    run = _fetch_run(request, run_id)
    try:
        verb(run=run, by=request.membership, now=timezone.now())
    except BotenwerkError as error:
        return _show_run(request, _fetch_run(request, run_id), error=error, status=REFUSED)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("run", args=[request.workspace.slug, run.public_id]))


def _fetch_run(request: WorkspaceRequest, run_id: UUID) -> Run:
    runs = Run.objects.in_workspace(request.workspace)
    of_flow = ("flow__published", "flow__workspace", "version__flow", "version__workspace")
    rows = runs.select_related(*of_flow, "contact", "conversation", "chat", "workspace")
    return get_object_or_404(rows, public_id=run_id)


def _show_run(
    request: WorkspaceRequest, run: Run, *, error: BotenwerkError | None = None, status: int = 200
) -> HttpResponse:
    stages = path_of(run)
    stage = _chosen(stages, request.GET.get("step", ""))
    wait = Wait.objects.in_workspace(run.workspace).filter(run=run, resolved_at=None).first()
    sent = Message.objects.in_workspace(run.workspace).filter(cause_kind=Message.Cause.RUN, cause_id=str(run.public_id))
    run_error = stored_error(run.error_code, run.error_facts) if run.error_code else None
    shown_error = stage.error if stage is not None and stage.tone == "fail" else run_error
    failed_step = stage.key if stage is not None else run.error_step
    context = {
        "run": run,
        "person": str(run.contact) if run.contact else str(run.trigger.get("customer_name") or ""),
        "trigger_values": list(run.trigger.items()),
        "stages": stages,
        "stage": stage,
        "cures": cures_of(shown_error, run=run, step=failed_step, request=request) if shown_error else [],
        "again_key": uuid4(),
        "again_version": _newer_version(run),
        "chosen": stage.key if stage else TRIGGER,
        "trigger": trigger_of(run.version),
        "trigger_sentence": trigger_sentence(run.version),
        "wait": wait,
        "wait_words": wait_words(wait) if wait else "",
        "length": length_words((run.ended_at or timezone.now()) - run.started_at),
        "run_error": run_error,
        "failed_stage": next((each for each in stages if each.key == run.error_step), None),
        "story": story_of(run, stages),
        "sent": [
            (message, _status_times(message), _error_of(message))
            for message in sent.select_related("conversation").prefetch_related("statuses").order_by("id")[:100]
        ],
        "conversation_id": run.conversation.public_id if run.conversation else None,
        "error": error,
    }
    return show(request, "run", context, part="_run", status=status)


def _newer_version(run: Run) -> int | None:
    """The number of the published version, where it is another than the run's; tests go by the draft."""
    published = run.flow.published
    if run.only_recipient or published is None or published.pk == run.version_id:
        return None
    return published.number


def _chosen(stages: list[Stage], asked: str) -> Stage | None:
    """The asked card; else the one that failed, waits or came last. None is the trigger's card."""
    taken = [stage for stage in stages if stage.attempts]
    if asked == TRIGGER or not taken:
        return None
    for stage in stages:
        if asked and stage.key == asked:
            return stage
    return next((stage for stage in taken if stage.tone in ("fail", "wait", "run")), taken[-1])


def _error_of(message: Message) -> BotenwerkError | None:
    return stored_error(message.error_code, message.error_facts) if message.error_code else None


def _status_times(message: Message) -> list[tuple[str, Any]]:
    """What the platform reported and when, oldest first, in words."""
    words = dict(Message.Status.choices)
    known = sorted(message.statuses.all(), key=lambda status: (status.occurred_at, status.pk))
    return [(str(words.get(status.status, status.status)), status.occurred_at) for status in known]
