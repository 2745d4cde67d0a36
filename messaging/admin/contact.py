"""People: contacts and what is known of them, their chats, and the conversations in these."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.models import Chat, ConsentEvent, Contact, ContactIdentity, Conversation
from messaging.services.conversations import close_conversation, hand_back
from workspaces.admin.base import InspectAdmin, TenantAdmin
from workspaces.admin.filters import OfRow


@admin.register(Contact)
class ContactAdmin(TenantAdmin):
    """Name, language, tags and attributes can be corrected; consent changes by its events only."""

    list_display = ("__str__", "phone", "username", "language", "consent_marketing", "created_at")
    list_filter = ("consent_marketing", "consent_service", "language", "created_at", ("merged_into", OfRow))
    search_fields = ("name", "profile_name", "^phone", "=username", "workspace__slug")
    readonly_fields = (
        "workspace", "phone", "profile_name", "username", "consent_service", "consent_marketing", "consent_ai",
        "merged_into", "public_id", "created_at", "updated_at",
    )  # fmt: skip
    fields = ("name", "language", "tags", "attributes", *readonly_fields)
    related_lists = (
        ("messaging.Chat", "contact"),
        ("messaging.ContactIdentity", "contact"),
        ("messaging.ConsentEvent", "contact"),
        ("messaging.Message", "chat__contact"),
        ("automations.Run", "contact"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Contacts come with messages, calls of the API and imports, which check their numbers."""
        return False


@admin.register(ContactIdentity)
class ContactIdentityAdmin(InspectAdmin):
    """The ids by which the platform knows a contact."""

    list_display = ("value", "kind", "contact", "portfolio", "created_at")
    list_filter = ("kind", ("contact", OfRow))
    list_select_related = ("contact",)
    search_fields = ("^value", "contact__name", "^contact__phone", "workspace__slug")


@admin.register(ConsentEvent)
class ConsentEventAdmin(InspectAdmin):
    """What was said about consent, when, and how we know."""

    list_display = ("occurred_at", "contact", "purpose", "state", "source")
    list_filter = ("purpose", "state", "source", "occurred_at", ("contact", OfRow))
    list_select_related = ("contact",)
    search_fields = ("contact__name", "^contact__phone", "evidence", "workspace__slug")


@admin.register(Chat)
class ChatAdmin(InspectAdmin):
    """A contact and a sender, with the customer service window."""

    list_display = ("__str__", "contact", "sender", "window_expires_at", "last_inbound_at", "marketing_stopped_at")
    list_filter = (("contact", OfRow), ("sender", OfRow), "last_inbound_at")
    list_select_related = ("contact", "sender")
    search_fields = ("^address", "contact__name", "^contact__phone", "workspace__slug")
    related_lists = (
        ("messaging.Conversation", "chat"),
        ("messaging.Message", "chat"),
        ("automations.Run", "chat"),
        ("automations.Wait", "chat"),
    )


@admin.register(Conversation)
class ConversationAdmin(InspectAdmin):
    """Episodes of chats: who opened and closed them, and who has taken them over."""

    list_display = (
        "__str__",
        "opened_at",
        "opened_by",
        "closed_at",
        "closed_by",
        "taken_over_until",
        "last_message_at",
    )
    list_filter = (("chat", OfRow), "opened_by", "closed_by", "opened_at")
    list_select_related = ("chat__contact", "chat__sender")
    search_fields = ("chat__contact__name", "^chat__contact__phone", "last_message_text", "workspace__slug")
    related_lists = (("messaging.Message", "conversation"), ("automations.Run", "conversation"))
    actions = ("give_back", "close")

    @admin.action(description=_("Hand back to the flows"), permissions=["act"])
    def give_back(self, request: HttpRequest, conversations: Any) -> None:
        now = timezone.now()

        def give_back(conversation: Conversation) -> bool:
            if not conversation.is_taken_over(now):
                return False
            hand_back(conversation, by=request.user, now=now)  # type: ignore[arg-type]
            return True

        self.act_on_each(request, conversations.select_related("workspace", "chat__contact__workspace"), give_back)

    @admin.action(description=_("Close"), permissions=["act"])
    def close(self, request: HttpRequest, conversations: Any) -> None:
        now = timezone.now()
        self.act_on_each(
            request,
            conversations.select_related("workspace"),
            lambda one: close_conversation(one, by=Conversation.ClosedBy.PERSON, now=now),
            verb="conversation.closed",
        )
