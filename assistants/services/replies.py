"""Generate reply: the verb behind the step, the API and the assistant of a sender.

The customer's turn is stored first, then answered under its thread's lease: one at a time, in stored order, once
for a key. Nothing calls a model inside a transaction.
"""

import json
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.core.serializers.json import DjangoJSONEncoder

from assistants.errors import (
    AssistantUnavailable,
    ContextVariablesInvalid,
    CustomerIdentifierInvalid,
    CustomerMessageInvalid,
)
from assistants.hand_off import wants_hand_off
from assistants.models import Assistant, Thread, Turn
from assistants.prompt import PromptMessage, build_prompt, exchanges
from assistants.services.model_calls import Stopping, ask_model
from assistants.services.threads import recent_turns
from assistants.services.turns import (
    LeaseLost,
    ThreadBusy,
    claim_thread,
    find_answer,
    give_up_waiting,
    release_thread,
    settle_answer,
    settle_failure,
    store_turn,
)
from workspaces.storable import storable, storable_text

__all__ = ["Reply", "ThreadBusy", "Usage", "generate_reply"]

log = structlog.get_logger(__name__)

LONGEST_IDENTIFIER = 255
# Four times what WhatsApp takes in one message: e-mails and texts of other platforms come here too.
LONGEST_MESSAGE = 16_384
LARGEST_VARIABLES = 32 * 1024
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer, those of a failed first try included."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """What counts towards the daily budget."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Reply:
    """An answer that can be sent. `turn` is the answer's row (`turn.answers` the customer's); text is never empty.

    `is_fallback`: the model failed (`error_code` says `assistant_unavailable`, the row's `error_facts` why) and
    the assistant's own text stands in. `hand_off`: the customer asks for a person.
    """

    text: str
    thread: Thread
    turn: Turn
    usage: Usage
    hand_off: bool
    is_fallback: bool
    error_code: str


def generate_reply(
    *,
    assistant: Assistant,
    customer_identifier: str,
    message: str,
    variables: Mapping[str, object] | None = None,
    key: str,
    now: datetime,
    wait_seconds: float = 0,
) -> Reply:
    """The assistant's answer to a customer's message, in the thread of (assistant, customer identifier).

    `customer_identifier`: phone, e-mail or CRM id, stripped, else byte for byte. `variables` are merged into the
    thread's. `key` names this message (run:step:iteration or an Idempotency-Key): the same again returns the
    stored answer and calls nothing. `now` is the instant of the call; time that passes inside is added to it.

    Takes at most 45 s for the model and `wait_seconds` for its turn. Raises ThreadBusy(until) while another message
    of this customer goes first; AssistantUnavailable where the model fails and there is no fallback text;
    AssistantOff, BudgetExhausted; CustomerIdentifierInvalid, CustomerMessageInvalid, ContextVariablesInvalid and
    ReplyKeyReused for what is wrong in the input. Must not be called inside a transaction.
    """
    if not key:
        raise ValueError("A reply needs a key, or the same message could be answered twice.")
    moment = _running_clock(now)
    text = _message(message)
    turn = store_turn(
        assistant=assistant,
        customer_identifier=_identifier(customer_identifier),
        message=text,
        variables=_variables(variables or {}),
        key=key,
        wants_hand_off=wants_hand_off(text),
        now=now,
    )
    last_look = now + timedelta(seconds=wait_seconds)
    while True:
        try:
            return _stored_reply(turn) or _answer(turn, assistant, moment)
        except LeaseLost:
            log.warning("thread_lease_lost", thread=str(turn.thread.public_id), turn=str(turn.public_id))
            busy = ThreadBusy(moment())
        except Stopping:
            # The turn stays as it is; a run is put back and answered by another process.
            raise ThreadBusy(moment()) from None
        except ThreadBusy as error:
            busy = error
        if moment() + timedelta(seconds=POLL_SECONDS) > last_look:
            if wait_seconds > 0:
                give_up_waiting(turn, now=moment())
            raise busy
        time.sleep(POLL_SECONDS)


def _answer(turn: Turn, assistant: Assistant, moment: Callable[[], datetime]) -> Reply:
    token = claim_thread(turn, now=moment())
    with _released_on_error(turn, token):
        outcome = ask_model(assistant, _prompt(turn, assistant))
        if outcome.text:
            answer = settle_answer(turn, token, outcome, now=moment())
        else:
            settle_failure(turn, token, outcome, now=moment())
    if not outcome.text:
        raise outcome.failure or AssistantUnavailable(assistant=assistant.name, kind="empty")
    log.info(
        "reply_generated",
        thread=str(turn.thread.public_id),
        turn=str(answer.public_id),
        tokens=answer.prompt_tokens + answer.completion_tokens,
        latency_ms=answer.latency_ms,
        is_fallback=answer.is_fallback,
    )
    return _reply(turn, answer)


class _released_on_error:
    """A failure nobody foresaw gives the thread back at once instead of after the lease."""

    def __init__(self, turn: Turn, token: UUID) -> None:
        self.turn, self.token = turn, token

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and not isinstance(error, LeaseLost):
            release_thread(self.turn, self.token)


def _prompt(turn: Turn, assistant: Assistant) -> list[PromptMessage]:
    thread = turn.thread
    return build_prompt(
        assistant=assistant,
        language=turn.workspace.language,
        variables=thread.variables,
        history=exchanges(recent_turns(thread, before=turn, limit=assistant.history_length)),
        message=turn.content,
    )


def _stored_reply(turn: Turn) -> Reply | None:
    answer = find_answer(turn)
    return _reply(turn, answer) if answer is not None else None


def _reply(turn: Turn, answer: Turn) -> Reply:
    return Reply(
        text=answer.content,
        thread=turn.thread,
        turn=answer,
        usage=Usage(answer.prompt_tokens, answer.completion_tokens),
        hand_off=turn.wants_hand_off,
        is_fallback=answer.is_fallback,
        error_code=answer.error_code,
    )


def _running_clock(now: datetime) -> Callable[[], datetime]:
    """The caller's time, moved on by what really passes here (a model takes seconds)."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)


def _identifier(given: str) -> str:
    identifier = given.strip()
    is_plain = not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in identifier)
    if not identifier or len(identifier) > LONGEST_IDENTIFIER or not is_plain:
        raise CustomerIdentifierInvalid(field="customer_identifier", length=len(identifier), limit=LONGEST_IDENTIFIER)
    return identifier


def _message(given: str) -> str:
    text = storable_text(given)
    if not text.strip() or len(text) > LONGEST_MESSAGE:
        raise CustomerMessageInvalid(field="message", length=len(text), limit=LONGEST_MESSAGE)
    return text


def _variables(given: Mapping[str, object]) -> dict[str, Any]:
    """As plain JSON: decimals, dates and UUIDs as text."""
    try:
        text = json.dumps(dict(given), cls=DjangoJSONEncoder, allow_nan=False)
        if len(text) > LARGEST_VARIABLES or not all(isinstance(name, str) for name in given):
            raise ValueError
    except (TypeError, ValueError, RecursionError):
        raise ContextVariablesInvalid(field="variables", limit=LARGEST_VARIABLES) from None
    return storable(json.loads(text))
