"""Messages that are no templates: cleaned and checked before any call, by the platform's own rules.

Limits: Meta's message reference, as the reference of the project has it; lengths count in UTF-16 units, the stricter
reading. Line breaks belong into texts only: everything on one line has its white space made single spaces.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from messaging.content_errors import ChoicesInvalid, LinkInvalid, MediaInvalid, PlaceInvalid, ReactionInvalid
from messaging.errors import TextTooLong, VariableMissing
from messaging.providers.contents import (
    Buttons,
    Card,
    Cards,
    Choice,
    FreeForm,
    Interactive,
    Link,
    Media,
    Menu,
    Place,
    Reaction,
    Section,
    as_json,
)
from messaging.services.addresses import checked_link, file_name
from messaging.services.outbound import Content
from messaging.template_text import clean_parameter, utf16_length

INTERACTIVE_TEXT, CAPTION, SMALL, FILE_NAME = 1024, 1024, 60, 240
BUTTONS, BUTTON_TITLE, BUTTON_ID = 3, 20, 256
ROWS, ROW_TITLE, ROW_DESCRIPTION, ROW_ID = 10, 24, 72, 200
PLACE_WORDS, CARD_WORDS, CARDS_AT_MOST = 1000, 200, 20
EMOJI_AT_MOST = 20
CAPTIONED = ("image", "video", "document")
IN_HEADERS = ("image", "video", "document")
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
# What makes an emoji of other characters: joiners, variation selectors, skin tones, keycaps, flags of regions.
_EMOJI_PARTS = frozenset("\u200d\ufe0f\ufe0e\u20e3#*0123456789")


def free_form_content(content: FreeForm, *, reply_to: str = "") -> Content:
    """What the row keeps and the platform gets.

    Raises VariableMissing for a part that is empty, TextTooLong, ChoicesInvalid, LinkInvalid, MediaInvalid,
    PlaceInvalid or ReactionInvalid, each with the part that is wrong.
    """
    match content:
        case Media():
            media = checked_media(content)
            return _row(media, kind=media.kind, body=media.caption, reply_to=reply_to, media=_shown_media(media))
        case Buttons():
            return _interactive(_buttons(content), reply_to)
        case Menu():
            return _interactive(_menu(content), reply_to)
        case Link():
            return _interactive(_link(content), reply_to)
        case Place():
            place = checked_place(content)
            words = " ".join(filter(None, (place.name, place.address)))
            return _row(place, kind="location", body=words, reply_to=reply_to, content={"location": _fields(place)})
        case Cards():
            cards = _cards(content)
            names = ", ".join(card.name for card in cards.cards)
            shown = [_shown_card(card) for card in cards.cards]
            return _row(cards, kind="contacts", body=names, reply_to=reply_to, content={"contacts": shown})
        case Reaction():
            reaction = _reaction(content)
            # Quoted in the bubble, so that people see what it is about.
            return _row(reaction, kind="reaction", body=reaction.emoji, reply_to=reaction.message_id)


def checked_media(media: Media, *, part: str = "file") -> Media:
    """A file by exactly one of link and id, with a caption only where there is one to see."""
    link, media_id = clean_parameter(media.link).text, clean_parameter(media.media_id).text
    if not link and not media_id:
        raise MediaInvalid(field="link", reason="no_file", kind=media.kind)
    if link and media_id:
        raise MediaInvalid(field="media_id", reason="two_files", kind=media.kind)
    if media_id and not _ID.fullmatch(media_id):
        raise LinkInvalid(field="media_id", part=part, given=media_id[:100])
    if link:
        link = checked_link(link, part=part, field="link")
    caption = media.caption.strip()
    if caption and media.kind not in CAPTIONED:
        raise MediaInvalid(field="caption", reason="no_caption", kind=media.kind)
    _demand_length("caption", caption, CAPTION)
    filename = ""
    if media.kind == "document":
        filename = _line("filename", media.filename, FILE_NAME, is_needed=False) or file_name(link)
    return replace(media, link=link, media_id=media_id, caption=caption, filename=filename)


def checked_place(place: Place, *, prefix: str = "location") -> Place:
    """Degrees on this earth. Raises PlaceInvalid."""
    for name, limit in (("latitude", 90), ("longitude", 180)):
        degrees = getattr(place, name)
        if not -limit <= degrees <= limit:
            raise PlaceInvalid(field=name, part=f"{prefix}.{name}", given=str(degrees), limit=limit)
    return replace(
        place,
        name=_line("location.name", place.name, PLACE_WORDS, is_needed=False),
        address=_line("location.address", place.address, PLACE_WORDS, is_needed=False),
    )


def _row(said: FreeForm, *, kind: str, body: str, reply_to: str = "", **shown: Any) -> Content:
    return Content(kind=kind, body=body, payload={"outgoing": as_json(said), **shown}, reply_to=reply_to)


def _interactive(content: Interactive, reply_to: str) -> Content:
    return _row(content, kind="interactive", body=content.text, reply_to=reply_to, rendered=_rendered(content))


def _rendered(content: Interactive) -> dict[str, Any]:
    """For bubbles, in the shape of a filled template."""
    media = None if isinstance(content, Menu) else content.header_media
    header = {"kind": "text", "text": content.header} if content.header else {}
    shown: dict[str, Any] = {
        "header": {"kind": media.kind, "link": media.link} if media else header,
        "body": content.text,
        "footer": content.footer,
    }
    match content:
        case Buttons():
            return shown | {"buttons": [{"type": "reply", "text": one.title} for one in content.buttons]}
        case Link():
            return shown | {"buttons": [{"type": "url", "text": content.label, "url": content.url}]}
        case Menu():
            sections = [
                {"title": one.title, "rows": [{"text": row.title, "description": row.description} for row in one.rows]}
                for one in content.sections
            ]
            return shown | {"buttons": [{"type": "list", "text": content.button}], "sections": sections}


def _buttons(content: Buttons) -> Buttons:
    buttons = tuple(
        Choice(
            id=_line("buttons.id", one.id, BUTTON_ID, number=number),
            title=_line("buttons.title", one.title, BUTTON_TITLE, number=number),
        )
        for number, one in enumerate(content.buttons, start=1)
    )
    if not buttons:
        raise ChoicesInvalid(field="buttons", reason="no_buttons")
    if len(buttons) > BUTTONS:
        raise ChoicesInvalid(field="buttons", reason="too_many_buttons", count=len(buttons), limit=BUTTONS)
    _demand_different("buttons", (one.title for one in buttons), "doubled_title")
    _demand_different("buttons", (one.id for one in buttons), "doubled_id")
    return replace(content, buttons=buttons, **_around(content))


def _menu(content: Menu) -> Menu:
    sections: list[Section] = []
    number = 0
    for place, section in enumerate(content.sections, start=1):
        title = _line("sections.title", section.title, ROW_TITLE, number=place, is_needed=False)
        if not title and len(content.sections) > 1:
            raise ChoicesInvalid(field="list", reason="section_without_title")
        if not section.rows:
            raise ChoicesInvalid(field="list", reason="empty_section" if title else "no_rows", title=title)
        rows = []
        for row in section.rows:
            number += 1
            rows.append(
                Choice(
                    id=_line("rows.id", row.id, ROW_ID, number=number),
                    title=_line("rows.title", row.title, ROW_TITLE, number=number),
                    description=_line(
                        "rows.description", row.description, ROW_DESCRIPTION, number=number, is_needed=False
                    ),
                )
            )
        sections.append(Section(title=title, rows=tuple(rows)))
    if not sections:
        raise ChoicesInvalid(field="list", reason="no_rows")
    if number > ROWS:
        raise ChoicesInvalid(field="list", reason="too_many_rows", count=number, limit=ROWS)
    _demand_different("list", (row.id for section in sections for row in section.rows), "doubled_id")
    button = _line("list.button", content.button, BUTTON_TITLE)
    around = {name: value for name, value in _around(content).items() if name != "header_media"}
    return replace(content, button=button, sections=tuple(sections), **around)


def _link(content: Link) -> Link:
    url = clean_parameter(content.url).text
    if not url:
        raise VariableMissing(field="link.url", path="link.url", part="link.url")
    return replace(
        content,
        label=_line("link.label", content.label, BUTTON_TITLE),
        url=checked_link(url, part="link.url", field="link.url", is_page=True),
        **_around(content),
    )


def _around(content: Interactive) -> dict[str, Any]:
    """Text, header and footer, which all kinds of choices have."""
    text = content.text.strip()
    if not clean_parameter(text).text:
        raise VariableMissing(field="text", path="text", part="text")
    _demand_length("text", text, INTERACTIVE_TEXT)
    media = None if isinstance(content, Menu) else content.header_media
    if media is not None:
        if media.kind not in IN_HEADERS:
            raise MediaInvalid(field="header", reason="header_kind", kind=media.kind)
        media = checked_media(replace(media, caption=""))
    return {
        "text": text,
        "header": "" if media else _line("header", content.header, SMALL, is_needed=False),
        "header_media": media,
        "footer": _line("footer", content.footer, SMALL, is_needed=False),
    }


def _cards(content: Cards) -> Cards:
    if not content.cards:
        raise VariableMissing(field="contacts", path="contacts.1.name", part="contacts.name", number=1)
    if len(content.cards) > CARDS_AT_MOST:
        raise ChoicesInvalid(field="contacts", reason="too_many_rows", count=len(content.cards), limit=CARDS_AT_MOST)
    return Cards(cards=tuple(_card(card, number) for number, card in enumerate(content.cards, start=1)))


def _card(card: Card, number: int) -> Card:
    return Card(
        name=_line("contacts.name", card.name, CARD_WORDS, number=number),
        phones=tuple(_line("contacts.phone", phone, CARD_WORDS, number=number) for phone in card.phones),
        emails=tuple(_line("contacts.email", email, CARD_WORDS, number=number) for email in card.emails),
        organisation=_line("contacts.organisation", card.organisation, CARD_WORDS, number=number, is_needed=False),
    )


def _reaction(content: Reaction) -> Reaction:
    emoji = content.emoji.strip()
    is_emoji = (
        len(emoji) <= EMOJI_AT_MOST
        and all(letter in _EMOJI_PARTS or unicodedata.category(letter) in ("So", "Sk", "Sm", "Cf") for letter in emoji)
        and not emoji.isdecimal()
    )
    # An empty one takes the reaction back.
    if emoji and not is_emoji:
        raise ReactionInvalid(field="emoji", given=emoji[:40])
    return replace(content, emoji=emoji)


def _line(part: str, value: str, limit: int, *, number: int = 0, is_needed: bool = True) -> str:
    """The value on one line, within its length. Raises VariableMissing, TextTooLong."""
    text = clean_parameter(value).text
    if not text and is_needed:
        raise VariableMissing(field=_place(part, number), path=_place(part, number), part=part, number=number)
    _demand_length(part, text, limit, number=number)
    return text


def _demand_length(part: str, text: str, limit: int, *, number: int = 0, field: str = "") -> None:
    length = utf16_length(text)
    if length > limit:
        raise TextTooLong(field=field or _place(part, number), length=length, limit=limit, part=part, number=number)


def _place(part: str, number: int) -> str:
    """`buttons.2.title`: where the value stands in what a caller gave."""
    things, dot, name = part.partition(".")
    return f"{things}.{number}{dot}{name}" if number else part


def _demand_different(field: str, values: Iterable[str], reason: str) -> None:
    doubled = next((value for value, count in Counter(values).items() if count > 1), None)
    if doubled is not None:
        raise ChoicesInvalid(field=field, reason=reason, title=doubled)


def _fields(place: Place) -> dict[str, Any]:
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "name": place.name or None,
        "address": place.address or None,
    }


def _shown_card(card: Card) -> dict[str, Any]:
    """In the shape of a customer's card."""
    return {
        "name": card.name,
        "phones": [{"phone": phone, "wa_id": None} for phone in card.phones],
        "emails": list(card.emails),
        "organisation": card.organisation or None,
    }


def _shown_media(media: Media) -> dict[str, Any]:
    """In the shape of a customer's file, which is not kept here."""
    return {
        "id": media.media_id,
        "kind": media.kind,
        "link": media.link or None,
        "filename": media.filename or None,
        "caption": media.caption or None,
    }
