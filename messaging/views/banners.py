"""The banners of messaging: a number that is off, and the demo. Not on the page that says so itself."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from messaging.models import Conversation, Sender
from workspaces.models import Workspace
from workspaces.navigation import Banner


def sender_banner(request: HttpRequest) -> Banner | None:
    """The first number that cannot send, or whose quality is red. Paused by us is no accident."""
    workspace: Workspace = request.workspace  # type: ignore[attr-defined]
    address = reverse("senders", args=[workspace.slug])
    if request.path.startswith(address):
        return None
    rows = Sender.objects.in_workspace(workspace).filter(retired_at=None, is_paused=False)
    off = [
        sender
        for sender in rows.order_by("id").only(
            "public_id", "display_name", "phone", "provider_number_id", "status", "quality"
        )
        if sender.status in (Sender.Status.OFFLINE, Sender.Status.SUSPENDED, Sender.Status.FAILED)
        or sender.quality == Sender.Quality.RED
    ]
    if not off:
        return None
    sender = off[0]
    is_red = sender.status == Sender.Status.ONLINE
    return Banner(
        tone="failure",
        title=(_("The quality of %(sender)s is red.") if is_red else _("%(sender)s is not connected."))
        % {"sender": sender},
        text=_("Marketing on it does harm now.") if is_red else _("Nothing goes out on this number."),
        action_url=reverse("sender", args=[workspace.slug, sender.public_id]),
        action_label=_("See the cause"),
    )


def demo_banner(request: HttpRequest) -> Banner | None:
    """In a demo workspace: nothing here costs or leaves the machine."""
    workspace: Workspace = request.workspace  # type: ignore[attr-defined]
    address = reverse("connect_sender", args=[workspace.slug])
    if not workspace.is_demo or request.path == address:
        return None
    return Banner(
        tone="info",
        title=_("The demo is running."),
        text=_("All messages stay on this machine, no key is needed."),
        action_url=address,
        action_label=_("Connect your own number"),
    )


def count_unread(workspace: Workspace) -> int:
    """Open conversations with something unread, for the rail."""
    return Conversation.objects.in_workspace(workspace).filter(closed_at=None, unread_count__gt=0).count()
