"""German and English words: which language, which of them carry meaning, and which belong together."""

import re

WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,:]\d+)*", re.UNICODE)


def word_set(text: str) -> frozenset[str]:
    """The words of a text between blanks."""
    return frozenset(text.split())


GERMAN = word_set("""
    der die das ein eine einen und oder ist sind war hat haben ich du sie wir ihr mir mich ihnen ihre nicht kein was wie
    wo wann wer warum welche kann können könnte gibt es auch noch für mit von zu am im um auf bei hallo guten tag bitte
    danke heute morgen habt viel
""")
ENGLISH = word_set("""
    the a an and or is are was has have i you we they my me your not no what how where when who why which can could does
    do there also for with from to at in on hello hi good day please thanks thank today tomorrow much many
""")
GREETINGS = word_set("""
    hallo hi hey hello servus moin guten tag morgen abend grüß gott liebe grüße good morning evening day
""")
# Words that mean the same question; the first stands for all.
TOGETHER = [
    "offen geöffnet öffnet öffnungszeit öffnungszeiten aufmachen aufhaben geschlossen schließt sprechzeiten open "
    "opening opens hours close closes closed uhr",
    "preis preise kostet kosten teuer gebühr euro price prices cost costs expensive fee",
    "adresse anschrift standort finden straße liegt address located location street wo where",
    "termin termine terminvereinbarung appointment appointments buchen vereinbaren book booking",
    "absagen stornieren storno verschieben cancel cancellation reschedule",
    "parken parkplatz parkplätze parking park",
    "telefon telefonnummer anrufen nummer phone call telephone",
    "zahlen zahlung bezahlen karte bar pay payment card cash",
    "lieferung liefern lieferzeit versand delivery deliver shipping",
]
_SAME = {word: group.split()[0] for group in TOGETHER for word in group.split()}
_ENDINGS = re.compile(r"(?:ungen|innen|lich|ung|est|ern|en|er|es|em|ing|ed|e|n|s|t)$")


def words_of(text: str) -> list[str]:
    """The words in lower case."""
    return WORD.findall(text.lower())


def meaning(text: str) -> set[str]:
    """What a text is about: stems of its words that are neither articles nor the like, kin put together."""
    found = set()
    for word in words_of(text):
        same = _SAME.get(word)
        if same is not None:
            found.add(same)
        elif word not in GERMAN and word not in ENGLISH:
            found.add(_SAME.get(stem(word), stem(word)))
    return found


def stem(word: str) -> str:
    """A word without one usual ending."""
    short = _ENDINGS.sub("", word)
    return short if len(short) >= 3 else word


def language_of(text: str, otherwise: str) -> str:
    """ "de" or "en" by the small words of a text; `otherwise` where they do not tell."""
    words = words_of(text)
    german, english = sum(word in GERMAN for word in words), sum(word in ENGLISH for word in words)
    german += sum(letter in "äöüß" for letter in text.lower())
    if german == english:
        return otherwise
    return "de" if german > english else "en"


def is_greeting(text: str) -> bool:
    """Nothing but a greeting."""
    words = words_of(text)
    return bool(words) and all(word in GREETINGS for word in words)
