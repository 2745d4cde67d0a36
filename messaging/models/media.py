"""Files of customers' messages: fetched from the platform in the background, typed by their content."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.models.message import Message
from workspaces.scope import TenantRow


def media_path(media: "MediaFile", _given_name: str) -> str:
    """Where a file lies: by workspace, month and id. No part of the path is the customer's."""
    return f"messages/{media.workspace.public_id}/{media.created_at:%Y/%m}/{media.public_id}"


class MediaFile(TenantRow):
    """One file of one message. The row stands as soon as the message does; the file follows, or the reason why not."""

    class Status(models.TextChoices):
        PENDING = "pending", _("is being fetched")
        STORED = "stored", _("stored")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("could not be fetched")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="media_files")
    kind = models.CharField(_("kind"), max_length=30)
    platform_id = models.CharField(_("platform's id"), max_length=200)
    # What the platform says it is, and what its bytes are.
    declared_type = models.CharField(_("said to be"), max_length=120, blank=True)
    content_type = models.CharField(_("type"), max_length=120, blank=True)
    name = models.CharField(_("file name"), max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("bytes"), null=True, blank=True)
    file = models.FileField(_("file"), upload_to=media_path, max_length=200, blank=True)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.PENDING)
    error_code = models.CharField(_("why"), max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # The platform keeps a customer's file for seven days.
    expires_at = models.DateTimeField(_("kept by WhatsApp until"))
    fetched_at = models.DateTimeField(_("fetched"), null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("media file")
        verbose_name_plural = _("media files")
        constraints = [
            models.UniqueConstraint(fields=["message", "platform_id"], name="media_stands_once_a_message"),
            models.CheckConstraint(condition=Q(status="pending") | Q(wake_at=None), name="only_pending_media_wakes"),
            models.CheckConstraint(condition=~Q(status="stored") | ~Q(file=""), name="stored_media_has_its_file"),
        ]
        indexes = [models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="media_wakes")]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {str(self.public_id)[:8]}"
