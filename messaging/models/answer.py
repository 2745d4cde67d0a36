"""What Botenwerk itself still has to say to a customer's message: the assistant's answer, or a confirmation."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.models.message import Message
from workspaces.scope import TenantRow


class AutomaticAnswer(TenantRow):
    """One answer owed to one message; the row is what survives a lost task."""

    class Kind(models.TextChoices):
        ASSISTANT = "assistant", _("answer of the sender's assistant")
        CONSENT = "consent", _("confirmation of an opt-out or opt-in")

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="automatic_answers")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("automatic answer")
        verbose_name_plural = _("automatic answers")
        constraints = [
            models.UniqueConstraint(fields=["message", "kind"], name="one_answer_a_message_and_kind"),
            models.CheckConstraint(condition=Q(status="pending") | Q(wake_at=None), name="only_a_pending_answer_wakes"),
        ]
        indexes = [models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="answer_wakes")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.message}"
