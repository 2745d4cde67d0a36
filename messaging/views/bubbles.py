"""What a bubble shows besides its text: file, quote, place, cards, order, form, call, reactions, earlier versions."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import formats
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from messaging.models import MediaFile, Message
from messaging.services.media import error_of
from messaging.services.media_types import ENDINGS, fits, is_shown
from workspaces.errors import BotenwerkError

QUOTE_LENGTH = 120
MAP = "https://www.openstreetmap.org/?mlat={0:.6f}&mlon={1:.6f}#map=17/{0:.6f}/{1:.6f}"
# Words for files: the icon says it too.
FILE_ICONS = {"image": "image", "sticker": "smile", "audio": "mic", "video": "play"}


@dataclass(frozen=True, kw_only=True)
class ShownFile:
    """A customer's file: in place, to be saved, on its way, or why it is not there."""

    media: MediaFile

    @property
    def tag(self) -> str:
        """image, sticker, audio or video where it can be shown in place; empty where it is only saved."""
        if self.media.status != MediaFile.Status.STORED or not is_shown(self.media.content_type):
            return ""
        family = self.media.content_type.split("/")[0]
        return "sticker" if self.media.kind == "sticker" and family == "image" else family

    @property
    def is_stored(self) -> bool:
        return self.media.status == MediaFile.Status.STORED

    @property
    def is_pending(self) -> bool:
        return self.media.status == MediaFile.Status.PENDING

    @property
    def is_disguised(self) -> bool:
        """Its bytes are not what a message of its kind holds: somebody may want it opened."""
        return self.is_stored and not fits(self.media.kind, self.media.content_type)

    @property
    def error(self) -> BotenwerkError:
        return error_of(self.media)

    @property
    def icon(self) -> str:
        return FILE_ICONS.get(self.media.kind, "file-text")

    @property
    def ending(self) -> str:
        """What kind of file it is, short, by its content: PDF, JPG; empty for one that is not known."""
        return ENDINGS.get(self.media.content_type, "").removeprefix(".").upper()


