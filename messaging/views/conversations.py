"""The inbox: the list with its filters, and one conversation with its thread, live."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from messaging.models import Conversation, Message
from messaging.services.conversations import mark_read
from messaging.views.composer import composer_context
from messaging.views.thread import find_conversation, preview_text, thread_of
from workspaces.models import Workspace
from workspaces.permissions import may, requires
from workspaces.request import WorkspaceRequest

PAGE = 30
SEARCH_LENGTH = 100
EARLIER_SHOWN = 5
FILTERS = {
    "open": _("Open"),
    "unread": _("Unread"),
    "waiting": _("Waits for us"),
    "closed": _("Closed"),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the address asks of the list."""

    state: str
    text: str
    before: str

    @classmethod
    def of(cls, request: WorkspaceRequest) -> "Asked":
        state = request.GET.get("state", "open")
        return cls(
            state=state if state in FILTERS else "open",
            text=request.GET.get("q", "").strip().replace("\x00", "")[:SEARCH_LENGTH],
            before=request.GET.get("before", ""),
        )

    def query(self, **changes: str) -> str:
        """The address' query with these changes; what is as usual is left out."""
        wanted = {"state": self.state if self.state != "open" else "", "q": self.text} | changes
        return urlencode({name: value for name, value in wanted.items() if value})


@require_safe
@requires("workspace.read")
def inbox(request: WorkspaceRequest) -> HttpResponse:
    """The list of conversations; the newest is a click away."""
    context = list_context(request, Asked.of(request))
    if request.htmx:
        return render(request, "messaging/_conversations.html", context)
    return render(request, "messaging/inbox.html", context)


