"""The storm: kills a process every 1 to 3 s and lets the platform misbehave, as a seed has it."""

import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import redis

from messaging.emulator.client import EmulatorClient
from tests.chaos.installation import Installation
from tests.chaos.processes import KINDS, kill, victims

KILL_EVERY = (1.0, 3.0)
FAULT_EVERY = (0.3, 0.9)
FLUSH_EVERY = (6.0, 12.0)
OPEN_FAULTS = 1
# Every way an answer or a status can go wrong, by how often it does.
FAULTS: tuple[tuple[int, dict[str, Any]], ...] = (
    (4, {"accept_then_close": True}),
    (2, {"accept_then_hang": True}),
    (3, {"delay_ms": 1500}),
    (3, {"http": 500}),
    (2, {"http": 503}),
    (1, {"http": 502}),
    (2, {"error": 130429}),
    (1, {"error": 131000}),
    (3, {"drop_status": "sent"}),
    (4, {"double_status": True}),
    (4, {"reverse_status": True}),
    (4, {"double_webhook": True}),
    (1, {"bad_signature": True}),
    # Accepted, the answer lost and every status too: nobody can ever know, so it has to be reported.
    (1, {"accept_then_close": True, "drop_status": True}),
)


class Storm:
    """Runs in threads until it is calmed; counts what it did."""

    def __init__(self, place: Installation, *, seed: int, redis_url: str = "", kills: bool = True) -> None:
        self.place, self.redis_url = place, redis_url
        self.killed: Counter[str] = Counter()
        self.kills: list[datetime] = []
        self.faults: Counter[str] = Counter()
        self.flushed = 0
        self.restarts = 0
        self._calm = threading.Event()
        # One chance each, so that the order of kills does not hang on the speed of the faults.
        parts = [(self._misbehave, seed + 1)]
        if kills:
            parts.append((self._kill, seed))
        if redis_url:
            parts.append((self._flush, seed + 2))
        self._threads = [threading.Thread(target=part, args=(random.Random(own),), daemon=True) for part, own in parts]

    def begin(self) -> None:
        """Let it break loose."""
        for thread in self._threads:
            thread.start()

    def calm(self) -> None:
        """End it: the platform is well again, whoever was killed is being started again."""
        self._calm.set()
        for thread in self._threads:
            thread.join(30)
        self.place.emulator.clear_faults()
        self.place.mind()

    def _kill(self, chance: random.Random) -> None:
        order: list[str] = []
        while not self._calm.wait(chance.uniform(*KILL_EVERY)):
            if not order:
                order = chance.sample(KINDS, len(KINDS))
            kind = order.pop()
            found = _patiently(kind, self.place.root, chance, self._calm)
            if kill(found, group=kind.startswith("group")):
                self.killed[kind] += 1
                self.kills.append(datetime.now(UTC))
            if kind == "supervisor":
                time.sleep(0.2)
            self.restarts += self.place.mind()

    def _misbehave(self, chance: random.Random) -> None:
        weights = [weight for weight, _effect in FAULTS]
        emulator = EmulatorClient(self.place.emulator.url)
        while not self._calm.wait(chance.uniform(*FAULT_EVERY)):
            _weight, effect = chance.choices(FAULTS, weights)[0]
            if len(emulator.call("GET", "faults")["data"]) >= OPEN_FAULTS:
                # Piled up they would meet every call there is, several at once: an outage, which has a test of its own.
                continue
            emulator.fault({}, effect)
            self.faults[
                " + ".join(f"{name} {value}" if value is not True else name for name, value in effect.items())
            ] += 1
        emulator.close()

    def _flush(self, chance: random.Random) -> None:
        server = redis.Redis.from_url(self.redis_url)
        while not self._calm.wait(chance.uniform(*FLUSH_EVERY)):
            server.flushall()
            self.flushed += 1


def _patiently(kind: str, root: int, chance: random.Random, calm: threading.Event) -> list[int]:
    """Victims of this kind; one that is being started again is waited for a moment."""
    for _ in range(20):
        found = victims(kind, root, chance)
        if found:
            return found
        if calm.wait(0.1):
            break
    return []
