"""django-q2: two clusters, fast (replies) and bulk (campaigns), on a broker of ours. The values were measured."""

from django.utils.translation import gettext_lazy as _

from config.settings.environment import integer, url

_REDIS_URL = url("REDIS_URL", "", schemes=("redis", "rediss"))
_FAST_WORKERS = integer("FAST_WORKERS", 2, minimum=1)
_BULK_WORKERS = integer("BULK_WORKERS", 1, minimum=1)

# config.queue.cluster picks one of ALT_CLUSTERS.
Q_CLUSTER = {
    "name": "botenwerk",
    "broker_class": "config.queue.redis.RedisBroker" if _REDIS_URL else "config.queue.embedded.EmbeddedBroker",
    "redis": _REDIS_URL or {},
    "workers": _FAST_WORKERS,
    "queue_limit": _FAST_WORKERS,
    "bulk": 10,
    "recycle": 10_000,
    # Nothing about successes is kept: the run table is the truth. Failures are pruned by the heartbeat.
    "save_limit": -1,
    "ack_failures": True,
    "max_attempts": 1,
    "timeout": 60,
    "retry": 300,
    # Below 0.5 the time-out backstop, which compares floats, never fires.
    "guard_cycle": 0.5,
    "scheduler": False,
    "cache": "default",
    "log_level": "WARNING",
    "label": _("Queue"),
    "ALT_CLUSTERS": {
        "fast": {"workers": _FAST_WORKERS, "queue_limit": _FAST_WORKERS},
        "bulk": {"workers": _BULK_WORKERS, "queue_limit": _BULK_WORKERS},
    },
}

# Threads of each worker that advance runs side by side, each with a database connection.
CREW_SEATS = integer("CREW_SEATS", 16)
# So many runs of one workspace at once: its campaign leaves seats for another's reply.
RUNS_AT_ONCE = integer("RUNS_AT_ONCE", 24)
