"""The customers' side: each writes once, and answers the second message once."""

import contextlib
import heapq
import random
import threading
import time
from typing import Any

from messaging.emulator.client import EmulatorClient, EmulatorRefused
from tests.house import NUMBER_ID

LOOK_SECONDS = 0.1
ANSWER_AFTER = (0.0, 1.5)
# On a slow machine they write no faster than they are answered, or the storm would be over before the work is done.
OPEN_AT_MOST = 40
PATIENT_SECONDS = 90.0


def phone_of(number: int) -> str:
    """The customer's phone; an ordinary Austrian mobile number."""
    return f"+436641{number:06d}"


def opening_of(number: int) -> str:
    """What the customer writes first."""
    return f"Start {number} {'ungerade' if number % 2 else 'gerade'}"


def answer_of(number: int) -> str:
    """What the customer answers."""
    return f"Antwort {number}"


class Customers(threading.Thread):
    """Writes at a steady rate until all have written and answered, or it is stopped."""

    def __init__(self, emulator: EmulatorClient, *, count: int, per_second: float, chance: random.Random) -> None:
        super().__init__(name="customers", daemon=True)
        self.emulator = EmulatorClient(emulator.url)
        self.count, self.per_second, self.chance = count, per_second, chance
        self.written = 0
        self.answered: set[int] = set()
        self.stopped = threading.Event()
        self._known: set[int] = set()
        self._written_at: list[float] = []
        self._due: list[tuple[float, int]] = []
        self._read_to = 0

    @property
    def are_done(self) -> bool:
        """Whether everybody has written and answered."""
        return len(self.answered) == self.count

    def run(self) -> None:
        """Write, look, answer."""
        next_at = time.monotonic()
        while not self.stopped.wait(LOOK_SECONDS) and not self.are_done:
            while self.written < self.count and next_at <= time.monotonic() and self._open() < OPEN_AT_MOST:
                self.emulator.customer_writes(phone_of(self.written), NUMBER_ID, opening_of(self.written))
                self._written_at.append(time.monotonic())
                self.written += 1
                next_at = max(next_at + 1 / self.per_second, time.monotonic() - 1)
            self._look()
            while self._due and self._due[0][0] <= time.monotonic():
                _at, number = heapq.heappop(self._due)
                with contextlib.suppress(EmulatorRefused):
                    self.emulator.customer_writes(phone_of(number), NUMBER_ID, answer_of(number))
                    self.answered.add(number)

    def _open(self) -> int:
        """Customers who wait for their second message; who has waited long is not waited for."""
        old = sum(at < time.monotonic() - PATIENT_SECONDS for at in self._written_at)
        return sum(number not in self._known for number in range(old, self.written))

    def _look(self) -> None:
        for entry in self.emulator.journal(self._read_to):
            self._read_to = entry["id"]
            number = second_message(entry)
            if number is not None and number not in self._known:
                self._known.add(number)
                heapq.heappush(self._due, (time.monotonic() + self.chance.uniform(*ANSWER_AFTER), number))


def second_message(entry: dict[str, Any]) -> int | None:
    """The customer whose second message this journal entry accepted, or None."""
    text = accepted_text(entry)
    if text is None or not text.startswith("zwei"):
        return None
    return int(text.split()[2])


def accepted_text(entry: dict[str, Any]) -> str | None:
    """The text that the platform accepted in this journal entry, or None."""
    answer = entry.get("answer")
    if entry["kind"] != "call" or not (isinstance(answer, dict) and answer.get("messages")):
        return None
    return str(entry["body"]["text"]["body"])
