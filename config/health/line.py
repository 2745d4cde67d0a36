"""The health line of the front page: what is not well now, what it means, and that it heals by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from redis import RedisError

from config.health import probes
from workspaces.models import Role, Workspace
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

CLOCK_LAG = timedelta(seconds=15)
WEBHOOK_AGE = timedelta(seconds=30)
DISK_FREE_BYTES = 512 * 1024 * 1024
DISK_FREE_SHARE = 0.03


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that is not well, in two sentences: what it is, and what becomes of the work meanwhile."""

    part: str
    title: str
    text: str


@require_safe
@requires("workspace.read")
def health_line(request: WorkspaceRequest) -> HttpResponse:
    """A partial for owners, and for staff who are members; 403 for all others."""
    if not may_see(request):
        raise PermissionDenied
    context: dict[str, Any] = {"troubles": list(troubles_of(request.workspace, timezone.now()))}
    return render(request, "workspaces/_health_line.html", context)


def may_see(request: WorkspaceRequest) -> bool:
    """Owners and staff: the others can do nothing about it."""
    return request.membership.role == Role.OWNER or request.user.is_staff


def troubles_of(workspace: Workspace, now: datetime) -> Iterator[Trouble]:
    """What is not well now; none of it needs a person unless it stays."""
    yield from _broker()
    yield from _clock(now)
    yield from _workers(now)
    yield from _platform(workspace)
    yield from _disk()


def _broker() -> Iterator[Trouble]:
    try:
        probes.queue_depth("fast")
    except (RedisError, OSError):
        yield Trouble(
            part="broker",
            title=_("The queue (Redis) does not answer."),
            text=_("Messages are taken in and wait. Everything goes on by itself as soon as it is back."),
        )


def _clock(now: datetime) -> Iterator[Trouble]:
    lag = probes.clock_lag(now)
    if lag > CLOCK_LAG:
        yield Trouble(
            part="clock",
            title=ngettext(
                "The clock is %(seconds)s second behind.", "The clock is %(seconds)s seconds behind.", lag.seconds
            )
            % {"seconds": int(lag.total_seconds())},
            text=_("Delays and reminders come late until it has caught up."),
        )


def _workers(now: datetime) -> Iterator[Trouble]:
    age, not_taken = probes.webhook_age(now), probes.runs_not_taken(now)
    if age > WEBHOOK_AGE or not_taken:
        yield Trouble(
            part="workers",
            title=_("Messages and flows wait for a worker."),
            text=_("They are stored and lose nothing; answers come late until the workers are back."),
        )


def _platform(workspace: Workspace) -> Iterator[Trouble]:
    for sender in probes.senders_cut_off(workspace):
        yield Trouble(
            part="platform",
            title=_("WhatsApp does not answer for %(sender)s.") % {"sender": sender},
            text=_("Its messages wait and go out as soon as WhatsApp is back: it is tried every minute at least."),
        )


def _disk() -> Iterator[Trouble]:
    free, share = probes.disk_free()
    if free < DISK_FREE_BYTES or share < DISK_FREE_SHARE:
        yield Trouble(
            part="disk",
            title=_("The disk is nearly full: %(megabytes)s MB are left.") % {"megabytes": free // (1024 * 1024)},
            text=_("When it is full, nothing new can be stored: WhatsApp brings it again, other systems get an error."),
        )
