"""Taking a delivery in: verified bodies are stored before they are acknowledged, refused ones leave a line."""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from messaging.models import InboundLog, Sender, WebhookEvent
from workspaces.queue import enqueue

APP_ENDPOINT = "app"
TASK = "messaging.tasks.process_webhook_event"
FIRST_LOOK = timedelta(seconds=5)
EXCERPT_BYTES = 600
# Refused deliveries are kept apart and bounded, or anybody could fill the disk.
REFUSED_KEPT = 1_000


def endpoint_of(sender: Sender | None) -> str:
    """The name that bodies are kept under: one a sender's address, and one for the app's."""
    return f"sender:{sender.public_id}" if sender else APP_ENDPOINT


def digest_of(body: bytes) -> str:
    """What tells a redelivered body from a new one."""
    return hashlib.sha256(body).hexdigest()


def take_in(*, sender: Sender | None, body: bytes, now: datetime) -> WebhookEvent:
    """Store a verified body once and wake a worker. A redelivered body that had failed is processed again."""
    endpoint, digest = endpoint_of(sender), digest_of(body)
    with transaction.atomic():
        event, was_created = WebhookEvent.objects.get_or_create(
            endpoint=endpoint,
            digest=digest,
            defaults={"sender": sender, "body": body, "received_at": now, "wake_at": now + FIRST_LOOK},
        )
        if not was_created:
            WebhookEvent.objects.filter(pk=event.pk).update(deliveries=F("deliveries") + 1)
            if event.processed_at is None:
                WebhookEvent.objects.filter(pk=event.pk).update(wake_at=now + FIRST_LOOK)
        if event.processed_at is None:
            enqueue(TASK, event.pk)
    return event


def note_refusal(*, sender: Sender | None, reason: str, body: bytes, now: datetime) -> None:
    """A line for a delivery that was refused: why, and the beginning of what came."""
    InboundLog.objects.create(
        workspace=sender.workspace if sender else None,
        sender=sender,
        at=now,
        kind="delivery",
        outcome=InboundLog.Outcome.REFUSED,
        reason=reason,
        detail=f"{len(body)} bytes",
        excerpt=body[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\x00", ""),
    )
    refused = InboundLog.objects.filter(outcome=InboundLog.Outcome.REFUSED, sender=sender).order_by("-id")
    oldest_kept = refused.values_list("pk", flat=True)[REFUSED_KEPT : REFUSED_KEPT + 1].first()
    if oldest_kept is not None:
        refused.filter(pk__lte=oldest_kept).delete()
