"""Bodies of the webhooks, in the shapes of the platform."""

from typing import Any

from messaging.emulator.records import Customer, Message, Number, Template

TIERS = {250: "TIER_250", 2000: "TIER_2K", 10_000: "TIER_10K", 100_000: "TIER_100K", -1: "TIER_UNLIMITED"}


def envelope(waba_id: str, field: str, value: dict[str, Any], *, time: int | None = None) -> dict[str, Any]:
    """One entry with one change; account-level fields carry `time`."""
    entry: dict[str, Any] = {"id": waba_id}
    if time is not None:
        entry["time"] = time
    return {"object": "whatsapp_business_account", "entry": [entry | {"changes": [{"value": value, "field": field}]}]}


def of_number(number: Number, customer: Customer | None, field: str, **items: Any) -> dict[str, Any]:
    """A webhook of the field `messages` and its like: metadata, contacts where there is a customer, and the items."""
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.phone, "phone_number_id": number.id},
    }
    if customer is not None:
        value["contacts"] = [_contact(customer)]
    return envelope(number.waba_id, field, value | items)


def _contact(customer: Customer) -> dict[str, Any]:
    profile = {"name": customer.name or f"+{customer.phone}"}
    if customer.username:
        profile["username"] = customer.username
    contact: dict[str, Any] = {"profile": profile, "user_id": customer.user_id}
    if customer.parent_user_id:
        contact["parent_user_id"] = customer.parent_user_id
    if not customer.phone_hidden:
        contact["wa_id"] = customer.phone
    return contact


def sender_keys(customer: Customer) -> dict[str, str]:
    """Who wrote: the user id always, the phone unless it is hidden."""
    keys = {"from_user_id": customer.user_id}
    if customer.parent_user_id:
        keys["from_parent_user_id"] = customer.parent_user_id
    return keys if customer.phone_hidden else {"from": customer.phone} | keys


def status(message: Message, customer: Customer, name: str, at: int, error: dict[str, Any] | None) -> dict[str, Any]:
    """One entry of `statuses`."""
    entry: dict[str, Any] = {"id": message.wamid, "status": name, "timestamp": str(at)}
    if not customer.phone_hidden:
        entry["recipient_id"] = customer.phone
    entry["recipient_user_id"] = customer.user_id
    if message.callback_data is not None:
        entry["biz_opaque_callback_data"] = message.callback_data
    if message.pricing and name in ("sent", "delivered", "read"):
        entry["pricing"] = message.pricing
    if error:
        entry["errors"] = [error]
    return entry


def template_event(template: Template, event: str, at: int, **more: Any) -> dict[str, Any]:
    """A template's status has changed."""
    value: dict[str, Any] = {
        "event": event,
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
        "message_template_category": template.category,
        "reason": template.rejected_reason if event == "REJECTED" else "NONE",
    }
    if event == "PAUSED":
        value["other_info"] = {"title": "FIRST_PAUSE", "description": "Quality of this template is low."}
    if event == "DISABLED":
        value["disable_info"] = {"disable_date": at}
    return envelope(template.waba_id, "message_template_status_update", value | more, time=at)


def template_quality(template: Template, previous: str, at: int) -> dict[str, Any]:
    """A template's quality score has changed."""
    value = _template_id(template) | {"previous_quality_score": previous, "new_quality_score": template.quality}
    return envelope(template.waba_id, "message_template_quality_update", value, time=at)


def template_category(template: Template, previous: str, at: int) -> dict[str, Any]:
    """The platform put a template into another category."""
    value = _template_id(template) | {"previous_category": previous, "new_category": template.category}
    return envelope(template.waba_id, "template_category_update", value, time=at)


def _template_id(template: Template) -> dict[str, Any]:
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }


def number_event(number: Number, event: str, at: int) -> dict[str, Any]:
    """A number's quality or throughput has changed."""
    value = {
        "display_phone_number": number.phone,
        "event": event,
        "current_limit": TIERS.get(number.limit, f"TIER_{number.limit}"),
        "max_daily_conversations_per_business": number.limit,
    }
    return envelope(number.waba_id, "phone_number_quality_update", value, time=at)


def number_name(number: Number, at: int) -> dict[str, Any]:
    """A number's display name was decided on."""
    value = {
        "display_phone_number": number.phone,
        "decision": number.name_status,
        "requested_verified_name": number.name,
        "rejection_reason": None if number.name_status != "DECLINED" else "NAME_NOT_ALLOWED",
    }
    return envelope(number.waba_id, "phone_number_name_update", value, time=at)


def account(waba_id: str, value: dict[str, Any], at: int) -> dict[str, Any]:
    """Something has happened to the business account: `event` and its details."""
    return envelope(waba_id, "account_update", value, time=at)


def capability(number: Number, at: int) -> dict[str, Any]:
    """The business may reach more or fewer customers a day."""
    value = {"max_daily_conversations_per_business": number.limit, "max_phone_numbers_per_business": 20}
    return envelope(number.waba_id, "business_capability_update", value, time=at)


def preference(number: Number, customer: Customer, at: int) -> dict[str, Any]:
    """The customer stopped or resumed marketing messages; the timestamp is an integer here."""
    stopped = customer.marketing_stopped
    entry: dict[str, Any] = {
        "user_id": customer.user_id,
        "detail": f"User requested to {'stop' if stopped else 'resume'} marketing messages",
        "category": "marketing_messages",
        "value": "stop" if stopped else "resume",
        "timestamp": at,
    }
    if not customer.phone_hidden:
        entry["wa_id"] = customer.phone
    return of_number(number, customer, "user_preferences", user_preferences=[entry])
