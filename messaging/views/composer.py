"""The composer: free text while the window is open, a template while it is not; errors keep what was typed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from messaging.forms import TemplateValuesForm, TextForm, new_key
from messaging.models import Conversation, Message, Template
from messaging.services.outbox import Origin
from messaging.services.templates import RenderedTemplate, is_public_id, render_preview
from messaging.views.thread import find_conversation
from workspaces.errors import BotenwerkError
from workspaces.models import Membership
from workspaces.permissions import may, requires
from workspaces.request import WorkspaceRequest

CHOICES = 60


def composer_context(
    request: WorkspaceRequest,
    shown: Conversation,
    *,
    form: TextForm | TemplateValuesForm | None = None,
    template: Template | None = None,
    error: BotenwerkError | None = None,
    typed: str = "",
    wants_template: bool = False,
) -> dict[str, Any]:
    """What the composer draws. `typed` is free text that can no longer go, kept to be copied."""
    now = timezone.now()
    chat = shown.chat
    is_open = chat.is_window_open(now)
    with_template = not is_open or wants_template or template is not None
    context: dict[str, Any] = {
        "conversation": shown,
        "chat": chat,
        "contact": chat.contact,
        "sender": chat.sender,
        "window_is_open": is_open,
        "window_minutes": _minutes_left(chat.window_expires_at, now) if is_open else 0,
        "with_template": with_template,
        "may_answer": may(request.membership, "conversation.answer"),
        "composer_error": error,
        "typed": typed,
        "template": template,
    }
    if not with_template:
        return context | {"form": form or TextForm(initial={"key": new_key()})}
    if template is not None:
        values_form = form if isinstance(form, TemplateValuesForm) else _empty_values(template, chat.contact.name)
        return context | {"form": values_form, "preview": preview_of(values_form)}
    return context | {"choices": template_choices(shown)}


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workspace.read")
def composer(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """The composer anew: the window has turned, or a template was chosen. A POST brings what was typed."""
    shown = find_conversation(request.workspace, conversation_id)
    asked = request.POST if request.method == "POST" else request.GET
    context = composer_context(
        request,
        shown,
        template=chosen_template(shown, asked.get("template", "")),
        typed=request.POST.get("text", "") if request.method == "POST" else "",
        wants_template=asked.get("mode") == "template",
    )
    return render(request, "messaging/_composer.html", context)


def preview_of(form: TemplateValuesForm) -> RenderedTemplate:
    """The bubble as it would go out with what is typed so far."""
    return render_preview(form.template, form.shown_values)


def origin_of(membership: Membership) -> Origin:
    """A person as the cause of a message."""
    return Origin(kind=Message.Cause.PERSON, id=str(membership.user.public_id), label=str(membership.user))


def template_choices(shown: Conversation) -> list[dict[str, Any]]:
    """The approved templates of the sender's account, the customer's language first."""
    sender = shown.chat.sender
    wanted = shown.chat.contact.language or shown.workspace.language
    rows = Template.objects.in_workspace(shown.workspace).filter(
        business_account_id=sender.business_account_id, status=Template.Status.APPROVED
    )
    found = sorted(rows.order_by("name", "language")[:CHOICES], key=lambda row: row.language.split("_")[0] != wanted)
    for template in found:
        template.workspace = shown.workspace
    return [{"template": template, "text": render_preview(template, {}).body} for template in found]


def chosen_template(shown: Conversation, public_id: str) -> Template | None:
    """A template of the sender's account, or None for anything else."""
    if not is_public_id(public_id):
        return None
    rows = Template.objects.in_workspace(shown.workspace).select_related("workspace")
    return rows.filter(public_id=public_id, business_account_id=shown.chat.sender.business_account_id).first()


def _empty_values(template: Template, customer: str) -> TemplateValuesForm:
    """The first value of a body is the customer's name nearly always; it is offered, and can be changed."""
    form = TemplateValuesForm(template, initial={"key": new_key()})
    if "value.1" in form.fields and customer:
        form.initial["value.1"] = customer
    return form


def _minutes_left(until: datetime | None, now: datetime) -> int:
    return max(int((until - now).total_seconds() // 60), 0) if until else 0
