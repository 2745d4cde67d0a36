"""Generate a reply with an assistant, for a customer named by any identifier."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from assistants.models import Assistant
from assistants.services.replies import Reply, ThreadBusy, generate_reply
from automations.actions.base import Action, Effect, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.errors import ConfigInvalid
from automations.findings import Finding
from automations.forms.choices import assistant_choices
from automations.forms.fields import LiquidField, MappingField, StepForm
from automations.models import Wait
from workspaces.errors import stored_error
from workspaces.models import Notification, Workspace
from workspaces.services.notifications import notify_team


class AiReplyForm(StepForm):
    """Assistant, customer, message, context."""

    assistant = forms.ChoiceField(label=_("Assistant"))
    customer_identifier = LiquidField(
        label=_("Customer identifier"),
        required=False,
        max_length=255,
        help_text=_("Phone, e-mail or an id of your CRM. Empty: the contact's phone, or its id where there is none."),
    )
    message = LiquidField(label=_("Message to answer"), multiline=True, initial="{{trigger.text}}")
    variables = MappingField(label=_("Context"), required=False, help_text=_("What the assistant should know besides."))

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["assistant"].choices = assistant_choices(workspace)  # type: ignore[attr-defined]


@register("ai_reply")
class AiReply(Action):
    """Finds or creates the thread of assistant and customer, and has the model answer."""

    label = _("Generate AI reply")
    icon = "bot"
    group = Group.AI
    form = AiReplyForm
    effect = Effect.OUTSIDE
    # The thread knows the message under the run's key: it must not change while it waits for its turn.
    keeps_input = True
    timeout_seconds = 45
    output = {
        "reply": "Wir haben von 8 bis 12 Uhr geöffnet.",
        "thread_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e15",
        "turn_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e16",
        "prompt_tokens": 320,
        "completion_tokens": 24,
        "hand_off": False,
        "is_fallback": False,
    }
    synonyms = (gettext_noop("assistant"), gettext_noop("model"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        found = _assistant(config, workspace)
        return str(_("Has %(assistant)s answer")) % {"assistant": found.name if found else "…"}

    def validate(self, config: Mapping[str, Any], workspace: Workspace) -> Iterator[Finding]:
        if _assistant(config, workspace) is None:
            yield Finding("assistant_gone", _("Choose an assistant that exists."), field="assistant")

    def run(self, step: StepContext) -> Done | Suspend:
        assistant = _assistant(step.config, step.workspace)
        if assistant is None:
            raise ConfigInvalid(what="assistant", field="assistant")
        if step.is_dry:
            return Done(dict(self.output), notes=("dry_run",))
        try:
            reply = generate_reply(
                assistant=assistant,
                customer_identifier=str(step.config.get("customer_identifier") or _own_identifier(step)),
                message=str(step.config["message"]),
                variables=step.config.get("variables") or {},
                key=step.stable_key,
                now=step.now,
            )
        except ThreadBusy as busy:
            return Suspend(Wait.Kind.THREAD, busy.until)
        notes = (reply.error_code,) if reply.is_fallback and reply.error_code else ()
        if reply.is_fallback:
            _tell_the_team(step, assistant, reply)
        return Done(
            {
                "reply": reply.text,
                "thread_id": str(reply.thread.public_id),
                "turn_id": str(reply.turn.public_id),
                "prompt_tokens": reply.usage.prompt_tokens,
                "completion_tokens": reply.usage.completion_tokens,
                "hand_off": reply.hand_off,
                "is_fallback": reply.is_fallback,
            },
            notes=notes,
        )


def _tell_the_team(step: StepContext, assistant: Assistant, reply: Reply) -> None:
    """The customer has the fallback text and the run goes on: without this nobody would see that the model fails."""
    error = stored_error(reply.error_code, reply.turn.error_facts)
    notify_team(
        workspace=step.workspace,
        code=error.code,
        title=error.title,
        facts=error.facts,
        link=reverse("run", args=[step.workspace.slug, step.run.public_id]),
        level=Notification.Level.FAILURE,
        digest_key=f"fallback:{assistant.public_id}:{error.code}",
        now=step.now,
    )


def _assistant(config: Mapping[str, Any], workspace: Workspace) -> Assistant | None:
    if not config.get("assistant"):
        return None
    return Assistant.objects.in_workspace(workspace).filter(public_id=config["assistant"]).first()


def _own_identifier(step: StepContext) -> str:
    if step.contact is None:
        return str(step.data.values["trigger"].get("customer_phone") or step.run.public_id)
    return step.contact.phone or str(step.contact.public_id)
