"""Messaging's figures on the admin's first page."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from messaging.errors import DeliveryUnknown
from messaging.models import Message, Sender, WebhookEvent
from workspaces.admin.overview import Figure, register_figure


def _unprocessed(now: datetime) -> int:
    return WebhookEvent.objects.filter(wake_at__isnull=False, processed_at=None).count()


def _unknown(now: datetime) -> int:
    # Two partial indexes: an unknown row has a time at which it is settled, a held one its error.
    rows = Message.objects.across_workspaces()
    held = rows.filter(error_code=DeliveryUnknown.code).count()
    return held + rows.filter(wake_at__isnull=False, status=Message.Status.UNKNOWN).count()


def _offline(now: datetime) -> int:
    rows = Sender.objects.across_workspaces().filter(retired_at=None)
    return rows.exclude(status=Sender.Status.ONLINE).count()


register_figure(
    Figure(
        _("Webhook events not processed"),
        _unprocessed,
        "messaging.view_webhookevent",
        lambda: reverse("admin:messaging_webhookevent_changelist") + "?processed_at__isempty=1",
        100,
    )
)
register_figure(
    Figure(
        _("Messages with an unknown end"),
        _unknown,
        "messaging.view_message",
        lambda: reverse("admin:messaging_message_outbox"),
        1,
    )
)
register_figure(
    Figure(
        _("Senders not online"),
        _offline,
        "messaging.view_sender",
        lambda: reverse("admin:messaging_sender_changelist"),
        1,
    )
)
