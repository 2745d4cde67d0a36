"""What a worker's log lines say about the task they belong to, and what is kept of one that failed."""

from typing import Any

import structlog
from django_q.signals import post_execute_in_worker, pre_execute

from config.logs import told_traceback


class TaskLog:
    """Connected once a cluster, before its workers are forked."""

    def connect(self) -> None:
        """Listen to the tasks of the workers forked from this process."""
        pre_execute.connect(self.on_start)
        post_execute_in_worker.connect(self.on_end)

    def on_start(self, task: dict[str, Any], **kwargs: Any) -> None:
        """Lines from here on carry the task and the row it is about."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(task=str(task["func"]).rsplit(".", 1)[-1], row=(*task["args"], None)[0])

    def on_end(self, task: dict[str, Any], **kwargs: Any) -> None:
        """django-q2 logs and stores the traceback with the exception's words, which may be a customer's."""
        if not task["success"]:
            task["result"] = told_traceback(str(task["result"]))
