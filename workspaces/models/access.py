"""What other systems come in with: API keys, and the calls they made with an Idempotency-Key."""

import hashlib
import secrets
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from workspaces.models.people import Membership
from workspaces.scope import ScopedQuerySet, TenantRow

PREFIX_LENGTH = 11


def hash_secret(secret: str) -> str:
    """SHA-256: the secret has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeyQuerySet(ScopedQuerySet["ApiKey"]):
    """API keys."""

    def issue(self, *, membership: Membership, name: str, scopes: list[str], **fields: Any) -> tuple["ApiKey", str]:
        """A new key and its secret; the secret is shown this once and kept as a hash."""
        secret = f"bw_{secrets.token_urlsafe(32)}"
        key = self.model(
            workspace=membership.workspace,
            membership=membership,
            name=name,
            scopes=scopes,
            prefix=secret[:PREFIX_LENGTH],
            secret_hash=hash_secret(secret),
            **fields,
        )
        key.save()
        return key, secret

    def adopt(self, *, membership: Membership, name: str, secret: str, scopes: list[str]) -> "ApiKey":
        """The key of a secret that was made elsewhere (the demo's); made on the first call."""
        key, _was_created = self.in_workspace(membership.workspace).get_or_create(
            secret_hash=hash_secret(secret),
            defaults={
                "workspace": membership.workspace,
                "membership": membership,
                "name": name,
                "prefix": secret[:PREFIX_LENGTH],
                "scopes": scopes,
            },
        )
        return key


class ApiKey(TenantRow):
    """A key for the API: never more than its maker's role, and gone with that membership."""

    KNOWN_SCOPES: ClassVar[tuple[str, ...]] = (
        "messages:read", "messages:write", "events:write", "assistants:read", "assistants:write",
        "senders:read", "templates:read", "flows:read", "flows:write", "runs:read", "runs:write",
    )  # fmt: skip

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("begins with"), max_length=PREFIX_LENGTH, db_index=True)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    # Where the key's calls so far reach to at the allowed rate (GCRA); see api/rate_limit.py.
    paced_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class IdempotentCall(TenantRow):
    """The answer to a call with an Idempotency-Key, kept so that the same call gets it again."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)

    class Meta:
        verbose_name = _("idempotent call")
        verbose_name_plural = _("idempotent calls")
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="idempotency_key_is_used_once")]

    def __str__(self) -> str:
        return self.key