@require_safe
@requires("workspace.read")
def conversation(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """One conversation beside the list; htmx fetches its thread (`?part=talk`) or its list anew."""
    shown = find_conversation(request.workspace, conversation_id)
    if may(request.membership, "conversation.answer"):
        mark_read(shown, now=timezone.now())
        shown.unread_count = 0
    if request.htmx and not request.htmx.boosted:
        if request.GET.get("part") == "list":
            context = list_context(request, Asked.of(request), current=shown)
            return render(request, "messaging/_conversations.html", context)
        response = render(request, "messaging/_talk.html", talk_context(request, shown))
        if window_has_turned(request, shown):
            # The composer is not part of the thread: what was typed must survive each refresh.
            response["HX-Trigger"] = "window-turned"
        return response
    return render(request, "messaging/conversation.html", page_context(request, shown))


def page_context(request: WorkspaceRequest, shown: Conversation, **composer: Any) -> dict[str, Any]:
    """Everything the page of a conversation draws; `composer` is what was typed and refused, if anything."""
    context = list_context(request, Asked.of(request), current=shown)
    context |= talk_context(request, shown) | composer_context(request, shown, **composer)
    earlier = (
        Conversation.objects.in_workspace(request.workspace)
        .filter(chat__contact=shown.chat.contact)
        .exclude(pk=shown.pk)
        .select_related("chat__sender")
        .order_by("-id")[:EARLIER_SHOWN]
    )
    shown_earlier = list(earlier)
    for other in shown_earlier:
        other.preview = preview_text(other)  # type: ignore[attr-defined]
    return context | {"earlier": shown_earlier}


def talk_context(request: WorkspaceRequest, shown: Conversation) -> dict[str, Any]:
    """The head and the thread."""
    now = timezone.now()
    before = _message_before(request, shown)
    return {
        "conversation": shown,
        "contact": shown.chat.contact,
        "sender": shown.chat.sender,
        "thread": thread_of(shown.chat, before=before),
        "is_older_page": before is not None,
        "is_taken_over": shown.is_taken_over(now),
        "window_is_open": shown.chat.is_window_open(now),
        "may_answer": may(request.membership, "conversation.answer"),
    }


def list_context(request: WorkspaceRequest, asked: Asked, *, current: Conversation | None = None) -> dict[str, Any]:
    """The conversations asked for, newest first, one page. A constant number of queries."""
    now = timezone.now()
    rows = _asked_for(request.workspace, asked)
    page = list(
        _from_cursor(rows, asked.before).select_related("chat__contact", "chat__sender", "taken_over_by__user")[
            : PAGE + 1
        ]
    )
    older = asked.query(before=_cursor(page[PAGE - 1])) if len(page) > PAGE else ""
    return {
        "rows": [_row(found, now) for found in page[:PAGE]],
        "older": older,
        "newer": asked.query() if asked.before else "",
        "asked": asked,
        "query": asked.query(before=asked.before),
        "filters": [
            {
                "key": key,
                "label": label,
                "query": asked.query(state=key if key != "open" else ""),
                "is_on": key == asked.state,
            }
            for key, label in FILTERS.items()
        ],
        "current": current,
        "has_simulator": request.workspace.is_demo and may(request.membership, "simulator.use"),
    }


def window_has_turned(request: WorkspaceRequest, shown: Conversation) -> bool:
    """Whether the composer on the page is for another state of the window than now."""
    drawn = request.GET.get("window")
    return drawn in ("open", "closed") and (drawn == "open") != shown.chat.is_window_open(timezone.now())


def _asked_for(workspace: Workspace, asked: Asked) -> QuerySet[Conversation]:
    rows = Conversation.objects.in_workspace(workspace)
    rows = rows.filter(closed_at__isnull=asked.state != "closed")
    if asked.state == "unread":
        rows = rows.filter(unread_count__gt=0)
    if asked.state == "waiting":
        rows = rows.filter(last_message_direction=Message.Direction.IN)
    if asked.text:
        rows = rows.filter(_matching(workspace, asked.text))
    return rows.order_by("-last_message_at", "-id")


def _matching(workspace: Workspace, text: str) -> Q:
    """By name, by number however it is grouped, or by any text of the conversation."""
    said = Message.objects.in_workspace(workspace).filter(conversation=OuterRef("pk"), body__icontains=text)
    found = Q(chat__contact__name__icontains=text) | Q(chat__contact__profile_name__icontains=text) | Q(Exists(said))
    # "0664 123" is how it is said; the zero is not part of the international number.
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit()).lstrip("0")
    is_number = digits and not any(letter.isalpha() for letter in text)
    return found | Q(chat__contact__phone__contains=digits) if is_number else found


def _row(found: Conversation, now: datetime) -> dict[str, Any]:
    chat = found.chat
    is_open = chat.is_window_open(now)
    left = int((chat.window_expires_at - now).total_seconds() // 60) if is_open and chat.window_expires_at else 0
    return {
        "conversation": found,
        "contact": chat.contact,
        "preview": preview_text(found),
        "is_ours": found.last_message_direction == Message.Direction.OUT,
        "is_taken_over": found.is_taken_over(now),
        "window_is_open": is_open,
        "hours_left": left // 60,
        "minutes_left": left,
        "is_short": is_open and left < 180,
    }


def _cursor(last: Conversation) -> str:
    at = last.last_message_at or last.opened_at
    return f"{at.isoformat()}~{last.pk}"


def _from_cursor(rows: QuerySet[Conversation], cursor: str) -> QuerySet[Conversation]:
    """Rows after the cursor; one that is none gives the first page."""
    instant, _sep, key = cursor.partition("~")
    try:
        at = parse_datetime(instant)
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at) or not (key.isascii() and key.isdigit() and len(key) <= 18):
        return rows
    return rows.filter(Q(last_message_at__lt=at) | Q(last_message_at=at, pk__lt=int(key)))


def _message_before(request: WorkspaceRequest, shown: Conversation) -> Message | None:
    try:
        wanted = UUID(request.GET.get("messages_before", ""))
    except ValueError:
        return None
    return Message.objects.in_workspace(request.workspace).filter(chat=shown.chat, public_id=wanted).first()
