"""The other spelling of a number: some numbers of Mexico, Argentina and Brazil have two, and a list may hold either."""

from datetime import datetime

from django.db import transaction

from messaging.models import Chat, Conversation
from messaging.phone import other_spelling
from workspaces.changes import announce
from workspaces.services.audit import Actor, record


def use_other_spelling(conversation: Conversation, *, by: Actor, now: datetime) -> bool:
    """Have the chat's messages go to the other spelling of its number from now on, whatever the customer writes from.

    Nothing is sent. False where the number has one spelling only. Source: traps.md P2.
    """
    chats = Chat.objects.in_workspace(conversation.workspace).filter(pk=conversation.chat_id)
    with transaction.atomic():
        chat = chats.select_for_update().get()
        other = other_spelling(chat.send_to) if chat.send_to else None
        if other is None:
            return False
        chats.update(chosen_address=other.removeprefix("+"), updated_at=now)
        record(by, "conversation.respelled", conversation, address=other)
        announce(conversation.workspace, f"conversation:{conversation.public_id}", now=now)
    return True
