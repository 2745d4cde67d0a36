"""Tell the team: in the product and by e-mail."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Effect, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.forms.fields import LiquidField, StepForm
from workspaces.models import Notification, Workspace
from workspaces.services.notifications import notify_team


class NotifyTeamForm(StepForm):
    """What to say, and how loud."""

    title = LiquidField(label=_("Title"), max_length=200)
    body = LiquidField(label=_("Text"), multiline=True, required=False)
    level = forms.ChoiceField(label=_("Level"), choices=Notification.Level.choices, initial="attention")


@register("notify_team")
class NotifyTeam(Action):
    """One notice a step of a run; repeated after a crash it stays one."""

    label = _("Notify team")
    icon = "bell-ring"
    group = Group.PEOPLE
    form = NotifyTeamForm
    effect = Effect.OUTSIDE
    output = {"notification_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e18"}
    synonyms = (gettext_noop("e-mail"), gettext_noop("alert"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("Tells the team “%(title)s”")) % {"title": config.get("title") or "…"}

    def run(self, step: StepContext) -> Done | Suspend:
        if step.is_dry:
            return Done(dict(self.output), notes=("dry_run",))
        notice = notify_team(
            workspace=step.workspace,
            code="flow_notice",
            title=str(step.config["title"])[:200],
            body=str(step.config.get("body") or ""),
            link=reverse("run", args=[step.workspace.slug, step.run.public_id]),
            level=step.config.get("level") or "attention",
            digest_key=step.stable_key,
            now=step.now,
        )
        return Done({"notification_id": str(notice.public_id)})
