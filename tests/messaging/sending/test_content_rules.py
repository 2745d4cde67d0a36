"""What WhatsApp takes of a message that is no template: cleaned and checked before any call, each part by its name."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import translation

from messaging.errors import MessagingError
from messaging.providers.contents import (
    Buttons,
    Card,
    Cards,
    Choice,
    FreeForm,
    Link,
    Media,
    Menu,
    Place,
    Reaction,
    Section,
    as_json,
    from_json,
)
from messaging.services.free_form import free_form_content

LINK = "https://example.com/plan.pdf"
ASK = Buttons(text="Passt es?", buttons=(Choice(id="ja", title="Ja"),))
MENU = Menu(text="Wann?", button="Zeiten", sections=(Section(rows=(Choice(id="9", title="9 Uhr"),)),))
OPEN = Link(text="Zur Karte", label="Öffnen", url="https://example.com/")
EMOJI = "\U0001f600"  # two UTF-16 units


def buttons(*titles: str) -> Buttons:
    return replace(ASK, buttons=tuple(Choice(id=str(n), title=title) for n, title in enumerate(titles)))


def rows(*titles: str, section: str = "") -> Menu:
    listed = tuple(Choice(id=str(n), title=title) for n, title in enumerate(titles))
    return replace(MENU, sections=(Section(title=section, rows=listed),))


def reading(title: str, *, id: str = "9", description: str = "", section: str = "") -> Menu:
    row = Choice(id=id, title=title, description=description)
    return replace(MENU, sections=(Section(title=section, rows=(row,)),))


# What still goes, at its limit, and what does not, one unit over it.
EDGES: list[tuple[FreeForm, FreeForm, str]] = [
    (replace(ASK, text="a" * 1024), replace(ASK, text="a" * 1025), "text"),
    (replace(ASK, text=EMOJI * 512), replace(ASK, text=EMOJI * 512 + "a"), "text"),
    (replace(ASK, header="a" * 60), replace(ASK, header="a" * 61), "header"),
    (replace(ASK, footer=EMOJI * 30), replace(ASK, footer=EMOJI * 30 + "a"), "footer"),
    (buttons("a" * 20), buttons("a" * 21), "buttons.1.title"),
    (buttons("a", EMOJI * 10), buttons("a", EMOJI * 10 + "a"), "buttons.2.title"),
    (
        replace(ASK, buttons=(Choice(id="a" * 256, title="Ja"),)),
        replace(ASK, buttons=(Choice(id="a" * 257, title="Ja"),)),
        "buttons.1.id",
    ),
    (reading("a" * 24), reading("a" * 25), "rows.1.title"),
    (reading("a", description="a" * 72), reading("a", description="a" * 73), "rows.1.description"),
    (reading("a", id="a" * 200), reading("a", id="a" * 201), "rows.1.id"),
    (reading("a", section="a" * 24), reading("a", section="a" * 25), "sections.1.title"),
    (replace(MENU, button="a" * 20), replace(MENU, button="a" * 21), "list.button"),
    (replace(OPEN, label="a" * 20), replace(OPEN, label="a" * 21), "link.label"),
    (
        Media(kind="image", link=LINK, caption="a" * 1024),
        Media(kind="image", link=LINK, caption="a" * 1025),
        "caption",
    ),
]


@pytest.mark.parametrize(("goes", "too_long", "field"), EDGES, ids=[f"{edge[2]}-{n}" for n, edge in enumerate(EDGES)])
def test_a_text_goes_at_its_limit_and_not_one_unit_over_it(goes: FreeForm, too_long: FreeForm, field: str) -> None:
    assert free_form_content(goes).payload["outgoing"] == as_json(goes)
    with pytest.raises(MessagingError) as refused:
        free_form_content(too_long)
    assert (refused.value.code, refused.value.field) == ("text_too_long", field)
    assert refused.value.facts["length"] == refused.value.facts["limit"] + 1


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (replace(ASK, text=" \n"), "variable_missing", "text"),
        (buttons("Ja", "\t"), "variable_missing", "buttons.2.title"),
        (replace(MENU, button=""), "variable_missing", "list.button"),
        (replace(OPEN, url=" "), "variable_missing", "link.url"),
        (Cards(cards=()), "variable_missing", "contacts"),
        (Cards(cards=(Card(name="Eva"), Card(name="\u200b"))), "variable_missing", "contacts.2.name"),
        (buttons(), "choices_invalid", "buttons"),
        (buttons("a", "b", "c", "d"), "choices_invalid", "buttons"),
        (buttons("Ja", " Ja "), "choices_invalid", "buttons"),
        (
            replace(ASK, buttons=(Choice(id="1", title="Ja"), Choice(id="1", title="Nein"))),
            "choices_invalid",
            "buttons",
        ),
        (replace(MENU, sections=()), "choices_invalid", "list"),
        (rows(), "choices_invalid", "list"),
        (rows(*"abcdefghijk"), "choices_invalid", "list"),
        (replace(MENU, sections=rows("a", section="A").sections + rows("b").sections), "choices_invalid", "list"),
        (replace(MENU, sections=rows("a", section="A").sections * 2), "choices_invalid", "list"),
        (replace(OPEN, url="example.com"), "link_invalid", "link.url"),
        (replace(OPEN, url="javascript:alert(1)"), "link_invalid", "link.url"),
        (replace(OPEN, url="https://example.com/a b"), "link_invalid", "link.url"),
        (Media(kind="image"), "media_invalid", "link"),
        (Media(kind="image", link=LINK, media_id="1"), "media_invalid", "media_id"),
        (Media(kind="image", link="http://example.com/a.jpg"), "link_invalid", "link"),
        (Media(kind="image", media_id="../phone"), "link_invalid", "media_id"),
        (Media(kind="sticker", link=LINK, caption="x"), "media_invalid", "caption"),
        (replace(ASK, header_media=Media(kind="audio", link=LINK)), "media_invalid", "header"),
        (Place(latitude=90.1, longitude=0), "place_invalid", "latitude"),
        (Place(latitude=0, longitude=-180.5), "place_invalid", "longitude"),
        (Place(latitude=float("nan"), longitude=0), "place_invalid", "latitude"),
        (Reaction(message_id="wamid.1", emoji="ja"), "reaction_invalid", "emoji"),
        (Reaction(message_id="wamid.1", emoji="3"), "reaction_invalid", "emoji"),
    ],
)
def test_what_is_wrong_is_named_with_its_part(content: FreeForm, code: str, field: str) -> None:
    with pytest.raises(MessagingError) as refused:
        free_form_content(content)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.http_status == 422
    with translation.override("en"):
        assert "?" not in refused.value.cause_text().replace("“?”", "")
        assert "%(" not in refused.value.for_person()


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👍🏽", "👨‍👩‍👧‍👦", "🇦🇹", "3️⃣", "✅", ""])
def test_one_emoji_is_a_reaction_and_none_takes_it_back(emoji: str) -> None:
    assert free_form_content(Reaction(message_id="wamid.1", emoji=emoji)).body == emoji


def test_everything_on_one_line_has_its_white_space_made_single_spaces() -> None:
    content = replace(buttons("Ja,\n\tgern"), header="Ihr    Termin", text="Zeile 1\nZeile 2\n")
    sent: Any = free_form_content(content).payload["outgoing"]
    assert (sent["buttons"][0]["title"], sent["header"], sent["text"]) == ("Ja, gern", "Ihr Termin", "Zeile 1\nZeile 2")


@pytest.mark.parametrize(
    ("link", "given", "name"),
    [
        (LINK, "", "plan.pdf"),
        ("https://example.com/Plan%20A.pdf?id=9", "", "Plan A.pdf"),
        (LINK, "Ihr\nAngebot.pdf", "Ihr Angebot.pdf"),
        ("https://example.com/d?id=9", "", "Document.pdf"),
    ],
)
def test_a_document_always_has_a_name(link: str, given: str, name: str) -> None:
    """(traps T4) else it arrives as "Untitled"."""
    with translation.override("en"):
        ready = free_form_content(Media(kind="document", link=link, filename=given))
    assert ready.payload["outgoing"]["filename"] == name


def test_a_picture_carries_no_name() -> None:
    """(traps T4)"""
    ready = free_form_content(Media(kind="image", link=LINK, filename="plan.jpg"))
    assert ready.payload["outgoing"]["filename"] == ""


@pytest.mark.parametrize(
    "content",
    [
        replace(ASK, header_media=Media(kind="image", link=LINK)),
        MENU,
        OPEN,
        Media(kind="audio", media_id="123"),
        Place(latitude=47.0, longitude=15.0),
        Cards(cards=(Card(name="Eva", phones=("+43",), emails=("e@example.com",)),)),
        Reaction(message_id="wamid.1", emoji="👍"),
    ],
)
def test_a_row_gives_back_what_it_was_given(content: FreeForm) -> None:
    assert from_json(as_json(content)) == content
