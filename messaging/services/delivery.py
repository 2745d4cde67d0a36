"""The last metres of a message: its slot, its committed row, the one call, and what the answer makes of the row.

The platform's send call has no idempotency key. So the row is committed as `sending` before the call, an answer
settles it by one UPDATE that names the state it expects, and a lost answer leaves it `unknown` (rescue.py).
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction

from messaging.errors import PhoneNumberNeeded, RateLimited, TemplateNotFound, with_message
from messaging.models import Chat, Contact, ContactIdentity, Conversation, Message, Sender
from messaging.providers import provider_of
from messaging.providers.base import Accepted, Effect, OutcomeUnknown, ProviderError
from messaging.services import pacing
from messaging.services.checks import Attempt, check_attempt, quiet_until
from messaging.services.outbound import Terms, outbound_of, template_of, terms_of
from messaging.services.people import open_conversation
from messaging.services.progress import advance_message
from messaging.services.refusals import act_on_effect, explain_refusal
from messaging.services.web_share import web_seat
from workspaces.changes import announce
from workspaces.errors import BotenwerkError, stored_error

# A slot this near is waited for in the request itself.
PATIENCE = timedelta(seconds=2)
# A row that is still `sending` after this has lost its process: the call itself takes 10 s at most.
SENDING_AT_MOST = timedelta(seconds=60)
# How long a lost answer may still be settled by a status.
UNKNOWN_AT_MOST = timedelta(minutes=10)
# A run that never comes back for its row: the clock cancels it.
FORGOTTEN_AFTER = timedelta(hours=1)
_PUSHES_AT_MOST_IN_REQUEST = 3
_PAIR_PAUSE_CEILING = 256


class SlotLater(Exception):
    """The row waits, `queued`, until its slot; call again with the same key then."""

    def __init__(self, until: datetime, message: Message) -> None:
        self.until = until
        self.message = message
        super().__init__(f"{message.public_id} waits until {until}")


class SendInsideTransaction(RuntimeError):
    """A programming error: the row must be committed before the call, which a surrounding transaction prevents."""


class _KeyTaken(Exception):
    """Another call with the same key was first."""


@dataclass(frozen=True, kw_only=True)
class _Slot:
    """When the message may go, and what holds it until then."""

    at: datetime
    limit: str
    figures: tuple[tuple[str, Any], ...] = ()

    def as_error(self, now: datetime) -> RateLimited:
        """The limit, in words, with the next slot."""
        seconds = max((self.at - now).total_seconds(), 0)
        return RateLimited(limit=self.limit, next_slot_at=self.at, retry_after=seconds, **dict(self.figures))


def dispatch(message: Message, terms: Terms, *, now: datetime) -> Message:
    """Send an unsaved or queued row. Returns it accepted, unknown or queued; `sending` if somebody else is at it.

    Raises the named error of a refusal with `message` set to the failed row, and SlotLater by the terms.
    """
    if connection.in_atomic_block:
        raise SendInsideTransaction("Messages are sent outside any transaction.")
    try:
        return _dispatch(message, terms, now)
    except _KeyTaken:
        rows = Message.objects.in_workspace(message.workspace).select_related("sender__workspace", "chat__contact")
        existing = rows.get(idempotency_key=message.idempotency_key)
    existing.was_created = False  # type: ignore[attr-defined]
    if existing.status != Message.Status.QUEUED:
        return settled(existing)
    return dispatch(existing, replace(terms_of(existing), slots=terms.slots), now=now)


def _dispatch(message: Message, terms: Terms, now: datetime) -> Message:
    try:
        while True:
            check_attempt(attempt_of(message, terms), now=now)
            terms, slot = _next_slot(message, terms, now)
            if slot is None:
                with web_seat(message.cause_kind) as is_free:
                    if not is_free:
                        queue = replace(terms, slots=replace(terms.slots, kind="queue"))
                        return _park(message, queue, _Slot(at=now, limit="web"), now)
                    result = _send_now(message, terms, now)
                if isinstance(result, Message):
                    return result
                terms, slot = result
            if not _is_waited_for_here(terms, slot, now):
                return _park(message, terms, slot, now)
            time.sleep(max((slot.at - now).total_seconds(), 0))
            now = max(now, slot.at)
    except BotenwerkError as error:
        raise _fail(message, error, terms, now) from None


def resend_unknown(message: Message, *, now: datetime) -> bool:
    """Send an `unknown` row once more, under its own id, as its sender's policy wants.

    False, and nothing changed, where the checks would refuse it now; what comes after them settles the row.
    """
    terms = terms_of(message)
    # Refused for pace, it waits for its slot like any queued row.
    terms = replace(terms, resends=terms.resends + 1, slots=replace(terms.slots, kind="queue"))
    try:
        attempt = attempt_of(message, terms)
        check_attempt(attempt, now=now)
    except BotenwerkError:
        return False
    message.payload = {**message.payload, "terms": terms.as_json()}
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.UNKNOWN)
    with transaction.atomic():
        changes = {"payload": message.payload, "wake_at": now + SENDING_AT_MOST, "updated_at": now}
        if not rows.update(status=Message.Status.SENDING, **changes):
            return True
    message.status = Message.Status.SENDING
    try:
        result = _call(message, attempt.address, terms, now)
        if not isinstance(result, Message):
            _park(message, *result, now)
    except BotenwerkError as error:
        _fail(message, error, terms, now)
    return True


def attempt_of(message: Message, terms: Terms) -> Attempt:
    """The attempt that a row stands for, read anew, to be checked. Raises TemplateNotFound, PhoneNumberNeeded."""
    chat = message.chat
    template = template_of(message)
    if message.kind == "template" and template is None:
        facts = message.payload["template"]
        raise TemplateNotFound(field="template", template=facts["name"], language=facts["language"])
    conversation = None
    if chat.pk is not None:
        conversation = Conversation.objects.in_workspace(message.workspace).filter(chat=chat, closed_at=None).first()
    return Attempt(
        sender=message.sender,
        contact=chat.contact,
        chat=chat,
        conversation=conversation,
        template=template,
        cause=message.cause_kind,
        address=address_of(chat),
        may_speak_into_take_over=terms.may_speak_into_take_over,
    )


def address_of(chat: Chat) -> str:
    """Where a chat's messages go: what the customer writes from, else the phone, else a user id.

    Raises PhoneNumberNeeded where nothing is known.
    """
    contact = chat.contact
    if chat.address:
        return chat.address
    if contact.phone:
        return contact.phone.removeprefix("+")
    identities = ContactIdentity.objects.in_workspace(chat.workspace).filter(contact=contact)
    for kind in (ContactIdentity.Kind.WHATSAPP_ID, ContactIdentity.Kind.USER_ID):
        value = identities.filter(kind=kind).order_by("-pk").values_list("value", flat=True).first()
        if value:
            return value
    raise PhoneNumberNeeded(field="to", contact=str(contact))


def settled(message: Message) -> Message:
    """The row as it stands; its error is raised if it has failed."""
    was_created = getattr(message, "was_created", False)
    message.refresh_from_db()
    message.was_created = was_created  # type: ignore[attr-defined]
    if message.status == Message.Status.FAILED:
        raise with_message(stored_error(message.error_code, message.error_facts), message)
    return message


def _next_slot(message: Message, terms: Terms, now: datetime) -> tuple[Terms, _Slot | None]:
    """None if the message may go now. Reserves slots on the way; raises RateLimited where they come too late."""
    sender = message.sender
    quiet = quiet_until(message.workspace, template_of(message), now=now)
    if quiet is not None:
        # Quiet hours are no congestion: the time allowed for that begins when they end.
        patience = max(terms.slots.deadline - now, timedelta(0))
        terms = replace(terms, slots=replace(terms.slots, deadline=quiet + patience))
        return terms, _Slot(at=quiet, limit="quiet_hours")
    buckets = (pacing.pair_bucket(message.chat), pacing.sender_bucket(sender))
    missing = [bucket for bucket in buckets if bucket.key not in terms.reserved]
    try:
        taken = pacing.take_slots(sender, missing, now=now, latest=_latest(terms, now)) if missing else {}
    except pacing.NoSlot as full:
        slot = _Slot(at=full.slot_at, limit=full.bucket.limit, figures=full.bucket.figures)
        raise slot.as_error(now) from None
    terms = replace(terms, reserved={**terms.reserved, **taken})
    for bucket in buckets:
        slot_at = terms.reserved.get(bucket.key, now)
        if slot_at > now:
            return terms, _Slot(at=slot_at, limit=bucket.limit, figures=bucket.figures)
    probe_at = pacing.pass_breaker(sender, now=now)
    return terms, _Slot(at=probe_at, limit="breaker") if probe_at > now else None


def _latest(terms: Terms, now: datetime) -> datetime:
    return now + PATIENCE if terms.slots.kind == "refuse" else max(terms.slots.deadline, now)


def _is_waited_for_here(terms: Terms, slot: _Slot, now: datetime) -> bool:
    is_near = slot.at <= now + PATIENCE and terms.pushed <= _PUSHES_AT_MOST_IN_REQUEST
    if terms.slots.kind == "refuse" and not is_near:
        raise slot.as_error(now)
    if slot.at > _latest(terms, now):
        raise slot.as_error(now)
    return terms.slots.kind == "refuse"


def _park(message: Message, terms: Terms, slot: _Slot, now: datetime) -> Message:
    """Keep the row `queued` until its slot."""
    is_suspended = terms.slots.kind == "suspend"
    wake_at = max(slot.at, terms.slots.deadline) + FORGOTTEN_AFTER if is_suspended else slot.at
    message.payload = {**message.payload, "terms": terms.as_json()}
    if message.pk is None:
        _insert(message, status=Message.Status.QUEUED, wake_at=wake_at, now=now)
    else:
        rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.QUEUED)
        with transaction.atomic():
            rows.update(payload=message.payload, wake_at=wake_at, updated_at=now)
        settled(message)
    if is_suspended and message.status == Message.Status.QUEUED:
        raise SlotLater(slot.at, message)
    return message


def _claim(message: Message, terms: Terms, now: datetime) -> str | None:
    """Commit the row as `sending`, checked once more on locked rows. The address, or None if another has the row."""
    with transaction.atomic():
        contact = Contact.objects.in_workspace(message.workspace).select_for_update().get(pk=message.chat.contact_id)
        message.chat = Chat.objects.in_workspace(message.workspace).select_for_update().get(pk=message.chat_id)
        message.chat.contact = contact
        message.chat.workspace = message.workspace
        message.sender = (
            Sender.objects.in_workspace(message.workspace).select_related("workspace").get(pk=message.sender_id)
        )
        attempt = attempt_of(message, terms)
        check_attempt(attempt, now=now)
        conversation = attempt.conversation
        if conversation is None:
            conversation, _opened = open_conversation(message.chat, Conversation.OpenedBy.BUSINESS, now)
        message.conversation = conversation
        message.payload = {**message.payload, "terms": terms.as_json()}
        wake_at = now + SENDING_AT_MOST
        if message.pk is None:
            _insert(message, status=Message.Status.SENDING, wake_at=wake_at, now=now)
        elif not _take_queued(message, wake_at, now):
            return None
        _touch(conversation, message, now)
    return attempt.address


def _send_now(message: Message, terms: Terms, now: datetime) -> "Message | tuple[Terms, _Slot]":
    address = _claim(message, terms, now)
    return settled(message) if address is None else _call(message, address, terms, now)


def _take_queued(message: Message, wake_at: datetime, now: datetime) -> bool:
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.QUEUED)
    changes = {
        "status": Message.Status.SENDING,
        "conversation": message.conversation,
        "payload": message.payload,
        "occurred_at": now,
        "wake_at": wake_at,
        "updated_at": now,
    }
    if rows.update(**changes) != 1:
        return False
    message.status = Message.Status.SENDING
    return True


def _insert(message: Message, *, status: str, wake_at: datetime | None, now: datetime) -> None:
    """Raises _KeyTaken where the key has a row already."""
    message.status = status
    message.wake_at = wake_at
    message.occurred_at = now
    if message.conversation is None:
        rows = Conversation.objects.in_workspace(message.workspace)
        message.conversation = rows.filter(chat=message.chat, closed_at=None).first()
    try:
        with transaction.atomic():
            message.save(force_insert=True)
            # A row that goes out is announced with its conversation.
            if message.conversation is not None and status != Message.Status.SENDING:
                announce(message.workspace, f"conversation:{message.conversation.public_id}", now=now)
    except IntegrityError:
        message.pk = None
        rows_with_key = Message.objects.in_workspace(message.workspace).filter(idempotency_key=message.idempotency_key)
        if message.idempotency_key is None or not rows_with_key.exists():
            raise
        raise _KeyTaken from None
    message.was_created = True  # type: ignore[attr-defined]


def _touch(conversation: Conversation, message: Message, now: datetime) -> None:
    """The inbox shows the last message; the quiet time starts anew with it."""
    quiet_time = timedelta(hours=message.workspace.conversation_quiet_hours)
    Conversation.objects.in_workspace(message.workspace).filter(pk=conversation.pk).update(
        last_message_at=now,
        last_message_text=message.body[:200],
        last_message_direction=Message.Direction.OUT,
        wake_at=now + quiet_time,
        updated_at=now,
    )
    announce(message.workspace, f"conversation:{conversation.public_id}", now=now)
    announce(message.workspace, "conversations", now=now)


def _call(message: Message, address: str, terms: Terms, now: datetime) -> Message | tuple[Terms, _Slot]:
    """The one call. The settled row, or (refused for pace) the row back in the queue with its next slot."""
    sender = message.sender
    try:
        accepted = provider_of(sender).send(sender, outbound_of(message, address))
    except OutcomeUnknown:
        act_on_effect(message, Effect.OUTAGE, now=now)
        advance_message(message.pk, Message.Status.UNKNOWN, now=now, wake_at=now + UNKNOWN_AT_MOST)
        return settled(message)
    except ProviderError as refusal:
        return _refused(message, refusal, terms, now)
    if pacing.note_answer(sender):
        act_on_effect(message, Effect.NONE, now=now)
    advance_message(message.pk, Message.Status.ACCEPTED, now=now, provider_id=accepted.provider_id)
    _remember_id(message, address, accepted)
    return settled(message)


def _refused(message: Message, refusal: ProviderError, terms: Terms, now: datetime) -> Message | tuple[Terms, _Slot]:
    breaker_was_open = pacing.breaker_of(message.sender).is_open
    act_on_effect(message, refusal.effect, now=now, error=refusal.error)
    if refusal.effect is not Effect.OUTAGE:
        pacing.note_answer(message.sender)
    if refusal.effect in (Effect.SLOW_SENDER, Effect.SLOW_PAIR):
        return _back_to_queue(message, refusal, terms, now)
    if refusal.effect is Effect.OUTAGE and breaker_was_open:
        # A probe: the outage is known, it costs this message no attempt.
        slot = _Slot(at=pacing.breaker_of(message.sender).next_probe_at or now, limit="breaker")
        return (terms, slot) if _requeue(message, terms, slot.at, now) else settled(message)
    error = explain_refusal(refusal, message, now=now)
    if not advance_message(message.pk, Message.Status.FAILED, now=now, error=error):
        return settled(message)
    message.refresh_from_db()
    raise error


def _back_to_queue(
    message: Message, refusal: ProviderError, terms: Terms, now: datetime
) -> Message | tuple[Terms, _Slot]:
    """The platform's own limit: push the bucket back, and the row with it."""
    is_pair = refusal.effect is Effect.SLOW_PAIR
    bucket = pacing.pair_bucket(message.chat) if is_pair else pacing.sender_bucket(message.sender)
    # Meta's advice: 4^n seconds for a pair; doubling for a number.
    pause: float = min(4**terms.pushed, _PAIR_PAUSE_CEILING) if is_pair else 2 ** min(terms.pushed, 8)
    if refusal.retry_after is not None:
        pause = refusal.retry_after
    slot = _Slot(at=now + timedelta(seconds=pause), limit=bucket.limit, figures=bucket.figures)
    pacing.push_back(message.sender, bucket, until=slot.at, now=now)
    terms = replace(terms, pushed=terms.pushed + 1, reserved={**terms.reserved, bucket.key: slot.at})
    return (terms, slot) if _requeue(message, terms, slot.at, now) else settled(message)


