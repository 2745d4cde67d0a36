"""The machinery for staff: how deep the queues are, how far the clock is behind, which process has shown no life."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_q.brokers import get_broker
from django_q.signing import BadSignature, SignedPackage
from redis import RedisError

from config.health import probes
from config.queue.heartbeat import heartbeat_file
from workspaces.admin.machinery import Part
from workspaces.models import QueuedTask

# The supervisor kills what has been silent for 30 s.
SILENT_AFTER = timedelta(seconds=30)
BEHIND_AFTER = timedelta(seconds=15)
OLD_AFTER = timedelta(seconds=60)


def machinery(now: datetime) -> Iterator[Part]:
    """How each part stands. A part that cannot be asked says so; none keeps the others from being shown."""
    for queue, name in (("fast", _("Fast queue")), ("bulk", _("Bulk queue"))):
        yield _queue(queue, name, now)
    yield _clock(now)
    yield _deliveries(now)
    not_taken = probes.runs_not_taken(now)
    words = ngettext("%(count)s run", "%(count)s runs", not_taken) % {"count": not_taken}
    yield Part(label=_("Queued runs that no worker begins"), value=words, is_well=not not_taken)
    for process, name in (("clock", _("Clock")), ("fast", _("Fast cluster")), ("bulk", _("Bulk cluster"))):
        yield _beat(process, name, now)
    free, share = probes.disk_free()
    value = _("%(gigabytes)s GB, %(percent)s %%") % {"gigabytes": free // 1024**3, "percent": round(share * 100)}
    yield Part(label=_("Free on the disk"), value=value, is_well=share > 0.03)


def oldest_task(queue: str) -> datetime | None:
    """When the task that waits longest was put on the queue; None where none waits. Raises the broker's own error."""
    broker = get_broker(queue)
    if hasattr(broker.connection, "lindex"):
        package = broker.connection.lindex(broker.list_key, 0)
    else:
        package = QueuedTask.objects.filter(queue=queue).order_by("id").values_list("payload", flat=True).first()
    if package is None:
        return None
    try:
        started: datetime = SignedPackage.loads(package)["started"]
    except (BadSignature, KeyError, ValueError):
        return None
    return started


def _queue(queue: str, name: str, now: datetime) -> Part:
    label = _("%(queue)s: tasks that wait") % {"queue": name}
    try:
        depth, oldest = probes.queue_depth(queue), oldest_task(queue)
    except (RedisError, OSError):
        note = _("Work is taken in and waits. Everything goes on by itself as soon as it is back.")
        return Part(label=label, value=_("The broker does not answer"), note=note, is_well=False)
    words = ngettext("%(count)s task", "%(count)s tasks", depth) % {"count": depth}
    if oldest is None:
        return Part(label=label, value=words)
    age = max(now - oldest, timedelta(0))
    note = _("The oldest for %(length)s.") % {"length": _length(age)}
    return Part(label=label, value=words, note=note, is_well=age < OLD_AFTER or queue == "bulk")


def _clock(now: datetime) -> Part:
    lag = probes.clock_lag(now)
    note = "" if lag < BEHIND_AFTER else _("Delays and reminders come late until it has caught up.")
    return Part(label=_("Clock behind"), value=_length(lag), note=note, is_well=lag < BEHIND_AFTER)


def _deliveries(now: datetime) -> Part:
    age = probes.webhook_age(now)
    return Part(label=_("Oldest delivery not worked off"), value=_length(age), is_well=age < SILENT_AFTER)


def _beat(process: str, name: str, now: datetime) -> Part:
    """The last sign of life of a process of this machine; on another machine its own page says so."""
    label = _("%(process)s: last sign of life") % {"process": name}
    try:
        touched = datetime.fromtimestamp(heartbeat_file(process).stat().st_mtime, UTC)
    except OSError:
        note = _("It runs on another machine, or is not started.")
        return Part(label=label, value=_("none on this machine"), note=note)
    silence = max(now - touched, timedelta(0))
    is_well = silence < SILENT_AFTER
    note = "" if is_well else _("The supervisor replaces what has been silent for half a minute.")
    return Part(label=label, value=_("%(length)s ago") % {"length": _length(silence)}, note=note, is_well=is_well)


def _length(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds < 120:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    minutes = seconds // 60
    if minutes < 120:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    return ngettext("%(count)s hour", "%(count)s hours", minutes // 60) % {"count": minutes // 60}
