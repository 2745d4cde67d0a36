"""Versions and their steps: looked at here, built on the flow's page."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automations.admin.words import action_word, trigger_word
from automations.models import FlowVersion, Step
from workspaces.admin.base import InspectAdmin
from workspaces.admin.filters import OfRow


@admin.register(FlowVersion)
class FlowVersionAdmin(InspectAdmin):
    """A draft, or what a draft was when it was published."""

    list_display = ("__str__", "flow", "number", "state", "shown_trigger", "published_at", "published_by")
    list_filter = (("flow", OfRow), "state", "published_at")
    list_select_related = ("flow", "published_by__user", "published_by__workspace")
    search_fields = ("flow__name", "note", "=trigger_type", "workspace__slug")
    related_lists = (("automations.Step", "version"), ("automations.Run", "version"))

    @admin.display(description=gettext_lazy("trigger"), ordering="trigger_type")
    def shown_trigger(self, version: FlowVersion) -> str:
        return trigger_word(version.trigger_type)

    def row_links(self, request: HttpRequest, object_id: str) -> list[tuple[str, str]]:
        version = self.get_object(request, object_id)
        if version is None or version.state != FlowVersion.State.DRAFT:
            return []
        return [(reverse("admin:automations_flow_change", args=[version.flow_id]), _("Edit the draft"))]


@admin.register(Step)
class StepAdmin(InspectAdmin):
    """One step of a version's tree."""

    list_display = ("__str__", "shown_type", "version", "parent", "lane", "position", "is_on", "on_failure")
    list_filter = (("version", OfRow), ("parent", OfRow), "is_on", "on_failure")
    list_select_related = ("version__flow", "parent")
    search_fields = ("name", "=key", "=type", "version__flow__name")
    ordering = ("-version_id", "position", "pk")

    @admin.display(description=gettext_lazy("step type"), ordering="type")
    def shown_type(self, step: Step) -> str:
        return action_word(step.type)
