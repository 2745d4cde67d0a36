"""What stands between a message and the wire, besides its input and its pace. Each check raises its named error.

They are asked twice: before anything is stored, and again on locked rows in the transaction that makes the row
`sending`, because a message may have waited for its slot in between.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.errors import (
    ConversationTakenOver,
    OutsideWindow,
    PhoneNumberNeeded,
    RecipientOptedOut,
    SenderOffline,
)
from messaging.models import Chat, Consent, Contact, Conversation, Message, Sender, Template
from messaging.phone import is_user_id
from messaging.services.templates import demand_sendable
from workspaces.models import Workspace

# Who writes by hand may speak into a conversation that a person has taken over; an API call is its caller's own act.
_AUTOMATIC = (Message.Cause.RUN, Message.Cause.ASSISTANT)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What is about to be sent, to whom, by whom. `template` is None for free text."""

    sender: Sender
    contact: Contact
    chat: Chat
    conversation: Conversation | None
    template: Template | None
    cause: str
    address: str
    may_speak_into_take_over: bool


def check_attempt(attempt: Attempt, *, now: datetime) -> None:
    """Sender, template, consent, window, take-over, in this order; the first refusal is raised."""
    check_sender_ready(attempt.sender)
    if attempt.template is not None:
        demand_sendable(attempt.template)
    check_consent(attempt)
    if attempt.template is None:
        check_window(attempt.chat, now=now)
    check_take_over(attempt, now=now)


def check_sender_ready(sender: Sender) -> None:
    """Raises SenderOffline with the reason, unless messages may go out of this number."""
    reason = _offline_reason(sender)
    if reason:
        raise SenderOffline(field="sender", sender=str(sender), reason=reason, detail=sender.status_reason)


def _offline_reason(sender: Sender) -> str:
    if sender.workspace.is_paused:
        return "workspace_paused"
    if sender.retired_at is not None:
        return "retired"
    if sender.is_paused:
        return "paused"
    if not sender.base_url:
        return "no_address"
    return "" if sender.status == Sender.Status.ONLINE else sender.status


def check_consent(attempt: Attempt) -> None:
    """Templates only: answers inside the window always go.

    Raises RecipientOptedOut, and PhoneNumberNeeded for a one-time code to somebody known by a user id only.
    """
    template, contact = attempt.template, attempt.contact
    if template is None:
        return
    is_marketing = template.category == Template.Category.MARKETING
    has_left = contact.consent_marketing == Consent.OPTED_OUT
    covers_all = attempt.sender.workspace.opt_out_covers_all_templates
    if contact.consent_service == Consent.OPTED_OUT or (has_left and (is_marketing or covers_all)):
        raise RecipientOptedOut(field="to", contact=str(contact))
    if is_marketing and attempt.chat.marketing_stopped_at is not None:
        raise RecipientOptedOut(field="to", contact=str(contact), stopped_at=attempt.chat.marketing_stopped_at)
    if template.category == Template.Category.AUTHENTICATION and is_user_id(attempt.address):
        raise PhoneNumberNeeded(field="to", contact=str(contact))


def check_window(chat: Chat, *, now: datetime) -> None:
    """Raises OutsideWindow from one moment after 24:00:00 h on."""
    if not chat.is_window_open(now):
        raise OutsideWindow(last_inbound_at=chat.last_inbound_at, closed_at=chat.window_expires_at)


def check_take_over(attempt: Attempt, *, now: datetime) -> None:
    """Raises ConversationTakenOver where something automatic would speak while a person does."""
    conversation = attempt.conversation
    if attempt.cause not in _AUTOMATIC or attempt.may_speak_into_take_over or conversation is None:
        return
    if conversation.is_taken_over(now):
        raise ConversationTakenOver(taken_over_until_at=conversation.taken_over_until)


def quiet_until(workspace: Workspace, template: Template | None, *, now: datetime) -> datetime | None:
    """When the workspace's quiet hours end, if they hold this message back now: marketing only, never replies."""
    if template is None or template.category != Template.Category.MARKETING:
        return None
    start, end = workspace.quiet_from, workspace.quiet_until
    local = now.astimezone(workspace.zone)
    at = local.time()
    is_overnight = start > end
    if start == end or not (at >= start or at < end if is_overnight else start <= at < end):
        return None
    day = local.date() + timedelta(days=1) if is_overnight and at >= start else local.date()
    return datetime.combine(day, end, tzinfo=workspace.zone)
