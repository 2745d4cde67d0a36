"""What is looked at, each by one question with an answer in seconds or rows. No probe keeps books of its own.

The clock's lag is read off the rows it serves: it moves `wake_at` of all that is due, so what lies in the past was not
looked at. That holds on any number of machines, and a clock that stands shows at once.
"""

import shutil
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_q.brokers import get_broker

from automations.models import Run
from messaging.models import Sender, WebhookEvent
from messaging.services.breaker import open_breakers
from workspaces.models import Workspace
from workspaces.wakeups import wakeups

QUEUES = ("fast", "bulk")
# The clock enqueues a queued run after 5, 5, 10 and 20 s: from then on nobody has taken it.
NOT_TAKEN_TRIES = 3


def database_answers() -> None:
    """Raises DatabaseError or InterfaceError where it does not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def missing_migrations() -> list[str]:
    """Migrations of this version that the database has not seen."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def queue_depth(queue: str) -> int:
    """Tasks that wait. Raises the broker's own error where it is away."""
    return int(get_broker(queue).queue_size())


def clock_lag(now: datetime) -> timedelta:
    """How long the oldest due row has waited for the clock."""
    oldest = now
    for wakeup in wakeups():
        first = (
            wakeup.model._base_manager.filter(wake_at__lt=oldest).order_by("wake_at").values_list("wake_at", flat=True)
        )
        oldest = first.first() or oldest
    return now - oldest


def webhook_age(now: datetime) -> timedelta:
    """How old the oldest delivery is that nobody has worked off and that is to be tried again."""
    waiting = WebhookEvent.objects.filter(processed_at=None, wake_at__isnull=False)
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    return now - oldest if oldest else timedelta(0)


def runs_not_taken(now: datetime) -> int:
    """Runs that the clock has put on the queue again and again, and no worker has begun; at most 100 are counted."""
    queued = Run.objects.across_workspaces().filter(status=Run.Status.QUEUED, wake_tries__gt=NOT_TAKEN_TRIES)
    return len(queued.filter(wake_at__lte=now + timedelta(minutes=2)).values_list("pk")[:100])


def senders_cut_off(workspace: Workspace) -> list[Sender]:
    """Numbers of the workspace whose messages wait because the platform does not answer."""
    return list(Sender.objects.in_workspace(workspace).filter(pk__in=open_breakers(workspace)).order_by("id"))


def disk_free() -> tuple[int, float]:
    """Bytes, and their share of the disk, that are free where DATA_DIR lies."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    return usage.free, usage.free / usage.total
