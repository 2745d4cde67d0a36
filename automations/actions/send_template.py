"""Send an approved template: the way to write first, and the only one outside the customer service window."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import StepContext
from automations.actions.registry import register
from automations.actions.whatsapp import (
    SendingAction,
    delivery_timeout_field,
    recipient,
    send,
    sender_for,
    sender_of,
    slot_timeout_field,
    taps_of,
    wait_for_delivery_field,
)
from automations.engine.results import Done, Suspend
from automations.errors import ConfigInvalid
from automations.expressions import paths
from automations.findings import Finding, Severity
from automations.forms.choices import language_choices, sender_choices, template_choices
from automations.forms.fields import LiquidField, MappingField, StepForm
from messaging.errors import VariableMissing
from messaging.models import Sender, Template
from messaging.services.outbox import send_template
from messaging.services.templates import language_variant, parameters_of
from workspaces.models import Workspace


class SendTemplateForm(StepForm):
    """Sender, template, recipient, and what each placeholder is filled with."""

    sender = forms.ChoiceField(label=_("Sender"), required=False)
    template = forms.ChoiceField(label=_("Template"))
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        help_text=_(
            "Without a choice the contact's: exactly that, else it without its region, else it with another region; "
            "then the workspace's in the same way."
        ),
    )
    to = LiquidField(
        label=_("Recipient's phone"),
        required=False,
        initial="{{trigger.customer_phone}}",
        help_text=_("International, for example +4915112345678. Empty: the customer of the conversation."),
    )
    recipient_name = LiquidField(label=_("Recipient's name"), required=False, max_length=255)
    variables = MappingField(
        label=_("Variables"),
        required=False,
        help_text=_("What stands in each placeholder of the template: 1 is filled from {{trigger.customer_name}}."),
    )
    wait_for_delivery = wait_for_delivery_field()
    delivery_timeout = delivery_timeout_field()
    slot_timeout = slot_timeout_field()

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["sender"].choices = sender_choices(workspace)  # type: ignore[attr-defined]
        self.fields["template"].choices = template_choices(workspace)  # type: ignore[attr-defined]
        self.fields["language"].choices = language_choices(workspace)  # type: ignore[attr-defined]


@register("send_template")
class SendTemplate(SendingAction):
    """Sends a template through the outbox, which resolves name and language against the sender's account."""

    label = _("Send template")
    icon = "layout-template"
    form = SendTemplateForm
    needs_template = True
    output = {"message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e14", "status": "accepted", "text": "Hallo Eva, ..."}
    synonyms = (gettext_noop("message"), gettext_noop("outbound"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Sends the template %(template)s")) % {"template": config.get("template") or "…"}

    def validate(self, config: Mapping[str, Any], workspace: Workspace) -> Iterator[Finding]:
        try:
            sender = sender_of(config, workspace)
        except ConfigInvalid:
            yield Finding("sender_gone", _("The sender no longer exists. Choose another one."), field="sender")
            return
        yield from _about_sender(sender)
        yield from _about_template(config, workspace, sender)

    def run(self, step: StepContext) -> Done | Suspend:
        config, to = step.config, recipient(step)
        try:
            return send(
                step,
                lambda slots: send_template(
                    sender=sender_for(step),
                    **to,
                    recipient_name=str(config.get("recipient_name") or ""),
                    template=str(config["template"]),
                    language=str(config.get("language") or ""),
                    variables=config.get("variables") or {},
                    origin=step.origin,
                    key=step.key,
                    now=step.now,
                    slots=slots,
                    tap_prefix=taps_of(step),
                ),
            )
        except VariableMissing as error:
            raise _with_path(error, step) from None


def _about_languages(variants: list[Template], workspace: Workspace) -> Iterator[Finding]:
    """Where neither the contact's nor the workspace's language has a variant, nothing can be sent (traps.md T5)."""
    codes = sorted({template.language for template in variants if template.status == Template.Status.APPROVED})
    if len(codes) > 1 and language_variant(codes, workspace.language) is None:
        text = _("The template exists as %(languages)s. A contact of another language gets nothing: choose a language.")
        message = str(text) % {"languages": ", ".join(codes)}
        yield Finding("template_not_found", message, field="language", severity=Severity.WARNING)


def _with_path(error: VariableMissing, step: StepContext) -> VariableMissing:
    """The outbox knows the placeholder that came out empty; what was to fill it is known here (traps.md T2)."""
    placeholder = str(error.facts.get("path"))
    used = paths(str((step.written.get("variables") or {}).get(placeholder, "")))
    path = used[0].path if used else placeholder
    named = VariableMissing(path=path, step=step.step_name, field=f"variables.{placeholder}")
    named.message = error.message
    return named


def _about_sender(sender: Sender | None) -> Iterator[Finding]:
    if sender is not None and not sender.is_usable:
        message = _("The sender is not online at the moment; nothing goes out until it is.")
        yield Finding("sender_offline", message, field="sender", severity=Severity.WARNING)


def _about_template(config: Mapping[str, Any], workspace: Workspace, sender: Sender | None) -> Iterator[Finding]:
    known = Template.objects.in_workspace(workspace).filter(name=config.get("template"))
    if sender is not None:
        known = known.filter(business_account_id=sender.business_account_id)
    if config.get("language"):
        known = known.filter(language=config["language"])
    variants = list(known.exclude(status=Template.Status.DELETED))
    if not variants:
        message = _("This sender has no such template in this language. Sync the templates or choose another one.")
        yield Finding("template_not_found", message, field="template")
        return
    if not any(template.status == Template.Status.APPROVED for template in variants):
        message = _("The template is not approved at the moment, so nothing can be sent.")
        yield Finding("template_not_found", message, field="template")
    elif not config.get("language"):
        yield from _about_languages(variants, workspace)
    given = {str(name) for name, text in (config.get("variables") or {}).items() if str(text).strip()}
    parameters = parameters_of(variants[0])
    expected = {parameter.key for parameter in parameters}
    required = {parameter.key for parameter in parameters if parameter.is_required}
    for name in sorted(required - given):
        text = _("The placeholder {{%(name)s}} is not filled.") % {"name": name}
        yield Finding("template_parameters_mismatch", text, field=f"variables.{name}")
    for name in sorted(given - expected):
        text = _("The template has no placeholder {{%(name)s}}.") % {"name": name}
        yield Finding("template_parameters_mismatch", text, field=f"variables.{name}")
