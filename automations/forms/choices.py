"""Choices of the workspace for step forms: senders, templates, assistants. Stored by public id or by name."""

from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from messaging.models import Sender, Template
from workspaces.errors import Text
from workspaces.models import Workspace

Choices = list[tuple[str, Text]]


def sender_choices(workspace: Workspace, *, empty: Text | None = None) -> Choices:
    """The workspace's senders by public id."""
    senders = Sender.objects.in_workspace(workspace).filter(retired_at=None).order_by("display_name")
    known: Choices = [(str(sender.public_id), str(sender)) for sender in senders]
    return [("", empty if empty is not None else _("The sender of the conversation")), *known]


def template_choices(workspace: Workspace) -> Choices:
    """Template names; language and sender's account are resolved when the message is sent."""
    names = Template.objects.in_workspace(workspace).exclude(status=Template.Status.DELETED)
    known = sorted(set(names.values_list("name", flat=True)))
    return [("", _("Choose a template")), *((name, name) for name in known)]


def language_choices(workspace: Workspace) -> Choices:
    """The exact codes that exist: `en` is not `en_US` (traps.md T5)."""
    codes = Template.objects.in_workspace(workspace).exclude(status=Template.Status.DELETED)
    known = sorted(set(codes.values_list("language", flat=True)))
    return [("", _("The contact's language")), *((code, code) for code in known)]


def assistant_choices(workspace: Workspace) -> Choices:
    """The workspace's assistants by public id."""
    assistants = Assistant.objects.in_workspace(workspace).order_by("name")
    return [("", _("Choose an assistant")), *((str(known.public_id), known.name) for known in assistants)]
