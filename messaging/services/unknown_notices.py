"""The team's notice of messages whose end is not known: one a sender, closed when each of them is dealt with."""

from datetime import datetime

from messaging.errors import DeliveryUnknown
from messaging.models import Message
from workspaces.models import Notification
from workspaces.services.notifications import solve

# More than these are left to a person to look through and close.
LOOKED_AT = 500


def notice_key(message: Message) -> str:
    """The digest key of the notice that a message's is counted in."""
    return f"{DeliveryUnknown.code}:{message.sender.public_id}"


def again_key(message: Message) -> str:
    """The idempotency key of the one message that a failed one is sent again as."""
    return f"again:{message.public_id}"


def close_if_dealt_with(message: Message, *, now: datetime) -> None:
    """Close the sender's notice if, of all it was about, each was settled by the platform or sent again."""
    workspace, key = message.workspace, notice_key(message)
    notice = Notification.objects.in_workspace(workspace).filter(digest_key=key, solved_at=None).first()
    if notice is None:
        return
    rows = Message.objects.in_workspace(workspace)
    since = min(notice.created_at, notice.last_at)
    unsettled = rows.filter(sender=message.sender, error_code=DeliveryUnknown.code, updated_at__gte=since)
    left = [again_key(row) for row in unsettled.only("public_id")[:LOOKED_AT]]
    sent_again = rows.filter(idempotency_key__in=left).exclude(status=Message.Status.FAILED).count()
    if sent_again == len(left) < LOOKED_AT:
        solve(workspace, key, now)
