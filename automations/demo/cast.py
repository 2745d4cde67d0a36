"""Who and what there is in the demo: numbers, templates, people, and what they said. All invented."""

from dataclasses import dataclass, field
from typing import Any

SLUG = "demo"
ACCOUNT_ID = "770055001100"
OWNER_EMAIL = "anna.weber@botenwerk.example"
STAFF_EMAIL = "staff@botenwerk.example"
INSTRUCTIONS = """Du bist der freundliche Empfang der Zahnarztpraxis Dr. Weber in Graz. Antworte kurz und mit „Sie“.
Die Praxis hat Montag bis Donnerstag von 8 bis 16 Uhr und Freitag von 8 bis 12 Uhr geöffnet.
Die Adresse der Praxis ist Herrengasse 12, 8010 Graz.
Eine Mundhygiene kostet 95 Euro und dauert eine Stunde.
Eine Kontrolle kostet nichts, sie wird von der Krankenkasse bezahlt.
Bei starken Schmerzen können Sie am selben Tag ohne Termin zwischen 8 und 9 Uhr kommen.
Parken können Sie in der Tiefgarage am Hauptplatz, zwei Minuten zu Fuß.
Einen Termin bekommen Sie, wenn Sie hier einen Wunschtag und eine Uhrzeit schreiben.
Termine können Sie bis 24 Stunden vorher kostenlos absagen."""
FALLBACK = "Das kann ich gerade nicht beantworten. Wir melden uns, sobald jemand von uns Zeit hat."


@dataclass(frozen=True)
class DemoNumber:
    """A number of the demo, as the emulator and we know it."""

    number_id: str
    phone: str
    name: str
    limit: int = 2000


NUMBERS = (
    DemoNumber("770055000001", "+43 1 5550101", "Praxis Dr. Weber", 10_000),
    DemoNumber("770055000002", "+49 40 5550102", "Praxis Dr. Weber Hamburg", 2_000),
)


@dataclass(frozen=True)
class DemoTemplate:
    """A template of the demo's account."""

    name: str
    category: str
    components: list[dict[str, Any]]
    status: str = "APPROVED"
    language: str = "de"
    parameter_format: str = "POSITIONAL"


def body(text: str, *samples: str) -> dict[str, Any]:
    """A BODY component with its samples."""
    part: dict[str, Any] = {"type": "BODY", "text": text}
    if samples:
        part["example"] = {"body_text": [list(samples)]}
    return part


TEMPLATES = (
    DemoTemplate(
        "termin_bestaetigt",
        "UTILITY",
        [
            body(
                "Hallo {{1}}, Ihr Termin mit {{2}} am {{3}} wurde bestätigt.\nOrt: {{4}}\nBis bald.",
                "Eva Novak",
                "Dr. Weber",
                "03.04.2027 um 9:30 Uhr",
                "Herrengasse 12, 8010 Graz",
            ),
            {"type": "FOOTER", "text": "Praxis Dr. Weber"},
        ],
    ),
    DemoTemplate(
        "termin_erinnerung",
        "UTILITY",
        [
            {"type": "HEADER", "format": "TEXT", "text": "Ihr Termin morgen"},
            body(
                "Guten Tag {{1}}, wir erinnern Sie an Ihren Termin bei {{2}} am {{3}}.\nOrt: {{4}}\nPasst das?",
                "Markus Steiner",
                "Dr. Weber",
                "Mittwoch um 9:30 Uhr",
                "Herrengasse 12, 8010 Graz",
            ),
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Ja, ich komme"},
                    {"type": "QUICK_REPLY", "text": "Verlegen"},
                    {"type": "QUICK_REPLY", "text": "Absagen"},
                ],
            },
        ],
    ),
    DemoTemplate(
        "mundhygiene_angebot",
        "MARKETING",
        [
            body(
                "Guten Tag {{1}}, Ihre letzte Mundhygiene liegt ein halbes Jahr zurück. "
                "Im {{2}} haben wir freie Termine. Antworten Sie mit STOP, wenn Sie keine Angebote wünschen.",
                "Eva Novak",
                "Dezember",
            ),
            {
                "type": "BUTTONS",
                "buttons": [{"type": "URL", "text": "Termin wählen", "url": "https://example.com/termin/{{1}}"}],
            },
        ],
    ),
    DemoTemplate(
        "bewertung_bitte",
        "MARKETING",
        [body("Guten Tag {{1}}, wie zufrieden waren Sie mit Ihrem Besuch bei uns?", "Eva Novak")],
        status="PENDING",
    ),
    DemoTemplate(
        "befund_fertig",
        "UTILITY",
        [body("Guten Tag {{patient}}, Ihr Befund vom {{day}} liegt zur Abholung bereit.")],
        parameter_format="NAMED",
    ),
    DemoTemplate(
        "appointment_confirmed",
        "UTILITY",
        [body("Hello {{1}}, your appointment with {{2}} on {{3}} is confirmed.\nPlace: {{4}}\nSee you soon.")],
        language="en",
    ),
    DemoTemplate(
        "winteraktion",
        "MARKETING",
        [body("Nur heute: alles zum halben Preis!")],
        status="REJECTED",
    ),
)


