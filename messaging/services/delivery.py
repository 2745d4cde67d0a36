"""The last metres of a message: its slot, its committed row, the one call, and what the answer makes of the row.

The platform's send call has no idempotency key. So the row is committed as `sending` before the call, an answer
settles it by one UPDATE that names the state it expects, and a lost answer leaves it `unknown` (rescue.py).
"""

import time
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from messaging.errors import with_message
from messaging.models import ContactIdentity, Message
from messaging.providers import provider_of
from messaging.providers.base import Accepted, Effect, OutcomeUnknown, ProviderError
from messaging.services import breaker, pacing
from messaging.services.attempts import attempt_of
from messaging.services.checks import check_attempt
from messaging.services.outbound import SlotPolicy, Terms, outbound_of, terms_of
from messaging.services.outbound_rows import SENDING_AT_MOST, KeyTaken, claim_row, insert_row, requeue_row
from messaging.services.progress import advance_message
from messaging.services.refusals import act_on_effect, explain_refusal
from messaging.services.slots import Slot, is_waited_for_here, next_slot, push_back
from messaging.services.web_share import web_seat
from workspaces.changes import announce
from workspaces.errors import BotenwerkError, stored_error

# How long a lost answer may still be settled by a status.
UNKNOWN_AT_MOST = timedelta(minutes=10)
# A run that never comes back for its row: the clock cancels it.
FORGOTTEN_AFTER = timedelta(hours=1)
# A second send by the sender's policy waits so long for its slot.
RESEND_AT_MOST = timedelta(hours=1)
_PAIR_PAUSE_CEILING = 256
_DAY_SECONDS = 86_400


class SlotLater(Exception):
    """The row waits, `queued`, until its slot; call again with the same key then."""

    def __init__(self, until: datetime, message: Message) -> None:
        self.until = until
        self.message = message
        super().__init__(f"{message.public_id} waits until {until}")


class SendInsideTransaction(RuntimeError):
    """A programming error: the row must be committed before the call, which a surrounding transaction prevents."""


def dispatch(message: Message, terms: Terms, *, now: datetime) -> Message:
    """Send an unsaved or queued row. Returns it accepted, unknown or queued; `sending` if somebody else is at it.

    Raises the named error of a refusal with `message` set to the failed row, and SlotLater by the terms.
    """
    if connection.in_atomic_block:
        raise SendInsideTransaction("Messages are sent outside any transaction.")
    # Lines of the provider and of whatever fails here say which message it was.
    ids = {"message": str(message.public_id), "workspace": message.workspace.slug}
    try:
        with structlog.contextvars.bound_contextvars(**ids):
            return _dispatch(message, terms, now)
    except KeyTaken:
        rows = Message.objects.in_workspace(message.workspace).select_related("sender__workspace", "chat__contact")
        existing = rows.get(idempotency_key=message.idempotency_key)
    existing.was_created = False  # type: ignore[attr-defined]
    if existing.status != Message.Status.QUEUED:
        return settled(existing)
    return dispatch(existing, replace(terms_of(existing), slots=terms.slots), now=now)


def _dispatch(message: Message, terms: Terms, now: datetime) -> Message:
    try:
        with web_seat(message.cause_kind) as is_free:
            if is_free:
                return _send_in_time(message, terms, now)
            queue = replace(terms, slots=replace(terms.slots, kind="queue"))
            check_attempt(attempt_of(message, queue), now=now)
            return _park(message, queue, Slot(at=now, limit="web"), now)
    except BotenwerkError as error:
        raise _fail(message, error, terms, now) from None


def _send_in_time(message: Message, terms: Terms, now: datetime) -> Message:
    """Check, take a slot, send; and again after each wait that is short enough for the caller to sit out."""
    while True:
        attempt = attempt_of(message, terms)
        check_attempt(attempt, now=now)
        terms, slot = next_slot(message, attempt, terms, now)
        if slot is None:
            result = _send_now(message, replace(terms, held_by="", held_until=None), now)
            if isinstance(result, Message):
                return result
            terms, slot = result
        if not is_waited_for_here(terms, slot, now):
            return _park(message, terms, slot, now)
        time.sleep(max((slot.at - now).total_seconds(), 0))
        now = max(now, slot.at)


def resend_unknown(message: Message, *, now: datetime) -> bool:
    """Send an `unknown` row once more, under its own id, as its sender's policy wants, or when its slot has come.

    False, and nothing changed, where the checks would refuse it now; what comes after them settles the row.
    """
    terms = terms_of(message)
    deadline = max(terms.slots.deadline, now + RESEND_AT_MOST)
    # Refused for pace, it waits for its slot like any queued row.
    terms = replace(terms, reserved={}, slots=SlotPolicy(kind="queue", deadline=deadline))
    try:
        attempt = attempt_of(message, terms)
        check_attempt(attempt, now=now)
        terms, slot = next_slot(message, attempt, terms, now)
    except BotenwerkError:
        return False
    rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.UNKNOWN)
    if slot is not None:
        with transaction.atomic():
            rows.update(wake_at=slot.at, updated_at=now)
        return True
    terms = replace(terms, resends=terms.resends + 1)
    message.payload = {**message.payload, "terms": terms.as_json()}
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


