"""The log of who did what: one entry a verb, written by the service that did it, in its transaction."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from workspaces.models import ApiKey, AuditEntry, Membership, User, Workspace
from workspaces.scope import TenantRow

Actor = Membership | ApiKey | User | str


def record(by: Actor, verb: str, target: TenantRow | Workspace | Membership, **facts: Any) -> AuditEntry:
    """Write that `by` did `verb` (past tense, "flow.published") to `target`. Facts: never a secret, never a text.

    A str stands for machinery ("clock") and for people without an account in the product.
    """
    workspace = target if isinstance(target, Workspace) else target.workspace
    return AuditEntry.objects.in_workspace(workspace).create(
        actor=actor_label(by)[:200],
        verb=verb,
        target_kind=target._meta.model_name or "",
        target_id=str(getattr(target, "public_id", target.pk)),
        target_label=_label(target),
        facts=json.loads(json.dumps(facts, cls=DjangoJSONEncoder)),
    )


def actor_label(by: Actor) -> str:
    """How an actor is named in logs and in `started_by`; stays readable when the account is gone."""
    if isinstance(by, Membership):
        by = by.user
    if isinstance(by, User):
        return f"{by.name} <{by.email}>" if by.name else by.email
    if isinstance(by, ApiKey):
        return f"API: {by}"
    return by


def _label(target: models.Model) -> str:
    return str(target)[:200]
