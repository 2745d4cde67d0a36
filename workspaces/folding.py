"""Text compared as people mean it: without case, accents and spare white space, umlauts in either spelling."""

import unicodedata
from collections.abc import Callable

_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"})


def spell_out(text: str) -> str:
    """Umlauts as two letters ("für" as "fuer"); case and all else stay."""
    return unicodedata.normalize("NFC", text).translate(_SPELLED_OUT)


def fold(text: str) -> tuple[str, str]:
    """The text in both foldings: umlauts as two letters, and as the plain letter.

    Two texts are the same where either agrees. One folding that removed the e would take "neue" for "nue".
    """
    visible = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    words = " ".join(visible.split())
    return _plain(spell_out(words)), _plain(words)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _either(left: str, right: str, test: Callable[[str, str], bool]) -> bool:
    return any(test(*pair) for pair in zip(fold(left), fold(right), strict=True))


def same_text(left: str, right: str) -> bool:
    """True for "Für" and "fuer", "MULLER" and "Müller"."""
    return _either(left, right, str.__eq__)


def text_contains(text: str, part: str) -> bool:
    """True where the folded text holds the folded part; an empty part is in nothing."""
    return bool(part.strip()) and _either(text, part, str.__contains__)


def text_starts_with(text: str, part: str) -> bool:
    """True where the folded text begins with the folded part; nothing begins with an empty part."""
    return bool(part.strip()) and _either(text, part, str.startswith)


def text_ends_with(text: str, part: str) -> bool:
    """True where the folded text ends with the folded part; nothing ends with an empty part."""
    return bool(part.strip()) and _either(text, part, str.endswith)
