"""Token buckets, one row each: when the next message may go (GCRA); and a sender's breaker."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from workspaces.models import Workspace
from workspaces.scope import ScopedQuerySet, TenantRow


class PaceQuerySet(ScopedQuerySet["Pace"]):
    """Buckets are moved under their lock; hold it as shortly as can be, the sender's row is hot."""

    def locked(self, workspace: Workspace, keys: Sequence[str]) -> "dict[str, Pace]":
        """The rows of these keys that there are, locked; call it inside a transaction.

        Always in the order of their ids, so that two who lock the same rows never wait for each other.
        """
        rows = {}
        for pace in self.in_workspace(workspace).select_for_update().filter(key__in=keys).order_by("pk"):
            pace.workspace = workspace
            rows[pace.key] = pace
        return rows

    def make(self, workspace: Workspace, keys: Sequence[str], *, now: datetime) -> None:
        """Make the rows that are missing; whoever else makes them in the same moment does no harm."""
        rows = [Pace(workspace=workspace, key=key, next_at=now) for key in sorted(keys)]
        self.in_workspace(workspace).bulk_create(rows, ignore_conflicts=True)


class Pace(TenantRow):
    """A bucket's theoretical arrival time. `key` names it: `sender:<id>`, `bulk:<sender id>`, `pair:<chat id>`,
    `workspace:<id>` or `breaker:<sender id>`.

    A breaker counts failures in a row, and then its probes; once it is open, `next_at` is when the next one may go.
    """

    key = models.CharField(max_length=80)
    next_at = models.DateTimeField(_("free from"))
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)

    objects = PaceQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="one_bucket_a_key")]

    def __str__(self) -> str:
        return self.key

    def move(self, **changes: Any) -> None:
        """Change the locked row. Anything else than one row is a bug of ours."""
        same = Pace.objects.in_workspace(self.workspace).filter(
            pk=self.pk, next_at=self.next_at, failures=self.failures
        )
        moved = same.update(**changes)
        assert moved == 1, self.key
        for name, value in changes.items():
            setattr(self, name, value)
