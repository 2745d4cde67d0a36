"""The one table from the Cloud API's error codes to our named errors.

Codes and meanings: Meta, "Error codes"; whether the same message may succeed later is our judgement where Meta is
silent. A code without a row is not retried, and staff are told.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from messaging import errors
from messaging.providers.base import Effect


@dataclass(frozen=True)
class Meaning:
    """What a code means: our error, what it says beyond this message, and facts that go with it."""

    error: type[errors.MessagingError]
    effect: Effect = Effect.NONE
    facts: tuple[tuple[str, str], ...] = ()
    # How long the platform wants to be left alone, where it is known.
    pause: timedelta | None = None


def _offline(reason: str) -> Meaning:
    return Meaning(errors.SenderOffline, Effect.STOP_SENDER, (("reason", reason),))


_DEAD_TOKEN = Meaning(errors.CredentialsInvalid, Effect.STOP_SENDER)
_DOWN = Meaning(errors.WhatsappUnavailable)
_REFUSED = Meaning(errors.RequestRefused)
_PARAMETERS = Meaning(errors.TemplateParametersMismatch)
_SLOW = Meaning(errors.RateLimited, Effect.SLOW_SENDER, (("limit", "platform"),))


def _slow_for(pause: timedelta) -> Meaning:
    return Meaning(errors.RateLimited, Effect.SLOW_SENDER, (("limit", "platform"),), pause)


CODES: dict[int, Meaning] = {
    0: _DEAD_TOKEN,
    1: _DOWN,
    2: _DOWN,
    3: _DEAD_TOKEN,
    4: _slow_for(timedelta(minutes=1)),
    10: _DEAD_TOKEN,
    33: _offline("deleted"),
    100: _REFUSED,
    190: _DEAD_TOKEN,
    368: Meaning(errors.AccountRestricted, Effect.STOP_SENDER),
    613: _slow_for(timedelta(minutes=1)),
    80007: _slow_for(timedelta(minutes=1)),
    130429: _SLOW,
    130472: Meaning(errors.WithheldByWhatsapp),
    130497: Meaning(errors.CountryNotAllowed),
    131000: _DOWN,
    131005: _DEAD_TOKEN,
    131008: _REFUSED,
    131009: _REFUSED,
    131016: Meaning(errors.WhatsappUnavailable, Effect.OUTAGE),
    131021: Meaning(errors.RecipientIsSender),
    131026: Meaning(errors.RecipientNotOnWhatsapp),
    131030: Meaning(errors.NotInAllowedList),
    131031: Meaning(errors.AccountRestricted, Effect.STOP_SENDER),
    131037: _offline("name_not_approved"),
    131042: Meaning(errors.SpendOrPaymentProblem, Effect.ALERT),
    131044: Meaning(errors.SpendOrPaymentProblem, Effect.ALERT),
    131045: _offline("not_registered"),
    131047: Meaning(errors.OutsideWindow),
    131048: Meaning(errors.QualityBlocked, Effect.ALERT),
    131049: Meaning(errors.WithheldByWhatsapp),
    131050: Meaning(errors.RecipientOptedOut, Effect.OPT_OUT),
    131051: _REFUSED,
    131052: Meaning(errors.MediaProblem),
    131053: Meaning(errors.MediaProblem),
    131056: Meaning(errors.RateLimited, Effect.SLOW_PAIR, (("limit", "platform"),)),
    131057: _slow_for(timedelta(minutes=1)),
    131062: Meaning(errors.PhoneNumberNeeded),
    131063: _REFUSED,
    131064: Meaning(errors.QualityBlocked, Effect.ALERT),
    132000: _PARAMETERS,
    132001: Meaning(errors.TemplateNotFound),
    132005: Meaning(errors.TextTooLong),
    132007: _REFUSED,
    132008: _PARAMETERS,
    132012: _PARAMETERS,
    132015: Meaning(errors.TemplatePaused, Effect.STOP_TEMPLATE),
    132016: Meaning(errors.TemplatePaused, Effect.STOP_TEMPLATE),
    132018: _PARAMETERS,
    132068: _REFUSED,
    132069: _slow_for(timedelta(hours=1)),
    133010: _offline("not_registered"),
    133016: _slow_for(timedelta(hours=1)),
    135000: _DOWN,
    137000: _REFUSED,
    138013: _slow_for(timedelta(minutes=1)),
}
_UNKNOWN = Meaning(errors.UnexpectedPlatformError, Effect.ALERT)
# The Graph API keeps a whole block for missing permissions.
_PERMISSIONS = range(200, 300)


def meaning_of(code: int) -> Meaning:
    """What the code means; for one that nobody has told us of, an alert and no retry."""
    if code in _PERMISSIONS:
        return _DEAD_TOKEN
    return CODES.get(code, _UNKNOWN)


def error_of(code: int, *, detail: str = "", **facts: Any) -> errors.MessagingError:
    """The named error of a platform code, from a send call or from a `failed` status."""
    meaning = meaning_of(code)
    known: dict[str, Any] = {"detail": detail, "platform_code": code, **dict(meaning.facts), **facts}
    return meaning.error(**known)
