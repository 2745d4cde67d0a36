"""What a message that is no template can hold, whatever the platform; a row keeps it as plain JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

MediaKind = Literal["image", "video", "audio", "document", "sticker"]


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file, by a public link or by the id of an upload. Captions and file names are for some kinds only."""

    TYPE: ClassVar[str] = "media"
    kind: MediaKind
    link: str = ""
    media_id: str = ""
    caption: str = ""
    filename: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A button or a row of a list. `id` comes back with the customer's tap."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Buttons:
    """A question with up to three buttons. The header is a text or a picture, video or document."""

    TYPE: ClassVar[str] = "buttons"
    text: str
    buttons: tuple[Choice, ...]
    header: str = ""
    header_media: Media | None = None
    footer: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows of a list under a title."""

    rows: tuple[Choice, ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Menu:
    """A question with a list that `button` opens: up to ten rows in all."""

    TYPE: ClassVar[str] = "list"
    text: str
    button: str
    sections: tuple[Section, ...]
    header: str = ""
    footer: str = ""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A text with one button that opens an address; a tap on it is not reported."""

    TYPE: ClassVar[str] = "link"
    text: str
    label: str
    url: str
    header: str = ""
    header_media: Media | None = None
    footer: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A point on the map."""

    TYPE: ClassVar[str] = "location"
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A person or a business in somebody's address book."""

    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    organisation: str = ""


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Contact cards."""

    TYPE: ClassVar[str] = "contacts"
    cards: tuple[Card, ...]


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """An emoji at a message, named by the platform's id; an empty one takes the reaction back."""

    TYPE: ClassVar[str] = "reaction"
    message_id: str
    emoji: str


Interactive = Buttons | Menu | Link
FreeForm = Media | Interactive | Place | Cards | Reaction


def as_json(content: FreeForm) -> dict[str, Any]:
    """For the row; `from_json` reads it."""
    return {"type": content.TYPE, **asdict(content)}


def from_json(stored: Mapping[str, Any]) -> FreeForm:
    """The content of a stored row."""
    given = {name: value for name, value in stored.items() if name != "type"}
    if given.get("header_media"):
        given["header_media"] = Media(**given["header_media"])
    match stored["type"]:
        case Media.TYPE:
            return Media(**given)
        case Buttons.TYPE:
            return Buttons(**given | {"buttons": _choices(given["buttons"])})
        case Menu.TYPE:
            sections = (Section(title=one["title"], rows=_choices(one["rows"])) for one in given["sections"])
            return Menu(**given | {"sections": tuple(sections)})
        case Link.TYPE:
            return Link(**given)
        case Place.TYPE:
            return Place(**given)
        case Cards.TYPE:
            return Cards(cards=tuple(Card(**_tuples(card)) for card in given["cards"]))
        case Reaction.TYPE:
            return Reaction(**given)
    raise ValueError(f"no content of type {stored['type']}")


def _choices(stored: Any) -> tuple[Choice, ...]:
    return tuple(Choice(**one) for one in stored)


def _tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
