"""Send a question with buttons or a list, or a text with a link button, within the customer service window."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from automations.actions.base import StepContext
from automations.actions.registry import register
from automations.actions.whatsapp import (
    SendingAction,
    delivery_timeout_field,
    kind_field,
    needed,
    quote_field,
    quoted,
    recipient,
    recipient_field,
    send,
    sender_for,
    shortened,
    slot_timeout_field,
    taps_of,
    wait_for_delivery_field,
)
from automations.engine.results import Done, Suspend
from automations.forms.choices import sender_choices
from automations.forms.content_checks import EXAMPLE_LINK, check_content, fixed, is_data
from automations.forms.fields import ChoicesField, LiquidField, StepForm
from messaging.providers.contents import Buttons, Choice, Interactive, Link, Media, Menu, Section
from messaging.services.outbox import send_content
from workspaces.models import Workspace

KINDS = [("buttons", _("up to three buttons")), ("list", _("a list of up to ten rows")), ("link", _("a link button"))]
_FIELDS = {
    **{name: name for name in ("text", "header", "footer")},
    "buttons": "choices",
    "rows": "choices",
    "sections": "choices",
    "list": "choices",
    "list.button": "list_button",
    "link.label": "link_label",
    "link.url": "link_url",
    "link": "picture",
}


class SendChoicesForm(StepForm):
    """The question, and what can be tapped below it."""

    sender = forms.ChoiceField(label=_("Sender"), required=False)
    to = recipient_field()
    kind = kind_field(KINDS, label=_("Below the text"))
    text = LiquidField(label=_("Message"), multiline=True, help_text=_("At most 1024 characters, with its data."))
    choices = needed(
        ChoicesField(
            label=_("Choices"),
            required=False,
            help_text=_("Buttons have up to 20 characters, rows 24. Later steps know the choice by its id."),
        )
    )
    list_button = needed(
        LiquidField(label=_("Label that opens the list"), required=False, help_text=_("At most 20 characters."))
    )
    link_label = needed(
        LiquidField(label=_("Label of the link"), required=False, help_text=_("At most 20 characters."))
    )
    link_url = needed(
        LiquidField(label=_("Address of the link"), required=False, help_text=_("With https:// at its front."))
    )
    header = LiquidField(label=_("Header"), required=False, help_text=_("At most 60 characters."))
    picture = LiquidField(
        label=_("Picture instead of the header"), required=False, help_text=_("A public address with https://.")
    )
    footer = LiquidField(label=_("Footer"), required=False, help_text=_("At most 60 characters."))
    quotes = quote_field()
    wait_for_delivery = wait_for_delivery_field()
    delivery_timeout = delivery_timeout_field()
    slot_timeout = slot_timeout_field()

    shown_for = {
        "choices": ("buttons", "list"),
        "list_button": ("list",),
        "link_label": ("link",),
        "link_url": ("link",),
        "picture": ("buttons", "link"),
    }

    def fill_choices(self, workspace: Workspace) -> None:
        self.fields["sender"].choices = sender_choices(workspace)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "text" in cleaned and "choices" in cleaned:
            check_content(self, lambda: content_of(_without_data(cleaned)), _FIELDS)
        return cleaned


@register("send_choices")
class SendChoices(SendingAction):
    """Sends buttons, a list or a link button; a tap on one of the first two answers the next wait of this run."""

    label = _("Send buttons or list")
    icon = "list-checks"
    form = SendChoicesForm
    needs_open_window = True
    output = {"message_id": "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e14", "status": "accepted", "text": "Passt der Termin?"}
    synonyms = (gettext_noop("ask"), gettext_noop("choice"), gettext_noop("link"), gettext_noop("menu"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        text = shortened(config.get("text"))
        count = len(config.get("choices") or [])
        if config.get("kind") == "link":
            return str(_("Writes “%(text)s” with a link")) % {"text": text}
        if config.get("kind") == "list":
            words = ngettext("Asks “%(text)s”, a list of %(count)s", "Asks “%(text)s”, a list of %(count)s", count)
        else:
            words = ngettext("Asks “%(text)s”, %(count)s button", "Asks “%(text)s”, %(count)s buttons", count)
        return words % {"text": text, "count": count}

    def run(self, step: StepContext) -> Done | Suspend:
        return send(
            step,
            lambda slots: send_content(
                sender=sender_for(step),
                **recipient(step),
                content=content_of(step.config, tap_prefix=taps_of(step)),
                reply_to=quoted(step),
                origin=step.origin,
                key=step.key,
                now=step.now,
                slots=slots,
            ),
        )


def content_of(config: Mapping[str, Any], *, tap_prefix: str = "") -> Interactive:
    """The settings as what is sent; `tap_prefix` stands before the key of each choice."""
    around = {name: str(config.get(name) or "") for name in ("text", "header", "footer")}
    choices = [
        Choice(id=f"{tap_prefix}{choice['key']}", title=choice["title"], description=choice["description"])
        for choice in config.get("choices") or []
    ]
    if config.get("kind") == "list":
        sections = [choice["section"] for choice in config.get("choices") or []]
        rows = groupby(zip(sections, choices, strict=True), key=lambda pair: pair[0])
        return Menu(
            button=str(config.get("list_button") or ""),
            sections=tuple(Section(title=title, rows=tuple(row for _title, row in pairs)) for title, pairs in rows),
            **around,
        )
    picture = str(config.get("picture") or "")
    header_media = Media(kind="image", link=picture) if picture else None
    if config.get("kind") == "link":
        label, url = str(config.get("link_label") or ""), str(config.get("link_url") or "")
        return Link(label=label, url=url, header_media=header_media, **around)
    return Buttons(buttons=tuple(choices), header_media=header_media, **around)


def _without_data(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with stand-ins where data comes in: all else can be checked now."""
    plain = {name: fixed(text) if isinstance(text, str) else text for name, text in config.items()}
    for name in ("link_url", "picture"):
        plain[name] = fixed(config.get(name), stand_in=EXAMPLE_LINK)
    plain["choices"] = [
        {
            **choice,
            # Different ones, as two pieces of data are until they are known.
            "title": f"{number}" if is_data(choice["title"]) else choice["title"],
            "description": fixed(choice["description"]),
            "section": fixed(choice["section"]),
        }
        for number, choice in enumerate(config.get("choices") or [], start=1)
    ]
    return plain
