"""The rows of an exchange: the customer's turn is stored first, answered under the thread's lease, settled once.

Order. A turn is answered when no older one of its thread is waiting. Whoever waits for an answer looks again and
again, and each look is noted on his turn (`updated_at`). A turn that nobody has looked after for ABANDONED is marked
failed by the next caller, so a dead caller never blocks the thread; the model still reads what the customer said
there. Its caller, should he come back with the same key, is answered after all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from assistants.errors import AssistantOff, AssistantUnavailable, BudgetExhausted, ReplyKeyReused
from assistants.events import ReplyGenerated
from assistants.models import Assistant, Thread, Turn
from assistants.services.threads import day_of, tokens_used_today
from workspaces.errors import BotenwerkError
from workspaces.events import publish

TURN_TIME = timedelta(seconds=45)
LEASE = TURN_TIME + timedelta(seconds=15)
# Longer than the lease, so that a rescued run comes back to its turn before another caller gives it up.
ABANDONED = timedelta(seconds=90)
# How soon whoever waits looks again: an answer usually takes one to three seconds, not the whole lease.
LOOK_AGAIN = timedelta(seconds=2)


class ThreadBusy(Exception):
    """Another message of this customer is being answered; look again at `until`. A run suspends on it."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__("thread_busy")


class LeaseLost(Exception):
    """The lease was taken over meanwhile: nothing was committed."""


@dataclass(frozen=True)
class Outcome:
    """What is to be stored as the answer."""

    text: str
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_ms: int | None = None
    failure: BotenwerkError | None = None


def store_turn(
    *,
    assistant: Assistant,
    customer_identifier: str,
    message: str,
    variables: Mapping[str, Any],
    key: str,
    wants_hand_off: bool,
    now: datetime,
) -> Turn:
    """The customer's turn, stored once for a key; its thread is found or created and gets the variables.

    A turn that had failed waits for an answer again, with the text of now. Raises AssistantOff (unless it is answered
    already) and ReplyKeyReused.
    """
    threads = Thread.objects.in_workspace(assistant.workspace)
    with transaction.atomic(durable=True):
        thread, _is_new = threads.get_or_create(
            assistant=assistant, customer_identifier=customer_identifier, defaults={"created_at": now}
        )
        # The lock makes ids within a thread rise in the order of commits, on PostgreSQL too.
        thread = threads.select_for_update(of=("self",)).select_related("assistant__workspace").get(pk=thread.pk)
        turn = thread.turns.filter(role=Turn.Role.CUSTOMER, key=key).first()
        if turn is not None and turn.content != message and turn.status != Turn.Status.FAILED:
            raise ReplyKeyReused(key=key)
        if turn is not None and turn.status == Turn.Status.ANSWERED:
            return turn
        if not assistant.is_on:
            raise AssistantOff(assistant=assistant.name)
        if turn is None:
            turn = thread.turns.create(
                workspace=assistant.workspace,
                role=Turn.Role.CUSTOMER,
                status=Turn.Status.PENDING,
                content=message,
                key=key,
                wants_hand_off=wants_hand_off,
                created_at=now,
            )
            if any(thread.variables.get(name, ...) != value for name, value in variables.items()):
                thread.variables = {**thread.variables, **variables}
                thread.save(update_fields=["variables"])
        thread.turns.filter(pk=turn.pk).update(
            status=Turn.Status.PENDING, content=message, error_code="", error_facts={}, updated_at=now
        )
        turn.status, turn.content = Turn.Status.PENDING, message
        turn.workspace = assistant.workspace
    return turn


def find_answer(turn: Turn) -> Turn | None:
    """The answer of a turn, if it has one by now."""
    return Turn.objects.in_workspace(turn.workspace).filter(answers=turn).first()


def claim_thread(turn: Turn, *, now: datetime) -> UUID:
    """Take the thread's lease for this turn. Raises ThreadBusy, or BudgetExhausted (noted on the turn)."""
    token = uuid4()
    exhausted: BudgetExhausted | None = None
    with transaction.atomic(durable=True):
        threads = Thread.objects.in_workspace(turn.workspace).filter(pk=turn.thread_id)
        free = threads.filter(Q(lease_until=None) | Q(lease_until__lte=now))
        if not free.update(lease_token=token, lease_until=now + LEASE):
            until = threads.values_list("lease_until", flat=True).first() or now
            raise ThreadBusy(min(max(until, now), now + LOOK_AGAIN))
        _clear_the_way(turn, now=now)
        exhausted = _budget_exhausted(turn, now=now)
        if exhausted is not None:
            threads.update(lease_token=None, lease_until=None)
            _note_failure(turn, exhausted, now=now)
    if exhausted is not None:
        raise exhausted
    return token


