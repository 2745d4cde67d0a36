"""Asking the model within a turn's time: once, and once more where that may help."""

import time
from collections.abc import Sequence

from assistants.errors import AssistantUnavailable
from assistants.models import Assistant
from assistants.prompt import PromptMessage
from assistants.providers import openai_compatible
from assistants.services.turns import TURN_TIME, Outcome
from workspaces.stopping import is_stopping

TRIES = 2
# Before the second try, where the endpoint asks for no other pause. Nothing is to be gained by waiting after an
# empty or unreadable answer or a time-out.
PAUSE_SECONDS = {"server": 0.5, "unreachable": 0.5, "rate_limited": 1.0}
# A model does not answer in less; with less time left the second try is not worth its cost.
SHORTEST_TRY_SECONDS = 1.0
# A pause may be long; a process that was told to stop has 8 seconds.
LOOK_SECONDS = 0.5


class Stopping(Exception):
    """The process was told to stop between two tries: someone else asks again."""


def ask_model(assistant: Assistant, messages: Sequence[PromptMessage]) -> Outcome:
    """The model's answer, or the last failure with the fallback text (empty if there is none).

    Takes at most TURN_TIME. Raises Stopping. Tokens of both tries are counted. No transaction may be open.
    """
    began = time.monotonic()
    deadline = began + TURN_TIME.total_seconds()
    tokens_in = tokens_out = 0
    failure: AssistantUnavailable | None = None
    for attempt in range(1, TRIES + 1):
        try:
            answer = openai_compatible.complete(
                assistant, messages, timeout_seconds=min(assistant.timeout_seconds, deadline - time.monotonic())
            )
        except AssistantUnavailable as error:
            failure = error
        else:
            tokens_in += answer.prompt_tokens
            tokens_out += answer.completion_tokens
            if answer.text:
                return Outcome(answer.text, answer.model, tokens_in, tokens_out, _milliseconds_since(began))
            failure = AssistantUnavailable(assistant=assistant.name, kind="empty")
        if attempt == TRIES or not _pause(failure, deadline=deadline):
            break
    return Outcome(
        assistant.fallback_text.strip(), assistant.model, tokens_in, tokens_out, _milliseconds_since(began), failure
    )


def _pause(failure: AssistantUnavailable, *, deadline: float) -> bool:
    """Wait until a second try makes sense. False where it never does, or not in time."""
    if not failure.retry_at_once:
        return False
    seconds = failure.retry_after if failure.retry_after is not None else PAUSE_SECONDS.get(failure.kind, 0.0)
    if time.monotonic() + seconds + SHORTEST_TRY_SECONDS > deadline:
        return False
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if is_stopping():
            raise Stopping
        time.sleep(min(left, LOOK_SECONDS))
    return True


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
