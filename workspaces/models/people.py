"""Who: users who log in by e-mail, workspaces, and the roles that join them."""

from datetime import time
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workspaces.ids import uuid7

LANGUAGES = [("de", _("German")), ("en", _("English"))]


class UserManager(BaseUserManager["User"]):
    """Makes users; the e-mail address is the name to log in with."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a usable password, or none at all where no password is given."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A member of staff with every permission."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with a login."""

    class Theme(models.TextChoices):
        AUTO = "auto", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=5, blank=True, choices=LANGUAGES)
    theme = models.CharField(_("appearance"), max_length=5, choices=Theme, default=Theme.AUTO)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [models.UniqueConstraint(Lower("email"), name="email_is_unique_in_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


def default_opt_out_words() -> list[str]:
    """Words that mean "no more" on their own, in German and English. A workspace changes them."""
    return ["stop", "stopp", "abmelden", "abbestellen", "unsubscribe", "keine werbung mehr", "opt out"]


def default_opt_in_words() -> list[str]:
    """Words that restore consent."""
    return ["start", "anmelden", "subscribe", "opt in"]


def validate_time_zone(name: str) -> None:
    """Raises ValidationError for a name that the zone files do not know."""
    if name not in available_timezones():
        raise ValidationError(_("%(name)s is no time zone. An example: Europe/Vienna."), params={"name": name})


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    """Workspaces as people and machinery look for them."""

    def of(self, user: User) -> Self:
        """Those the user is a member of."""
        return self.filter(memberships__user=user, is_paused=False)


class Workspace(models.Model):
    """A tenant: one business with its senders, contacts and flows."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    time_zone = models.CharField(
        _("time zone"), max_length=60, default="Europe/Vienna", validators=[validate_time_zone]
    )
    language = models.CharField(_("language"), max_length=5, default="de", choices=LANGUAGES)
    region = models.CharField(
        _("region"), max_length=2, default="AT", help_text=_("Country code; helps people to write phone numbers right.")
    )
    retention_days = models.PositiveIntegerField(_("days messages are kept"), default=730)
    daily_ai_budget_tokens = models.PositiveIntegerField(_("tokens for AI a day"), default=2_000_000)
    quiet_from = models.TimeField(_("quiet hours from"), default=time(20))
    quiet_until = models.TimeField(_("quiet hours until"), default=time(8))
    conversation_quiet_hours = models.PositiveIntegerField(
        _("hours until a conversation closes"),
        default=24,
        help_text=_("Without a message in either direction a conversation closes by itself after this time."),
    )
    opt_out_words = models.JSONField(_("opt-out words"), default=default_opt_out_words)
    opt_in_words = models.JSONField(_("opt-in words"), default=default_opt_in_words)
    opt_out_covers_all_templates = models.BooleanField(_("opt-out covers every template"), default=False)
    is_demo = models.BooleanField(_("demo"), default=False)
    is_paused = models.BooleanField(_("paused"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """The zone that times are shown and schedules are read in."""
        return ZoneInfo(self.time_zone)


class Role(models.TextChoices):
    """Each role may do all that stands before it (permissions.py says what)."""

    VIEWER = "viewer", _("Viewer")
    AGENT = "agent", _("Agent")
    EDITOR = "editor", _("Editor")
    ADMIN = "admin", _("Admin")
    OWNER = "owner", _("Owner")

    @property
    def rank(self) -> int:
        """Higher may do more."""
        return list(Role).index(self)

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        return self.rank >= needed.rank


class Membership(models.Model):
    """A user's role in one workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="user_is_member_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_is_known"),
            models.UniqueConstraint(fields=["workspace"], condition=Q(role="owner"), name="workspace_has_one_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.workspace}"

    def can(self, needed: Role) -> bool:
        """Whether this member's role covers the needed one."""
        return Role(self.role).covers(needed)
