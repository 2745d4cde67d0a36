"""Templates: the platform's copy is the truth, so they are looked at and synced, never typed in here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from messaging.models import Sender, Template
from messaging.services.template_parameters import sample_values
from messaging.services.templates import parameters_of, render_preview, sync_templates
from workspaces.admin.base import InspectAdmin
from workspaces.admin.shown import lines_html


@admin.register(Template)
class TemplateAdmin(InspectAdmin):
    """What the platform has approved, in each language."""

    list_display = ("name", "language", "status", "category", "quality", "business_account_id", "last_synced_at")
    list_filter = ("status", "category", "language", "quality")
    search_fields = ("name", "=platform_id", "=business_account_id", "workspace__slug")
    actions = ("sync",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["shown_preview", "shown_parameters", *super().get_fields(request, obj)]

    @admin.display(description=_("preview"))
    def shown_preview(self, template: Template) -> str:
        rendered = render_preview(template, sample_values(template))
        return format_html('<div class="text">{}</div>', rendered.body)

    @admin.display(description=_("placeholders"))
    def shown_parameters(self, template: Template) -> str:
        return lines_html([f"{parameter.key}: {parameter.sample or '–'}" for parameter in parameters_of(template)])

    @admin.action(description=_("Sync the templates of this account"), permissions=["act"])
    def sync(self, request: HttpRequest, templates: Any) -> None:
        """Each business account once, through one of its senders."""
        accounts = templates.order_by().values_list("workspace_id", "business_account_id").distinct()
        senders = []
        for workspace_id, account in accounts:
            rows = Sender.objects.across_workspaces().filter(workspace_id=workspace_id, retired_at=None)
            found = rows.filter(business_account_id=account).select_related("workspace").first()
            if found is not None:
                senders.append(found)
        self.act_on_each(request, senders, lambda one: sync_templates(one, timezone.now()), verb="templates.synced")
