"""Today: what to do first, how messages fared, the senders, and the first steps of a new workspace."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, When
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from messaging.models import Conversation, Message, Sender, Template
from messaging.views.figures import SPANS, Figures, chart_of, figures_of, recipients_of_a_day
from messaging.views.thread import optional_url
from workspaces.errors import known_codes, stored_error
from workspaces.models import Notification, Workspace
from workspaces.permissions import may, requires
from workspaces.request import WorkspaceRequest
from workspaces.services.notifications import solve

SHOWN = 8
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
    waiting = list(_waiting(workspace)[: SHOWN + 1])
    senders = list(Sender.objects.in_workspace(workspace).filter(retired_at=None).order_by("display_name", "id"))
    used = recipients_of_a_day(workspace, now)
    steps = _first_steps(workspace)
    context = {
        "now": now,
        "spans": [{"key": key, "label": label, "is_on": key == span} for key, label in SPAN_WORDS.items()],
        "figures": figures,
        "chart": chart_of(figures.bars),
        "writers": _writers(figures),
        "notices": [_row(notice) for notice in waiting[:SHOWN]],
        "has_more": len(waiting) > SHOWN,
        "senders": [{"sender": sender, "used": used.get(sender.pk, 0)} for sender in senders],
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
    """A person has dealt with it."""
    rows = Notification.objects.in_workspace(request.workspace)
    notice = get_object_or_404(rows, public_id=notice_id)
    solve(request.workspace, notice.digest_key, timezone.now())
    return HttpResponseRedirect(reverse("today", args=[request.workspace.slug]))


def _waiting(workspace: Workspace) -> Any:
    rows = Notification.objects.in_workspace(workspace).filter(solved_at=None)
    is_failure = Case(When(level=Notification.Level.FAILURE, then=0), default=1)
    return rows.exclude(level=Notification.Level.INFO).order_by(is_failure, "-last_at")


def _row(notice: Notification) -> dict[str, Any]:
    """The notice with its cause, and the cure where its code is one of our named errors."""
    cure = ""
    if notice.body or notice.code not in known_codes():
        cause = notice.body_text()
    else:
        error = stored_error(notice.code, notice.facts)
        cause, cure = error.cause_text(), error.cure_text()
    return {"notice": notice, "title": notice.title_text(), "cause": cause, "cure": cure}


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
