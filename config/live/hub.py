"""The fan-out: one watcher a process reads new changes, every open stream gets those of its topics."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError

from config.live.changes import ChangeReader, Seen
from workspaces.stopping import is_stopping

POLL_SECONDS = 0.2
# A tab that does not read (asleep, a dead line) is told to fetch all instead of being remembered for.
MAX_WAITING = 200
ALL = "all"

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Subscription:
    """One open stream: what it wants to hear and what it has not been sent yet."""

    workspace_id: int
    topics: frozenset[str]
    waiting: "asyncio.Queue[Seen | None]" = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))

    def offer(self, change: Seen) -> None:
        """Queue the change if it is for this stream."""
        if change.workspace_id != self.workspace_id or (self.topics and change.topic not in self.topics):
            return
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self._forget()
            self.waiting.put_nowait(Seen(change.id, change.workspace_id, ALL))

    def end(self) -> None:
        """Tell the stream that it is over."""
        self._forget()
        self.waiting.put_nowait(None)

    def _forget(self) -> None:
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                self.waiting.get_nowait()


class Hub:
    """All open streams of this process; the watcher runs while there is one."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._watcher: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def subscription(self, workspace_id: int, topics: frozenset[str]) -> Iterator[Subscription]:
        """A stream's place in the fan-out, for as long as it is open. Empty topics mean every one."""
        subscription = Subscription(workspace_id, topics)
        self._subscriptions.add(subscription)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        # One thread of its own: one database connection for all streams, whatever the pages are doing.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="live") as thread:
            reader = await loop.run_in_executor(thread, ChangeReader)
            while self._subscriptions and not is_stopping():
                try:
                    for change in await loop.run_in_executor(thread, reader.read):
                        for subscription in list(self._subscriptions):
                            subscription.offer(change)
                except (DatabaseError, InterfaceError) as error:
                    logger.error("Changes cannot be read, trying again: %s", error)
                await asyncio.sleep(POLL_SECONDS)
            await loop.run_in_executor(thread, reader.close)
        for subscription in list(self._subscriptions):
            subscription.end()


hub = Hub()
