"""Phone numbers: strict E.164 for recipients, lenient for what the platform delivers, grouped for reading.

Strictness is for numbers that people or programs give us. Ids in webhooks come from the platform and are only read.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

# ASCII digits only: `\d` takes native digits too, and the string then differs from the same number in ASCII.
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
_SEPARATOR = re.compile(r"[^0-9+]+")
# What a spreadsheet leaves behind a number that it held as a decimal.
_DECIMAL_REST = re.compile(r"\.0+\s*$")
_MISPLACED_PLUS = re.compile(r"(?<=[0-9+])[^0-9+]*\+")
_WIDE_PLUS = "\uff0b\ufe62"
_LONGEST_GIVEN = 64
_ITALY = 39

_EXPLANATIONS: dict[str, str | Promise] = {
    "empty": _("No phone number was given."),
    "no_plus": _("“%(given)s” does not begin with + and the country code."),
    "double_zero": _("“%(given)s” begins with 00; international numbers are written with + in its place."),
    "trunk_zero": _("In “%(given)s” the 0 behind +%(country_code)s is only dialled inside the country."),
    "separators": _("“%(given)s” holds “%(part)s”; only + and digits are allowed."),
    "invisible_character": _("“%(given)s” holds an invisible character (%(code_point)s)."),
    "non_ascii_digits": _("“%(given)s” holds “%(part)s”; only the digits 0 to 9 and a simple + are allowed."),
    "too_short": _("“%(given)s” is too short for a phone number of its country."),
    "too_long": _("“%(given)s” is too long for a phone number of its country."),
    "not_a_number": _("“%(given)s” is not a phone number that can exist, because of “%(part)s”."),
    "unknown_country": _("In “%(given)s” no country has the code %(part)s."),
    "missing_italian_zero": _("In “%(given)s” the 0 behind +39 is missing; in Italy it belongs to the number."),
}


@dataclass(eq=False)
class PhoneProblem(ValueError):
    """Why a number is refused: what was given, the wrong part, and the right number where only one can be meant."""

    given: str
    part: str
    reason: str
    suggestion: str | None = None

    def __str__(self) -> str:
        return f"{self.reason}: {self.given!r}"

    def explain(self) -> str:
        """The cause as one sentence in the active language."""
        return str(_EXPLANATIONS[self.reason]) % {
            "given": _visible(self.given),
            "part": self.part,
            "code_point": " ".join(f"U+{ord(character):04X}" for character in self.part),
            "country_code": _country_code(_digits_of(_normalised(self.given))) or "",
        }


def parse_e164(raw: str, *, region: str | None = None) -> str:
    """The number, unchanged. Raises PhoneProblem for everything that is not exactly E.164.

    `region` (ISO 3166, the workspace's) only serves the suggestion for national numbers; it never makes one pass.
    """
    if _E164.fullmatch(raw) and _formatted(raw) == raw:
        return raw
    part, reason = _diagnose(raw)
    raise PhoneProblem(given=raw, part=part, reason=reason, suggestion=suggest_e164(raw, region=region))


def suggest_e164(raw: str, *, region: str | None = None) -> str | None:
    """The E.164 number that is meant, or None unless exactly one can be meant. Never guesses."""
    if len(raw) > _LONGEST_GIVEN:
        return None
    text = _TRUNK_ZERO.sub("0", _DECIMAL_REST.sub("", _normalised(raw).strip(" '")))
    if any(character.isalpha() for character in text) or "," in text or _MISPLACED_PLUS.search(text):
        return None
    digits = _digits_of(text)
    if text.startswith("+"):
        readings = {_formatted("+" + digits.removeprefix("00")), _formatted(_with_italian_zero(digits))}
    elif digits.startswith("00"):
        readings = {_formatted("+" + digits[2:]), _formatted(_with_italian_zero(digits[2:]))}
    else:
        readings = {_formatted("+" + digits), _national(digits, region)}
    found = readings - {None}
    return found.pop() if len(found) == 1 else None


def is_user_id(raw: str) -> bool:
    """True for a business-scoped user id ("DE.77001122"), which may stand where a phone is expected."""
    return "." in raw


def from_whatsapp_id(raw: str) -> str | None:
    """The number of an inbound id: a plus and its digits, otherwise as received. None for a user id or no number.

    Not put through the strict check: WhatsApp's Mexican ids are not valid numbers for phone libraries.
    """
    digits = raw.strip().removeprefix("+")
    if is_user_id(raw) or not re.fullmatch(r"[0-9]{1,20}", digits):
        return None
    return "+" + digits


def other_spelling(number: str) -> str | None:
    """The second spelling under which WhatsApp knows the same phone, or None.

    Mexico: 52 and 521. Argentina: 549 and 54. Brazil: mobiles with and without their ninth digit.
    """
    if is_user_id(number):
        return None
    digits = number.removeprefix("+")
    for pattern, replacement in _SPELLINGS:
        changed, count = pattern.subn(replacement, digits)
        if count:
            return "+" + changed
    return None


_SPELLINGS = [
    (re.compile(r"^521([0-9]{10})$"), r"52\1"),
    (re.compile(r"^52([0-9]{10})$"), r"521\1"),
    (re.compile(r"^549([0-9]{10})$"), r"54\1"),
    (re.compile(r"^54([0-9]{10})$"), r"549\1"),
    (re.compile(r"^55([1-9][0-9])9([6-9][0-9]{7})$"), r"55\g<1>\2"),
    (re.compile(r"^55([1-9][0-9])([6-9][0-9]{7})$"), r"55\g<1>9\2"),
]


def phone_candidates(whatsapp_id: str) -> list[str]:
    """The spellings under which a contact may already be stored, the valid one first. Empty for a user id."""
    received = from_whatsapp_id(whatsapp_id)
    if received is None:
        return []
    other = other_spelling(received)
    if other is None:
        return [received]
    if _formatted(received) is None and _formatted(other) is not None:
        return [other, received]
    return [received, other]


def canonical_phone(whatsapp_id: str) -> str | None:
    """The number to store and show for a new contact: E.164 where a spelling of the id is; None for a user id.

    The id as received is kept beside it and is what replies go to.
    """
    return next(iter(phone_candidates(whatsapp_id)), None)


def without_invisible(text: str) -> str:
    """The text without direction marks, variation selectors and the like, which nobody sees (traps.md P8)."""
    return "".join(character for character in text if not _is_invisible(character))


def group_for_reading(e164: str) -> str:
    """The number in groups of two to four digits ("+43 664 123 45 67"); what is no number comes back as it is."""
    try:
        shown = phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return e164
    code, *groups = re.findall(r"[0-9]+", shown)
    if code + "".join(groups) != e164.removeprefix("+"):
        return e164
    return " ".join([f"+{code}", *(small for group in groups for small in _small_groups(group) if small)])


_GROUP_SIZES = {5: (3, 2), 6: (3, 3), 7: (3, 2, 2), 8: (4, 4), 9: (3, 3, 3), 10: (3, 3, 4)}


def _small_groups(digits: str) -> Iterator[str]:
    if len(digits) <= 4:
        yield digits
        return
    start = 0
    for size in _GROUP_SIZES.get(len(digits), (4,) * (len(digits) // 4 + 1)):
        yield digits[start : start + size]
        start += size


def _diagnose(raw: str) -> tuple[str, str]:
    """The first thing that is wrong: the offending part and a machine word for it."""
    for check in (_wrong_characters, _wrong_start, _wrong_number):
        found = check(raw)
        if found:
            return found
    separator = _SEPARATOR.search(raw)
    return (separator.group() if separator else raw), "separators"


def _wrong_characters(raw: str) -> tuple[str, str] | None:
    visible = without_invisible(raw)
    if not visible.strip():
        return raw, "empty"
    if visible != raw:
        return next(character for character in raw if _is_invisible(character)), "invisible_character"
    foreign = re.search(r"[^\W_a-zA-Z0-9]+|[\uff0b\ufe62]", raw)
    if foreign and _normalised(foreign.group()) != foreign.group():
        return foreign.group(), "non_ascii_digits"
    letters = re.search(r"[^\W0-9]+", raw) or _MISPLACED_PLUS.search(raw)
    if letters:
        return letters.group(), "not_a_number"
    decimal = _DECIMAL_REST.search(raw)
    if decimal:
        return decimal.group().strip(), "separators"
    if not _digits_of(raw):
        return raw, "not_a_number"
    return None


def _wrong_start(raw: str) -> tuple[str, str] | None:
    digits = _digits_of(raw)
    if digits.startswith("00"):
        return "00", "double_zero"
    if not re.match(r"[^0-9+]*\+", raw):
        first = re.search(r"[0-9]+", raw)
        return ("0" if digits.startswith("0") else first.group() if first else raw), "no_plus"
    if _country_code(digits) is None:
        return f"+{digits[:3]}", "unknown_country"
    return None


def _wrong_number(raw: str) -> tuple[str, str] | None:
    number = "+" + _digits_of(raw)
    formatted = _formatted(number)
    code = _country_code(number[1:])
    if formatted == number or code is None:
        return None
    if number.startswith(f"+{code}0") and (formatted is not None or _TRUNK_ZERO.search(raw)):
        return "0", "trunk_zero"
    if formatted is None and _formatted(_with_italian_zero(number[1:])):
        return number[3:4], "missing_italian_zero"
    if len(number) > 16:
        return number[16:], "too_long"
    length = phonenumbers.is_possible_number_with_reason(_parsed(number) or PhoneNumber())
    if length in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return number, "too_short"
    if length in (ValidationResult.TOO_LONG, ValidationResult.INVALID_LENGTH):
        return number, "too_long"
    return number[1 + len(str(code)) :], "not_a_number"


def _parsed(number: str, region: str | None = None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except NumberParseException:
        return None


def _formatted(number: str | None) -> str | None:
    """The number as libphonenumber would write it, or None where it is not valid."""
    parsed = _parsed(number) if number else None
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def _national(digits: str, region: str | None) -> str | None:
    """A number as it is dialled inside the region.

    Where the country has a trunk prefix it must be there: otherwise 4915112345678 would be read as national in
    Germany and get its country code a second time, and the library would call the result valid.
    """
    prefix = phonenumbers.ndd_prefix_for_region(region, True) if region else None
    if region is None or (prefix == "0" and not digits.startswith("0")):
        return None
    parsed = _parsed(digits, region)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def _with_italian_zero(digits: str) -> str | None:
    if not digits.startswith(str(_ITALY)) or digits[2:3] in ("", "0", "3"):
        return None
    return f"+{_ITALY}0{digits[2:]}"


def _country_code(digits: str) -> int | None:
    for length in (1, 2, 3):
        code = digits[:length]
        if code and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE and not code.startswith("0"):
            return int(code)
    return None


def _digits_of(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _is_invisible(character: str) -> bool:
    """Direction marks, zero-width characters, variation selectors, control characters."""
    return unicodedata.category(character) in {"Cf", "Cc", "Mn", "Me", "Cn", "Co", "Cs"}


def _normalised(text: str) -> str:
    """Invisible characters removed, native digits and the wide plus in ASCII."""
    characters = []
    for character in without_invisible(text):
        digit = unicodedata.decimal(character, None)
        characters.append(str(digit) if digit is not None else "+" if character in _WIDE_PLUS else character)
    return "".join(characters)


def _visible(text: str) -> str:
    """What was given, short enough for a sentence and without characters that would turn it around."""
    clean = without_invisible(text)
    return clean if len(clean) <= 40 else clean[:39] + "…"
