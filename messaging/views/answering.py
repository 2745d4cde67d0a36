"""Answering by hand: text, template, once more, taking over, handing back, closing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast, get_args
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from messaging.forms import TemplateValuesForm, TextForm, new_key
from messaging.models import Conversation, Message
from messaging.services.conversations import GoOn, close_conversation, hand_back, keep_taken_over, take_over
from messaging.services.outbox import send_again, send_template, send_text
from messaging.services.resending import mark_as_arrived
from messaging.services.spelling import use_other_spelling
from messaging.views.composer import chosen_template, composer_context, origin_of
from messaging.views.conversations import page_context
from messaging.views.thread import find_conversation
from workspaces.errors import BotenwerkError
from workspaces.models import Membership
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

# Flows are silent so long after a person's last message (product.md, Inbox).
HOLD = timedelta(hours=24)


@require_POST
@requires("conversation.answer")
def send_text_here(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """Free text of a person. Sending it takes the conversation over; the same form twice sends once."""
    shown, now = find_conversation(request.workspace, conversation_id), timezone.now()
    form = TextForm(request.POST)
    if not form.is_valid():
        return _refused(request, shown, form=form)

    def send() -> Message:
        return send_text(
            sender=shown.chat.sender,
            chat=shown.chat,
            text=form.cleaned_data["text"],
            origin=origin_of(request.membership),
            key=form.idempotency_key,
            now=now,
            allow_taken_over=True,
        )

    try:
        message = send()
    except BotenwerkError as error:
        kept = TextForm(initial={"text": form.cleaned_data["text"], "key": new_key()})
        return _refused(request, shown, form=kept, error=error, typed=form.cleaned_data["text"])
    _hold(message, by=request.membership, now=now)
    return _sent(request, shown)


@require_POST
@requires("template.send")
def send_template_here(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """A template of a person, with the values typed."""
    shown, now = find_conversation(request.workspace, conversation_id), timezone.now()
    template = chosen_template(shown, request.POST.get("template", ""))
    if template is None:
        return _refused(request, shown, wants_template=True)
    form = TemplateValuesForm(template, request.POST)

    def send() -> Message:
        return send_template(
            sender=shown.chat.sender,
            chat=shown.chat,
            template=template,
            variables=form.values,
            origin=origin_of(request.membership),
            key=form.idempotency_key,
            now=now,
            allow_taken_over=True,
        )

    error = try_to_send(form, send)
    if error is not None or form.errors:
        return _refused(request, shown, form=form, template=template, error=error)
    return _sent(request, shown)


@require_POST
@requires("conversation.answer")
def send_message_again(request: WorkspaceRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """A failed message once more, as a new one."""
    shown = find_conversation(request.workspace, conversation_id)
    rows = Message.objects.in_workspace(request.workspace).select_related(
        "sender__workspace", "chat__contact__workspace", "workspace"
    )
    message = rows.filter(chat=shown.chat, public_id=message_id).first()
    if message is None:
        return HttpResponse(status=404)
    try:
        send_again(message=message, origin=origin_of(request.membership), now=timezone.now())
    except BotenwerkError as error:
        return _refused(request, shown, error=error)
    return _sent(request, shown)


@require_POST
@requires("conversation.answer")
def mark_message_as_arrived(request: WorkspaceRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """A person has seen that a message with an unknown end is with the customer; nothing is sent."""
    shown = find_conversation(request.workspace, conversation_id)
    rows = Message.objects.in_workspace(request.workspace).select_related("workspace")
    message = rows.filter(chat=shown.chat, public_id=message_id).first()
    if message is None:
        return HttpResponse(status=404)
    mark_as_arrived(message, by=request.membership, now=timezone.now())
    return _sent(request, shown)


@require_POST
@requires("conversation.answer")
def use_other_spelling_here(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """The customer's number in its other spelling is what messages go to; nothing is sent by that."""
    shown = find_conversation(request.workspace, conversation_id)
    use_other_spelling(shown, by=request.membership, now=timezone.now())
    return _sent(request, shown)


@require_POST
@requires("conversation.take_over")
def take_over_here(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """A person speaks from now on."""
    shown, now = find_conversation(request.workspace, conversation_id), timezone.now()
    if shown.closed_at is None:
        take_over(shown, by=request.membership, until=now + HOLD, now=now)
    return _back(request, shown)


@require_POST
@requires("conversation.take_over")
def hand_back_here(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """The flows speak again, and go on as the person chose; without a choice they wait for the next message."""
    shown, now = find_conversation(request.workspace, conversation_id), timezone.now()
    choice = request.POST.get("go_on", "")
    if shown.is_taken_over(now):
        hand_back(
            shown, by=request.membership, now=now, go_on=cast(GoOn, choice) if choice in get_args(GoOn) else "wait"
        )
    return _back(request, shown)


@require_POST
@requires("conversation.close")
def close_here(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """Done: the customer's next message begins a new conversation."""
    shown = find_conversation(request.workspace, conversation_id)
    close_conversation(shown, by=Conversation.ClosedBy.PERSON, now=timezone.now())
    return _back(request, shown)


def try_to_send(form: TemplateValuesForm, send: Callable[[], Message]) -> BotenwerkError | None:
    """Send if the form is whole. A refusal comes back to be shown with code, cause and cure; its field is marked."""
    if not form.is_valid():
        return None
    try:
        send()
    except BotenwerkError as error:
        # The refused row keeps the old key: what is mended is a new message.
        form.renew_key()
        form.place_error(error.field, error.for_person())
        return error
    return None


def _hold(message: Message, *, by: Membership, now: datetime) -> None:
    held = message.conversation
    if held is None or held.closed_at is not None:
        return
    if held.is_taken_over(now):
        keep_taken_over(held, until=now + HOLD, now=now)
    else:
        take_over(held, by=by, until=now + HOLD, now=now)


def _sent(request: WorkspaceRequest, shown: Conversation) -> HttpResponse:
    if not request.htmx:
        return HttpResponseRedirect(reverse("conversation", args=[request.workspace.slug, shown.public_id]))
    response = render(request, "messaging/_composer.html", composer_context(request, shown))
    response["HX-Trigger-After-Settle"] = '{"changed": {"target": "#talk"}}'
    return response


def _refused(request: WorkspaceRequest, shown: Conversation, **composer: Any) -> HttpResponse:
    if request.htmx:
        context = composer_context(request, shown, **composer)
        response = render(request, "messaging/_composer.html", context, status=422)
        response["HX-Trigger-After-Settle"] = '{"changed": {"target": "#talk"}}'
        return response
    context = page_context(request, shown, **composer)
    return render(request, "messaging/conversation.html", context, status=422)


def _back(request: WorkspaceRequest, shown: Conversation) -> HttpResponse:
    """To the page the button stood on: the inbox or the simulator."""
    address = reverse("conversation", args=[request.workspace.slug, shown.public_id])
    if not request.htmx:
        return HttpResponseRedirect(address)
    return HttpResponse(status=204, headers={"HX-Trigger": '{"changed": {"target": "#talk"}}'})