@dataclass(frozen=True, kw_only=True)
class Item:
    """A line of an order."""

    name: str
    quantity: int
    price: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """What a message said before, and since when."""

    text: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """The parts of one message's bubble."""

    message: Message
    files: list[ShownFile] = field(default_factory=list)
    quoted: Message | None = None

    @property
    def quote(self) -> str:
        """The beginning of the message that is answered."""
        if self.quoted is None:
            return ""
        return gettext("Deleted message") if self.quoted.is_revoked else self.quoted.body[:QUOTE_LENGTH]

    @property
    def content(self) -> dict[str, Any]:
        """What the message's kind says besides its text."""
        return dict(self.message.payload.get("content") or {})

    @property
    def label(self) -> str:
        """Where the message comes from, if not just from the customer: a group, somebody else's chat."""
        if self.message.payload.get("group_id"):
            return gettext("Written in a group · flows do not answer")
        forwarded = {"once": gettext("Forwarded"), "often": gettext("Forwarded many times")}
        return forwarded.get(str(self.message.payload.get("forwarded") or ""), "")

    @property
    def referral(self) -> dict[str, Any]:
        """The advertisement that brought the customer here."""
        return dict(self.message.payload.get("referral") or {})

    @property
    def map_url(self) -> str:
        """A map of the place, where it has coordinates."""
        place = self.content.get("location") or {}
        latitude, longitude = place.get("latitude"), place.get("longitude")
        return MAP.format(latitude, longitude) if latitude is not None and longitude is not None else ""

    @property
    def linked(self) -> dict[str, Any]:
        """The address of a file that we sent by it: it lies there, and not here."""
        media = self.message.payload.get("media") or {}
        is_ours = self.message.direction == Message.Direction.OUT
        return dict(media) if is_ours and not self.files and media.get("link") else {}

    @property
    def items(self) -> list[Item]:
        """The lines of an order, each with its price for all of them."""
        ordered = (self.content.get("order") or {}).get("items") or []
        return [
            Item(name=item["id"], quantity=item["quantity"], price=_money(_total([item]), item["currency"]))
            for item in ordered
        ]

    @property
    def totals(self) -> list[str]:
        """What an order comes to, a currency each."""
        by_currency: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in (self.content.get("order") or {}).get("items") or []:
            by_currency[item["currency"]].append(item)
        return [_money(_total(items), currency) for currency, items in by_currency.items()]

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The fields of a form inside WhatsApp, as they are named there."""
        return [(name, _plain(value)) for name, value in (self.content.get("form") or {}).items()]

    @property
    def unsupported(self) -> dict[str, Any] | None:
        """What the platform says of a message that it does not hand on."""
        return self.content.get("unsupported")

    @property
    def call_words(self) -> str | Promise:
        """A call in words; empty for what is none."""
        if self.message.kind != "call":
            return ""
        call = self.message.payload.get("call") or {}
        if not call.get("has_ended"):
            return _("Call, not ended yet")
        seconds = int(call.get("seconds") or 0)
        if not seconds:
            return _("Call, not taken") if self.message.direction == Message.Direction.OUT else _("Missed call")
        if seconds < 60:
            return ngettext("Call of %(count)s second", "Call of %(count)s seconds", seconds) % {"count": seconds}
        minutes = round(seconds / 60)
        return ngettext("Call of %(count)s minute", "Call of %(count)s minutes", minutes) % {"count": minutes}

    @property
    def reactions(self) -> list[tuple[str, str]]:
        """Emoji, and whose it is in words."""
        who = {"customer": gettext("Reaction of the customer"), "business": gettext("Our reaction")}
        found = self.message.payload.get("reactions") or {}
        return [(emoji, who.get(by, by)) for by, emoji in found.items()]

    @property
    def earlier(self) -> list[Version]:
        """What an edited message said before, oldest first; nothing of one that is deleted."""
        if self.message.is_revoked:
            return []
        versions = (self.message.payload.get("versions") or [])[:-1]
        return [Version(text=str(each["text"]), at=parse_datetime(each["at"])) for each in versions]

    @property
    def says_it_already(self) -> bool:
        """Whether what is drawn of the content says what the text would say again."""
        content = self.content
        return bool(content.get("contacts") or content.get("location") or content.get("form"))

    @property
    def is_own_display(self) -> bool:
        """Whether the content speaks for itself, so that its kind need not be named."""
        return any(file.tag for file in self.files) or bool(self.call_words or self.linked)


def bubbles_of(messages: list[Message]) -> dict[int, Bubble]:
    """By the message's key. Two queries for all of them: their files, and what they answer."""
    files: dict[int, list[ShownFile]] = defaultdict(list)
    quoted: dict[str, Message] = {}
    if messages:
        workspace = messages[0].workspace
        for media in MediaFile.objects.in_workspace(workspace).filter(message__in=messages).order_by("id"):
            files[media.message_id].append(ShownFile(media=media))
        wanted = {message.reply_to_provider_id for message in messages} - {""}
        rows = Message.objects.in_workspace(workspace).filter(chat=messages[0].chat_id, provider_id__in=wanted)
        quoted = {row.provider_id: row for row in rows} if wanted else {}
    return {
        # An edited message may have had another file before.
        message.pk: Bubble(
            message=message,
            files=[] if message.is_revoked else files[message.pk][-1:],
            quoted=quoted.get(message.reply_to_provider_id),
        )
        for message in messages
    }


def _total(items: Iterable[dict[str, Any]]) -> float:
    return sum((item["price"] or 0) * item["quantity"] for item in items)


def _money(amount: float, currency: str) -> str:
    return f"{formats.number_format(amount, decimal_pos=2, force_grouping=True)} {currency}".strip()


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    return "" if value is None else str(value)
