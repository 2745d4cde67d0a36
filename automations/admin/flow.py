"""A whole flow is built here: trigger, steps in order and in lanes, validate, publish, test with one recipient.

Each page calls the services that the product's own editor calls; there is no second logic.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from automations.admin.forms import FlowForm, NewFlowForm, PublishForm, TryForm
from automations.admin.step_pages import (
    add_step_view,
    edit_step_view,
    flow_address,
    move_step_view,
    remove_step_view,
)
from automations.errors import FlowInvalid
from automations.findings import Severity
from automations.models import Flow
from automations.picture import data_at_hand, trigger_sample, trigger_sentence
from automations.picture import draw as draw_picture
from automations.services.editing import create_flow, initial_config, rename_flow, set_trigger
from automations.services.publishing import check_draft, publish_flow, switch_flow
from automations.services.runs import try_with_one_recipient
from automations.triggers import base as triggers
from automations.triggers.registry import all_triggers
from workspaces.admin.base import TenantAdmin
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import REFUSED, draw, fetch_row, form_page
from workspaces.admin.shown import error_html
from workspaces.errors import BotenwerkError
from workspaces.services.audit import Actor

View = Callable[..., HttpResponse]


@admin.register(Flow)
class FlowAdmin(TenantAdmin):
    """Flows of every workspace, and the pages on which one is built."""

    list_display = ("name", "is_on", "leads", "priority", "published", "updated_at")
    list_filter = ("is_on", "leads", ("published", OfRow))
    list_select_related = ("published__flow",)
    search_fields = ("name", "=recipe", "workspace__slug", "workspace__name")
    actions = ("switch_on", "switch_off")
    related_lists = (
        ("automations.Run", "flow"),
        ("automations.FlowVersion", "flow"),
        ("automations.TriggerDecision", "flow"),
    )

    @admin.action(description=gettext_lazy("Switch on"), permissions=["act"])
    def switch_on(self, request: HttpRequest, flows: Any) -> None:
        self._switch_each(request, flows, is_on=True)

    @admin.action(description=gettext_lazy("Switch off"), permissions=["act"])
    def switch_off(self, request: HttpRequest, flows: Any) -> None:
        self._switch_each(request, flows, is_on=False)

    def _switch_each(self, request: HttpRequest, flows: Any, *, is_on: bool) -> None:
        now, by = timezone.now(), cast(Actor, request.user)

        def switch(flow: Flow) -> bool:
            return flow.is_on != is_on and bool(switch_flow(flow=flow, is_on=is_on, by=by, now=now))

        self.act_on_each(request, flows.select_related("workspace", "published"), switch)

    # --- addresses ---------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: View, name: str) -> URLPattern:
            return path(f"<int:flow_id>/{address}", self.admin_site.admin_view(view), name=f"automations_flow_{name}")

        return [
            page("trigger/", self.trigger_view, "trigger"),
            page("validate/", self.validate_view, "validate"),
            page("publish/", self.publish_view, "publish"),
            page("switch/", self.switch_view, "switch"),
            page("try/", self.try_view, "try"),
            page("steps/add/", partial(add_step_view, self), "add_step"),
            page("steps/<int:step_id>/", partial(edit_step_view, self), "step"),
            page("steps/<int:step_id>/move/", partial(move_step_view, self), "move_step"),
            page("steps/<int:step_id>/remove/", partial(remove_step_view, self), "remove_step"),
            *super().get_urls(),
        ]

    # --- pages of the flow -------------------------------------------------------------------------
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A flow with an empty draft; then on to its page."""
        if not self.has_add_permission(request):
            raise PermissionDenied

        def create(data: dict[str, Any]) -> str:
            return flow_address(create_flow(**data, by=cast(Actor, request.user), now=timezone.now()))

        form = NewFlowForm(request.POST if request.method == "POST" else None)
        return form_page(self, request, form=form, title=_("New flow"), submit=_("Create"), act=create)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The flow's page; POST changes its name and how it stands to others."""
        flow = self._seen(request, object_id)
        if request.method != "POST":
            return self._draw(request, flow)
        if not self.has_change_permission(request, flow):
            raise PermissionDenied
        form = FlowForm(request.POST, instance=self._seen(request, object_id))
        if not form.is_valid():
            return self._draw(request, flow, form=form)
        rename_flow(flow=flow, **form.cleaned_data, by=cast(Actor, request.user))
        self.message_user(request, _("The flow is saved."), messages.SUCCESS)
        return HttpResponseRedirect(flow_address(flow))

    def trigger_view(self, request: HttpRequest, flow_id: int) -> HttpResponse:
        """First the type is chosen (?type=), then the trigger's own form is filled in."""
        flow = fetch_row(self, request, flow_id)
        draft = flow.draft
        type_name = request.GET.get("type", "") or ("" if "choose" in request.GET else draft.trigger_type)
        known = triggers.find(type_name)
        if known is None:
            types = [(kind, f"?type={kind.type}") for kind in all_triggers()]
            context = {"types": types, "flow": flow}
            title = _("What starts the flow?")
            return draw(self, request, "admin/automations/flow/types.html", title=title, row=flow, context=context)
        kind = known

        def save(config: dict[str, Any]) -> str:
            set_trigger(flow=flow, type=kind.type, config=config, by=cast(Actor, request.user))
            return flow_address(flow)

        is_same = draft.trigger_type == kind.type
        stored = draft.trigger_config if is_same else initial_config(kind.form(workspace=flow.workspace))
        form = kind.form(
            request.POST if request.method == "POST" else None,
            workspace=flow.workspace, prefix="config", auto_id="id_%s", initial=stored,
        )  # fmt: skip
        title = _("Trigger: %(type)s") % {"type": kind.label}
        done = _("The trigger is saved in the draft.")
        return form_page(self, request, form=form, title=title, submit=_("Save"), act=save, row=flow, done=done)

    def validate_view(self, request: HttpRequest, flow_id: int) -> HttpResponse:
        """Say how many findings there are; they stand on the flow's page, each with its step and field."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        flow = fetch_row(self, request, flow_id)
        errors = [finding for finding in check_draft(flow) if finding.severity is Severity.ERROR]
        if errors:
            count = len(errors)
            text = ngettext("%(count)s finding has to be settled.", "%(count)s findings have to be settled.", count)
            self.message_user(request, text % {"count": count}, messages.ERROR)
        else:
            self.message_user(request, _("The draft can be published."), messages.SUCCESS)
        return HttpResponseRedirect(f"{flow_address(flow)}#findings")

    def publish_view(self, request: HttpRequest, flow_id: int) -> HttpResponse:
        """Publish the draft, or show on the flow's page all that keeps it from being published."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        flow = fetch_row(self, request, flow_id)
        form = PublishForm(request.POST)
        if not form.is_valid():
            return self._draw(request, flow, publish=form)
        note = form.cleaned_data["note"]
        try:
            version = publish_flow(flow=flow, by=cast(Actor, request.user), note=note, now=timezone.now())
        except BotenwerkError as error:
            return self._draw(request, flow, publish=form, error=error)
        text = _("Version %(number)s is published; new runs use it.") % {"number": version.number}
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(flow_address(flow))

    def switch_view(self, request: HttpRequest, flow_id: int) -> HttpResponse:
        """On or off."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        flow = fetch_row(self, request, flow_id)
        is_on = request.POST.get("is_on") == "1"
        try:
            switch_flow(flow=flow, is_on=is_on, by=cast(Actor, request.user), now=timezone.now())
        except BotenwerkError as error:
            return self._draw(request, flow, error=error)
        self.message_user(request, _("The flow is on.") if is_on else _("The flow is off."), messages.SUCCESS)
        return HttpResponseRedirect(flow_address(flow))

    def try_view(self, request: HttpRequest, flow_id: int) -> HttpResponse:
        """Run the draft for real with one recipient, then on to its run."""
        flow = fetch_row(self, request, flow_id)

        def start(data: dict[str, Any]) -> HttpResponse | str:
            by = cast(Actor, request.user)
            try:
                run = try_with_one_recipient(flow=flow, **data, by=by, now=timezone.now())
            except FlowInvalid as error:
                return self._draw(request, flow, error=error)
            return reverse("admin:automations_run_change", args=[run.pk])

        form = TryForm(request.POST if request.method == "POST" else None, initial={"data": trigger_sample(flow.draft)})
        done = _("The test run has begun.")
        title = _("Test with one recipient")
        return form_page(self, request, form=form, title=title, submit=_("Start"), act=start, row=flow, done=done)

    # --- ours --------------------------------------------------------------------------------------
    def _seen(self, request: HttpRequest, object_id: str) -> Flow:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("workspace", "published__flow")
        found = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        if found is None:
            raise Http404
        return cast(Flow, found)

    def _draw(
        self,
        request: HttpRequest,
        flow: Flow,
        *,
        form: FlowForm | None = None,
        publish: PublishForm | None = None,
        error: BotenwerkError | None = None,
    ) -> HttpResponse:
        draft = flow.draft
        findings = check_draft(flow)
        names = {step.key: step for step in draft.steps.all()}
        has_failed = error is not None or bool(form and form.errors) or bool(publish and publish.errors)
        context = {
            **self.around(request, str(flow.pk)),
            "row_actions": [],
            "flow": flow,
            "draft": draft,
            "form": form or FlowForm(instance=flow),
            "publish_form": publish or PublishForm(),
            "error": error_html(error) if error else "",
            "trigger": triggers.find(draft.trigger_type),
            "trigger_sentence": trigger_sentence(draft),
            "tree": draw_picture(draft, numbers={}, findings=findings),
            "findings": [(finding, names.get(finding.step)) for finding in findings],
            "can_edit": self.has_change_permission(request, flow),
            "data": [(datum.expression, datum.sample) for source in data_at_hand(draft, None) for datum in source.data],
        }
        template = "admin/automations/flow/change_form.html"
        return draw(
            self, request, template, title=flow.name, row=flow, context=context, status=REFUSED if has_failed else 200
        )
