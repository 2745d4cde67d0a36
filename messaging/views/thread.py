"""A chat as people read it: days, bubbles, what each message is, and who or which flow wrote it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.errors import NotInAllowedList
from messaging.models import Chat, Conversation, Message
from messaging.services.conversations import KIND_MARK
from messaging.views.bubbles import Bubble, bubbles_of
from workspaces.errors import BotenwerkError, stored_error
from workspaces.models import AuditEntry, Workspace

THREAD_LENGTH = 60

# kind -> (icon, word); text and what reads as text have neither.
KINDS: dict[str, tuple[str, str | Promise]] = {
    "image": ("image", _("Picture")),
    "video": ("play", _("Video")),
    "audio": ("mic", _("Voice message")),
    "voice": ("mic", _("Voice message")),
    "sticker": ("smile", _("Sticker")),
    "document": ("file-text", _("Document")),
    "location": ("send", _("Location")),
    "contacts": ("user-round", _("Contact card")),
    "order": ("clipboard-list", _("Order")),
    "reaction": ("smile", _("Reaction")),
    "system": ("info", _("Note of WhatsApp")),
    "call": ("phone", _("Call")),
    "request_welcome": ("message-circle", _("Chat opened")),
    "button": ("corner-down-left", _("Button tapped")),
    "interactive": ("corner-down-left", _("Choice tapped")),
    "unsupported": ("circle-help", _("Message that WhatsApp does not hand on")),
    "revoked": ("ban", _("Deleted message")),
}
FORM: tuple[str, str | Promise] = ("clipboard-list", _("Form filled in"))
SAID_AS_TEXT = ("text", "template")
UNKNOWN_KIND: tuple[str, str | Promise] = ("circle-help", _("Message of a kind that is not shown here"))

NOTES: dict[str, tuple[str, str | Promise]] = {
    "conversation.taken_over": ("hand-helping", _("%(person)s has taken over · flows are silent")),
    "conversation.respelled": ("pencil", _("%(person)s has set the other spelling as the sending address")),
    "conversation.handed_back": ("workflow", _("%(person)s has handed back · flows speak again")),
}
AUTHOR_ICONS = {
    Message.Cause.RUN: "workflow",
    Message.Cause.PERSON: "user-round",
    Message.Cause.API: "webhook",
    Message.Cause.ASSISTANT: "bot",
    Message.Cause.STAFF: "shield-check",
    Message.Cause.SYSTEM: "zap",
}


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who wrote one of our messages, and where more about it stands."""

    icon: str
    label: str
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry of a thread: a message, or a note between them. `new_day` is set where a day begins."""

    at: datetime
    new_day: date | None = None
    message: Message | None = None
    bubble: Bubble | None = None
    note: str = ""
    note_icon: str = ""

    @property
    def is_out(self) -> bool:
        return self.message is not None and self.message.direction == Message.Direction.OUT

    @property
    def rendered(self) -> dict[str, Any]:
        """Header, body, footer and buttons of a template as they were sent; empty for anything else."""
        return (self.message.payload.get("rendered") or {}) if self.message else {}

    @property
    def kind_icon(self) -> str:
        return self._kind()[0]

    @property
    def kind_word(self) -> str | Promise:
        return self._kind()[1]

    @property
    def header_icon(self) -> str:
        """Of the file or place above a template or a question."""
        return KINDS.get(self._header_kind(), UNKNOWN_KIND)[0]

    @property
    def header_word(self) -> str | Promise:
        return KINDS.get(self._header_kind(), UNKNOWN_KIND)[1]

    @property
    def header_link(self) -> str:
        """Its address; anything else than one of the web is not led to."""
        link = str((self.rendered.get("header") or {}).get("link") or "")
        return link if link.startswith(("https://", "http://")) else ""

    @property
    def moved(self) -> dict[str, Any]:
        """The old and the new number, for the platform's note that the customer has changed it."""
        return (self.message.payload.get("moved") or {}) if self.message else {}

    @property
    def quoted_word(self) -> str | Promise:
        """The kind of a quoted message that has no words."""
        quoted = self.bubble.quoted if self.bubble else None
        return KINDS.get(quoted.kind, UNKNOWN_KIND)[1] if quoted else ""

    @property
    def author(self) -> Author | None:
        return author_of(self.message) if self.is_out and self.message else None

    @property
    def error(self) -> BotenwerkError | None:
        message = self.message
        if message is None or not message.error_code:
            return None
        return stored_error(message.error_code, message.error_facts)

    @property
    def can_send_again(self) -> bool:
        return self.is_out and self.message is not None and self.message.status == Message.Status.FAILED

    @property
    def other_spelling(self) -> str:
        """The number that WhatsApp's list of test recipients may hold instead, where that is why it failed."""
        error = self.error
        if error is None or error.code != NotInAllowedList.code:
            return ""
        return str(error.facts.get("other_spelling") or "")

    def _header_kind(self) -> str:
        return str((self.rendered.get("header") or {}).get("kind") or "")

    def _kind(self) -> tuple[str, str | Promise]:
        if self.message is None or self.message.kind in SAID_AS_TEXT:
            return "", ""
        if self.bubble is not None and "form" in self.bubble.content:
            return FORM
        return KINDS.get(self.message.kind, UNKNOWN_KIND)


