"""The embedded broker's table."""

from django.db import models


class QueuedTask(models.Model):
    """A task nobody has taken yet, first in first out; taking it deletes it (config/queue/embedded.py)."""

    id = models.BigAutoField(primary_key=True)
    queue = models.CharField(max_length=16)
    payload = models.TextField()

    class Meta:
        """One index for the one question: the oldest tasks of a queue."""

        indexes = [models.Index(fields=["queue", "id"], name="queued_task_first_in_first_out")]

    def __str__(self) -> str:
        return f"{self.queue} {self.pk}"
