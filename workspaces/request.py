"""The request as views of a workspace see it."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from workspaces.models import Membership, User, Workspace


class WorkspaceRequest(HttpRequest):
    """A request below /w/<slug>/: the middleware has checked that the user is a member of the workspace."""

    user: User
    workspace: Workspace
    membership: Membership
    htmx: HtmxDetails
