"""The customer: contact, the ids the platform knows them by, consent, and the chat with each sender."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.models.sender import Sender
from workspaces.models import Membership
from workspaces.scope import TenantRow


class Consent(models.TextChoices):
    """What a contact has said about one purpose."""

    UNKNOWN = "unknown", _("nothing said")
    OPTED_IN = "opted_in", _("opted in")
    OPTED_OUT = "opted_out", _("opted out")


class Purpose(models.TextChoices):
    """What consent is about."""

    SERVICE = "service", _("service")
    MARKETING = "marketing", _("marketing")
    AI = "ai", _("AI")


class Contact(TenantRow):
    """A person the business writes with. The phone may be unknown; ids are in ContactIdentity."""

    phone = models.CharField(_("phone"), max_length=16, null=True, blank=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    profile_name = models.CharField(_("name on WhatsApp"), max_length=255, blank=True)
    username = models.CharField(_("username"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=12, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    consent_service = models.CharField(_("service"), max_length=10, choices=Consent, default=Consent.UNKNOWN)
    consent_marketing = models.CharField(_("marketing"), max_length=10, choices=Consent, default=Consent.UNKNOWN)
    consent_ai = models.CharField(_("AI"), max_length=10, choices=Consent, default=Consent.UNKNOWN)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged", verbose_name=_("merged into")
    )

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "phone"], condition=Q(phone__isnull=False), name="phone_has_one_contact"
            ),
            # [0-9], not \d: other scripts' digits never reach this column (traps.md P9).
            models.CheckConstraint(
                condition=Q(phone=None) | Q(phone__regex=r"^\+[0-9]{6,15}$"), name="contact_phone_is_e164"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.profile_name or self.phone or self.username or str(self.public_id)[:8]


class ContactIdentity(TenantRow):
    """One id by which the platform knows a contact."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("phone")
        WHATSAPP_ID = "whatsapp_id", _("WhatsApp id")
        USER_ID = "user_id", _("user id")

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    value = models.CharField(_("id"), max_length=160)
    portfolio = models.CharField(
        _("portfolio"), max_length=64, blank=True, help_text=_("A user id holds within one business portfolio.")
    )

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind", "value", "portfolio"], name="identity_has_one_contact")
        ]

    def __str__(self) -> str:
        return self.value


class ConsentEvent(TenantRow):
    """What was said about consent, when, and how we know. Only ever added to."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consent_events")
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    state = models.CharField(_("state"), max_length=10, choices=Consent)
    source = models.CharField(_("source"), max_length=40)
    evidence = models.TextField(_("evidence"), blank=True)
    occurred_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}: {self.get_state_display()}"


class Chat(TenantRow):
    """A contact and a sender: carries the customer service window and the address to send to."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="chats")
    sender = models.ForeignKey(Sender, on_delete=models.CASCADE, related_name="chats")
    window_expires_at = models.DateTimeField(_("window open until"), null=True, blank=True)
    last_inbound_at = models.DateTimeField(_("customer last wrote"), null=True, blank=True)
    # Digits for the platform's `to`, or a user id for its `recipient`.
    address = models.CharField(_("address"), max_length=160, blank=True)
    # A person's choice goes before what the customer writes from (traps.md P2).
    chosen_address = models.CharField(_("chosen address"), max_length=160, blank=True)
    marketing_stopped_at = models.DateTimeField(_("marketing stopped on WhatsApp"), null=True, blank=True)

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        constraints = [models.UniqueConstraint(fields=["contact", "sender"], name="one_chat_a_contact_and_sender")]

    def __str__(self) -> str:
        return f"{self.contact} · {self.sender}"

    @property
    def send_to(self) -> str:
        """Where messages go: what a person chose, else what the customer last wrote from; empty if neither is."""
        return self.chosen_address or self.address

    def is_window_open(self, now: datetime) -> bool:
        """Free text goes while now <= window_expires_at: at 24:00:00 it goes, a second later it does not."""
        return self.window_expires_at is not None and now <= self.window_expires_at


class Conversation(TenantRow):
    """An episode of a chat: from the first message until a person, a flow or the quiet time closes it."""

    class OpenedBy(models.TextChoices):
        CUSTOMER = "customer", _("the customer")
        BUSINESS = "business", _("the business")

    class ClosedBy(models.TextChoices):
        PERSON = "person", _("a person")
        FLOW = "flow", _("a flow")
        QUIET = "quiet", _("the quiet time")

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="conversations")
    opened_at = models.DateTimeField(_("opened"))
    opened_by = models.CharField(_("opened by"), max_length=10, choices=OpenedBy)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=10, choices=ClosedBy, blank=True)
    assignee = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("assigned to")
    )
    taken_over_until = models.DateTimeField(_("taken over until"), null=True, blank=True)
    taken_over_by = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("taken over by")
    )
    unread_count = models.PositiveIntegerField(_("unread"), default=0)
    has_inbound = models.BooleanField(_("customer has written"), default=False)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True)
    last_message_text = models.CharField(_("last text"), max_length=200, blank=True)
    last_message_direction = models.CharField(max_length=3, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True, help_text=_("When the quiet time is over."))

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(
                fields=["chat"], condition=Q(closed_at=None), name="chat_has_one_open_conversation"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by="") | (Q(closed_at__isnull=False) & ~Q(closed_by="")),
                name="closing_names_who_closed",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-last_message_at"], name="conversations_by_time"),
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="conversation_wakes"),
        ]

    def __str__(self) -> str:
        return str(self.chat)

    def is_taken_over(self, now: datetime) -> bool:
        """Whether a person holds this conversation, so that nothing automated speaks into it."""
        return self.closed_at is None and self.taken_over_until is not None and now < self.taken_over_until
