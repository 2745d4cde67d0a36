"""What the platform says about templates and numbers."""

from datetime import datetime

from messaging.models import Sender, Template
from messaging.services.senders import set_sender_quality
from messaging.services.templates import set_template_status
from messaging.webhooks.events import NumberUpdate, TemplateUpdate
from workspaces.models import Workspace

QUALITIES = {"green": "green", "yellow": "yellow", "red": "red", "unknown": "unknown", "high": "green"}
CATEGORIES = frozenset(Template.Category.values)


def update_template(*, workspace: Workspace, item: TemplateUpdate, now: datetime) -> Template | None:
    """Bring our copy up to what the platform says; None where we have no such template (the next sync brings it)."""
    templates = Template.objects.in_workspace(workspace).filter(business_account_id=item.account_id)
    template = templates.filter(name=item.name, language=item.language).first()
    if template is None and item.platform_id:
        template = templates.filter(platform_id=item.platform_id).first()
    if template is None:
        return None
    if item.status and item.status != template.status:
        set_template_status(template, item.status, reason=item.reason, now=now)
    changes: dict[str, str] = {}
    if item.quality in QUALITIES:
        changes["quality"] = QUALITIES[item.quality]
    if item.category in CATEGORIES:
        changes["category"] = item.category
    if changes:
        Template.objects.in_workspace(workspace).filter(pk=template.pk).update(**changes, updated_at=now)
        template.refresh_from_db()
    return template


def update_number(*, sender: Sender, item: NumberUpdate, now: datetime) -> None:
    """Take over what the webhook says, and have the clock ask the platform for the rest at once.

    The webhook alone does not carry a number's quality (reference, section 9).
    """
    changes: dict[str, object] = {"wake_at": now, "updated_at": now}
    if item.limit is not None:
        changes["messaging_limit"] = None if item.limit < 0 else item.limit
    if item.throughput:
        changes["throughput"] = item.throughput
    if item.name:
        changes["display_name"] = item.name[:120]
    Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk).update(**changes)
    if item.quality in QUALITIES:
        sender.refresh_from_db()
        set_sender_quality(sender, QUALITIES[item.quality], now=now)
