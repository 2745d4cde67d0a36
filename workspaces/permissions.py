"""Who may do what: one table of verbs, and the decorator that guards views with it (product.md, People)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from workspaces.models import Membership, Role

VERBS: dict[str, Role] = {
    "workspace.read": Role.VIEWER,
    "contact.edit": Role.AGENT,
    "conversation.answer": Role.AGENT,
    "conversation.assign": Role.AGENT,
    "conversation.close": Role.AGENT,
    "conversation.take_over": Role.AGENT,
    "notification.solve": Role.AGENT,
    "template.send": Role.AGENT,
    "assistant.edit": Role.EDITOR,
    "contact.export": Role.EDITOR,
    "contact.import": Role.EDITOR,
    "event.send": Role.EDITOR,
    "flow.edit": Role.EDITOR,
    "flow.publish": Role.EDITOR,
    "flow.start": Role.EDITOR,
    "flow.switch": Role.EDITOR,
    "flow.test": Role.EDITOR,
    "run.cancel": Role.EDITOR,
    "run.resume": Role.EDITOR,
    "run.retry": Role.EDITOR,
    "simulator.use": Role.EDITOR,
    "template.edit": Role.EDITOR,
    "template.sync": Role.EDITOR,
    "api_key.edit": Role.ADMIN,
    "contact.erase": Role.ADMIN,
    "hook.edit": Role.ADMIN,
    "secret.edit": Role.ADMIN,
    "sender.check": Role.ADMIN,
    "sender.edit": Role.ADMIN,
    "settings.edit": Role.ADMIN,
    "team.edit": Role.ADMIN,
    "ownership.transfer": Role.OWNER,
    "workspace.close": Role.OWNER,
}

# The least role whose API key may have the scope: a key never does more than its maker.
SCOPES: dict[str, Role] = {
    "messages:read": VERBS["workspace.read"],
    "messages:write": VERBS["conversation.answer"],
    "senders:read": VERBS["workspace.read"],
    "templates:read": VERBS["workspace.read"],
    "assistants:read": VERBS["workspace.read"],
    "assistants:write": VERBS["conversation.answer"],
    "events:write": VERBS["event.send"],
    "flows:read": VERBS["workspace.read"],
    "flows:write": VERBS["flow.start"],
    "runs:read": VERBS["workspace.read"],
    "runs:write": VERBS["run.retry"],
}

View = Callable[..., HttpResponseBase]


class RoleTooLow(PermissionDenied):
    """A member wants what only a higher role may do; shown as a page (403)."""

    def __init__(self, needed: Role) -> None:
        self.needed = needed
        super().__init__(_("This needs the role “%(role)s” or a higher one.") % {"role": needed.label})


def needed_role(verb: str | Role) -> Role:
    """The least role for a verb of the table. Raises KeyError for a verb that is not in it."""
    return verb if isinstance(verb, Role) else VERBS[verb]


def may(membership: Membership, verb: str | Role) -> bool:
    """Whether the member may do this."""
    return membership.can(needed_role(verb))


def demand(membership: Membership, verb: str | Role) -> None:
    """Raises RoleTooLow unless the member may do this."""
    if not may(membership, verb):
        raise RoleTooLow(needed_role(verb))


def requires(verb: str | Role) -> Callable[[View], View]:
    """Guard a view below /w/<slug>/ by a verb or a role: a stranger gets 404 (middleware), too low a role 403."""
    needed = needed_role(verb)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            demand(request.membership, needed)
            return view(request, *args, **kwargs)

        guarded.needed_role = needed  # type: ignore[attr-defined]
        return guarded

    return decorate