def _clear_the_way(turn: Turn, *, now: datetime) -> None:
    """Older turns that still have someone waiting go first (ThreadBusy); abandoned ones are marked failed."""
    turns = Turn.objects.in_workspace(turn.workspace).filter(thread_id=turn.thread_id)
    if not turns.filter(pk=turn.pk, status=Turn.Status.PENDING).exists():
        # Answered or given up since it was last looked at: look again, at once.
        raise ThreadBusy(now)
    older = turns.filter(role=Turn.Role.CUSTOMER, status=Turn.Status.PENDING, pk__lt=turn.pk)
    if older.filter(updated_at__gt=now - ABANDONED).exists():
        raise ThreadBusy(now + LOOK_AGAIN)
    older.update(
        status=Turn.Status.FAILED,
        error_code=AssistantUnavailable.code,
        error_facts={"assistant": turn.thread.assistant.name, "kind": "abandoned"},
        updated_at=now,
    )


def _budget_exhausted(turn: Turn, *, now: datetime) -> BudgetExhausted | None:
    budget = turn.workspace.daily_ai_budget_tokens
    used = tokens_used_today(turn.workspace, now=now)
    if used < budget:
        return None
    _start, end = day_of(turn.workspace, now)
    return BudgetExhausted(used=used, budget=budget, resets_at=end, retry_after=(end - now).total_seconds())


def release_thread(turn: Turn, token: UUID) -> bool:
    """Give the lease up if it is still ours."""
    threads = Thread.objects.in_workspace(turn.workspace).filter(pk=turn.thread_id, lease_token=token)
    return bool(threads.update(lease_token=None, lease_until=None))


def give_up_waiting(turn: Turn, *, now: datetime) -> None:
    """Whoever asked waits no longer, so nobody need wait for this turn; the same key asks again."""
    facts = {"assistant": turn.thread.assistant.name, "kind": "busy"}
    Turn.objects.in_workspace(turn.workspace).filter(pk=turn.pk, status=Turn.Status.PENDING).update(
        status=Turn.Status.FAILED, error_code=AssistantUnavailable.code, error_facts=facts, updated_at=now
    )


def settle_answer(turn: Turn, token: UUID, outcome: Outcome, *, now: datetime) -> Turn:
    """Store the answer, release the lease and tell the house, in one commit. Raises LeaseLost."""
    failure = outcome.failure
    with transaction.atomic(durable=True):
        if not release_thread(turn, token):
            raise LeaseLost
        answer = turn.thread.turns.create(
            workspace=turn.workspace,
            role=Turn.Role.ASSISTANT,
            status=Turn.Status.SAID,
            answers=turn,
            content=outcome.text,
            model=outcome.model,
            prompt_tokens=outcome.prompt_tokens,
            completion_tokens=outcome.completion_tokens,
            latency_ms=outcome.latency_ms,
            is_fallback=failure is not None,
            error_code=failure.code if failure else "",
            error_facts=failure.facts if failure else {},
            created_at=now,
        )
        Turn.objects.in_workspace(turn.workspace).filter(pk=turn.pk).update(status=Turn.Status.ANSWERED, updated_at=now)
        turn.status = Turn.Status.ANSWERED
        publish(ReplyGenerated(thread=turn.thread, question=turn, answer=answer, now=now))
    return answer


def settle_failure(turn: Turn, token: UUID, outcome: Outcome, *, now: datetime) -> None:
    """Note on the turn why it has no answer, and release the lease, in one commit. Raises LeaseLost."""
    with transaction.atomic(durable=True):
        if not release_thread(turn, token):
            raise LeaseLost
        _note_failure(turn, outcome.failure, now=now, outcome=outcome)


def _note_failure(turn: Turn, error: BotenwerkError | None, *, now: datetime, outcome: Outcome | None = None) -> None:
    Turn.objects.in_workspace(turn.workspace).filter(pk=turn.pk).update(
        status=Turn.Status.FAILED,
        error_code=error.code if error else "",
        error_facts=error.facts if error else {},
        prompt_tokens=turn.prompt_tokens + (outcome.prompt_tokens if outcome else 0),
        completion_tokens=turn.completion_tokens + (outcome.completion_tokens if outcome else 0),
        latency_ms=outcome.latency_ms if outcome else None,
        updated_at=now,
    )
    turn.status = Turn.Status.FAILED
