"""The customer service window: 24 hours from the customer's newest message or call, by the platform's time."""

from datetime import datetime, timedelta

from messaging.models import Chat

WINDOW = timedelta(hours=24)


def move_window(chat: Chat, written_at: datetime, *, address: str) -> None:
    """Only ever forward; the newest message also says where the customer is written to.

    `written_at` is never later than our own time: the caller has seen to that.
    """
    expires_at = written_at + WINDOW
    if chat.window_expires_at is None or expires_at > chat.window_expires_at:
        chat.window_expires_at = expires_at
    if chat.last_inbound_at is None or written_at > chat.last_inbound_at:
        chat.last_inbound_at = written_at
        chat.address = address or chat.address
    chat.save(update_fields=["window_expires_at", "last_inbound_at", "address"])
