"""What was said: messages both ways, and the statuses the platform reports for ours."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.models.contact import Chat, Conversation
from messaging.models.sender import Sender
from workspaces.scope import TenantRow


class Message(TenantRow):
    """One message. An outbound row is committed as `sending` before the platform is called."""

    class Direction(models.TextChoices):
        IN = "in", _("in")
        OUT = "out", _("out")

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        QUEUED = "queued", _("waits for a slot")
        SENDING = "sending", _("being sent")
        UNKNOWN = "unknown", _("unknown")
        ACCEPTED = "accepted", _("accepted")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        PLAYED = "played", _("played")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Cause(models.TextChoices):
        RUN = "run", _("flow")
        PERSON = "person", _("person")
        API = "api", _("API")
        ASSISTANT = "assistant", _("assistant")
        STAFF = "staff", _("staff")
        SYSTEM = "system", _("Botenwerk")

    sender = models.ForeignKey(Sender, on_delete=models.CASCADE, related_name="messages")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.CASCADE, related_name="messages")
    direction = models.CharField(_("direction"), max_length=3, choices=Direction)
    kind = models.CharField(_("kind"), max_length=30)
    body = models.TextField(_("text"), blank=True)
    payload = models.JSONField(_("content"), default=dict)
    provider_id = models.CharField(_("platform's id"), max_length=200, blank=True)
    reply_to_provider_id = models.CharField(max_length=200, blank=True)
    idempotency_key = models.CharField(max_length=300, null=True, blank=True)
    status = models.CharField(_("state"), max_length=10, choices=Status)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    price_category = models.CharField(_("price category"), max_length=40, blank=True)
    cause_kind = models.CharField(_("caused by"), max_length=12, choices=Cause, blank=True)
    cause_id = models.CharField(max_length=40, blank=True)
    cause_label = models.CharField(max_length=200, blank=True)
    # By the platform's clock for what comes in, by ours for what goes out.
    occurred_at = models.DateTimeField(_("when"))
    accepted_at = models.DateTimeField(null=True, blank=True)
    routed_at = models.DateTimeField(null=True, blank=True)
    routing_attempts = models.PositiveSmallIntegerField(default=0)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "provider_id"], condition=~Q(provider_id=""), name="provider_id_is_unique_a_sender"
            ),
            models.UniqueConstraint(
                fields=["workspace", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="message_key_is_used_once",
            ),
            models.CheckConstraint(
                condition=Q(direction="in", status="received") | (Q(direction="out") & ~Q(status="received")),
                name="only_inbound_is_received",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(error_code=""), name="failed_message_names_its_error"
            ),
        ]
        indexes = [
            models.Index(fields=["chat", "occurred_at", "id"], name="messages_of_a_chat"),
            models.Index(fields=["conversation", "occurred_at"], name="messages_of_a_conversation"),
            models.Index(fields=["workspace", "-id"], name="messages_by_time"),
            models.Index(fields=["workspace", "occurred_at"], name="messages_by_occurrence"),
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="message_wakes"),
            models.Index(
                fields=["chat", "occurred_at"], condition=Q(direction="in", routed_at=None), name="unrouted_messages"
            ),
            models.Index(fields=["cause_kind", "cause_id"], name="messages_by_cause"),
            # Staff look at these over all workspaces.
            models.Index(fields=["occurred_at"], condition=Q(status="failed"), name="failed_messages_by_time"),
            models.Index(
                fields=["sender"], condition=Q(error_code="delivery_unknown"), name="messages_that_stay_unknown"
            ),
        ]

    def __str__(self) -> str:
        return self.body[:60] or self.kind

    @property
    def waits_until(self) -> datetime | None:
        """When a queued message may go, or is asked about again; None for any other."""
        slot = self._slot
        return datetime.fromisoformat(slot["at"]) if slot else None

    @property
    def waits_for(self) -> str:
        """What holds a queued message back: a key of RateLimited.LIMITS, or empty."""
        return self._slot.get("limit", "")

    @property
    def _slot(self) -> dict[str, str]:
        if self.status != self.Status.QUEUED:
            return {}
        return (self.payload.get("terms") or {}).get("slot") or {}

    @property
    def is_revoked(self) -> bool:
        """Whether who wrote it has deleted it for everyone; its text and file are not shown any more."""
        return bool(self.payload.get("revoked_at"))

    @property
    def earlier_texts(self) -> list[str]:
        """Everything it has said before it was edited or deleted, oldest first; kept for audit."""
        said = self.payload.get("versions") or [self.payload.get("original") or {}]
        return [str(version.get("text") or "") for version in said]


class MessageStatus(TenantRow):
    """A status as the platform reported it; kept even while its message is not known yet."""

    sender = models.ForeignKey(Sender, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="statuses")
    provider_id = models.CharField(_("platform's id"), max_length=200)
    callback_data = models.CharField(max_length=512, blank=True)
    status = models.CharField(_("state"), max_length=20)
    occurred_at = models.DateTimeField(_("when"))
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    pricing = models.JSONField(default=dict, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("message status")
        verbose_name_plural = _("message statuses")
        constraints = [models.UniqueConstraint(fields=["sender", "provider_id", "status"], name="status_is_kept_once")]
        indexes = [models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="status_wakes")]

    def __str__(self) -> str:
        return f"{self.status} {self.occurred_at:%H:%M:%S}"
