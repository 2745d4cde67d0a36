"""The JSON of WhatsApp's Cloud API: what a send call carries, and how a listed template reads in our words."""

from collections.abc import Mapping
from typing import Any

from messaging.models import Sender, Template
from messaging.phone import is_user_id
from messaging.providers.base import (
    ButtonValue,
    MediaValue,
    Outbound,
    OutboundFreeForm,
    OutboundTemplate,
    PlaceValue,
    TemplateData,
    TextValue,
)
from messaging.providers.cloud_contents import free_form_payload

# Meta's longer list of states in our shorter one; FLAGGED is a warning, such a template is still approved.
_TEMPLATE_STATUS: dict[str, str] = {
    "APPROVED": Template.Status.APPROVED,
    "REINSTATED": Template.Status.APPROVED,
    "FLAGGED": Template.Status.APPROVED,
    "UNARCHIVED": Template.Status.APPROVED,
    "PENDING": Template.Status.PENDING,
    "IN_APPEAL": Template.Status.PENDING,
    "REJECTED": Template.Status.REJECTED,
    "PAUSED": Template.Status.PAUSED,
    "DISABLED": Template.Status.DISABLED,
    "LOCKED": Template.Status.DISABLED,
    "ARCHIVED": Template.Status.DISABLED,
    "LIMIT_EXCEEDED": Template.Status.DISABLED,
    "PENDING_DELETION": Template.Status.DELETED,
    "DELETED": Template.Status.DELETED,
}
_NUMBER_STATUS: dict[str, str] = {
    "CONNECTED": Sender.Status.ONLINE,
    # Quality is low, sending works.
    "FLAGGED": Sender.Status.ONLINE,
    # The limit is reached; replies inside a window may still go.
    "RATE_LIMITED": Sender.Status.ONLINE,
    "PENDING": Sender.Status.PENDING,
    "UNVERIFIED": Sender.Status.PENDING,
    "DISCONNECTED": Sender.Status.OFFLINE,
    "MIGRATED": Sender.Status.OFFLINE,
    "DELETED": Sender.Status.OFFLINE,
    "RESTRICTED": Sender.Status.SUSPENDED,
    "BANNED": Sender.Status.SUSPENDED,
}


def template_status(platform: str) -> str:
    """Our word for the platform's; a new one counts as in review: it is not sent until we know."""
    return _TEMPLATE_STATUS.get(platform.upper(), Template.Status.PENDING)


def number_status(platform: str) -> str:
    """Our word for a number's state; a new one counts as offline."""
    return _NUMBER_STATUS.get(platform.upper(), Sender.Status.OFFLINE)


def quality(platform: object) -> str:
    """Our word for a rating; NA and anything new are unknown."""
    rating = str(platform or "").lower()
    return rating if rating in Sender.Quality.values else Sender.Quality.UNKNOWN


def send_payload(outbound: Outbound) -> dict[str, Any]:
    """The body of the send call. Language and address go byte for byte."""
    where = "recipient" if is_user_id(outbound.address) else "to"
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        where: outbound.address,
        "biz_opaque_callback_data": outbound.callback_data,
    }
    if isinstance(outbound, OutboundTemplate):
        template: dict[str, Any] = {"name": outbound.name, "language": {"code": outbound.language}}
        if components := _components(outbound):
            template["components"] = components
        return body | {"type": "template", "template": template}
    if outbound.reply_to:
        body["context"] = {"message_id": outbound.reply_to}
    if isinstance(outbound, OutboundFreeForm):
        return body | free_form_payload(outbound.content)
    return body | {"type": "text", "text": {"body": outbound.text, "preview_url": outbound.has_preview}}


def _components(outbound: OutboundTemplate) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = []
    if isinstance(outbound.header, MediaValue):
        components.append({"type": "header", "parameters": [_media(outbound.header)]})
    elif isinstance(outbound.header, PlaceValue):
        components.append({"type": "header", "parameters": [_place(outbound.header)]})
    elif outbound.header is not None:
        components.append({"type": "header", "parameters": [_text(outbound.header)]})
    if outbound.body:
        components.append({"type": "body", "parameters": [_text(value) for value in outbound.body]})
    return components + [_button(button) for button in outbound.buttons]


def _button(button: ButtonValue) -> dict[str, Any]:
    parameters: dict[str, dict[str, Any]] = {
        "url": {"type": "text", "text": button.value},
        "quick_reply": {"type": "payload", "payload": button.value},
        "copy_code": {"type": "coupon_code", "coupon_code": button.value},
        "flow": {"type": "action", "action": {"flow_token": button.value}},
    }
    parameter = parameters[button.kind]
    return {"type": "button", "sub_type": button.kind, "index": str(button.index), "parameters": [parameter]}


def _text(value: TextValue) -> dict[str, str]:
    name = {"parameter_name": value.name} if value.name else {}
    return {"type": "text", **name, "text": value.text}


def _media(value: MediaValue) -> dict[str, Any]:
    media: dict[str, Any] = {"id": value.media_id} if value.media_id else {"link": value.link}
    if value.kind == "document":
        media["filename"] = value.filename
    return {"type": value.kind, value.kind: media}


def _place(value: PlaceValue) -> dict[str, Any]:
    words = {name: text for name, text in (("name", value.name), ("address", value.address)) if text}
    # As texts: so Meta writes them in the header of a template.
    where = {"latitude": str(value.latitude), "longitude": str(value.longitude)}
    return {"type": "location", "location": {**where, **words}}


def read_template(item: Mapping[str, Any]) -> TemplateData:
    """A listed template. Unknown fields and values never raise."""
    score = item.get("quality_score")
    return TemplateData(
        platform_id=str(item.get("id", "")),
        name=str(item.get("name", "")),
        language=str(item.get("language", "")),
        category=str(item.get("category", "")).lower(),
        status=template_status(str(item.get("status", ""))),
        reason=_reason(item.get("rejected_reason")),
        quality=quality(score.get("score") if isinstance(score, Mapping) else score),
        parameter_format=(
            Template.ParameterFormat.NAMED
            if str(item.get("parameter_format", "")).upper() == "NAMED"
            else Template.ParameterFormat.POSITIONAL
        ),
        components=[dict(part) for part in item.get("components") or [] if isinstance(part, Mapping)],
    )


def _reason(raw: object) -> str:
    return "" if raw in (None, "NONE") else str(raw)[:300]
