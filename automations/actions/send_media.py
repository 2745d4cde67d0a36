"""Send a file, a place, a contact card or a reaction, within the customer service window."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import StepContext
from automations.actions.registry import register
from automations.actions.whatsapp import (
    SendingAction,
    delivery_timeout_field,
    kind_field,
    last_said,
    needed,
    quote_field,
    quoted,
    recipient,
    recipient_field,
    send,
    sender_for,
    slot_timeout_field,
    wait_for_delivery_field,
)
from automations.engine.results import Done, Suspend
from automations.forms.choices import sender_choices
from automations.forms.content_checks import EXAMPLE_LINK, check_content, fixed
from automations.forms.fields import LiquidField, StepForm
from messaging.content_errors import MessageUnknown
from messaging.providers.contents import Card, Cards, FreeForm, Media, Place, Reaction
from messaging.services.addresses import degrees
from messaging.services.outbox import send_content
from workspaces.models import Workspace

FILES = ("image", "video", "audio", "document", "sticker")
KINDS = [
    ("image", _("Picture")),
    ("video", _("Video")),
    ("audio", _("Sound")),
    ("document", _("Document")),
    ("sticker", _("Sticker")),
    ("location", _("Place")),
    ("contacts", _("Contact card")),
    ("reaction", _("Reaction to what the customer wrote last")),
]
SENTENCES = {
    "image": _("Sends a picture"),
    "video": _("Sends a video"),
    "audio": _("Sends a sound"),
    "document": _("Sends a document"),
    "sticker": _("Sends a sticker"),
    "location": _("Sends a place"),
    "contacts": _("Sends a contact card"),
}
_FIELDS = {
    **{name: name for name in ("link", "caption", "filename", "latitude", "longitude", "emoji")},
    "file": "link",
    "media_id": "link",
    "location.name": "place_name",
    "location.address": "place_address",
    "contacts.1.name": "card_name",
    "contacts.1.phone": "card_phone",
    "contacts.1.email": "card_email",
    "contacts.1.organisation": "card_organisation",
    "contacts": "card_name",
}


class SendMediaForm(StepForm):
    """What kind, and what belongs to it."""

    sender = forms.ChoiceField(label=_("Sender"), required=False)
    to = recipient_field()
    kind = kind_field(KINDS, label=_("What is sent"))
    link = needed(
        LiquidField(
            label=_("File"), required=False, help_text=_("A public address with https://, or the id of an upload.")
        )
    )
    caption = LiquidField(label=_("Caption"), required=False, multiline=True, help_text=_("At most 1024 characters."))
    filename = LiquidField(
        label=_("File name"), required=False, help_text=_("As the customer sees it. Empty: the one in the address.")
    )
    latitude = needed(LiquidField(label=_("Latitude"), required=False, keeps_type=True))
    longitude = needed(LiquidField(label=_("Longitude"), required=False, keeps_type=True))
    place_name = LiquidField(label=_("Name of the place"), required=False)
    place_address = LiquidField(label=_("Address of the place"), required=False)
    card_name = needed(LiquidField(label=_("Name on the card"), required=False))
    card_phone = LiquidField(label=_("Phone on the card"), required=False)
    card_email = LiquidField(label=_("E-mail on the card"), required=False)
    card_organisation = LiquidField(label=_("Organisation on the card"), required=False)
    emoji = needed(LiquidField(label=_("Emoji"), required=False, help_text=_("Exactly one.")))
    quotes = quote_field()
    wait_for_delivery = wait_for_delivery_field()
    delivery_timeout = delivery_timeout_field()
    slot_timeout = slot_timeout_field()

    shown_for = {
        "link": FILES,
        "caption": ("image", "video", "document"),
        "filename": ("document",),
        **dict.fromkeys(("latitude", "longitude", "place_name", "place_address"), ("location",)),
        **dict.fromkeys(("card_name", "card_phone", "card_email", "card_organisation"), ("contacts",)),
        "emoji": ("reaction",),
        "quotes": (*FILES, "location", "contacts"),
    }

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["sender"].choices = sender_choices(workspace)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("kind") == "reaction" and not cleaned.get("emoji"):
            self.add_error("emoji", _("Say with which emoji."))
        elif "kind" in cleaned:
            check_content(self, lambda: content_of(_without_data(cleaned), reacts_to="x"), _FIELDS)
        return cleaned


@register("send_media")
class SendMedia(SendingAction):
    """Sends one file, place, card or reaction through the outbox."""

    label = _("Send media")
    icon = "paperclip"
    form = SendMediaForm
    needs_open_window = True
    output = {"message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e14", "status": "accepted", "text": "Unser Angebot"}
    synonyms = (
        *(gettext_noop("picture"), gettext_noop("file"), gettext_noop("document"), gettext_noop("video")),
        *(gettext_noop("location"), gettext_noop("contact card"), gettext_noop("reaction"), gettext_noop("emoji")),
    )

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        kind = str(config.get("kind") or "image")
        if kind == "reaction":
            return str(_("Reacts with %(emoji)s")) % {"emoji": config.get("emoji") or "…"}
        return str(SENTENCES.get(kind, self.label))

    def run(self, step: StepContext) -> Done | Suspend:
        is_reaction = step.config.get("kind") == "reaction"
        reacts_to = last_said(step) if is_reaction else ""
        if is_reaction and not reacts_to:
            raise MessageUnknown
        return send(
            step,
            lambda slots: send_content(
                sender=sender_for(step),
                **recipient(step),
                content=content_of(step.config, reacts_to=reacts_to),
                reply_to="" if is_reaction else quoted(step),
                origin=step.origin,
                key=step.key,
                now=step.now,
                slots=slots,
            ),
        )


def content_of(config: Mapping[str, Any], *, reacts_to: str = "") -> FreeForm:
    """The settings as what is sent. Raises VariableMissing, PlaceInvalid."""

    def text(name: str) -> str:
        return str(config.get(name) or "").strip()

    match text("kind"):
        case "location":
            return Place(
                latitude=degrees(config.get("latitude"), part="location.latitude", field="latitude"),
                longitude=degrees(config.get("longitude"), part="location.longitude", field="longitude"),
                name=text("place_name"),
                address=text("place_address"),
            )
        case "contacts":
            phones, emails = ((text(name),) if text(name) else () for name in ("card_phone", "card_email"))
            organisation = text("card_organisation")
            return Cards(cards=(Card(name=text("card_name"), phones=phones, emails=emails, organisation=organisation),))
        case "reaction":
            return Reaction(message_id=reacts_to, emoji=text("emoji"))
        case kind:
            file = text("link")
            is_upload = file.isascii() and file.isdecimal()
            return Media(
                kind=kind or "image",  # type: ignore[arg-type]
                link="" if is_upload else file,
                media_id=file if is_upload else "",
                # What another kind was given is kept in the settings and not sent.
                caption=text("caption") if kind in SendMediaForm.shown_for["caption"] else "",
                filename=text("filename"),
            )


def _without_data(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with stand-ins where data comes in: all else can be checked now."""
    stand_ins = {"link": EXAMPLE_LINK, "latitude": "0", "longitude": "0", "emoji": "👍"}
    return {
        name: fixed(value, stand_in=stand_ins.get(name, "x")) if isinstance(value, str) else value
        for name, value in config.items()
    }
