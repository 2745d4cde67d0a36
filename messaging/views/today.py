"""Today: what to do first, how messages fared, the senders, and the first steps of a new workspace."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from messaging.models import Conversation, Message, Sender, Template
from messaging.views.chart import chart_of
from messaging.views.figures import (
    SPANS,
    Figures,
    Usual,
    figures_of,
    hour_label,
    opt_outs_of,
    recipients_of_a_day,
    usual_day,
)
from messaging.views.sender_days import days_of
from messaging.views.thread import optional_url
from messaging.views.todo import open_notices, todo_of
from workspaces.models import Notification, Workspace
from workspaces.permissions import may, requires
from workspaces.request import WorkspaceRequest
from workspaces.services.notifications import solve

SHOWN = 8
# Several notices may make one row.
READ_NOTICES = 60
SPAN_WORDS = {"today": _("Today"), "7": _("7 days"), "30": _("30 days")}
# Who wrote what went out, in the order drawn.
WRITERS = (
    ("flows", "workflow", _("Flows"), (Message.Cause.RUN,)),
    ("assistants", "bot", _("Assistants"), (Message.Cause.ASSISTANT,)),
    ("team", "user-round", _("Team and systems"), (Message.Cause.PERSON, Message.Cause.API, Message.Cause.STAFF, "")),
)


@dataclass(frozen=True, kw_only=True)
class FirstStep:
    """One step of a new workspace."""

    title: str | Promise
    text: str | Promise
    url: str
    is_done: bool


@require_safe
@requires("workspace.read")
def today(request: WorkspaceRequest) -> HttpResponse:
    """The front page of a workspace. The number of queries does not depend on how much there is."""
    workspace, now = request.workspace, timezone.now()
    span = request.GET.get("span", "today")
    span = span if span in SPANS else "today"
    figures = figures_of(workspace, span, now)
    waiting = todo_of(workspace, open_notices(workspace)[:READ_NOTICES])
    senders = list(Sender.objects.in_workspace(workspace).filter(retired_at=None).order_by("display_name", "id"))
    used, days = recipients_of_a_day(workspace, now), days_of(workspace, senders, now)
    usual = usual_day(workspace, now) if span == "today" else None
    steps = _first_steps(workspace)
    compared = _compared(figures, usual, now)
    context = {
        "now": now,
        "spans": [{"key": key, "label": label, "is_on": key == span} for key, label in SPAN_WORDS.items()],
        "figures": figures,
        "chart": chart_of(
            figures.bars,
            usual={hour_label(hour): count for hour, count in usual.by_hour.items()} if usual else None,
            now_label=hour_label(timezone.localtime(now).hour) if span == "today" else "",
        ),
        "usual": usual,
        "compared": compared,
        "compared_less": -compared if compared is not None else None,
        "opt_outs": opt_outs_of(workspace, span, now),
        "writers": _writers(figures),
        "notices": waiting[:SHOWN],
        "has_more": len(waiting) > SHOWN,
        "senders": [{"sender": sender, "used": used.get(sender.pk, 0), "days": days[sender.pk]} for sender in senders],
        "steps": steps,
        "steps_done": sum(step.is_done for step in steps),
        "next_step": next((step for step in steps if not step.is_done), None),
        "may_solve": may(request.membership, "notification.solve"),
    }
    template = "messaging/_today.html" if request.htmx and not request.htmx.boosted else "messaging/today.html"
    return render(request, template, context)


@require_POST
@requires("notification.solve")
def solve_notice(request: WorkspaceRequest, notice_id: UUID) -> HttpResponse:
    """A person has dealt with it, and with what stood in the same row."""
    rows, now = Notification.objects.in_workspace(request.workspace), timezone.now()
    notice = get_object_or_404(rows, public_id=notice_id)
    same = _uuids(request.POST.getlist("same")[:READ_NOTICES])
    for key in {notice.digest_key, *rows.filter(public_id__in=same).values_list("digest_key", flat=True)}:
        solve(request.workspace, key, now)
    return HttpResponseRedirect(reverse("today", args=[request.workspace.slug]))


def _uuids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(UUID(text))
    return found


def _compared(figures: Figures, usual: Usual | None, now: datetime) -> int | None:
    """Per cent more (below zero: less) sent than usual until now; None where too little is known."""
    until_now = usual.until(now) if usual is not None else 0.0
    return round(100 * (figures.sent / until_now - 1)) if until_now >= 1 else None


def _writers(figures: Figures) -> list[dict[str, Any]]:
    total = sum(figures.by_cause.values())
    found, x = [], 0.0
    for key, icon, label, kinds in WRITERS:
        share = sum(figures.by_cause.get(kind, 0) for kind in kinds) / total * 100 if total else 0.0
        found.append(
            {
                "key": key,
                "icon": icon,
                "label": label,
                "percent": round(share),
                "x": round(x, 2),
                "width": round(share, 2),
            }
        )
        x += share
    return found


def _first_steps(workspace: Workspace) -> list[FirstStep]:
    """What is done is seen by what is there. One query."""
    done = Workspace.objects.filter(pk=workspace.pk).values_list(
        Exists(Sender.objects.in_workspace(workspace).filter(retired_at=None)),
        Exists(Template.objects.in_workspace(workspace).filter(status=Template.Status.APPROVED)),
        Exists(Conversation.objects.in_workspace(workspace).filter(has_inbound=True)),
        Exists(Message.objects.in_workspace(workspace).filter(cause_kind=Message.Cause.RUN)),
        Exists(Message.objects.in_workspace(workspace).filter(cause_kind=Message.Cause.PERSON)),
    )[0]
    slug = workspace.slug
    steps = (
        (_("Connect a number"), _("Enter what Meta shows for it; each part is checked at once."), "connect_sender"),
        (_("Sync templates"), _("Fetch from WhatsApp what was approved there."), "templates"),
        (
            _("Receive a message"),
            _("Write to your number from your own phone."),
            "simulator" if workspace.is_demo else "inbox",
        ),
        (_("Let a flow answer"), _("Switch a flow on; it answers the next message."), "flows"),
        (_("Answer by hand"), _("Open a conversation and write. The flows are silent meanwhile."), "inbox"),
    )
    return [
        FirstStep(title=title, text=text, url=optional_url(name, slug), is_done=is_done)
        for (title, text, name), is_done in zip(steps, done, strict=True)
    ]
