"""Finds English on a German page: texts that are msgids of the catalogue, and sentences that are in no catalogue."""

import re
from functools import cache
from pathlib import Path

from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from playwright.sync_api import Page

CATALOGUE = Path(__file__).parents[2] / "config" / "locale" / "de" / "LC_MESSAGES" / "django"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
TAG = re.compile(r"<[^>]+>")
# No German word among them; two in one text are an English sentence.
ENGLISH_WORDS = {
    "the", "and", "with", "your", "you", "this", "that", "which", "have", "has", "been", "are", "could", "should",
    "would", "from", "until", "into", "when", "they", "there", "not",
}  # fmt: skip
# What people and machines wrote is not ours to translate: code, data of runs, texts marked as another language, and
# in the lists of staff the kinds and rules as they are stored, which are open sets.
READ_TEXTS = """() => {
  const left_out = [
    "script, style, code, pre, kbd, samp, textarea, .mono, [lang=en]",
    ".bubble, .preview-bubble, .template-choice, .picker-item, .facts, label[for^=id_data]",
    ".field-kind, .field-rule, .field-reason, #changelist-filter a",
  ].join();
  const texts = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement && !node.parentElement.closest(left_out)) texts.push(node.textContent);
  }
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
    if (one.closest(left_out)) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) texts.push(one.getAttribute(name) ?? "");
  }
  return texts.map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""


@cache
def _catalogue() -> tuple[frozenset[str], tuple[re.Pattern[str], ...], frozenset[str]]:
    """English texts as they stand, English texts with values in them, and every German text."""
    path = CATALOGUE.with_suffix(".mo")
    with (path if path.exists() else CATALOGUE.with_suffix(".po")).open("rb") as handle:
        entries = list(read_mo(handle) if path.exists() else read_po(handle, locale="de"))
    plain, patterns, german = set(), [], set()
    for entry in entries:
        sources = entry.id if isinstance(entry.id, tuple | list) else (entry.id,)
        targets = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
        german |= {piece for target in targets if target for piece in _pieces(target)}
        for source in sources:
            for piece in _pieces(source) if source and source not in targets else ():
                if PLACEHOLDER.search(piece):
                    patterns.append(_pattern(piece))
                else:
                    plain.add(piece)
    # A word that is German too (Name, Status) says nothing.
    return frozenset(plain - german), tuple(one for one in patterns if one is not None), frozenset(german)


def _pieces(text: str) -> list[str]:
    """What becomes a text of its own on a page: tags within a message split it."""
    return [piece for part in TAG.split(text) if (piece := " ".join(part.split()))]


def _pattern(text: str) -> re.Pattern[str] | None:
    """The text with anything for its values; None where too little is left to recognise it by."""
    parts = PLACEHOLDER.split(text)
    if len(re.sub(r"\W", "", "".join(parts))) < 8:
        return None
    return re.compile(".+".join(re.escape(part.replace("%%", "%")) for part in parts))


def english_texts(page: Page) -> list[str]:
    """What a German reader finds in English on this page."""
    plain, patterns, german = _catalogue()
    found = []
    for text in dict.fromkeys(page.evaluate(READ_TEXTS)):
        words = set(re.findall(r"[a-z]+", text.lower()))
        if text in german:
            continue
        if text in plain or len(words & ENGLISH_WORDS) >= 2 or any(pattern.fullmatch(text) for pattern in patterns):
            found.append(text)
    return found
