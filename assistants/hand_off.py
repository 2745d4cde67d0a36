"""Whether a customer asks for a person: a plain rule for German and English, no model."""

import re

from workspaces.folding import fold

_PERSON = (
    r"(?:mensch(?:en)?|person|mitarbeiter(?:in|n|s)?|berater(?:in|s)?|kolleg(?:e|en|in)|sachbearbeiter(?:in)?"
    r"|ansprechpartner(?:in)?|chef(?:in)?|jemand(?:e[nm])?|support|kundendienst|kundenservice|verkaufer(?:in)?"
    r"|human(?: being)?|agent|representative|someone|somebody|staff(?: member)?|employee|manager|operator|advisor)"
)
_TALK = (
    r"(?:sprechen|reden|telefonieren|verbinden|verbinde|weiterleiten|weitergeleitet|erreichen|chatten|schreiben"
    r"|ubergeben|uebergeben)"
)
_REAL = r"(?:echte[nrms]?|richtige[nrms]?|reale[nrms]?|lebende[nrms]?)"
_WANT = r"(?:will|mochte|moechte|brauche|hatte gern(?:e)?|haette gern(?:e)?|wunsche|wuensche|bitte)"
_A_GERMAN = r"(?:einen?|eine[mr])"
_ALONE = r"(?:mensch|mitarbeiter(?:in)?|berater(?:in)?|kundendienst|kundenservice|human|agent|operator|representative)"

_WISHES = [
    re.compile(pattern)
    for pattern in (
        # "Mit einem Mitarbeiter sprechen", "Kann ich bitte mit jemandem telefonieren?"
        rf"\b(?:mit|an|zu)\s+(?:\w+\s+){{0,3}}{_PERSON}\b(?:\W+\w+){{0,3}}?\W+{_TALK}\b",
        rf"\b{_TALK}\b(?:\W+\w+){{0,3}}?\W+(?:mit|an|zu)\s+(?:\w+\s+){{0,3}}{_PERSON}\b",
        # "Ich brauche bitte einen Ansprechpartner", "Ich will einen echten Menschen"
        rf"\b{_WANT}\s+(?:\w+\s+){{0,2}}?{_A_GERMAN}\s+(?:{_REAL}\s+)?{_PERSON}\b",
        # "I want to speak to a human", "Can I talk with someone real", "Connect me to an agent"
        r"\b(?:speak|talk|chat|connect me|transfer me|put me through)\s+(?:\w+\s+){0,2}?"
        rf"(?:to|with)\s+(?:\w+\s+){{0,3}}?{_PERSON}\b",
        # "I need a human", "Give me a real person"
        r"\b(?:want|need|get me|give me)\s+(?:an?|the)\s+(?:(?:real|live|actual|human)\s+)?"
        r"(?:human(?: being)?|person|agent|representative|operator)\b",
        # The word alone: "Mitarbeiter bitte", "Agent!"
        rf"^\W*(?:bitte\s+)?{_ALONE}(?:\s+(?:bitte|please))?\W*$",
    )
]
_REFUSAL = re.compile(
    r"\b(?:nicht|keinesfalls|nie(?:mals)?|kein(?:e[nmr]?)?|don'?t|do not|not|never|no)\s+(?:\w+\s+){0,3}?"
    rf"(?:mit|an|to|with|want|need|brauche|{_PERSON}|speak|talk)\b"
)


def wants_hand_off(text: str) -> bool:
    """True where the text asks for a person ("Mit einem Mitarbeiter sprechen", "I want to talk to a human").

    Case and umlauts do not matter. Asking whether one talks to a bot, or refusing a person, is not asking for one.
    """
    for sentence in re.split(r"[.!?\n;]+", text.replace("’", "'")):
        _spelled_out, plain = fold(sentence)
        if not _REFUSAL.search(plain) and any(wish.search(plain) for wish in _WISHES):
            return True
    return False
