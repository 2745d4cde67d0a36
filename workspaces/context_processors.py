"""What the frame around every page shows. Lazy: a partial that draws no frame costs no query."""

from collections.abc import Callable
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from workspaces.models import Membership, Notification, Role, User, Workspace
from workspaces.navigation import banner, rail

ATTENTION_SHOWN = 20
THEME_COOKIE = "theme"


def frame(request: HttpRequest) -> dict[str, Any]:
    """theme everywhere; on pages of a workspace also workspace, membership, can, rail, banner, attention, workspaces.

    `can.editor` is true where the member's role covers Editor (and so for each role).
    """
    context: dict[str, Any] = {"theme": shown_theme(request)}
    workspace: Workspace | None = getattr(request, "workspace", None)
    membership: Membership | None = getattr(request, "membership", None)
    if workspace is None or membership is None:
        return context
    return context | {
        "workspace": workspace,
        "membership": membership,
        "can": {role.value: membership.can(role) for role in Role},
        "rail": _lazy(lambda: rail(workspace, request.path)),
        "banner": _lazy(lambda: banner(request)),
        "attention_count": _lazy(lambda: _open_notices(workspace).aggregate(open=Count("pk"))["open"]),
        "attention_items": _lazy(lambda: list(_open_notices(workspace).order_by("-last_at")[:ATTENTION_SHOWN])),
        "workspaces": _lazy(lambda: list(Workspace.objects.of(membership.user).order_by("name"))),
    }


def shown_theme(request: HttpRequest) -> str:
    """auto, light or dark: the user's choice, else the choice made on this device."""
    user = getattr(request, "user", None)
    chosen = user.theme if isinstance(user, User) else request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in User.Theme.values else User.Theme.AUTO.value


def _open_notices(workspace: Workspace) -> Any:
    return Notification.objects.in_workspace(workspace).filter(solved_at=None).exclude(level=Notification.Level.INFO)


def _lazy(build: Callable[[], Any]) -> Any:
    return SimpleLazyObject(build)