@dataclass(frozen=True, kw_only=True)
class Thread:
    """The newest lines of a chat, oldest first; `older` is the message to read on before, or None."""

    lines: list[Line]
    older: Message | None


def find_conversation(workspace: Workspace, conversation_id: UUID) -> Conversation:
    """With its chat, contact, sender and holder; 404 for one of somebody else's."""
    rows = Conversation.objects.in_workspace(workspace).select_related(
        "workspace", "chat__workspace", "chat__contact__workspace", "chat__sender__workspace", "taken_over_by__user",
    )  # fmt: skip
    return get_object_or_404(rows, public_id=conversation_id)


def thread_of(chat: Chat, *, before: Message | None = None) -> Thread:
    """The chat's messages and the notes between them. Five queries, however long it is."""
    rows = Message.objects.in_workspace(chat.workspace).filter(chat=chat)
    if before is not None:
        rows = rows.filter(occurred_at__lte=before.occurred_at).exclude(pk=before.pk)
    newest = list(rows.order_by("-occurred_at", "-id")[: THREAD_LENGTH + 1])
    has_older = len(newest) > THREAD_LENGTH
    messages = newest[:THREAD_LENGTH][::-1]
    for message in messages:
        message.workspace = chat.workspace
    bubbles = bubbles_of(messages)
    entries = [Line(at=each.occurred_at, message=each, bubble=bubbles[each.pk]) for each in messages]
    since = messages[0].occurred_at if has_older else None
    until = before.occurred_at if before else None
    entries += _notes(chat, since=since, until=until)
    # Stable: messages of one second stay in the order of the query.
    entries.sort(key=lambda line: line.at)
    return Thread(lines=_with_days(entries), older=messages[0] if has_older else None)


def author_of(message: Message) -> Author:
    """Who wrote it; a run leads to its page, where that exists."""
    kind = message.cause_kind or Message.Cause.SYSTEM
    label = message.cause_label or message.get_cause_kind_display()
    # Automations stand right of us, and offer the page of a run by its name.
    is_run = kind == Message.Cause.RUN and message.cause_id
    url = optional_url("run", message.workspace.slug, message.cause_id) if is_run else ""
    return Author(icon=AUTHOR_ICONS.get(Message.Cause(kind), "zap"), label=str(label), url=url)


def optional_url(name: str, *args: object) -> str:
    """The address of a page that another app offers by name, or nothing where there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def preview_text(conversation: Conversation) -> str | Promise:
    """What was said last; a kind without words by its word."""
    text = conversation.last_message_text
    if not text.startswith(KIND_MARK):
        return text
    return KINDS.get(text.removeprefix(KIND_MARK), UNKNOWN_KIND)[1]


def _notes(chat: Chat, *, since: datetime | None, until: datetime | None) -> list[Line]:
    """Taking over and handing back, off the audit log; and where a conversation was closed."""
    rows = Conversation.objects.in_workspace(chat.workspace).filter(chat=chat)
    episodes = list(rows.order_by("-id")[:THREAD_LENGTH])
    for episode in episodes:
        episode.workspace = chat.workspace
    entries = AuditEntry.objects.in_workspace(chat.workspace).filter(
        target_id__in=[str(episode.public_id) for episode in episodes], verb__in=NOTES
    )
    notes = [_note(entry) for entry in entries.order_by("-id")[:THREAD_LENGTH]]
    notes += [_closing(episode) for episode in episodes if episode.closed_at is not None]
    return [note for note in notes if (since is None or note.at >= since) and (until is None or note.at < until)]


def _closing(episode: Conversation) -> Line:
    """The quiet time closes when the next message comes; it was over before that, and is shown there."""
    at = episode.closed_at
    assert at is not None
    if episode.closed_by == Conversation.ClosedBy.QUIET and episode.last_message_at is not None:
        quiet = timedelta(hours=episode.workspace.conversation_quiet_hours)
        at = min(at, episode.last_message_at + quiet)
    words = _("Closed by %(who)s") % {"who": episode.get_closed_by_display()}
    return Line(at=at, note=str(words), note_icon="check")


def _note(entry: AuditEntry) -> Line:
    icon, words = NOTES[entry.verb]
    person = entry.actor.split(" <")[0]
    return Line(at=entry.created_at, note=str(words) % {"person": person}, note_icon=icon)


def _with_days(entries: list[Line]) -> list[Line]:
    lines, last = [], None
    for line in entries:
        day = timezone.localtime(line.at).date()
        lines.append(
            Line(
                at=line.at,
                new_day=day if day != last else None,
                message=line.message,
                bubble=line.bubble,
                note=line.note,
                note_icon=line.note_icon,
            )
        )
        last = day
    return lines
