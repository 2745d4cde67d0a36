"""Waking a worker: the one way a task is put on the queue, and a hint only; the rows are the truth."""

import logging
from functools import partial
from typing import Literal

from django.db import transaction
from django_q.tasks import async_task

from workspaces.crew import give_to_crew

Queue = Literal["fast", "bulk"]
logger = logging.getLogger(__name__)


def enqueue(task: str, row_id: int, *, queue: Queue = "fast") -> None:
    """Hand (dotted path, id) to a worker once the open transaction is committed; at once outside of one.

    Never raises: a task may be lost, doubled or late anyway, and the clock enqueues again what is past its
    `wake_at`. So a broker that is away does not fail the commit it follows.
    """
    transaction.on_commit(partial(_hand_over, task, row_id, queue), robust=True)


def _hand_over(task: str, row_id: int, queue: Queue) -> None:
    if give_to_crew(task, row_id):
        return
    try:
        async_task(task, row_id, cluster=queue)
    except Exception as error:
        logger.warning("Could not enqueue %s(%s) on %s: %s", task, row_id, queue, error)
