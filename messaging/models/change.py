"""What is said about an earlier message: reactions, edits, revocations."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.models.message import Message
from messaging.models.sender import Sender
from workspaces.scope import TenantRow


class MessageChange(TenantRow):
    """One change as it came, kept even while its message is not known. Only ever added to.

    What the message shows is worked out from all of its changes by the platform's time, so order and doubles of the
    deliveries do not matter.
    """

    class Kind(models.TextChoices):
        REACTION = "reaction", _("reaction")
        EDIT = "edit", _("edited")
        REVOKE = "revoke", _("deleted")

    class By(models.TextChoices):
        CUSTOMER = "customer", _("the customer")
        BUSINESS = "business", _("the business")

    sender = models.ForeignKey(Sender, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="changes")
    provider_id = models.CharField(_("platform's id"), max_length=200)
    target_provider_id = models.CharField(_("about"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    by = models.CharField(_("by"), max_length=10, choices=By)
    # A reaction's `emoji` (empty: taken back), an edit's `text` and `media`.
    content = models.JSONField(_("content"), default=dict)
    occurred_at = models.DateTimeField(_("when"))
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("change of a message")
        verbose_name_plural = _("changes of messages")
        constraints = [models.UniqueConstraint(fields=["sender", "provider_id"], name="change_is_kept_once")]
        indexes = [
            models.Index(fields=["sender", "target_provider_id"], condition=Q(message=None), name="changes_to_settle"),
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="change_wakes"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.occurred_at:%H:%M:%S}"
