"""What the platform says about a whole business account: access lost or back, barred, restricted, or only told.

Names of the events: reference, section 10. The webhook is a hint; every one that touches sending has the clock ask
the platform for the number's state at once.
"""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from messaging.models import Sender
from messaging.services.senders import set_sender_status
from messaging.webhooks.events import AccountUpdate
from workspaces.changes import announce
from workspaces.services.audit import record
from workspaces.services.notifications import notify_team

ACTOR = "whatsapp"
# Access is gone: nothing goes out until somebody connects the account again.
LOST = frozenset(
    {"ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "DISABLED_BY_PLATFORM"}
)
# Access is back, or new: the check that follows at once puts the sender online.
BACK = frozenset({"ACCOUNT_RECONNECTED", "PARTNER_ADDED", "PARTNER_APP_INSTALLED", "REINSTATED"})
WARNED = {
    "ACCOUNT_VIOLATION": _("WhatsApp reports a violation of its rules by %(sender)s"),
    "ACCOUNT_RESTRICTION": _("WhatsApp restricts %(sender)s"),
    "SCHEDULED_FOR_BAN": _("WhatsApp will bar %(sender)s"),
}
# DISABLED_UPDATE announces three different things: the state says which.
BAN_STATES = {
    "DISABLE": "DISABLED_BY_PLATFORM",
    "SCHEDULE_FOR_DISABLE": "SCHEDULED_FOR_BAN",
    "REINSTATE": "REINSTATED",
}


def meaning(item: AccountUpdate) -> str:
    """The event in one word: a ban by its state, all else as the platform calls it."""
    return BAN_STATES.get(item.state, "") if item.event == "DISABLED_UPDATE" else item.event


def update_account(*, sender: Sender, item: AccountUpdate, now: datetime) -> bool:
    """Take over what an event means for one number of the account. False where it only tells something."""
    what = meaning(item)
    if not (what in LOST or what in BACK or what in WARNED):
        return False
    if what in LOST:
        status = Sender.Status.SUSPENDED if what == "DISABLED_BY_PLATFORM" else Sender.Status.OFFLINE
        set_sender_status(sender, status, reason=_reason(what, item), now=now)
    elif what in WARNED:
        notify_team(
            workspace=sender.workspace,
            code="account_warned",
            title=WARNED[what],
            body=_("WhatsApp says: %(detail)s. Look at the account in the WhatsApp Manager."),
            facts={"sender": str(sender), "detail": item.detail or what.lower()},
            digest_key=f"account:{sender.public_id}:{what}",
            now=now,
        )
    record(ACTOR, "sender.account_updated", sender, event=item.event, state=item.state, detail=item.detail)
    # The platform is asked at once what is true now.
    Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk, retired_at=None).update(
        wake_at=now, updated_at=now
    )
    announce(sender.workspace, "senders", now=now)
    return True


def _reason(what: str, item: AccountUpdate) -> str:
    return f"{what}: {item.detail}" if item.detail else what
