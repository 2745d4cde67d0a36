"""One call of a model's chat completions, at any address that speaks OpenAI's language; its failures by name.

An endpoint that drips or never ends is cut off by time and by size.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import structlog
from django.conf import settings

from assistants.errors import AssistantUnavailable
from assistants.formatting import to_whatsapp
from assistants.models import Assistant
from assistants.prompt import PromptMessage
from workspaces.fields import Unreadable
from workspaces.http import (
    AddressForbidden,
    HTTPError,
    HttpProblem,
    Response,
    TimeoutException,
    openai_http_client,
    time_limit,
)
from workspaces.storable import storable_text

if TYPE_CHECKING:
    from openai import OpenAI

log = structlog.get_logger(__name__)

# An answer for a chat has a few kilobytes; an endpoint that sends more than this does not answer.
LARGEST_BODY = 1024 * 1024
# Where an endpoint counts no tokens: German text has about three bytes a token with common tokenisers.
BYTES_A_TOKEN = 3
LONGEST_DETAIL = 200


@dataclass(frozen=True)
class Completion:
    """What the model answered; `text` is WhatsApp's formatting and may be empty. Tokens are estimated if not given."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int


def complete(assistant: Assistant, messages: Sequence[PromptMessage], *, timeout_seconds: float) -> Completion:
    """Ask the assistant's model once; at most `timeout_seconds` in all. Raises AssistantUnavailable.

    Retries are the caller's. Neither the key nor a text of the prompt is in an exception or a log.
    """
    # Importing it costs a second and 50 MB: only who asks a model pays.
    import openai

    if isinstance(assistant.api_key, Unreadable):
        raise AssistantUnavailable(assistant=assistant.name, kind="key_unreadable")
    try:
        with (
            time_limit(timeout_seconds),
            _client(
                assistant.endpoint, assistant.api_key, frozenset(settings.MODEL_HOSTS_ALLOWED)
            ).chat.completions.with_streaming_response.create(
                model=assistant.model,
                messages=list(messages),  # type: ignore[arg-type]
                temperature=assistant.temperature,
                timeout=timeout_seconds,
                extra_headers={"Accept-Encoding": "identity"},
            ) as response,
        ):
            body = _read(response.http_response)
    except openai.APIStatusError as error:
        _refuse_status(assistant, error.response.status_code, error.response.headers, error.body)
    except (openai.APITimeoutError, TimeoutException):
        _fail(assistant, "timeout")
    except _Unreadable:
        _fail(assistant, "malformed")
    except (openai.APIConnectionError, HTTPError, HttpProblem) as error:
        is_forbidden = isinstance(error.__cause__ or error, AddressForbidden)
        _fail(assistant, "forbidden" if is_forbidden else "unreachable", cause=type(error.__cause__ or error).__name__)
    return _completion(assistant, messages, body)


@lru_cache(maxsize=128)
def _client(endpoint: str, api_key: str, allow: frozenset[str]) -> "OpenAI":
    """One client an address and key, kept by the process; its connections are pooled and guarded below it."""
    from openai import OpenAI

    return OpenAI(
        base_url=endpoint,
        # Without any key the library refuses to call; services without keys ignore this word.
        api_key=api_key or "none",
        max_retries=0,
        http_client=openai_http_client(endpoint, allow),
    )


# A forked child must not use its parent's connections.
os.register_at_fork(after_in_child=_client.cache_clear)


class _Unreadable(Exception):
    """Too large, or packed although we asked for no packing (a small packet may hold gigabytes)."""


def _read(response: Response) -> bytes:
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _Unreadable
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > LARGEST_BODY:
            raise _Unreadable
    return bytes(body)


def _completion(assistant: Assistant, messages: Sequence[PromptMessage], body: bytes) -> Completion:
    try:
        answer = json.loads(body)
        message = answer["choices"][0]["message"]
        content = message.get("content") or ""
        if not isinstance(content, str):
            raise TypeError
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        _fail(assistant, "malformed")
    usage = answer.get("usage") if isinstance(answer.get("usage"), dict) else {}
    asked = sum(len(message["content"].encode(errors="replace")) for message in messages)
    return Completion(
        text=to_whatsapp(storable_text(content)).strip(),
        model=str(answer.get("model") or assistant.model)[:120],
        prompt_tokens=_tokens(usage.get("prompt_tokens"), asked),
        completion_tokens=_tokens(usage.get("completion_tokens"), len(content.encode(errors="replace"))),
    )


def _tokens(counted: object, size: int) -> int:
    """The endpoint's figure, or an estimate from bytes where it gives none."""
    if isinstance(counted, int) and 0 < counted < 2**31:
        return counted
    return -(-size // BYTES_A_TOKEN)


def _refuse_status(assistant: Assistant, status: int, headers: Any, body: object) -> NoReturn:
    facts: dict[str, Any] = {"status": status}
    if status in {401, 403}:
        kind = "bad_key"
    elif status == 404:
        kind = "not_found"
    elif status in {408, 504}:
        kind = "timeout"
    elif status == 429:
        kind = "rate_limited"
    elif status >= 500:
        kind = "server"
    else:
        kind = "refused"
        facts["detail"] = _detail(assistant, body)
    _fail(assistant, kind, retry_after=_retry_after(headers) if status in {429, 503} else None, **facts)


def _retry_after(headers: Any) -> float | None:
    """Seconds of `Retry-After`. The form with a date is not used by model services and reads as not given."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def _detail(assistant: Assistant, body: object) -> str:
    """The service's own words, short, without the key should they repeat it."""
    words = body.get("message") if isinstance(body, dict) else body
    text = " ".join(str(words or "").split())
    if assistant.api_key:
        text = text.replace(assistant.api_key, "…")
    return text[:LONGEST_DETAIL]


def _fail(
    assistant: Assistant, kind: str, *, retry_after: float | None = None, cause: str = "", **facts: Any
) -> NoReturn:
    log.warning("model_failed", assistant=str(assistant.public_id), kind=kind, status=facts.get("status"), cause=cause)
    # The library's exception holds the request with its key: it is not kept as the cause.
    raise AssistantUnavailable(retry_after=retry_after, assistant=assistant.name, kind=kind, **facts) from None
