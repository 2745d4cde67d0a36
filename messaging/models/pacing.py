"""Token buckets, one row each: when the next message may go (GCRA); and a sender's breaker."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from workspaces.scope import TenantRow


class Pace(TenantRow):
    """A bucket's theoretical arrival time. `key` names it: `sender:<id>`, `pair:<chat id>` or `breaker:<sender id>`.

    A breaker counts failures in a row; once it is open, `next_at` is when the next probe may go.
    """

    key = models.CharField(max_length=80)
    next_at = models.DateTimeField(_("free from"))
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="one_bucket_a_key")]

    def __str__(self) -> str:
        return self.key
