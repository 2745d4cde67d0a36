"""Named errors of a message's content: found before any call, with the part that is wrong and how to mend it."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from messaging.errors import MessagingError
from messaging.parts import part_words
from workspaces.errors import Text, fill


class ChoicesInvalid(MessagingError):
    """Buttons or rows that WhatsApp does not take. Facts: reason (a key of CAUSES), count, limit, title."""

    code = "choices_invalid"
    title = _("Buttons or list not valid")
    cure = _("Open the choices and correct them.")
    http_status = 422

    CAUSES: ClassVar[dict[str, Text]] = {
        "no_buttons": _("The message has no button."),
        "too_many_buttons": _("The message has %(count)s buttons, WhatsApp takes %(limit)s."),
        "no_rows": _("The list has no row."),
        "too_many_rows": _("The list has %(count)s rows in all its sections, WhatsApp takes %(limit)s."),
        "doubled_title": _("Two choices are called “%(title)s”."),
        "doubled_id": _("Two choices have the id “%(title)s”."),
        "section_without_title": _("A list with several sections needs a title for each."),
        "empty_section": _("The section “%(title)s” has no row."),
    }
    CURES: ClassVar[dict[str, Text]] = {
        "no_buttons": _("Add one to three buttons."),
        "too_many_buttons": _("Take some away, or send a list: it has up to ten rows."),
        "no_rows": _("Add one to ten rows."),
        "too_many_rows": _("Take some away, or ask in two steps."),
        "doubled_title": _("Give each its own title, or the customer's answer would say nothing."),
        "doubled_id": _("Give each its own id, or the answer would say nothing."),
    }

    def cause_text(self) -> str:
        return fill(self.CAUSES.get(str(self.facts.get("reason")), self.CAUSES["no_buttons"]), self.facts)

    def cure_text(self) -> str:
        return str(self.CURES.get(str(self.facts.get("reason")), self.cure))


class LinkInvalid(MessagingError):
    """No complete address. Facts: part, given."""

    code = "link_invalid"
    title = _("Address not valid")
    cause = _("%(part_text)s is no complete address: “%(given)s”.")
    cure = _("Write it with https:// and without spaces, for example https://example.com/menu.pdf.")
    http_status = 422

    def cause_text(self) -> str:
        return fill(self.cause, {"given": "", **self.facts, "part_text": part_words(self.facts)})


class MediaInvalid(MessagingError):
    """A file that cannot be sent like this. Facts: reason (a key of CAUSES), kind."""

    code = "media_invalid"
    title = _("File cannot be sent like this")
    cure = _("Give the public address of the file, or the id of an upload: one of the two.")
    caption_cure: ClassVar[Text] = _("Leave the caption out and send it as a text of its own.")
    http_status = 422

    CAUSES: ClassVar[dict[str, Text]] = {
        "no_file": _("The message has no file."),
        "two_files": _("The message has both an address and the id of an upload."),
        "no_caption": _("WhatsApp shows no caption below voice messages, sound and stickers."),
        "header_kind": _("The header of such a message takes a picture, a video or a document only."),
    }

    def cause_text(self) -> str:
        return fill(self.CAUSES.get(str(self.facts.get("reason")), self.CAUSES["no_file"]), self.facts)

    def cure_text(self) -> str:
        return str(self.caption_cure if self.facts.get("reason") == "no_caption" else self.cure)


class PlaceInvalid(MessagingError):
    """Not a point on this earth. Facts: part, given, limit."""

    code = "place_invalid"
    title = _("Place not valid")
    cause = _("%(part_text)s must be a number between -%(limit)s and %(limit)s; given was “%(given)s”.")
    cure = _("Write degrees with a decimal point, for example 47.0707 and 15.4395.")
    http_status = 422

    def cause_text(self) -> str:
        return fill(self.cause, {"given": "", **self.facts, "part_text": part_words(self.facts)})


class ReactionInvalid(MessagingError):
    """Not one emoji. Facts: given."""

    code = "reaction_invalid"
    title = _("Not an emoji")
    cause = _("A reaction is one emoji; given was “%(given)s”.")
    cure = _("Choose exactly one emoji.")
    http_status = 422


class MessageUnknown(MessagingError):
    """The message to be quoted, reacted to or marked is not one of this chat that WhatsApp knows."""

    code = "message_unknown"
    title = _("Message not found")
    cause = _("The message that this one refers to does not exist in this chat, or has not reached WhatsApp.")
    cure = _("Refer to a message that has come from this customer or has gone out to them.")
    http_status = 404
