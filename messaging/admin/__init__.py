"""Staff pages of messaging: senders and templates, people, messages, and what came in."""

from messaging.admin import contact, inbound, media, message, overview, sender, template

__all__ = ["contact", "inbound", "media", "message", "overview", "sender", "template"]
