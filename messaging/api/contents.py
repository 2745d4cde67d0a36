"""What the API takes besides text and templates: choices, files, places, contact cards, reactions.

Shapes only; what WhatsApp allows is the outbox's to know (services/free_form.py), so that all callers get one answer.
"""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from messaging.api.requests import QuotingRequestSerializer
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
)
from workspaces.api.serializers import StrictSerializer, TextField

# More than any platform shows; the real limits are named errors.
MANY = 100
MEDIA_TYPES = ["image", "video", "audio", "document", "sticker"]


class ContentRequestSerializer(QuotingRequestSerializer):
    """Base of these kinds: each says by `content` what it sends.

    It takes the validated body and the platform's id of the message in `reply_to`, or empty.
    """

    content: Callable[[dict[str, Any], str], FreeForm]


class ChoiceSerializer(StrictSerializer):
    """A button; `id` comes back with the tap."""

    id = TextField(allow_blank=True)
    title = TextField(allow_blank=True)


class RowSerializer(ChoiceSerializer):
    """A row of a list."""

    description = TextField(required=False, default="", allow_blank=True)


class SectionSerializer(StrictSerializer):
    """Rows under a title; one section needs none."""

    title = TextField(required=False, default="", allow_blank=True)
    rows = serializers.ListField(child=RowSerializer(), max_length=MANY)


class ChoiceListSerializer(StrictSerializer):
    """What opens the list, and what is in it."""

    button = TextField(allow_blank=True)
    sections = serializers.ListField(child=SectionSerializer(), max_length=MANY)


class LinkSerializer(StrictSerializer):
    """A button that opens an address."""

    label = TextField(allow_blank=True)  # type: ignore[assignment]
    url = TextField(allow_blank=True)


class InteractiveRequestSerializer(ContentRequestSerializer):
    """A text with buttons, a list or a link: exactly one of the three."""

    type = serializers.ChoiceField(choices=["interactive"])
    text = TextField(allow_blank=True)
    header = TextField(required=False, default="", allow_blank=True)
    header_image = TextField(required=False, default="", allow_blank=True, help_text="Address; not above lists.")
    footer = TextField(required=False, default="", allow_blank=True)
    buttons = serializers.ListField(child=ChoiceSerializer(), required=False, max_length=MANY)
    list = ChoiceListSerializer(required=False)
    link = LinkSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One question, one kind of answer."""
        given = [name for name in ("buttons", "list", "link") if name in attrs]
        if len(given) != 1:
            words = _("Give exactly one of: buttons, list, link.")
            raise serializers.ValidationError({(given or ["buttons"])[-1]: words}, code="exactly_one")
        if "list" in attrs and attrs["header_image"]:
            raise serializers.ValidationError({"header_image": _("A list has a header of text only.")}, code="invalid")
        return attrs

    @staticmethod
    def content(given: dict[str, Any], said: str) -> FreeForm:
        around = {name: given[name] for name in ("text", "header", "footer")}
        image = Media(kind="image", link=given["header_image"]) if given["header_image"] else None
        if "buttons" in given:
            return Buttons(buttons=tuple(Choice(**one) for one in given["buttons"]), header_media=image, **around)
        if "link" in given:
            return Link(header_media=image, **given["link"], **around)
        sections = tuple(
            Section(title=one["title"], rows=tuple(Choice(**row) for row in one["rows"]))
            for one in given["list"]["sections"]
        )
        return Menu(button=given["list"]["button"], sections=sections, **around)


class MediaRequestSerializer(ContentRequestSerializer):
    """A file by its public address or by the id of an upload at WhatsApp: exactly one of the two."""

    type = serializers.ChoiceField(choices=MEDIA_TYPES)
    link = TextField(required=False, default="", allow_blank=True, help_text="https only.")
    media_id = TextField(required=False, default="", allow_blank=True)
    caption = TextField(required=False, default="", allow_blank=True, help_text="Pictures, videos, documents.")
    filename = TextField(required=False, default="", allow_blank=True, help_text="Documents.")

    @staticmethod
    def content(given: dict[str, Any], said: str) -> FreeForm:
        return Media(kind=given["type"], **{n: given[n] for n in ("link", "media_id", "caption", "filename")})


class LocationSerializer(StrictSerializer):
    """A point on the map, in degrees."""

    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    name = TextField(required=False, default="", allow_blank=True)
    address = TextField(required=False, default="", allow_blank=True)


class LocationRequestSerializer(ContentRequestSerializer):
    """A place."""

    type = serializers.ChoiceField(choices=["location"])
    location = LocationSerializer()

    @staticmethod
    def content(given: dict[str, Any], said: str) -> FreeForm:
        return Place(**given["location"])


class ContactCardSerializer(StrictSerializer):
    """An entry of an address book."""

    name = TextField(allow_blank=True)
    phones = serializers.ListField(child=TextField(allow_blank=True), required=False, default=list, max_length=20)
    emails = serializers.ListField(child=TextField(allow_blank=True), required=False, default=list, max_length=20)
    organisation = TextField(required=False, default="", allow_blank=True)


class ContactsRequestSerializer(ContentRequestSerializer):
    """Contact cards."""

    type = serializers.ChoiceField(choices=["contacts"])
    contacts = serializers.ListField(child=ContactCardSerializer(), max_length=MANY)

    @staticmethod
    def content(given: dict[str, Any], said: str) -> FreeForm:
        return Cards(
            cards=tuple(
                Card(
                    name=one["name"],
                    phones=tuple(one["phones"]),
                    emails=tuple(one["emails"]),
                    organisation=one["organisation"],
                )
                for one in given["contacts"]
            )
        )


class ReactionRequestSerializer(ContentRequestSerializer):
    """An emoji at a message of this chat, named by its id here; an empty emoji takes it back."""

    type = serializers.ChoiceField(choices=["reaction"])
    reply_to = serializers.UUIDField(help_text="Id of the message that is reacted to.")
    emoji = TextField(allow_blank=True)

    @staticmethod
    def content(given: dict[str, Any], said: str) -> FreeForm:
        return Reaction(message_id=said, emoji=given["emoji"])


CONTENTS: dict[str, type[ContentRequestSerializer]] = {
    "interactive": InteractiveRequestSerializer,
    **dict.fromkeys(MEDIA_TYPES, MediaRequestSerializer),
    "location": LocationRequestSerializer,
    "contacts": ContactsRequestSerializer,
    "reaction": ReactionRequestSerializer,
}
