"""Our side of the wire: senders (numbers of a business) and the templates of its business account."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from workspaces.fields import EncryptedTextField
from workspaces.scope import TenantRow


class Sender(TenantRow):
    """A WhatsApp number that a workspace writes from."""

    class Provider(models.TextChoices):
        CLOUD_API = "cloud_api", _("WhatsApp Cloud API")

    class Status(models.TextChoices):
        ONLINE = "online", _("online")
        CONNECTING = "connecting", _("connecting")
        PENDING = "pending", _("in review")
        OFFLINE = "offline", _("offline")
        SUSPENDED = "suspended", _("suspended")
        FAILED = "failed", _("disturbed")

    class Quality(models.TextChoices):
        GREEN = "green", _("green")
        YELLOW = "yellow", _("yellow")
        RED = "red", _("red")
        UNKNOWN = "unknown", _("unknown")

    class UnknownPolicy(models.TextChoices):
        HOLD = "hold", _("hold and tell the team")
        RESEND = "resend", _("send again")

    provider = models.CharField(_("provider"), max_length=20, choices=Provider, default=Provider.CLOUD_API)
    # A key of settings.PROVIDER_ADDRESSES: addresses belong to the installation, never to a tenant.
    address_key = models.CharField(_("address"), max_length=20, default="cloud_api")
    provider_number_id = models.CharField(_("phone number id"), max_length=64)
    business_account_id = models.CharField(_("business account id"), max_length=64)
    phone = models.CharField(_("number"), max_length=32, blank=True)
    display_name = models.CharField(_("display name"), max_length=120, blank=True)
    status = models.CharField(_("state"), max_length=12, choices=Status, default=Status.CONNECTING)
    status_reason = models.CharField(_("why"), max_length=300, blank=True)
    status_since = models.DateTimeField(_("since"), default=timezone.now)
    is_paused = models.BooleanField(_("paused by us"), default=False)
    assistant = models.ForeignKey(
        Assistant, null=True, blank=True, on_delete=models.SET_NULL, related_name="senders", verbose_name=_("assistant")
    )
    ai_answers = models.BooleanField(
        _("AI answers"), default=False, help_text=_("Answers every message that no flow answers.")
    )
    quality = models.CharField(_("quality"), max_length=8, choices=Quality, default=Quality.UNKNOWN)
    messaging_limit = models.PositiveIntegerField(_("recipients in 24 hours"), null=True, blank=True)
    throughput = models.PositiveIntegerField(_("messages a second"), default=80)
    token = EncryptedTextField(_("access token"), blank=True)
    app_secret = EncryptedTextField(_("app secret"), blank=True)
    verify_token = EncryptedTextField(_("verify token"), blank=True)
    unknown_policy = models.CharField(
        _("when an answer was lost"), max_length=8, choices=UnknownPolicy, default=UnknownPolicy.HOLD
    )
    last_checked_at = models.DateTimeField(_("last check"), null=True, blank=True)
    check_findings = models.JSONField(default=list, blank=True)
    templates_synced_at = models.DateTimeField(_("templates synced"), null=True, blank=True)
    retired_at = models.DateTimeField(_("disconnected"), null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sender")
        verbose_name_plural = _("senders")
        constraints = [
            # Two tenants with one number would share a customer's messages: unique over the installation.
            models.UniqueConstraint(
                fields=["provider", "provider_number_id"], condition=Q(retired_at=None), name="number_has_one_sender"
            ),
            models.CheckConstraint(condition=Q(throughput__gte=1), name="sender_throughput_is_positive"),
        ]
        indexes = [models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="sender_wakes")]

    def __str__(self) -> str:
        return self.display_name or self.phone or self.provider_number_id

    @property
    def base_url(self) -> str:
        """The platform's address for this sender, or empty where the installation no longer has it."""
        return settings.PROVIDER_ADDRESSES.get(self.address_key, "")

    @property
    def is_usable(self) -> bool:
        """Whether anything may go out: online, and not paused by us."""
        return self.status == self.Status.ONLINE and not self.is_paused and self.retired_at is None

    @property
    def shown_status(self) -> str:
        """Paused by us is shown as offline."""
        return self.Status.OFFLINE if self.is_paused or self.retired_at else self.status


class Template(TenantRow):
    """A message the platform has to approve; the platform's copy is the truth, this one is synced."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PENDING = "pending", _("in review")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        PAUSED = "paused", _("paused")
        DISABLED = "disabled", _("disabled")
        DELETED = "deleted", _("deleted")

    class Category(models.TextChoices):
        UTILITY = "utility", _("utility")
        MARKETING = "marketing", _("marketing")
        AUTHENTICATION = "authentication", _("authentication")

    class ParameterFormat(models.TextChoices):
        POSITIONAL = "positional", _("numbered")
        NAMED = "named", _("named")

    business_account_id = models.CharField(_("business account id"), max_length=64)
    platform_id = models.CharField(_("platform's id"), max_length=64, blank=True)
    name = models.CharField(_("name"), max_length=512)
    language = models.CharField(_("language"), max_length=12)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.PENDING)
    status_reason = models.CharField(_("why"), max_length=300, blank=True)
    status_since = models.DateTimeField(_("since"), default=timezone.now)
    quality = models.CharField(_("quality"), max_length=8, choices=Sender.Quality, default=Sender.Quality.UNKNOWN)
    parameter_format = models.CharField(
        _("parameters"), max_length=10, choices=ParameterFormat, default=ParameterFormat.POSITIONAL
    )
    components = models.JSONField(_("content"), default=list)
    last_synced_at = models.DateTimeField(_("last synced"), null=True, blank=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "business_account_id", "name", "language"], name="template_language_stands_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"
