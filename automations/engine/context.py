"""What expressions may name in a run: trigger, steps, contact, conversation, sender, workspace, now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from automations.errors import ExpressionInvalid
from automations.expressions import BadExpression, VariableMissing, evaluate, render
from automations.forms.fields import ChoicesField, LanesField, LiquidField, MappingField, StepForm
from automations.models import Run, StepRun
from messaging.errors import VariableMissing as VariableMissingInStep
from messaging.models import Contact, Conversation, Sender
from workspaces.models import Workspace

CONTACT_SAMPLE = {
    "id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e11",
    "phone": "+436641234567",
    "name": "Eva Novak",
    "first_name": "Eva",
    "profile_name": "Eva N.",
    "language": "de",
    "attributes": {},
    "tags": [],
}
CONVERSATION_SAMPLE = {"id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e12", "opened_at": "2027-04-03T09:30:00+02:00"}
SENDER_SAMPLE = {
    "id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e13",
    "phone": "+4315550101",
    "name": "Praxis Dr. Weber",
}
WORKSPACE_SAMPLE = {"name": "Praxis Dr. Weber", "time_zone": "Europe/Vienna", "language": "de"}


def contact_data(contact: Contact | None) -> dict[str, Any]:
    """The contact's fields; every key is there, null where nothing is known."""
    if contact is None:
        return dict.fromkeys(CONTACT_SAMPLE) | {"attributes": {}, "tags": []}
    name = contact.name or contact.profile_name
    return {
        "id": str(contact.public_id),
        "phone": contact.phone,
        "name": name or None,
        "first_name": first_name(name),
        "profile_name": contact.profile_name or None,
        "language": contact.language or None,
        "attributes": contact.attributes,
        "tags": contact.tags,
    }


def first_name(name: str) -> str | None:
    """The first word; None if nothing in the name is a letter, as when a profile shows only its number."""
    return name.split()[0] if any(letter.isalpha() for letter in name) else None


def conversation_data(conversation: Conversation | None) -> dict[str, Any]:
    """The conversation's fields, or nulls."""
    if conversation is None:
        return dict.fromkeys(CONVERSATION_SAMPLE)
    return {"id": str(conversation.public_id), "opened_at": conversation.opened_at.isoformat()}


def sender_data(sender: Sender | None) -> dict[str, Any]:
    """The sender's fields, or nulls."""
    if sender is None:
        return dict.fromkeys(SENDER_SAMPLE)
    return {"id": str(sender.public_id), "phone": sender.phone, "name": sender.display_name}


@dataclass
class StepData:
    """The data of a run at one step, and how texts of that step's settings are worked out with it."""

    values: dict[str, Any]
    workspace: Workspace
    step_key: str = ""
    step_name: str = ""
    language: str = "de"

    def text(self, template: str, *, field_name: str) -> str:
        """The text with its data. Raises VariableMissing (with path and step) or ExpressionInvalid."""
        return str(self._work_out(render, template, field_name))

    def value(self, template: str, *, field_name: str) -> Any:
        """Like text, but a field that is exactly one path keeps its value's type."""
        return self._work_out(evaluate, template, field_name)

    def _work_out(self, how: Any, template: str, field_name: str) -> Any:
        try:
            return how(template, self.values, time_zone=self.workspace.time_zone, language=self.language)
        except VariableMissing as error:
            raise VariableMissingInStep(
                path=error.path, step=self.step_name or self.step_key, field=field_name
            ) from None
        except BadExpression as error:
            raise ExpressionInvalid.of(error, field=field_name, step=self.step_name or self.step_key) from None

    def settings(self, form_class: type[StepForm], config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with every expression worked out; lanes stay as they are, the branch looks at them itself."""
        worked_out = dict(config)
        for name, form_field in form_class.base_fields.items():
            given = config.get(name)
            if isinstance(form_field, LiquidField):
                how = self.value if form_field.keeps_type else self.text
                worked_out[name] = how(given, field_name=name) if given else ""
            elif isinstance(form_field, MappingField):
                how = self.value if form_field.keeps_type else self.text
                worked_out[name] = {key: how(text, field_name=f"{name}.{key}") for key, text in (given or {}).items()}
            elif isinstance(form_field, ChoicesField):
                worked_out[name] = [self._choice(choice, field_name=name) for choice in given or []]
            elif isinstance(form_field, LanesField):
                worked_out[name] = given or []
        return worked_out

    def _choice(self, choice: Mapping[str, Any], *, field_name: str) -> dict[str, str]:
        at = f"{field_name}.{choice['key']}"
        words = {word: self.text(str(choice.get(word) or ""), field_name=at) for word in ChoicesField.WORDS}
        return {"key": str(choice["key"]), **words}


@dataclass
class RunData:
    """What a run has gathered so far; `outputs` grows as steps are done."""

    run: Run
    outputs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, run: Run) -> "RunData":
        """With the latest output of every step that is through or has failed."""
        data = cls(run)
        rows = StepRun.objects.in_workspace(run.workspace).filter(
            run=run, status__in=(StepRun.Status.DONE, StepRun.Status.FAILED)
        )
        for key, output in rows.order_by("id").values_list("step_key", "output"):
            data.outputs[key] = output
        return data

    def at(self, *, step_key: str, step_name: str, now: datetime) -> StepData:
        """The data as the step sees it."""
        run = self.run
        workspace = run.workspace
        sender = run.chat.sender if run.chat_id and run.chat else None
        values = {
            "trigger": run.trigger,
            "steps": self.outputs,
            "contact": contact_data(run.contact),
            "conversation": conversation_data(run.conversation),
            "sender": sender_data(sender),
            "workspace": {
                "name": workspace.name,
                "time_zone": workspace.time_zone,
                "language": workspace.language,
            },
            "now": now.astimezone(workspace.zone),
        }
        return StepData(
            values=values,
            workspace=workspace,
            step_key=step_key,
            step_name=step_name,
            language=workspace.language,
        )
