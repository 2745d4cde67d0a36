"""The Cloud API's webhooks about templates, numbers and business accounts."""

from collections.abc import Callable
from typing import Any, TypedDict

from messaging.webhooks import lenient
from messaging.webhooks.events import AccountUpdate, Item, NumberUpdate, TemplateUpdate

# Event names and status are different lists (reference, section 4).
TEMPLATE_STATUS = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "UNARCHIVED": "approved",
    "PENDING": "pending",
    "IN_APPEAL": "pending",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "DISABLED": "disabled",
    "LIMIT_EXCEEDED": "disabled",
    "LOCKED": "disabled",
    "ARCHIVED": "disabled",
    "PENDING_DELETION": "deleted",
    "DELETED": "deleted",
}
REASON = 300


class Place(TypedDict, total=False):
    """Where an item stands: what finds its sender."""

    number_id: str
    account_id: str


def template_status(field: str, value: dict[str, Any], place: Place) -> Item:
    """FLAGGED is a warning, the template may still be approved; what is not known here changes nothing."""
    status = TEMPLATE_STATUS.get(lenient.text(value.get("event")).upper(), "")
    return _template(value, place, status=status, reason=_template_reason(value))


def template_quality(field: str, value: dict[str, Any], place: Place) -> Item:
    """A template's quality score."""
    return _template(value, place, quality=lenient.text(value.get("new_quality_score")).lower())


def template_category(field: str, value: dict[str, Any], place: Place) -> Item:
    """The platform put a template into another category."""
    return _template(value, place, category=lenient.text(value.get("new_category")).lower())


def _template(value: dict[str, Any], place: Place, **news: str) -> TemplateUpdate:
    return TemplateUpdate(
        kind="template",
        raw=value,
        name=lenient.text(value.get("message_template_name")),
        language=lenient.text(value.get("message_template_language")),
        platform_id=lenient.text(value.get("message_template_id")),
        **place,
        **news,
    )


def _template_reason(value: dict[str, Any]) -> str:
    reason = lenient.text(lenient.mapping(value.get("rejection_info")).get("reason"))
    reason = reason or lenient.text(value.get("reason"))
    reason = reason or lenient.text(lenient.mapping(value.get("other_info")).get("description"))
    return "" if reason.upper() == "NONE" else reason[:REASON]


def number(field: str, value: dict[str, Any], place: Place) -> Item:
    """A number's limit, throughput, quality or name."""
    event = lenient.text(value.get("event")).upper()
    limit = value.get("max_daily_conversations_per_business", value.get("max_daily_conversation_per_phone"))
    decision = lenient.text(value.get("decision")).upper() if field == "phone_number_name_update" else ""
    name = lenient.text(value.get("requested_verified_name"), 120)
    return NumberUpdate(
        kind=field,
        raw=value,
        display_number=lenient.text(value.get("display_phone_number")),
        limit=lenient.whole(limit) if limit is not None else tier(value.get("current_limit")),
        name=name if decision == "APPROVED" else "",
        refused_name=name if decision in ("REJECTED", "DECLINED") else "",
        reason=lenient.text(value.get("rejection_reason"), REASON),
        throughput=1000 if event == "THROUGHPUT_UPGRADE" else None,
        quality=lenient.text(value.get("quality_rating") or value.get("new_quality_rating")).lower(),
        event=event,
        **place,
    )


def tier(raw: Any) -> int | None:
    """A messaging limit by its name (TIER_250, TIER_1K, TIER_UNLIMITED is -1); None for what is no tier."""
    name = lenient.text(raw, 40).upper().removeprefix("TIER_")
    if name == "UNLIMITED":
        return -1
    digits = name.removesuffix("K")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return lenient.whole(int(digits[:9]) * (1000 if name.endswith("K") else 1))


def account(field: str, value: dict[str, Any], place: Place) -> Item:
    """Something about a whole account; of a partner's event the entry is the partner's, `waba_info` the account's."""
    told = lenient.mapping(value.get("waba_info"))
    account_id = lenient.identifier(told.get("waba_id"), 64) or place.get("account_id", "")
    ban = lenient.mapping(value.get("ban_info"))
    return AccountUpdate(
        kind=field,
        raw=value,
        event=lenient.text(value.get("event"), 60).upper(),
        state=lenient.text(ban.get("waba_ban_state"), 60).upper(),
        detail=_account_detail(value, ban),
        account_id=account_id,
    )


def _account_detail(value: dict[str, Any], ban: dict[str, Any]) -> str:
    """The one thing that a person wants to know besides: since when, of what kind, for what reason."""
    violation, disconnection = lenient.mapping(value.get("violation_info")), value.get("disconnection_info")
    restrictions = (lenient.mapping(one) for one in lenient.sequence(value.get("restriction_info")))
    told = (
        lenient.text(ban.get("waba_ban_date")),
        lenient.text(violation.get("violation_type")),
        ", ".join(filter(None, (lenient.text(one.get("restriction_type")) for one in restrictions))),
        lenient.text(lenient.mapping(disconnection).get("reason")),
    )
    return next(filter(None, told), "")[:REASON]


ReadOne = Callable[[str, dict[str, Any], Place], Item]

FIELDS: dict[str, ReadOne] = {
    "message_template_status_update": template_status,
    "message_template_quality_update": template_quality,
    "template_category_update": template_category,
    "phone_number_quality_update": number,
    "business_capability_update": number,
    "phone_number_name_update": number,
    "account_update": account,
}
