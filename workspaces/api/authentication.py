"""Who calls the API: the key in `Authorization: Bearer`, and with it the workspace."""

import hmac
from datetime import datetime, timedelta

from django.utils import timezone, translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from workspaces.api.errors import ApiKeyInvalid
from workspaces.languages import asked_language
from workspaces.models import ApiKey, User
from workspaces.models.access import PREFIX_LENGTH, hash_secret

USE_IS_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """Sets request.workspace and request.api_key. Unknown, expired, revoked and orphaned keys all answer alike."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """None without a Bearer header (the permission then answers 401); raises ApiKeyInvalid."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        now = timezone.now()
        key = _find(secret.strip().decode("ascii", "replace"))
        if key is None or not key.is_valid(now) or key.workspace.is_paused or not key.membership.user.is_active:
            raise ApiKeyInvalid
        _note_use(key, now)
        _enter(request, key)
        return key.membership.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def key_of(request: Request) -> ApiKey:
    """The key of a request that has passed authentication."""
    assert isinstance(request.auth, ApiKey)
    return request.auth


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme in the OpenAPI document."""

    target_class = "workspaces.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "API key"}


def _find(secret: str) -> ApiKey | None:
    """By prefix, then compared in constant time: the time of a look-up tells nothing about the rest of a key."""
    if not secret.isascii() or not secret.isprintable():
        return None
    digest = hash_secret(secret)
    keys = ApiKey.objects.across_workspaces().select_related("workspace", "membership__user")
    for key in keys.filter(prefix=secret[:PREFIX_LENGTH]):
        if hmac.compare_digest(key.secret_hash, digest):
            return key
    return None


def _note_use(key: ApiKey, now: datetime) -> None:
    """At most once a minute, so that reading costs no write."""
    if key.last_used_at is None or key.last_used_at < now - USE_IS_NOTED_EVERY:
        ApiKey.objects.in_workspace(key.workspace).filter(pk=key.pk).update(last_used_at=now)


def _enter(request: Request, key: ApiKey) -> None:
    """The workspace for the rest of the request; its zone, and its language unless the caller asks for one."""
    request._request.workspace = key.workspace  # type: ignore[attr-defined]
    request._request.membership = key.membership  # type: ignore[attr-defined]
    request._request.api_key = key  # type: ignore[attr-defined]
    timezone.activate(key.workspace.zone)
    if asked_language(request._request) is None:
        translation.activate(key.workspace.language)
