"""Codes of the wire in words, for staff: kinds of what came in, what became of it, and why."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.models import InboundLog
from messaging.views.thread import KINDS
from workspaces.errors import Text, error_class, known_codes

MESSAGE_KINDS: dict[str, Text] = {
    "text": gettext_lazy("Text"),
    "template": gettext_lazy("Template"),
}
ITEM_KINDS: dict[str, Text] = {
    "status": gettext_lazy("Status of a message"),
    "body": gettext_lazy("Delivery as a whole"),
    "delivery": gettext_lazy("Delivery as a whole"),
    "errors": gettext_lazy("Error of the platform"),
    "unknown": gettext_lazy("Message of an unknown kind"),
    "edit": gettext_lazy("Edited message"),
    "revoke": gettext_lazy("Deleted message"),
    "user_id_update": gettext_lazy("New id of a customer"),
    "message_template_status_update": gettext_lazy("State of a template"),
    "message_template_quality_update": gettext_lazy("Quality of a template"),
    "template_category_update": gettext_lazy("Category of a template"),
    "message_template_components_update": gettext_lazy("Content of a template"),
    "phone_number_quality_update": gettext_lazy("Quality of a number"),
    "phone_number_name_update": gettext_lazy("Name of a number"),
    "account_update": gettext_lazy("News of the account"),
    "account_alerts": gettext_lazy("Warning about the account"),
    "account_review_update": gettext_lazy("Review of the account"),
    "business_capability_update": gettext_lazy("Limits of the account"),
    "user_preferences": gettext_lazy("Wish of a customer about marketing"),
}
REASONS: dict[str, Text] = {
    "too_large": gettext_lazy("the body is over the limit"),
    "no_secret": gettext_lazy("no app secret is stored"),
    "bad_signature": gettext_lazy("the signature is wrong"),
    "no_signature": gettext_lazy("there is no signature"),
    "bad_verify_token": gettext_lazy("the verify token is wrong"),
    "no_json": gettext_lazy("the body is no valid JSON"),
    "no_items": gettext_lazy("there is nothing in it"),
    "broken_item": gettext_lazy("this part is broken"),
    "unknown_number": gettext_lazy("no sender here has this number"),
    "incomplete": gettext_lazy("something needed is missing"),
    "too_early": gettext_lazy("something else must come first"),
    "kept_for_later": gettext_lazy("kept until its message is known"),
    "no_such_template": gettext_lazy("no such template here"),
    "no_such_contact": gettext_lazy("no such contact here"),
    "marketing_stop": gettext_lazy("no marketing any more"),
    "marketing_resume": gettext_lazy("marketing again"),
    "contact_moved": gettext_lazy("the customer has a new number"),
    "echo": gettext_lazy("written in the phone app"),
    "not_handled": gettext_lazy("nothing is done about it"),
    "sent": gettext_lazy("sent"),
    "delivered": gettext_lazy("delivered"),
    "read": gettext_lazy("read"),
    "played": gettext_lazy("played"),
    "failed": gettext_lazy("failed"),
}


def kind_word(kind: str) -> str:
    """What came in, or goes out; an unknown kind by its code."""
    if kind in KINDS:
        return str(KINDS[kind][1])
    return str(MESSAGE_KINDS.get(kind) or ITEM_KINDS.get(kind) or kind.replace("_", " "))


def outcome_word(outcome: str) -> str:
    """What became of it."""
    return str(InboundLog.Outcome(outcome).label) if outcome in InboundLog.Outcome.values else outcome


def reason_word(reason: str) -> str:
    """Why; what no table knows stays as the platform or the code says it."""
    if reason in REASONS:
        return str(REASONS[reason])
    return str(error_class(reason).title) if reason in known_codes() else reason


def body_words() -> str:
    """For a body that holds nothing."""
    return _("There is nothing in it.")


class OfKind(admin.SimpleListFilter):
    """The kinds of messages in words. Those that are known, or each page would read through all messages."""

    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        # Two kinds that people call the same are offered once, by the first.
        offered = {kind_word(kind): kind for kind in reversed([*MESSAGE_KINDS, *KINDS])}
        return [(kind, word) for word, kind in reversed(offered.items())]

    def queryset(self, request: Any, queryset: QuerySet) -> QuerySet:
        return queryset.filter(kind=self.value()) if self.value() else queryset
