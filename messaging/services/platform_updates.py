"""What the platform says about templates and numbers."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from messaging.models import Chat, Consent, ConsentEvent, Purpose, Sender, Template
from messaging.services.people import chat_for, find_locked_contact
from messaging.services.senders import set_sender_quality
from messaging.services.templates import set_template_status
from messaging.webhooks.events import IncompleteItem, NumberUpdate, Preference, TemplateUpdate
from workspaces.models import Workspace
from workspaces.services.notifications import notify_team

QUALITIES = {"green": "green", "yellow": "yellow", "red": "red", "unknown": "unknown", "high": "green"}
PREFERENCE = "whatsapp_preference"
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
    if item.refused_name:
        notify_team(
            workspace=sender.workspace,
            code="name_refused",
            title=_("WhatsApp refuses the name “%(name)s”"),
            body=_("The name of %(sender)s stays as it was. WhatsApp says: %(reason)s. Submit another in its manager."),
            facts={"sender": str(sender), "name": item.refused_name, "reason": item.reason or "–"},
            digest_key=f"name_refused:{sender.public_id}",
            now=now,
        )
    Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk).update(**changes)
    if item.quality in QUALITIES:
        sender.refresh_from_db()
        set_sender_quality(sender, QUALITIES[item.quality], now=now)


def update_preference(*, sender: Sender, item: Preference, now: datetime) -> bool:
    """Honour the customer's marketing switch on the platform, for every number of this business account.

    Compared by the platform's time, since order is not promised. `resume` lifts what `stop` did and nothing else: a
    word the customer wrote to us stays. True if it was news. Raises IncompleteItem where nobody is named.
    """
    if not item.person.is_known:
        raise IncompleteItem("nobody it could be from")
    said_at = min(item.said_at or now, now)
    contact, _is_new = find_locked_contact(sender, item.person, now=now)
    said = ConsentEvent.objects.in_workspace(sender.workspace).filter(
        contact=contact, source=PREFERENCE, evidence=sender.business_account_id
    )
    state = Consent.OPTED_OUT if item.is_stop else Consent.OPTED_IN
    if said.filter(occurred_at=said_at, state=state).exists():
        return False
    is_newest = not said.filter(occurred_at__gt=said_at).exists()
    ConsentEvent.objects.create(
        workspace=sender.workspace,
        contact=contact,
        purpose=Purpose.MARKETING,
        state=state,
        source=PREFERENCE,
        evidence=sender.business_account_id,
        occurred_at=said_at,
    )
    if is_newest:
        chat_for(contact, sender, now)
        chats = Chat.objects.in_workspace(sender.workspace).filter(contact=contact)
        chats.filter(sender__business_account_id=sender.business_account_id).update(
            marketing_stopped_at=said_at if item.is_stop else None, updated_at=now
        )
    return is_newest
