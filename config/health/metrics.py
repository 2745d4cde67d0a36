"""The installation's figures in Prometheus's text format: a handful of indexed questions, no library needed.

Runs and sends are counted over a sliding span and not for ever: their ids sort by time (UUIDv7), so a span is an index
range, while a total would read the whole table at every scrape.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import quantiles
from uuid import UUID

from django.db.models import Count
from redis import RedisError

from automations.models import Run
from config.health import probes
from messaging.models import Message

RUNS_SPAN = timedelta(hours=1)
SENDS_SPAN = timedelta(minutes=5)
SENDS_AT_MOST = 1_000
QUANTILES = (0.5, 0.95, 0.99)


def metrics_text(now: datetime) -> str:
    """Every figure with its help and type. Raises DatabaseError; a broker that is away is a figure itself."""
    return "".join(f"{line}\n" for line in _lines(now))


def _lines(now: datetime) -> Iterator[str]:
    depths: dict[str, float] = {}
    try:
        depths = {f'{{queue="{queue}"}}': probes.queue_depth(queue) for queue in probes.QUEUES}
        is_there = 1
    except (RedisError, OSError):
        is_there = 0
    yield from _gauge("broker_up", "Whether the queue's broker answers.", {"": is_there})
    yield from _gauge("queue_depth", "Tasks that wait on a queue.", depths)
    lag, age = probes.clock_lag(now).total_seconds(), probes.webhook_age(now).total_seconds()
    yield from _gauge("clock_lag_seconds", "How long the oldest due row has waited for the clock.", {"": lag})
    yield from _gauge("webhook_age_seconds", "Age of the oldest delivery that is not worked off.", {"": age})
    yield from _gauge("runs_not_taken", "Runs on the queue that no worker has begun.", {"": probes.runs_not_taken(now)})
    yield from _gauge("runs", "Runs begun within the last hour, by how they stand.", _runs(now))
    yield from _gauge("messages", "Messages of the last 5 minutes that went out, by how they stand.", _messages(now))
    yield from _send_latency(now)
    free, _share = probes.disk_free()
    yield from _gauge("disk_free_bytes", "Free on the disk that holds DATA_DIR.", {"": free})


def _gauge(name: str, text: str, values: dict[str, float]) -> Iterator[str]:
    yield f"# HELP botenwerk_{name} {text}"
    yield f"# TYPE botenwerk_{name} gauge"
    for labels, value in values.items():
        yield f"botenwerk_{name}{labels} {value:g}" if isinstance(value, float) else f"botenwerk_{name}{labels} {value}"


def _runs(now: datetime) -> dict[str, float]:
    counted = dict.fromkeys(Run.Status.values, 0)
    begun = Run.objects.across_workspaces().filter(public_id__gte=_first_id(now - RUNS_SPAN))
    counted |= dict(begun.order_by().values_list("status").annotate(Count("pk")))
    return {f'{{outcome="{status}"}}': number for status, number in counted.items()}


def _messages(now: datetime) -> dict[str, float]:
    out = Message.objects.across_workspaces().filter(
        public_id__gte=_first_id(now - SENDS_SPAN), direction=Message.Direction.OUT
    )
    counted = dict(out.order_by().values_list("status").annotate(Count("pk")))
    return {f'{{status="{status}"}}': number for status, number in sorted(counted.items())}


def _send_latency(now: datetime) -> Iterator[str]:
    """From the row's beginning, or its slot, to the platform's acceptance."""
    rows = Message.objects.across_workspaces().filter(
        public_id__gte=_first_id(now - SENDS_SPAN), direction=Message.Direction.OUT, accepted_at__isnull=False
    )
    pairs = rows.order_by("-public_id").values_list("occurred_at", "accepted_at")[:SENDS_AT_MOST]
    seconds = sorted(
        max(0.0, (accepted_at - began_at).total_seconds()) for began_at, accepted_at in pairs if accepted_at
    )
    yield "# HELP botenwerk_send_seconds From the beginning of a send to its acceptance, over the last 5 minutes."
    yield "# TYPE botenwerk_send_seconds summary"
    if seconds:
        cuts = quantiles([*seconds, seconds[-1]], n=100, method="inclusive")
        for quantile in QUANTILES:
            yield f'botenwerk_send_seconds{{quantile="{quantile}"}} {cuts[round(quantile * 100) - 1]:.4f}'
    yield f"botenwerk_send_seconds_sum {sum(seconds):.4f}"
    yield f"botenwerk_send_seconds_count {len(seconds)}"


def _first_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of this millisecond."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
