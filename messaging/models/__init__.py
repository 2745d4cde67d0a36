"""What: senders, templates, contacts, chats, conversations, messages, and what came in."""

from messaging.models.answer import AutomaticAnswer
from messaging.models.change import MessageChange
from messaging.models.contact import Chat, Consent, ConsentEvent, Contact, ContactIdentity, Conversation, Purpose
from messaging.models.inbound import InboundLog, WebhookEvent
from messaging.models.media import MediaFile
from messaging.models.message import Message, MessageStatus
from messaging.models.pacing import Pace
from messaging.models.sender import Sender, Template

__all__ = [
    "AutomaticAnswer",
    "Chat",
    "Consent",
    "ConsentEvent",
    "Contact",
    "ContactIdentity",
    "Conversation",
    "InboundLog",
    "MediaFile",
    "Message",
    "MessageChange",
    "MessageStatus",
    "Pace",
    "Purpose",
    "Sender",
    "Template",
    "WebhookEvent",
]
