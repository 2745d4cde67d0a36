"""What django-q2 runs for messaging: each loads one row by its id and calls a service."""

from django.utils import timezone

from messaging.models import (
    AutomaticAnswer,
    Conversation,
    MediaFile,
    Message,
    MessageChange,
    MessageStatus,
    Sender,
    WebhookEvent,
)
from messaging.services import assistant_answers
from messaging.services.changes import settle_change
from messaging.services.conversations import close_if_quiet
from messaging.services.media import fetch_file
from messaging.services.receiving import route_message_again
from messaging.services.rescue import wake_outbound
from messaging.services.senders import check_in_background
from messaging.services.statuses import settle_status
from messaging.services.templates import sync_in_background
from messaging.services.webhook_processing import process_event


def wake_message(message_id: int) -> None:
    """Do what is due for a message that the clock has found."""
    rows = Message.objects.across_workspaces().select_related("workspace", "sender__workspace", "chat__contact")
    message = rows.filter(pk=message_id).first()
    if message is None:
        return
    if message.direction == Message.Direction.OUT:
        wake_outbound(message, now=timezone.now())
    elif message.routed_at is None:
        route_message_again(message, now=timezone.now())


def wake_sender(sender_id: int) -> None:
    """Check a sender whose five minutes are over, and its templates where their hour is."""
    sender = Sender.objects.across_workspaces().select_related("workspace").filter(pk=sender_id).first()
    if sender is not None:
        check_in_background(sender, now=timezone.now())
        sync_in_background(sender, now=timezone.now())


def process_webhook_event(event_id: int) -> None:
    """Work off a stored body; one that is through already is left alone."""
    event = WebhookEvent.objects.select_related("sender__workspace").filter(pk=event_id, processed_at=None).first()
    if event is not None:
        process_event(event, now=timezone.now())


def wake_status(status_id: int) -> None:
    """Look again for the message of a status that came before it."""
    rows = MessageStatus.objects.across_workspaces().select_related("workspace", "sender__workspace")
    status = rows.filter(pk=status_id, message=None).first()
    if status is not None:
        settle_status(status, now=timezone.now())


def wake_change(change_id: int) -> None:
    """Look again for the message of a change that came before it."""
    rows = MessageChange.objects.across_workspaces().select_related("workspace", "sender__workspace")
    change = rows.filter(pk=change_id, message=None).first()
    if change is not None:
        settle_change(change, now=timezone.now())


def wake_media(media_id: int) -> None:
    """Fetch a customer's file."""
    rows = MediaFile.objects.across_workspaces().select_related(
        "workspace", "message__sender__workspace", "message__conversation"
    )
    media = rows.filter(pk=media_id, status=MediaFile.Status.PENDING).first()
    if media is not None:
        fetch_file(media, now=timezone.now())


def wake_conversation(conversation_id: int) -> None:
    """Close a conversation whose quiet time is over."""
    rows = Conversation.objects.across_workspaces().select_related("workspace", "chat__contact__workspace")
    conversation = rows.filter(pk=conversation_id, closed_at=None).first()
    if conversation is not None:
        close_if_quiet(conversation, now=timezone.now())


def give_answer(answer_id: int) -> None:
    """Work off an answer that Botenwerk itself owes a customer."""
    rows = AutomaticAnswer.objects.across_workspaces().select_related(
        "workspace",
        "message__workspace",
        "message__conversation__workspace",
        "message__chat__contact",
        "message__chat__workspace",
        "message__sender__workspace",
        "message__sender__assistant__workspace",
    )
    answer = rows.filter(pk=answer_id, status=AutomaticAnswer.Status.PENDING).first()
    if answer is not None:
        assistant_answers.give_answer(answer, now=timezone.now())