@dataclass(frozen=True)
class Said:
    """One line of a customer, `minutes` after the one before; a pause lets waits run out."""

    minutes: float
    text: str


@dataclass(frozen=True)
class Talk:
    """What one customer wrote: `days_ago` and `hour` say when it began (workspace's time)."""

    phone: str
    name: str
    days_ago: int
    hour: float
    lines: tuple[Said, ...]
    number: int = 0
    reads: bool = True


TALKS = (
    Talk("+436641234567", "Eva Novak", 6, 9.2, (Said(0, "Guten Tag"), Said(2, "Was kostet eine Mundhygiene?"))),
    Talk("+4915198765432", "Jonas Huber", 5, 11.5, (Said(0, "Hallo"), Said(1, "Wo kann ich bei Ihnen parken?")), 1),
    Talk("+436763401755", "Markus Steiner", 4, 14.1, (Said(0, "Haben Sie am Freitag geöffnet?"),)),
    Talk("+436991112233", "Margarete Gruber", 3, 10.6, (Said(0, "Guten Tag"), Said(4, "Kann ich am Freitag kommen?"))),
    Talk("+4917622334455", "Franz Pichler", 2, 16.4, (Said(0, "Hallo"),), 1, reads=False),
    Talk("+436504445566", "Lena Fuchs", 2, 8.3, (Said(0, "Guten Morgen"), Said(1, "Ich habe starke Schmerzen"))),
    Talk("+436607778899", "Ali Demir", 1, 12.0, (Said(0, "Moin"), Said(3, "Wie lange dauert eine Mundhygiene?"))),
    Talk("+436641234567", "Eva Novak", 1, 9.9, (Said(0, "Hallo"), Said(1, "Bis wann kann ich einen Termin absagen?"))),
    Talk("+436769990011", "Sabine Maier", 1, 17.2, (Said(0, "Was kostet eine Kontrolle?"),), reads=False),
    Talk("+436763401755", "Markus Steiner", 0, -1.5, (Said(0, "Hallo"), Said(2, "Wie ist die Adresse der Praxis?"))),
)


@dataclass(frozen=True)
class Call:
    """A phone call that ended, and what it came to."""

    phone: str | None
    name: str
    days_ago: int
    hour: float
    data: dict[str, Any] = field(default_factory=dict)


CALLS = (
    Call(
        "+436641234567", "Eva Novak", 4, 9.5, {"status": "answered", "outcome": "interested", "duration_seconds": 184}
    ),
    Call(
        "+4915198765432", "Jonas Huber", 3, 13.0, {"status": "answered", "outcome": "follow_up", "duration_seconds": 95}
    ),
    Call(
        "+436991112233",
        "Margarete Gruber",
        2,
        11.2,
        {"status": "answered", "outcome": "not_interested", "duration_seconds": 41},
    ),
    Call(
        "+43 664 555 01",
        "Peter Wolf",
        1,
        15.3,
        {"status": "answered", "outcome": "interested", "duration_seconds": 120},
    ),
    Call(
        "+436504445566", "Lena Fuchs", 1, 10.1, {"status": "answered", "outcome": "interested", "duration_seconds": 210}
    ),
)
