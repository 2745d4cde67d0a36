"""What the team is told and what was done: audit entries, notifications, channels and live changes."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workspaces.errors import fill, known_codes, stored_error
from workspaces.models.people import Workspace
from workspaces.scope import TenantRow


class AuditEntry(TenantRow):
    """Who did what to which thing; verbs of services, never changed afterwards."""

    actor = models.CharField(_("who"), max_length=200)
    verb = models.CharField(_("what"), max_length=60)
    target_kind = models.CharField(_("kind"), max_length=40)
    target_id = models.CharField(_("id"), max_length=40, blank=True)
    target_label = models.CharField(_("thing"), max_length=200, blank=True)
    facts = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [models.Index(fields=["workspace", "-created_at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.verb} {self.target_label}"


class NotificationChannel(TenantRow):
    """Where the team hears of something, besides the bell in the product."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.EMAIL)
    address = models.EmailField(_("address"))
    is_on = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("notification channel")
        verbose_name_plural = _("notification channels")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind", "address"], name="channel_address_stands_once")
        ]

    def __str__(self) -> str:
        return self.address


class Notification(TenantRow):
    """One cause that waits for someone. The same cause again counts up instead of adding a row."""

    class Level(models.TextChoices):
        INFO = "info", _("Note")
        ATTENTION = "attention", _("Needs attention")
        FAILURE = "failure", _("Failure")

    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.ATTENTION)
    code = models.CharField(_("code"), max_length=60)
    digest_key = models.CharField(max_length=200)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"), blank=True)
    link = models.CharField(_("page"), max_length=300, blank=True)
    # What `title` and `body` name as %(name)s, and the facts of the named error in `code`.
    facts = models.JSONField(_("details"), default=dict, blank=True)
    count = models.PositiveIntegerField(_("times"), default=1)
    last_at = models.DateTimeField(_("last time"), default=timezone.now)
    solved_at = models.DateTimeField(_("solved"), null=True, blank=True)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    wake_at = models.DateTimeField(null=True, blank=True, help_text=_("When the e-mail is due."))

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "digest_key"], condition=Q(solved_at=None), name="one_open_notice_a_cause"
            )
        ]
        indexes = [
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="notification_wakes"),
            models.Index(fields=["workspace", "-last_at"], name="notification_by_time"),
        ]

    def __str__(self) -> str:
        return self.title_text()

    def title_text(self) -> str:
        """What happened, in the active language."""
        return filled(self.title, self.facts)

    def body_text(self) -> str:
        """More about it, in the active language; of a named error cause and cure."""
        if not self.body and self.code in known_codes():
            return stored_error(self.code, self.facts).for_person()
        return filled(self.body, self.facts)


def filled(msgid: str, facts: Mapping[str, Any]) -> str:
    """A text stored untranslated, in the active language. Text that no translation knows stays as it is."""
    if not msgid:
        return ""
    try:
        return fill(gettext(msgid), facts)
    except (TypeError, ValueError):  # A per cent sign of somebody's own.
        return msgid


class Change(models.Model):
    """Tells live pages that something changed; kept an hour. Never for counters (they would queue writers up)."""

    KEPT_SECONDS: ClassVar[int] = 3600

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")

    def __str__(self) -> str:
        return self.topic
