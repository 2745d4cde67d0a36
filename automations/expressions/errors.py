"""What can be wrong with an expression: where it stands, which path, and a sentence in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_MESSAGES: dict[str, str | Promise] = {
    "missing": _("There is no value at “%(path)s”."),
    "empty": _("The value at “%(path)s” is empty."),
    "not_a_number": _("“%(value)s” is not a number; write 1.5, not 1,5."),
    "number_too_large": _("The result of “%(filter)s” is too large."),
    "division_by_zero": _("A number cannot be divided by zero."),
    "not_a_date": _("“%(value)s” is not a date; write 03.04.2027 or 2027-04-03."),
    "no_time_of_day": _("“%(value)s” has a date but no time of day."),
    "unknown_date_format": _("“%(value)s” is not a date format; write for example %%d.%%m.%%Y, short, long or time."),
    "not_comparable": _("“%(left)s” and “%(right)s” cannot be compared: one is not a number or not a date."),
    "not_a_list": _("The filter “%(filter)s” needs a list."),
    "wrong_arguments": _("The filter “%(filter)s” is used with the wrong values."),
    "unknown_filter": _("There is no filter “%(name)s”."),
    "unknown_tag": _("There is no tag “%(name)s” here."),
    "not_closed": _("This is opened but not closed: “%(name)s” is missing."),
    "nothing_inside": _("Something is missing between the braces."),
    "syntax": _("This cannot be read as Liquid."),
    "too_long": _("The text is too long for one field."),
    "too_much_output": _("The text becomes too long when it is filled in."),
    "too_many_rounds": _("The text has too many rounds or levels."),
    "not_plain": _("The value cannot be shown as text."),
    "failed": _("This cannot be worked out."),
}


def explain(reason: str, facts: Mapping[str, object]) -> str:
    """The sentence of a stored reason in the active language."""
    return str(_MESSAGES.get(reason, _MESSAGES["failed"])) % {name: _shortened(facts[name]) for name in facts}


class ExpressionError(ValueError):
    """An expression has no result. `reason` and `facts` are plain data, so that they can be stored and shown later.

    `line` and `column` count from 1 and are None where the whole text is meant; `path` is the variable concerned.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        **facts: str,
    ) -> None:
        self.reason = reason
        self.path = path
        self.line = line
        self.column = column
        self.facts = facts if path is None else {**facts, "path": path}
        super().__init__(reason)

    @property
    def message(self) -> str:
        """What is wrong, in the active language."""
        return explain(self.reason, self.facts)

    def __str__(self) -> str:
        place = f" (line {self.line}, column {self.column})" if self.line else ""
        return f"{self.reason} {self.facts}{place}"


class VariableMissing(ExpressionError):
    """A path leads nowhere and no default follows, or a value that is needed is empty. `path` says which."""


class BadExpression(ExpressionError):
    """The text is no Liquid, or a filter or comparison cannot work with the value it got."""


def _shortened(fact: object) -> str:
    text = str(fact)
    return text if len(text) <= 60 else text[:59] + "…"
