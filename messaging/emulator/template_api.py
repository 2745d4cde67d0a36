"""Templates as the platform keeps them: list, create, edit, delete; and the changes that the platform itself makes."""

import re
from typing import Any

from messaging.emulator import payloads
from messaging.emulator.clock import Clock
from messaging.emulator.records import Template
from messaging.emulator.refusals import Refusal, invalid, unknown_object
from messaging.emulator.template_filling import BODY_UNITS, HEADER_UNITS, VARIABLE, units, variables
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import World
from workspaces.embedded_server import Request

NAME = re.compile(r"^[a-z0-9_]{1,512}$")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
BUTTON_LIMITS = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1}
# Events that are no status: what the template's status is after them.
STATUS_AFTER = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "FLAGGED": None}
ADJACENT = {
    "reason": "Your template has parameters placed next to each other (like {{1}}{{2}}) without text or punctuation "
    "between them.",
    "recommendation": "Separate parameters with descriptive text and ensure each parameter is clearly contextualized.",
}


class TemplateApi:
    """All about templates except sending them."""

    def __init__(self, world: World, clock: Clock, webhooks: WebhookSender) -> None:
        self.world, self.clock, self.webhooks = world, clock, webhooks

    def listed(self, waba_id: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """An account's templates, filtered as asked."""
        wanted = {key: query[key] for key in ("status", "language", "category") if query.get(key)}
        rows = self.world.templates_of(waba_id)
        if query.get("name"):
            rows = [row for row in rows if query["name"] in row.name]
        rows = [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]
        return [show_template(row, query.get("fields")) for row in rows]

    def one(self, template: Template, request: Request) -> Any:
        """Read or edit one by its id."""
        if request.method == "GET":
            return show_template(template, request.query.get("fields"))
        if request.method != "POST":
            raise unknown_object(template.id, request.method)
        given = request.json() if request.body else {}
        if not isinstance(given, dict) or not given:
            raise invalid("Nothing to change: give components or category.")
        if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
            raise Refusal(100, "Message templates can be edited only if approved, rejected or paused.")
        if "components" in given:
            template.components = checked_components(given["components"])
        if "category" in given:
            template.category = _category(given["category"])
        template.status = "PENDING"
        self._save_and_review(template)
        return {"success": True}

    def create(self, waba_id: str, given: Any) -> dict[str, Any]:
        """A new template is PENDING until somebody decides (`PATCH /_emulator/templates/{id}`). Raises Refusal."""
        if not isinstance(given, dict):
            raise invalid("The body must be a JSON object.")
        name, language = given.get("name"), given.get("language")
        if not isinstance(name, str) or not NAME.match(name):
            raise invalid("Param name must have 1 to 512 lowercase letters, digits and underscores.")
        if not isinstance(language, str) or not re.match(r"^[a-z]{2,3}(_[A-Z]{2,3})?$", language):
            raise invalid("Param language is not a language code.")
        if (waba_id, name, language) in self.world.by_name:
            raise Refusal(100, "Content in this language already exists.", subcode=2388024)
        parameter_format = str(given.get("parameter_format") or "POSITIONAL").upper()
        if parameter_format not in ("POSITIONAL", "NAMED"):
            raise invalid("Param parameter_format must be POSITIONAL or NAMED.")
        template = Template(
            id=self.world.new_template_id(),
            waba_id=waba_id,
            name=name,
            language=language,
            category=_category(given.get("category")),
            status="PENDING",
            parameter_format=parameter_format,
            components=checked_components(given.get("components")),
        )
        self._save_and_review(template)
        return {"id": template.id, "status": "PENDING", "category": template.category}

    def delete(self, waba_id: str, query: dict[str, str]) -> dict[str, Any]:
        """By name (all languages), or one language by `hsm_id` beside the name."""
        name, key = query.get("name"), query.get("hsm_id")
        if not name:
            raise Refusal(100, "The parameter name is required.")
        found = [row for row in self.world.templates_of(waba_id) if row.name == name and key in (None, row.id)]
        if not found:
            raise Refusal(100, "Message template not found.", subcode=2593002)
        for row in found:
            self.world.delete_template(row)
        return {"success": True}

    def patch(self, template: Template, order: dict[str, Any]) -> None:
        """The platform changes a template; the matching webhook goes out."""
        now = int(self.clock.now())
        quality, category = template.quality, template.category
        if "category" in order:
            template.category = order["category"]
        if "quality" in order:
            template.quality = order["quality"]
        event = order.get("status")
        if event:
            template.status = STATUS_AFTER.get(event, event) or template.status
            template.rejected_reason = order.get("reason") or ("INVALID_FORMAT" if event == "REJECTED" else "NONE")
        self.world.save_template(template)
        if template.category != category:
            self._tell(template, payloads.template_category(template, category, now))
        if template.quality != quality:
            self._tell(template, payloads.template_quality(template, quality, now))
        if event:
            more = {"rejection_info": order["rejection_info"]} if order.get("rejection_info") else {}
            self._tell(template, payloads.template_event(template, event, now, **more))

    def _save_and_review(self, template: Template) -> None:
        """The one rule that the platform's review applies at once: variables side by side are rejected."""
        self.world.save_template(template)
        body = next(part["text"] for part in template.components if part["type"] == "BODY")
        if re.search(r"\}\}\s*\{\{", body):
            self.patch(template, {"status": "REJECTED", "reason": "INVALID_FORMAT", "rejection_info": ADJACENT})

    def _tell(self, template: Template, payload: dict[str, Any]) -> None:
        numbers = self.world.numbers_of(template.waba_id)
        if numbers:
            facts = {"type": payload["entry"][0]["changes"][0]["field"], "path": "/webhook"}
            self.webhooks.send(numbers[0].id, "account", payload, facts)


def _category(value: Any) -> str:
    category = str(value or "").upper()
    if category not in CATEGORIES:
        raise invalid(f"Param category must be one of {', '.join(CATEGORIES)}.")
    return category


def checked_components(value: Any) -> list[dict[str, Any]]:
    """The components of a new template, checked. Raises Refusal with the platform's subcodes."""
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise invalid("Param components must be a list of objects.")
    parts = [part | {"type": str(part.get("type", "")).upper()} for part in value]
    by_type = {part["type"]: part for part in parts}
    if len(by_type) < len(parts):
        raise invalid("A component is given twice.")
    body = by_type.get("BODY", {}).get("text")
    if not isinstance(body, str) or not body.strip():
        raise invalid("A template needs a component of type BODY with a text.")
    _check_text("BODY", body, BODY_UNITS, 2388040)
    if re.match(r"^\s*\{\{[^}]*\}\}", body) or re.search(r"\{\{[^}]*\}\}\s*$", body):
        raise Refusal(100, "Variables can't be at the start or end of the template.", subcode=2388299)
    if len(variables(body)) * 3 > len(VARIABLE.sub("", body).split()):
        raise Refusal(100, "This template has too many variables for its length.", subcode=2388293)
    example = by_type["BODY"].get("example") or {}
    if variables(body) and not (example.get("body_text") or example.get("body_text_named_params")):
        raise Refusal(100, "Variables need an example.", subcode=2388043)
    header = by_type.get("HEADER", {})
    if str(header.get("format", "TEXT")).upper() == "TEXT" and header:
        _check_text("HEADER", str(header.get("text", "")), HEADER_UNITS, 2388047)
        if len(variables(str(header.get("text", "")))) > 1:
            raise Refusal(100, "A header has at most one variable.", subcode=2388047)
    if "FOOTER" in by_type:
        _check_text("FOOTER", str(by_type["FOOTER"].get("text", "")), 60, 2388073)
        if VARIABLE.search(str(by_type["FOOTER"].get("text", ""))):
            raise Refusal(100, "A footer has no variables.", subcode=2388073)
    _check_buttons(by_type.get("BUTTONS", {}).get("buttons") or [])
    return parts


def _check_text(where: str, text: str, limit: int, subcode: int) -> None:
    if not text or units(text) > limit:
        raise Refusal(100, f"{where} must have 1 to {limit} characters.", subcode=subcode)


def _check_buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or len(buttons) > 10:
        raise invalid("A template has at most 10 buttons.")
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    for kind, most in BUTTON_LIMITS.items():
        if kinds.count(kind) > most:
            raise invalid(f"A template has at most {most} button(s) of type {kind}.")
    for button, kind in zip(buttons, kinds, strict=True):
        if kind not in ("COPY_CODE", "OTP") and not 1 <= units(str(button.get("text", ""))) <= 25:
            raise invalid("A button's text has 1 to 25 characters.")


def show_template(template: Template, fields: str | None) -> dict[str, Any]:
    """A template's fields, those asked for or the usual ones."""
    usual: dict[str, Any] = {
        "name": template.name,
        "parameter_format": template.parameter_format,
        "components": template.components,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "id": template.id,
    }
    more = {
        "rejected_reason": template.rejected_reason,
        "quality_score": {"score": template.quality},
        "previous_category": template.category,
    }
    if not fields:
        return usual
    everything = usual | more
    wanted = [name.strip() for name in fields.split(",")]
    return {name: everything[name] for name in wanted if name in everything} | {"id": template.id}
