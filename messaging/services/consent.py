"""Consent: opt-out and opt-in words, honoured at once, logged with what was said.

A word counts when it is all that was said, or is followed by nothing but what it refers to ("abmelden vom
Newsletter"). "stop, Peter kommt heute nicht" is no wish to be left alone (traps.md O1).
"""

import re
from datetime import datetime
from typing import Literal

from messaging.models import Consent, ConsentEvent, Contact, Purpose
from workspaces.changes import announce
from workspaces.folding import fold
from workspaces.models import Workspace

Wish = Literal["", "opt_out", "opt_in"]
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_POLITE = r"(?:(?:bitte|please|danke|thanks|thank you|sofort|jetzt|now|all|alle|alles)\s*)*"
# What an opt-out word may be followed by and still mean our messages.
_ABOUT_US = (
    r"(?:vom|von|den|der|die|from|the|your|ihrem|ihren|ihre|diesem|dieser|this|of)?\s*"
    r"(?:newsletter|werbung|nachrichten|whatsapp|mailing|verteiler|liste|messages|list|ads|advertising|updates)"
)
# Whole sentences of everyday speech that are a clear wish.
_SENTENCES = (
    r"(?:ich\s+)?(?:moechte|mochte|will|wuensche)\s+(?:bitte\s+)?keine\s+(?:werbung|nachrichten|newsletter)(?:\s+mehr)?",
    r"keine\s+(?:werbung|nachrichten|newsletter)\s+mehr",
    r"(?:i\s+)?(?:do\s+not|dont|don't)\s+want\s+(?:any\s+)?(?:more\s+)?(?:ads|advertising|messages|newsletters?)(?:\s+any\s*more)?",
)


def wish_of(text: str, workspace: Workspace) -> Wish:
    """What the text says about consent: "opt_out", "opt_in" or nothing."""
    said = _bare(text)
    if not said or len(said) > 120:
        return ""
    if any(_says(said, word) for word in workspace.opt_out_words) or any(
        re.fullmatch(rf"{_POLITE}{sentence}\s*{_POLITE}", said) for sentence in _SENTENCES
    ):
        return "opt_out"
    if any(re.fullmatch(rf"{_POLITE}{re.escape(_bare(word))}\s*{_POLITE}", said) for word in workspace.opt_in_words):
        return "opt_in"
    return ""


def opt_out(contact: Contact, *, source: str, evidence: str, now: datetime, purpose: str = Purpose.MARKETING) -> bool:
    """The contact wants no more; False if that was known already. Every word is logged, also a repeated one."""
    return _say(contact, purpose, Consent.OPTED_OUT, source, evidence, now)


def opt_in(contact: Contact, *, source: str, evidence: str, now: datetime, purpose: str = Purpose.MARKETING) -> bool:
    """The contact agrees (again); False if that was known already."""
    return _say(contact, purpose, Consent.OPTED_IN, source, evidence, now)


def _say(contact: Contact, purpose: str, state: str, source: str, evidence: str, now: datetime) -> bool:
    column = f"consent_{purpose}"
    ConsentEvent.objects.create(
        workspace=contact.workspace,
        contact=contact,
        purpose=purpose,
        state=state,
        source=source,
        evidence=evidence,
        occurred_at=now,
    )
    rows = Contact.objects.in_workspace(contact.workspace).filter(pk=contact.pk)
    changed = rows.exclude(**{column: state}).update(**{column: state, "updated_at": now}) == 1
    setattr(contact, column, state)
    announce(contact.workspace, f"contact:{contact.public_id}", now=now)
    return changed


def _says(said: str, word: str) -> bool:
    core = re.escape(_bare(word))
    return bool(core) and bool(re.fullmatch(rf"{_POLITE}{core}(?:\s+{_ABOUT_US})?\s*{_POLITE}", said))


def _bare(text: str) -> str:
    return _EDGES.sub("", fold(text)[0]).strip()
