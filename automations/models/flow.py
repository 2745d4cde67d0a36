"""Flows, their versions, and the steps of a version."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workspaces.models import Membership
from workspaces.scope import TenantRow


class Flow(TenantRow):
    """What happens, and when. New runs use the published version; the draft is edited beside it."""

    name = models.CharField(_("name"), max_length=120)
    is_on = models.BooleanField(_("on"), default=False)
    leads = models.BooleanField(
        _("leads the conversation"),
        default=True,
        help_text=_("A message starts at most one flow that leads; flows that run alongside are started besides."),
    )
    priority = models.IntegerField(_("priority"), default=0, help_text=_("The higher one comes first."))
    published = models.ForeignKey(
        "FlowVersion",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("published version"),
    )
    recipe = models.CharField(_("recipe"), max_length=80, blank=True, editable=False)

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")

    def __str__(self) -> str:
        return self.name

    @property
    def draft(self) -> "FlowVersion":
        """The version being edited; every flow has exactly one."""
        return self.versions.get(state=FlowVersion.State.DRAFT)


class FlowVersion(TenantRow):
    """A draft, or what a draft was when it was published: then it never changes again."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        ARCHIVED = "archived", _("archived")
        TRIAL = "trial", _("test")

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    # Given when it is published; drafts and tests have none.
    number = models.PositiveIntegerField(_("number"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    trigger_type = models.CharField(_("trigger"), max_length=40, blank=True)
    trigger_config = models.JSONField(_("trigger settings"), default=dict, blank=True)
    program = models.JSONField(null=True, blank=True, editable=False)
    note = models.CharField(_("note"), max_length=300, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    class Meta:
        verbose_name = _("flow version")
        verbose_name_plural = _("flow versions")
        constraints = [
            models.UniqueConstraint(fields=["flow", "number"], name="version_number_stands_once"),
            models.UniqueConstraint(fields=["flow"], condition=Q(state="draft"), name="flow_has_one_draft"),
            models.UniqueConstraint(fields=["flow"], condition=Q(state="published"), name="flow_has_one_published"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(program__isnull=False), name="published_version_has_program"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "trial"), number=None) | Q(number__isnull=False),
                name="published_version_is_numbered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow} · {self.number or self.get_state_display()}"


class Step(TenantRow):
    """One step of a version's tree: in the trunk, or in a lane of its parent."""

    class OnFailure(models.TextChoices):
        STOP = "stop", _("stop the run")
        CONTINUE = "continue", _("go on with the next step")
        LANE = "lane", _("take the failure lane")

    FAILURE_LANE = "failure"

    version = models.ForeignKey(FlowVersion, on_delete=models.CASCADE, related_name="steps")
    # Made from the name once and kept over renaming, moving and versions: expressions point at it.
    key = models.SlugField(_("key"), max_length=60, allow_unicode=False)
    type = models.CharField(_("type"), max_length=40)
    name = models.CharField(_("name"), max_length=120, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    is_on = models.BooleanField(_("on"), default=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    lane = models.CharField(_("lane"), max_length=60, blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    config = models.JSONField(_("settings"), default=dict, blank=True)
    retry = models.JSONField(_("retry"), default=dict, blank=True)
    on_failure = models.CharField(_("on failure"), max_length=10, choices=OnFailure, default=OnFailure.STOP)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="step_key_is_unique_in_flow"),
            models.CheckConstraint(
                condition=Q(parent=None, lane="") | (Q(parent__isnull=False) & ~Q(lane="")),
                name="lane_belongs_to_a_parent",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.key

    def clean(self) -> None:
        """A parent of another version would tear the tree apart."""
        if self.parent_id and self.version_id and self.parent and self.parent.version_id != self.version_id:
            raise ValidationError({"parent": _("The parent must be a step of the same version.")})
