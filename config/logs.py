"""Logging for both structlog and the standard library: one line an event, JSON in production, nothing private in it.

No text of a message, no token and no phone number in full: an exception is told by its kind and where it arose, its
words only where they come from the machine (a connection, a disk), and what looks like a number or token is masked.
"""

import logging.config
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from redis import RedisError

from workspaces.errors import BotenwerkError

Event = MutableMapping[str, Any]

FRAMES_KEPT = 12
LONGEST_VALUE = 2_000
# Their words name hosts, files and limits, never what a customer wrote.
SPEAKABLE = (OSError, OperationalError, InterfaceError, RedisError)
PRIVATE_KEYS = frozenset(
    {"text", "body", "payload", "content", "token", "secret", "password", "authorization", "api_key", "phone", "to"}
)
REMOVED = "[removed]"
_NUMBER = re.compile(r"(?<![\w.:-])\+?\d{7,15}(?![\w-])|\+\d[\d ()/-]{6,}\d")
_TOKEN = re.compile(r"\b(?:EAA\w{8,}|bw_[\w-]{8,}|sk-[\w-]{8,}|wamid\.[\w=+/-]{8,}|Bearer\s+\S+|Basic\s+\S+)")
_CALL = re.compile(r'^  File "([^"\n]+)", line (\d+), in ([\w<>.]+)$', re.MULTILINE)
_KIND = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w+)(?=:|$)", re.MULTILINE)


def configure(settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: the standard library's handlers, and structlog on the same ones."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def formatter(*, as_json: bool) -> logging.Formatter:
    """What LOGGING's formatters call."""
    ending: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not as_json:
        ending = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, ending],
    )


def masked(text: str) -> str:
    """The text with tokens removed and numbers shortened to their last three digits."""
    return _NUMBER.sub(lambda found: f"…{found[0][-3:]}", _TOKEN.sub(REMOVED, text))[:LONGEST_VALUE]


def told(error: BaseException) -> str:
    """An exception in one line that may be kept: its kind, a named error's code, the machine's own words."""
    kind = type(error).__name__
    if isinstance(error, BotenwerkError):
        return f"{kind} ({error.code})"
    return f"{kind}: {masked(str(error).strip())}" if isinstance(error, SPEAKABLE) else kind


def told_traceback(text: str) -> str:
    """A formatted traceback without any value: its last exception's kind and the calls. For django-q2's results."""
    kinds = _KIND.findall(text)
    calls = [f"{path.rpartition('/site-packages/')[2]}:{line} {name}" for path, line, name in _CALL.findall(text)]
    return "\n".join([kinds[-1] if kinds else "Exception", *calls[-FRAMES_KEPT:]])


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_KEPT:]
    return [f"{frame.filename.rpartition('/site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


def _tell_exception(logger: Any, method: str, event: Event) -> Event:
    found = event.pop("exc_info", None)
    event.pop("exception", None)
    if not found:
        return event
    error = found if isinstance(found, BaseException) else (found if isinstance(found, tuple) else sys.exc_info())[1]
    if isinstance(error, BaseException):
        event["error"] = told(error)
        event["frames"] = _frames(error)
    return event


def _keep_private(logger: Any, method: str, event: Event) -> Event:
    for name, value in event.items():
        if name.lower() in PRIVATE_KEYS:
            event[name] = REMOVED
        elif name not in ("frames", "timestamp", "_record"):
            event[name] = _plain(value)
    return event


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        # A number may be a phone number too.
        return masked(str(value)) if isinstance(value, int) and value >= 10**9 else value
    return masked(str(value))


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    _tell_exception,
    _keep_private,
]
