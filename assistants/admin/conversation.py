"""Assistants are set up here; threads and turns are history."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant, Thread, Turn
from workspaces.admin.base import InspectAdmin, TenantAdmin
from workspaces.admin.filters import OfRow


@admin.register(Assistant)
class AssistantAdmin(TenantAdmin):
    """A model with instructions; its key is only ever written."""

    list_display = ("name", "model", "endpoint", "is_on", "created_at")
    list_filter = ("is_on",)
    search_fields = ("name", "model", "endpoint", "workspace__slug")
    fieldsets = (
        (None, {"fields": ("workspace", "name", "is_on", "instructions", "variables", "fallback_text")}),
        (_("Model"), {"fields": ("endpoint", "api_key", "model", "temperature", "timeout_seconds", "history_length")}),
        (_("Ids"), {"fields": ("public_id", "created_at", "updated_at")}),
    )
    readonly_fields = ("public_id", "created_at", "updated_at")
    related_lists = (("assistants.Thread", "assistant"), ("messaging.Sender", "assistant"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        given = super().get_readonly_fields(request, obj)
        return [*given, "workspace"] if obj else given


@admin.register(Thread)
class ThreadAdmin(InspectAdmin):
    """All that an assistant and one customer have said."""

    list_display = ("customer_identifier", "assistant", "created_at", "updated_at")
    list_filter = (("assistant", OfRow), "updated_at")
    list_select_related = ("assistant",)
    search_fields = ("customer_identifier", "assistant__name", "workspace__slug")
    related_lists = (("assistants.Turn", "thread"),)
    hidden = ("lease_token",)


@admin.register(Turn)
class TurnAdmin(InspectAdmin):
    """One thing said, with its tokens, time and error."""

    list_display = ("__str__", "role", "status", "thread", "is_fallback", "wants_hand_off", "error_code", "created_at")
    list_filter = (("thread", OfRow), "role", "status", "is_fallback", "wants_hand_off", "created_at")
    list_select_related = ("thread__assistant",)
    search_fields = ("content", "=key", "thread__customer_identifier", "=error_code")
