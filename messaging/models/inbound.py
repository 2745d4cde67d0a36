"""What came in over the webhook: raw bodies, and a log line for each thing in them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.models.message import Message
from messaging.models.sender import Sender
from workspaces.ids import uuid7
from workspaces.models import Workspace


class WebhookEvent(models.Model):
    """A verified body, stored before it is acknowledged. For staff: it may speak for several tenants."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # The sender whose address it came to; null for the app's endpoint.
    sender = models.ForeignKey(Sender, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    endpoint = models.CharField(_("endpoint"), max_length=60)
    body = models.BinaryField(_("body"))
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=1)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        constraints = [models.UniqueConstraint(fields=["endpoint", "digest"], name="verified_body_is_kept_once")]
        indexes = [
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="webhook_event_wakes"),
            models.Index(fields=["-received_at"], name="webhook_events_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M:%S} {self.endpoint}"


class InboundLog(models.Model):
    """One line for each thing that came in: what it was, what became of it, and why."""

    class Outcome(models.TextChoices):
        STORED = "stored", _("stored")
        DUPLICATE = "duplicate", _("known already")
        NOTED = "noted", _("noted")
        UNKNOWN_SENDER = "unknown_sender", _("unknown sender")
        NO_SUCH_MESSAGE = "no_such_message", _("no such message yet")
        NOT_UNDERSTOOD = "not_understood", _("not understood")
        REFUSED = "refused", _("refused")
        NOT_ROUTED = "not_routed", _("not routed")
        FAILED = "failed", _("failed")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    sender = models.ForeignKey(Sender, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    event = models.ForeignKey(WebhookEvent, null=True, blank=True, on_delete=models.SET_NULL, related_name="log")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(_("when"), default=timezone.now)
    kind = models.CharField(_("kind"), max_length=60)
    outcome = models.CharField(_("what became of it"), max_length=20, choices=Outcome)
    reason = models.CharField(_("why"), max_length=60, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    excerpt = models.TextField(_("excerpt"), blank=True)

    class Meta:
        verbose_name = _("inbound log line")
        verbose_name_plural = _("inbound log")
        indexes = [
            models.Index(fields=["-at"], name="inbound_log_by_time"),
            models.Index(fields=["workspace", "-at"], name="inbound_log_of_a_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.get_outcome_display()}"
