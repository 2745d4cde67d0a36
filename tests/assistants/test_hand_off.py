"""A customer asks for a person, in German or English; other talk about people is not asking for one."""

import pytest

from assistants.hand_off import wants_hand_off


@pytest.mark.parametrize(
    "text",
    [
        "Mitarbeiter",
        "mitarbeiter bitte!",
        "Ich möchte mit einem Menschen sprechen.",
        "ICH MÖCHTE MIT EINEM MENSCHEN SPRECHEN",
        "Ich moechte mit einem Mitarbeiter reden",
        "Kann ich mit jemandem telefonieren?",
        "Bitte verbinden Sie mich mit einer echten Person",
        "Verbinde mich mit einem Berater",
        "Könnten Sie mich bitte an eine Kollegin weiterleiten?",
        "Ich will einen echten Menschen",
        "Ich brauche bitte einen Ansprechpartner",
        "Das hilft mir nicht. Ich möchte mit jemandem sprechen!",
        "Lassen Sie mich mit dem Chef reden",
        "I want to talk to a human",
        "Can I speak with a real person please",
        "please connect me to an agent",
        "I need a human",
        "Let me speak to someone",
        "Agent",
        "Human please",
    ],
)
def test_asks_for_a_person(text):
    assert wants_hand_off(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hallo",
        "Sind Sie ein Mensch?",
        "Bin ich mit einem Bot verbunden?",
        "Are you a human?",
        "Ich möchte nicht mit einem Mitarbeiter sprechen",
        "I don't want to talk to a human",
        "Bitte keinen Mitarbeiter anrufen lassen",
        "Wie viele Mitarbeiter haben Sie?",
        "Ein Tisch für vier Personen bitte",
        "Die Wohnung ist für eine Person",
        "Der Mitarbeiter war sehr freundlich",
        "Is your real estate agent on holiday?",
        "Ich möchte über die Finanzierung sprechen",
        "Können wir morgen telefonieren?",
        "Ich komme mit einer Person mehr",
    ],
)
def test_asks_for_no_person(text):
    assert not wants_hand_off(text)