def _requeue(message: Message, terms: Terms, wake_at: datetime, now: datetime) -> bool:
    """The one step backwards that there is. False if a status has settled the row meanwhile."""
    message.payload = {**message.payload, "terms": terms.as_json()}
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.SENDING)
    with transaction.atomic():
        moved = rows.update(
            status=Message.Status.QUEUED,
            payload=message.payload,
            # If this process dies now, the clock finds the row.
            wake_at=wake_at + SENDING_AT_MOST,
            updated_at=now,
        )
    if moved:
        message.status = Message.Status.QUEUED
    return moved == 1


def _remember_id(message: Message, address: str, accepted: Accepted) -> None:
    """The platform may know the number under another spelling; an answer will come from that (traps.md P1)."""
    if accepted.recipient_wa_id and accepted.recipient_wa_id != address:
        ContactIdentity.objects.in_workspace(message.workspace).get_or_create(
            kind=ContactIdentity.Kind.WHATSAPP_ID,
            value=accepted.recipient_wa_id,
            portfolio="",
            defaults={"contact": message.chat.contact},
        )


def _fail(message: Message, error: BotenwerkError, terms: Terms, now: datetime) -> BotenwerkError:
    """The error, on a row that says so and will never be sent."""
    if message.pk is None:
        message.payload = {**message.payload, "terms": terms.as_json()}
        message.error_code, message.error_facts = error.code, error.facts
        _insert(message, status=Message.Status.FAILED, wake_at=None, now=now)
    elif message.status != Message.Status.FAILED:
        advance_message(message.pk, Message.Status.FAILED, now=now, error=error)
        message.refresh_from_db()
    return with_message(error, message)
