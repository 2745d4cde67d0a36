"""Translations: `extract` brings the catalogues up to date, `check` fails on what is fuzzy or not translated."""

import os
import sys
from pathlib import Path

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.core.management import call_command

LOCALE = Path(__file__).parent / "locale"
# English is what the code says; every other catalogue must be complete.
LANGUAGES = ("de",)
IGNORED = (".venv", "staticfiles", "static/vendor", "node_modules", ".local", "tests")


def extract() -> None:
    """Collect every string from code and templates (needs gettext's programs)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    options = {"locale": list(LANGUAGES), "ignore_patterns": [f"{name}/*" for name in IGNORED], "no_obsolete": True}
    call_command("makemessages", no_location=True, no_wrap=True, **options)


def unfinished(catalogue: Catalog) -> list[Message]:
    """The entries that are fuzzy or lack a translation, in one plural form or in all."""
    return [entry for entry in catalogue if entry.id and (entry.fuzzy or not _is_translated(entry))]


def _is_translated(entry: Message) -> bool:
    return all(entry.string) if isinstance(entry.string, tuple | list) else bool(entry.string)


def check() -> int:
    """Print what is unfinished, by catalogue; 1 if anything is."""
    found = 0
    for language in LANGUAGES:
        path = LOCALE / language / "LC_MESSAGES" / "django.po"
        if not path.exists():
            print(f"{path} is missing.", file=sys.stderr)  # noqa: T201
            found += 1
            continue
        with path.open("rb") as handle:
            entries = unfinished(read_po(handle, locale=language))
        for entry in entries:
            print(f"{path.name} ({language}): {entry.id!r} is {'fuzzy' if entry.fuzzy else 'empty'}", file=sys.stderr)  # noqa: T201
        found += len(entries)
    return 1 if found else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["extract"]:
        extract()
    elif sys.argv[1:] == ["check"]:
        sys.exit(check())
    else:
        sys.exit("usage: python -m config.messages extract|check")
