"""The list of flows, a new flow, the switch, and recipes."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from automations.forms.pages import NewFlowForm
from automations.models import Flow, FlowVersion
from automations.picture import trigger_of, trigger_sentence
from automations.recipe_drawing import Drawing, draw_recipe
from automations.recipes import Recipe, load_recipes
from automations.services.editing import create_flow
from automations.services.publishing import switch_flow
from automations.services.recipes import install_recipe
from automations.statistics import FlowFigures, flow_figures
from automations.triggers.base import Trigger
from automations.views.showing import REFUSED, show
from workspaces.errors import BotenwerkError
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest


@dataclass(frozen=True)
class Line:
    """One flow in the list."""

    flow: Flow
    trigger: Trigger | None
    sentence: str
    figures: FlowFigures


@dataclass(frozen=True)
class Offer:
    """One edition of a recipe in the gallery."""

    key: str
    edition: str
    name: str
    summary: str
    needs: list[str]
    drawing: Drawing
    is_installed: bool


@require_safe
@requires("workspace.read")
def flow_list(request: WorkspaceRequest) -> HttpResponse:
    """Every flow with its figures; filters by the switch and by words stand in the address."""
    return show(request, "flows", _list_context(request), part="_flow_rows")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("flow.edit")
def flow_new(request: WorkspaceRequest) -> HttpResponse:
    """A name, then on to the empty draft."""
    form = NewFlowForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        flow = create_flow(workspace=request.workspace, **form.cleaned_data, by=request.membership, now=timezone.now())
        return HttpResponseRedirect(reverse("flow", args=[request.workspace.slug, flow.public_id]) + "?step=trigger")
    return show(request, "flow_new", {"form": form}, status=REFUSED if form.errors else 200)


@require_POST
@requires("flow.switch")
def flow_switch(request: WorkspaceRequest, flow_id: UUID) -> HttpResponse:
    """On or off; a refusal is shown where the switch is."""
    flow = get_object_or_404(
        Flow.objects.in_workspace(request.workspace).select_related("published"), public_id=flow_id
    )
    is_on = request.POST.get("is_on") == "1"
    try:
        switch_flow(flow=flow, is_on=is_on, by=request.membership, now=timezone.now())
    except BotenwerkError as error:
        return show(request, "flows", _list_context(request, error=error), part="_flow_rows", status=REFUSED)
    text = _("“%(flow)s” is on.") if is_on else _("“%(flow)s” is off. Runs under way go on.")
    if request.htmx:
        return show(request, "flows", _list_context(request), part="_flow_rows")
    messages.success(request, text % {"flow": flow.name})
    back = "flow" if request.POST.get("back") == "flow" else "flows"
    arguments = [request.workspace.slug, flow.public_id] if back == "flow" else [request.workspace.slug]
    return HttpResponseRedirect(reverse(back, args=arguments))


@require_safe
@requires("workspace.read")
def recipes(request: WorkspaceRequest) -> HttpResponse:
    """Flows that ship, with what each needs."""
    return show(request, "recipes", {"offers": _offers(request)})


@require_POST
@requires("flow.edit")
def recipe_install(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Make the flow, published and off, then show it; what is missing is named on the gallery."""
    recipe, edition = load_recipes().get(key), request.POST.get("edition", "plain")
    if recipe is None or edition not in recipe.editions:
        raise Http404
    try:
        flow = install_recipe(
            workspace=request.workspace,
            key=key,
            edition=edition,
            switch_on=False,
            by=request.membership,
            now=timezone.now(),
        )
    except BotenwerkError as error:
        context = {"offers": _offers(request), "error": error, "refused": f"{key}:{edition}"}
        return show(request, "recipes", context, status=REFUSED)
    messages.success(request, _("“%(flow)s” is set up. Look at it, then switch it on.") % {"flow": flow.name})
    return HttpResponseRedirect(reverse("flow", args=[request.workspace.slug, flow.public_id]))


def _list_context(request: WorkspaceRequest, error: BotenwerkError | None = None) -> dict[str, Any]:
    asked = _asked(request)
    words, state = asked.get("q", "").strip()[:80], asked.get("state", "")
    flows = Flow.objects.in_workspace(request.workspace).select_related("published__workspace", "workspace")
    drafts = FlowVersion.objects.in_workspace(request.workspace).filter(state=FlowVersion.State.DRAFT)
    draft_of = {draft.flow_id: draft for draft in drafts.select_related("workspace")}
    figures = flow_figures(request.workspace, now=timezone.now())
    everything = list(flows.order_by("name"))
    lines = []
    for flow in everything:
        if state in ("on", "off") and flow.is_on != (state == "on"):
            continue
        shown = flow.published or draft_of[flow.pk]
        sentence = trigger_sentence(shown)
        if words and words.casefold() not in f"{flow.name} {sentence}".casefold():
            continue
        lines.append(Line(flow, trigger_of(shown), sentence, figures.get(flow.pk, FlowFigures())))
    return {
        "lines": lines,
        "count": len(everything),
        "count_on": sum(flow.is_on for flow in everything),
        "count_off": sum(not flow.is_on for flow in everything),
        "q": words,
        "state": state,
        "offers": _offers(request)[:3] if not everything else [],
        "error": error,
        "here": f"{reverse('flows', args=[request.workspace.slug])}?{asked.urlencode()}",
    }


def _asked(request: WorkspaceRequest) -> QueryDict:
    """The list's filter: after the switch was used by htmx, that of the page it was used on."""
    if request.method != "POST":
        return request.GET
    return QueryDict(urlsplit(request.htmx.current_url or "").query)


def _offers(request: WorkspaceRequest) -> list[Offer]:
    installed = set(Flow.objects.in_workspace(request.workspace).values_list("recipe", flat=True))
    return [
        Offer(
            key=recipe.key,
            edition=edition,
            name=_in_language(plan["name"]) or _in_language(recipe.name),
            summary=_in_language(recipe.summary),
            needs=_needs(recipe, edition),
            drawing=draw_recipe(plan),
            is_installed=f"{recipe.key}:{edition}" in installed,
        )
        for recipe in load_recipes().values()
        for edition, plan in recipe.editions.items()
    ]


def _needs(recipe: Recipe, edition: str) -> list[str]:
    kinds = {"sender": _("Sender"), "template": _("Template"), "assistant": _("Assistant")}
    named = []
    for need in recipe.needs_of(edition).values():
        kind = kinds.get(need["kind"], need["kind"])
        named.append(f"{kind} {need['name']}" if need.get("name") else kind)
    return named


def _in_language(texts: Any) -> str:
    if not isinstance(texts, dict):
        return str(texts or "")
    return str(texts.get((get_language() or "de")[:2]) or texts.get("en", ""))
