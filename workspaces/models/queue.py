"""The embedded broker's table."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class QueuedTask(models.Model):
    """A task nobody has taken yet, first in first out; taking it deletes it (config/queue/embedded.py)."""

    queue = models.CharField(_("queue"), max_length=20)
    payload = models.TextField()

    class Meta:
        """One index for the one question: the oldest tasks of a queue."""

        verbose_name = _("queued task")
        verbose_name_plural = _("queued tasks")
        indexes = [models.Index(fields=["queue", "id"], name="tasks_in_order")]

    def __str__(self) -> str:
        return f"{self.queue} {self.pk}"
