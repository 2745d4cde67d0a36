"""Named errors: a code for machines, cause and cure for people, in the reader's language."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

_by_code: dict[str, type["BotenwerkError"]] = {}


class BotenwerkError(Exception):
    """A fact that a person can act on. One subclass a fact.

    `cause` and `cure` may name facts as `%(name)s`; facts ending in `_at` are instants and are shown in the
    reader's zone. `http_status` is the answer of the API: the same code keeps its status everywhere.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[Text] = _("Internal error")
    cause: ClassVar[Text] = _("Botenwerk itself has failed here.")
    cure: ClassVar[Text] = _("Try again. If it stays, tell the operator the time and the id of this run or message.")
    retryable: bool = False
    http_status: ClassVar[int] = 500

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            _by_code[cls.code] = cls

    def __init__(self, *, field: str | None = None, retry_after: float | None = None, **facts: Any) -> None:
        self.field = field
        self.retry_after = retry_after
        self.facts: dict[str, Any] = {name: _plain(value) for name, value in facts.items()}
        super().__init__(self.code)

    def __str__(self) -> str:
        return f"{self.code}: {self.cause_text()}"

    def title_text(self) -> str:
        """What happened, in the active language."""
        return str(self.title)

    def cause_text(self) -> str:
        """Why it happened, in the active language."""
        return fill(self.cause, self.facts)

    def cure_text(self) -> str:
        """What to do now, in the active language."""
        return fill(self.cure, self.facts)

    def for_person(self) -> str:
        """Cause and cure as one text for a form or a message."""
        return f"{self.cause_text()} {self.cure_text()}"


_by_code[BotenwerkError.code] = BotenwerkError


def error_class(code: str) -> type[BotenwerkError]:
    """The class of a stored code; unknown codes read as `internal`."""
    return _by_code.get(code, BotenwerkError)


def stored_error(code: str, facts: Mapping[str, Any] | None = None) -> BotenwerkError:
    """The error of a stored row, to be shown in the reader's language."""
    return error_class(code)(**dict(facts or {}))


def known_codes() -> dict[str, type[BotenwerkError]]:
    """Every named error by its code."""
    return dict(_by_code)


def _plain(value: Any) -> Any:
    """Facts are stored as JSON, so that they can be read again in any language."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "?"


def fill(text: Text, facts: Mapping[str, Any]) -> str:
    """The text with its facts: `_at` facts as instants in the reader's zone, an unknown fact as a question mark."""
    shown = _Facts()
    for name, value in facts.items():
        instant = parse_datetime(value) if name.endswith("_at") and isinstance(value, str) else None
        if instant is not None and timezone.is_aware(instant):
            shown[name] = formats.date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT")
        elif name.endswith("_at") and value is None:
            shown[name] = "–"
        else:
            shown[name] = value
    return str(text) % shown
