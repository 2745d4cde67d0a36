"""Staff pages of messaging: senders and templates, people, messages, and what came in."""

from messaging.admin import bulk, contact, inbound, media, message, overview, sender, template

__all__ = ["bulk", "contact", "inbound", "media", "message", "overview", "sender", "template"]
