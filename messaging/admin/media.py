"""Files of customers' messages, and what was said about messages later. Staff see that they exist, not the bytes."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from messaging.admin.words import kind_word
from messaging.models import MediaFile, MessageChange
from workspaces.admin.base import InspectAdmin
from workspaces.admin.filters import OfRow


@admin.register(MediaFile)
class MediaFileAdmin(InspectAdmin):
    """Which files came, of what type by their content, and which could not be fetched."""

    list_display = ("__str__", "shown_kind", "status", "content_type", "size", "error_code", "attempts", "expires_at")
    list_filter = (("message", OfRow), "status", "content_type", "created_at")
    list_select_related = ("message",)
    search_fields = ("name", "=platform_id", "=error_code", "=message__provider_id", "workspace__slug")
    first = ("message", "kind", "status", "error_code", "content_type", "declared_type", "size", "attempts")

    @admin.display(description=_("kind"), ordering="kind")
    def shown_kind(self, media: MediaFile) -> str:
        return kind_word(media.kind)


@admin.register(MessageChange)
class MessageChangeAdmin(InspectAdmin):
    """Reactions, edits and revocations as they came."""

    list_display = ("__str__", "by", "message", "target_provider_id", "sender", "occurred_at")
    list_filter = (("sender", OfRow), ("message", OfRow), "kind", "by", "occurred_at")
    list_select_related = ("message", "sender")
    search_fields = ("=provider_id", "=target_provider_id", "workspace__slug")
    first = ("kind", "by", "message", "target_provider_id", "content", "occurred_at")
