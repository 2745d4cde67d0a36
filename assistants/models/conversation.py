"""Assistants, the threads they hold with customers, and the turns of each thread."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workspaces.fields import EncryptedTextField
from workspaces.scope import TenantRow


class Assistant(TenantRow):
    """A model with instructions that answers customers. Any OpenAI-compatible address will do."""

    name = models.CharField(_("name"), max_length=120)
    endpoint = models.URLField(
        _("address of the model"),
        max_length=300,
        help_text=_("Ends in /v1 with most services, e.g. https://api.openai.com/v1"),
    )
    api_key = EncryptedTextField(_("key"), blank=True)
    model = models.CharField(_("model"), max_length=120)
    instructions = models.TextField(
        _("instructions"), help_text=_("What the assistant is to know and how it is to answer.")
    )
    variables = models.JSONField(_("variables"), default=dict, blank=True)
    temperature = models.FloatField(
        _("temperature"), default=0.3, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)]
    )
    history_length = models.PositiveSmallIntegerField(_("turns it remembers"), default=20)
    timeout_seconds = models.PositiveSmallIntegerField(
        _("seconds to wait for an answer"), default=30, validators=[MinValueValidator(1), MaxValueValidator(45)]
    )
    fallback_text = models.TextField(
        _("answer when the model fails"),
        blank=True,
        help_text=_("Sent in place of an answer. Empty: the step fails."),
    )
    is_on = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("assistant")
        verbose_name_plural = _("assistants")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="assistant_name_stands_once"),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gte=1, timeout_seconds__lte=45), name="assistant_timeout_is_bounded"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Thread(TenantRow):
    """All that an assistant and one customer have said; answers follow in stored order under the lease."""

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="threads")
    customer_identifier = models.CharField(_("customer identifier"), max_length=255)
    variables = models.JSONField(_("variables"), default=dict)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        constraints = [
            models.UniqueConstraint(fields=["assistant", "customer_identifier"], name="one_thread_a_customer"),
            models.CheckConstraint(condition=~Q(customer_identifier=""), name="thread_names_its_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.assistant} · {self.customer_identifier}"


class Turn(TenantRow):
    """One thing said. A customer's turn is stored before it is answered, and answered at most once."""

    class Role(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        ASSISTANT = "assistant", _("Assistant")

    class Status(models.TextChoices):
        PENDING = "pending", _("waits for an answer")
        ANSWERED = "answered", _("answered")
        FAILED = "failed", _("failed")
        SAID = "said", _("said")

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="turns")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    content = models.TextField(_("text"))
    status = models.CharField(_("state"), max_length=10, choices=Status)
    key = models.CharField(
        max_length=255, blank=True, help_text=_("run:step:iteration, or the caller's Idempotency-Key")
    )
    answers = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="answer", verbose_name=_("answers")
    )
    model = models.CharField(_("model"), max_length=120, blank=True)
    prompt_tokens = models.PositiveIntegerField(_("tokens in"), default=0)
    completion_tokens = models.PositiveIntegerField(_("tokens out"), default=0)
    latency_ms = models.PositiveIntegerField(_("milliseconds"), null=True)
    is_fallback = models.BooleanField(_("fallback"), default=False)
    wants_hand_off = models.BooleanField(_("wants a person"), default=False)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    forgotten_at = models.DateTimeField(
        _("forgotten"), null=True, blank=True, help_text=_("The customer took it back; no prompt holds it any more.")
    )

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        constraints = [
            models.UniqueConstraint(fields=["thread", "key"], condition=~Q(key=""), name="turn_key_is_used_once"),
            models.CheckConstraint(
                condition=Q(role="assistant", answers__isnull=False) | Q(role="customer", answers__isnull=True),
                name="assistant_turn_answers_one",
            ),
            models.CheckConstraint(
                condition=Q(role="assistant", status="said")
                | Q(role="customer", status__in=["pending", "answered", "failed"]),
                name="turn_state_fits_its_role",
            ),
            models.CheckConstraint(condition=~Q(role="assistant", content=""), name="assistant_turn_says_something"),
        ]
        indexes = [
            models.Index(fields=["thread", "id"], name="turns_in_order"),
            models.Index(fields=["workspace", "created_at"], name="turns_of_a_day"),
        ]

    def __str__(self) -> str:
        return self.content[:60]
