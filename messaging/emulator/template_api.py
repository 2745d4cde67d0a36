"""Templates as the platform keeps them: list, create, edit, delete; and the changes that the platform itself makes."""

import re
from typing import Any

from messaging.emulator import payloads
from messaging.emulator.clock import Clock
from messaging.emulator.fields import fielded
from messaging.emulator.limits import Tally
from messaging.emulator.records import Template
from messaging.emulator.refusals import Refusal, invalid, only_keys, unknown_object
from messaging.emulator.template_rules import checked_components
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import World
from workspaces.embedded_server import Request

NAME = re.compile(r"^[a-z0-9_]{1,512}$")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
TEMPLATES_AT_MOST, CREATED_AN_HOUR, HOUR_SECONDS = 6000, 100, 60 * 60
DAY_SECONDS, MONTH_SECONDS, EDITS_A_MONTH = 24 * 60 * 60, 30 * 24 * 60 * 60, 10
# The name of an approved template that was deleted is free again after this.
NAME_RESTS_SECONDS = 30 * DAY_SECONDS
USUAL = ("name", "parameter_format", "components", "language", "status", "category", "id")
EDITABLE = frozenset({"components", "category", "message_send_ttl_seconds", "cta_url_link_tracking_opted_out"})
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
        self.created = Tally()

    def listed(self, waba_id: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """An account's templates, filtered as asked."""
        wanted = {key: query[key] for key in ("status", "language", "category") if query.get(key)}
        rows = self.world.templates_of(waba_id)
        if query.get("name"):
            rows = [row for row in rows if query["name"] in row.name]
        if query.get("quality_score"):
            rows = [row for row in rows if row.quality == query["quality_score"]]
        if query.get("content"):
            rows = [row for row in rows if query["content"] in str(row.components)]
        if query.get("name_or_content"):
            rows = [row for row in rows if query["name_or_content"] in f"{row.name} {row.components}"]
        rows = [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]
        return [show_template(row, query.get("fields")) for row in rows]

    def one(self, template: Template, request: Request, given: Any) -> Any:
        """Read or edit one by its id; `given` are the call's parameters."""
        if request.method == "GET":
            return show_template(template, request.query.get("fields"))
        if request.method != "POST":
            raise unknown_object(template.id, request.method)
        if not isinstance(given, dict) or not given:
            raise invalid("Nothing to change: give components or category.")
        only_keys("template", given, EDITABLE)
        if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
            raise Refusal(100, "Message templates can be edited only if approved, rejected or paused.")
        category = _category(given["category"]) if "category" in given else template.category
        if template.status == "APPROVED":
            self._count_edit(template, category)
        if "components" in given:
            template.components = checked_components(
                given["components"], category=category, parameter_format=template.parameter_format
            )
        template.category, template.status = category, "PENDING"
        self._save_and_review(template)
        return {"success": True}

    def _count_edit(self, template: Template, category: str) -> None:
        """An approved template keeps its category, and is edited once a day and ten times a month. Raises Refusal."""
        if category != template.category:
            raise Refusal(100, "You can't edit the category of an approved template.")
        now = self.clock.now()
        recent = [at for at in template.edited_at if now - MONTH_SECONDS < at <= now]
        if len(recent) >= EDITS_A_MONTH or any(at > now - DAY_SECONDS for at in recent):
            raise Refusal(100, "An approved template can be edited once in 24 hours and ten times in 30 days.")
        template.edited_at = [*recent, now]

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
        if self.world.rests_until(waba_id, name) > self.clock.now():
            raise Refusal(100, "A template of this name is being deleted; try again in four weeks.", subcode=2388023)
        parameter_format = str(given.get("parameter_format") or "POSITIONAL").upper()
        if parameter_format not in ("POSITIONAL", "NAMED"):
            raise invalid("Param parameter_format must be POSITIONAL or NAMED.")
        category = _category(given.get("category"))
        components = checked_components(given.get("components"), category=category, parameter_format=parameter_format)
        if len(self.world.templates_of(waba_id)) >= TEMPLATES_AT_MOST:
            raise Refusal(100, f"This account has {TEMPLATES_AT_MOST} templates already.", subcode=2388019)
        now = self.clock.now()
        if not self.created.take(waba_id, now=now, seconds=HOUR_SECONDS, most=CREATED_AN_HOUR):
            raise Refusal(80007, f"More than {CREATED_AN_HOUR} templates created within an hour.")
        template = Template(
            id=self.world.new_template_id(),
            waba_id=waba_id,
            name=name,
            language=language,
            category=category,
            status="PENDING",
            parameter_format=parameter_format,
            components=components,
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
        now = self.clock.now()
        for row in found:
            if row.status == "APPROVED":
                self.world.rest_name(waba_id, row.name, now + NAME_RESTS_SECONDS)
            self.world.delete_template(row)
            self._tell(row, payloads.template_event(row, "PENDING_DELETION", int(now)))
        return {"success": True}

    def patch(self, template: Template, order: dict[str, Any]) -> None:
        """The platform changes a template; the matching webhook goes out."""
        now = int(self.clock.now())
        quality, category = template.quality, template.category
        if "category" in order and order["category"] != category:
            template.category, template.previous_category = order["category"], category
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

    def clear(self) -> None:
        """Forget what was counted."""
        self.created.clear()

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


def show_template(template: Template, fields: str | None) -> dict[str, Any]:
    """A template's fields, those asked for or the usual ones. Raises Refusal for a field that it has not."""
    everything: dict[str, Any] = {
        "name": template.name,
        "parameter_format": template.parameter_format,
        "components": template.components,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "id": template.id,
        "rejected_reason": template.rejected_reason,
        "quality_score": {"score": template.quality},
        "previous_category": template.previous_category or template.category,
        "sub_category": "CUSTOM",
        "cta_url_link_tracking_opted_out": False,
    }
    return fielded(everything, fields, USUAL, "WhatsAppMessageTemplate")
