"""What a key may do: its scopes, and never more than its maker's role."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from workspaces.api.errors import ApiKeyInvalid, MethodNotAllowed, ScopeMissing
from workspaces.models import ApiKey
from workspaces.permissions import SCOPES, may


class HasScope(BasePermission):
    """The view declares `required_scopes = {"GET": "messages:read", "POST": "messages:write"}`.

    A method that is not declared is refused: forgetting one opens nothing.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            raise ApiKeyInvalid
        scope = needed_scope(view, request.method or "")
        if scope is None:
            raise MethodNotAllowed(method=request.method)
        if scope not in key.scopes or not may(key.membership, SCOPES[scope]):
            raise ScopeMissing(scope=scope, key=str(key))
        return True


def needed_scope(view: Any, method: str) -> str | None:
    """The scope that the view wants for the method; HEAD and OPTIONS read."""
    scopes: dict[str, str] = getattr(view, "required_scopes", {})
    return scopes.get(method) or (scopes.get("GET") if method in SAFE_METHODS else None)
