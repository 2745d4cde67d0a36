"""The broker on Redis: django-q2's own, with short time-outs and a heartbeat in front of the queue."""

import logging
import time
from functools import cache

import redis
from django_q.brokers.redis_broker import Redis
from django_q.conf import Conf
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.queue.heartbeat import SlippedInBeats

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.2
BLOCK_SECONDS = 1
ERROR_PAUSE_SECONDS = 1.0
_away_until = 0.0


@cache
def client(read_seconds: float) -> redis.Redis:
    """This process's client: a connection that went stale is tried anew once, all else fails fast."""
    return redis.Redis.from_url(
        Conf.REDIS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=read_seconds,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


class RedisBroker(Redis):
    """Enqueueing never holds a request up for long: a task may be lost, the clock finds what it was for."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._beats = SlippedInBeats()

    def enqueue(self, task: str) -> int:
        """Push the task. Raises RedisError; at once for a second after one: each attempt costs a request 0.4 s."""
        global _away_until
        if time.monotonic() < _away_until:
            raise redis.ConnectionError("Redis did not answer a moment ago")
        try:
            return int(super().enqueue(task))
        except redis.RedisError:
            _away_until = time.monotonic() + ERROR_PAUSE_SECONDS
            raise

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        """The client for everything but waiting."""
        return client(TIMEOUT_SECONDS)

    def dequeue(self) -> list[tuple[None, bytes | str]]:
        """The heartbeat when it is due, and the oldest task; waits up to a second where there is none. Never raises."""
        beats: list[tuple[None, bytes | str]] = [*self._beats.due()]
        try:
            if beats:
                payload = self.connection.lpop(self.list_key)
                return [*beats, (None, payload)] if payload else beats
            found = client(BLOCK_SECONDS + 1.0).blpop([self.list_key], BLOCK_SECONDS)
            return [(None, found[1])] if found else []
        except redis.RedisError as error:
            logger.error("Redis cannot be read, trying again: %s", error)
            time.sleep(ERROR_PAUSE_SECONDS)
            return beats

    def ping(self) -> bool:
        """Always there: Redis's absence is met in `dequeue`, so a cluster waits for it instead of dying."""
        return True
