"""What django-q2 runs for messaging: each loads one row by its id and calls a service."""

from django.utils import timezone

from messaging.models import Message, Sender
from messaging.services.rescue import wake_outbound
from messaging.services.senders import check_in_background


def wake_message(message_id: int) -> None:
    """Do what is due for a message that the clock has found."""
    rows = Message.objects.across_workspaces().select_related("workspace", "sender__workspace", "chat__contact")
    message = rows.filter(pk=message_id, direction=Message.Direction.OUT).first()
    if message is not None:
        wake_outbound(message, now=timezone.now())


def wake_sender(sender_id: int) -> None:
    """Check a sender whose five minutes are over."""
    sender = Sender.objects.across_workspaces().select_related("workspace").filter(pk=sender_id).first()
    if sender is not None:
        check_in_background(sender, now=timezone.now())