def settled(message: Message) -> Message:
    """The row as it stands; its error is raised if it has failed."""
    was_created = getattr(message, "was_created", False)
    message.refresh_from_db()
    message.was_created = was_created  # type: ignore[attr-defined]
    if message.status == Message.Status.FAILED:
        raise with_message(stored_error(message.error_code, message.error_facts), message)
    return message


def _send_now(message: Message, terms: Terms, now: datetime) -> Message | tuple[Terms, Slot]:
    address = claim_row(message, terms, now)
    return settled(message) if address is None else _call(message, address, terms, now)


def _call(message: Message, address: str, terms: Terms, now: datetime) -> Message | tuple[Terms, Slot]:
    """The one call. The settled row, or (refused for pace) the row back in the queue with its next slot."""
    sender = message.sender
    try:
        accepted = provider_of(sender).send(sender, outbound_of(message, address))
    except OutcomeUnknown:
        act_on_effect(message, Effect.OUTAGE, now=now)
        advance_message(message, Message.Status.UNKNOWN, now=now, wake_at=now + UNKNOWN_AT_MOST)
        return settled(message)
    except ProviderError as refusal:
        return _refused(message, refusal, terms, now)
    breaker.note_answer(sender, now=now)
    moved = advance_message(message, Message.Status.ACCEPTED, now=now, provider_id=accepted.provider_id)
    _remember_id(message, address, accepted)
    if not moved:
        return settled(message)
    message.status, message.provider_id = Message.Status.ACCEPTED, accepted.provider_id
    message.accepted_at, message.wake_at = now, None
    return message


def _refused(message: Message, refusal: ProviderError, terms: Terms, now: datetime) -> Message | tuple[Terms, Slot]:
    breaker_was_open = breaker.breaker_of(message.sender).is_open
    act_on_effect(message, refusal.effect, now=now, error=refusal.error)
    if refusal.effect is not Effect.OUTAGE:
        breaker.note_answer(message.sender, now=now)
    if refusal.effect in (Effect.SLOW_SENDER, Effect.SLOW_PAIR):
        return _back_to_queue(message, refusal, terms, now)
    if refusal.effect is Effect.OUTAGE and (breaker_was_open or terms.slots.kind == "queue"):
        # The outage is known, or nobody is there to try again: it costs this message no attempt.
        at = breaker.breaker_of(message.sender).next_probe_at or now + breaker.FIRST_PROBE
        terms, slot = replace(terms, reserved={}), Slot(at=at, limit=breaker.LIMIT)
        return (terms, slot) if requeue_row(message, terms, slot, now) else settled(message)
    error = explain_refusal(refusal, message, now=now)
    error.retry_after = _asked_pause(refusal)
    if not advance_message(message, Message.Status.FAILED, now=now, error=error):
        return settled(message)
    message.refresh_from_db()
    raise error


def _back_to_queue(
    message: Message, refusal: ProviderError, terms: Terms, now: datetime
) -> Message | tuple[Terms, Slot]:
    """The platform's own limit: push the bucket back, and the row with it."""
    is_pair = refusal.effect is Effect.SLOW_PAIR
    bucket = pacing.pair_bucket(message.chat) if is_pair else pacing.sender_bucket(message.sender)
    # Meta's advice: 4^n seconds for a pair; doubling for a number.
    pause: float = min(4**terms.pushed, _PAIR_PAUSE_CEILING) if is_pair else 2 ** min(terms.pushed, 8)
    asked = _asked_pause(refusal)
    if asked is not None:
        pause = asked
    terms, slot = push_back(message, bucket, terms, until=now + timedelta(seconds=pause), now=now)
    return (terms, slot) if requeue_row(message, terms, slot, now) else settled(message)


def _asked_pause(refusal: ProviderError) -> float | None:
    """The seconds that the platform wants to be left alone; more than a day, or no number, is no answer."""
    seconds = refusal.retry_after
    return seconds if seconds is not None and 0 <= seconds <= _DAY_SECONDS else None


def _park(message: Message, terms: Terms, slot: Slot, now: datetime) -> Message:
    """Keep the row `queued` until its slot, which people see at it."""
    terms = replace(terms, held_by=slot.limit, held_until=slot.at)
    is_suspended = terms.slots.kind == "suspend"
    wake_at = max(slot.at, terms.slots.deadline) + FORGOTTEN_AFTER if is_suspended else slot.at
    message.payload = {**message.payload, "terms": terms.as_json()}
    if message.pk is None:
        insert_row(message, status=Message.Status.QUEUED, wake_at=wake_at, now=now)
    else:
        rows = Message.objects.in_workspace(message.workspace).filter(pk=message.pk, status=Message.Status.QUEUED)
        with transaction.atomic():
            if rows.update(payload=message.payload, wake_at=wake_at, updated_at=now) and message.conversation:
                announce(message.workspace, f"conversation:{message.conversation.public_id}", now=now)
        settled(message)
    if is_suspended and message.status == Message.Status.QUEUED:
        raise SlotLater(slot.at, message)
    return message


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
        insert_row(message, status=Message.Status.FAILED, wake_at=None, now=now)
    elif message.status != Message.Status.FAILED:
        advance_message(message, Message.Status.FAILED, now=now, error=error)
        message.refresh_from_db()
    return with_message(error, message)
