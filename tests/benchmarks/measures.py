"""What is measured of one installation. Figures compare only within one run on one machine."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automations.models import Run
from automations.tasks import advance_now
from messaging.models import WebhookEvent
from messaging.services.webhook_intake import take_in
from messaging.tasks import process_webhook_event
from tests.benchmarks.customers import Customers, body_of
from tests.benchmarks.place import Place
from workspaces.models import QueuedTask

Figures = dict[str, float]
PATIENCE_SECONDS = 30.0
SLOW_PLATFORM_MS = 300
BURST = 400
# BEGIN, COMMIT and savepoints are counted apart: they carry nothing.
AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


def commits_a_second(seconds: float = 2.0) -> Figures:
    """The machine's own: one row a transaction, one connection, nothing between."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_limit (id integer, body text)")
        done, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            with transaction.atomic():
                cursor.execute("INSERT INTO bench_limit VALUES (%s, %s)", [done, "x" * 400])
            done += 1
        cursor.execute("DROP TABLE bench_limit")
    return {"machine's commits/s": done / seconds}


def statements_a_run(place: Place) -> Figures:
    """Statements and commits of webhook -> branch -> send, from the webhook on; worked off in this process."""
    counted: Figures = {}
    for number in range(2):
        body = body_of(f"4366400000{number:02d}", "I need an appointment")
        parts: list[Callable[[], Any]] = [
            lambda body=body: take_in(sender=place.sender, body=body, now=timezone.now()),
            lambda: process_webhook_event(WebhookEvent.objects.latest("id").pk),
            lambda: advance_now(Run.objects.in_workspace(place.sender.workspace).latest("id").pk),
        ]
        statements = commits = 0
        for part in parts:
            with CaptureQueriesContext(connection) as found:
                part()
            spoken = [query["sql"].lstrip().split(" ", 1)[0].rstrip(";") for query in found.captured_queries]
            statements += sum(word not in AROUND for word in spoken)
            commits += spoken.count("COMMIT") + _alone(found.captured_queries)
        # The first one pays for what is made once; the second is what each further customer costs.
        counted = {"statements a run": statements, "commits a run": commits}
    QueuedTask.objects.all().delete()
    connection.close()
    return counted


def _alone(queries: list[dict[str, str]]) -> int:
    """Writes outside of a transaction are a commit each."""
    is_inside, found = False, 0
    for query in queries:
        word = query["sql"].lstrip().split(" ", 1)[0].rstrip(";")
        if word == "BEGIN":
            is_inside = True
        elif word in ("COMMIT", "ROLLBACK"):
            is_inside = False
        elif word in ("INSERT", "UPDATE", "DELETE") and not is_inside:
            found += 1
    return found


async def at_idle(place: Place, events: int = 60) -> Figures:
    """One customer after the other: webhook in to provider call out."""
    customers, arrived = Customers(place.webhook), _Arrived(place)
    for _number in range(events):
        phone = await customers.write()
        await arrived.wait_for({phone})
        await asyncio.sleep(0.02)
    times = sorted((arrived.at[phone] - customers.due[phone]) / 1e6 for phone in customers.due)
    return {"idle: webhook to send p50 ms": _share(times, 50), "idle: webhook to send p95 ms": _share(times, 95)}


async def as_fast_as_it_goes(place: Place, seconds: float, at_once: int = 16) -> Figures:
    """Keeps so many events between webhook and send: runs a second, and what a run costs of CPU."""
    customers, arrived = Customers(place.webhook), _Arrived(place)
    cpu, began_at = place.cpu_seconds(), time.monotonic()

    async def customer() -> None:
        while time.monotonic() < began_at + seconds:
            await arrived.wait_for({await customers.write()})

    looking = asyncio.ensure_future(arrived.look_on())
    writers = [asyncio.ensure_future(customer()) for _ in range(at_once)]
    await asyncio.sleep(seconds)
    done, took, used = len(arrived.at), time.monotonic() - began_at, place.cpu_seconds() - cpu
    await asyncio.gather(*writers)
    looking.cancel()
    return {
        "runs/s": done / took,
        "CPU ms a run": 1000 * used / max(done, 1),
        "lost": sum(phone not in arrived.at for phone in customers.acknowledged),
        "wrong or doubled": arrived.wrong(customers.expected),
    }


async def under_load(place: Place, rate: float, seconds: float) -> Figures:
    """Open loop at this rate: how fast webhooks are acknowledged, and whether all arrive."""
    customers, arrived = Customers(place.webhook), _Arrived(place)
    looking = asyncio.ensure_future(arrived.look_on())
    await customers.write_at(rate, seconds)
    backlog = len(customers.due) - len(arrived.at)
    await arrived.wait_for(set(customers.acknowledged))
    looking.cancel()
    acks = sorted((at - customers.due[phone]) / 1e6 for phone, at in customers.acknowledged.items())
    ends = sorted((at - customers.due[phone]) / 1e6 for phone, at in arrived.at.items() if phone in customers.due)
    return {
        "70 %: events/s": rate,
        "70 %: acknowledge p50 ms": _share(acks, 50),
        "70 %: acknowledge p99 ms": _share(acks, 99),
        "70 %: webhook to send p95 ms": _share(ends, 95),
        "70 %: on the way at the end": backlog,
        "70 %: lost": sum(phone not in arrived.at for phone in customers.acknowledged) + customers.refused,
    }


async def against_a_slow_platform(place: Place) -> Figures:
    """A burst for one sender, each answer 300 ms away: sends a second, between the 10th and the 90th percentile."""
    place.ask_platform(f"/delay/{SLOW_PLATFORM_MS}")
    customers, arrived = Customers(place.webhook), _Arrived(place)
    looking = asyncio.ensure_future(arrived.look_on())
    seats = asyncio.Semaphore(16)

    async def customer() -> None:
        async with seats:
            await customers.write()

    await asyncio.gather(*(customer() for _ in range(BURST)))
    await arrived.wait_for(set(customers.acknowledged))
    looking.cancel()
    place.ask_platform("/delay/0")
    times = sorted(arrived.at.values())
    low, high = len(times) // 10, len(times) * 9 // 10
    return {"sends/s of one sender at 300 ms": (high - low) / max((times[high] - times[low]) / 1e9, 0.001)}


class _Arrived:
    """When a send to each number reached the platform first, and what it said."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.at: dict[str, int] = {}
        self.said: dict[str, list[str]] = {}
        self._is_looking = False

    async def look(self) -> None:
        for phone, at, text in await asyncio.to_thread(self.place.ask_platform, "/seen"):
            self.at.setdefault(phone, at)
            self.said.setdefault(phone, []).append(text)

    async def look_on(self) -> None:
        """Look again and again, for all who wait."""
        self._is_looking = True
        while True:
            await self.look()
            await asyncio.sleep(0.02)

    async def wait_for(self, phones: set[str]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not phones <= self.at.keys() and time.monotonic() < until:
            if not self._is_looking:
                await self.look()
            await asyncio.sleep(0.005)

    def wrong(self, expected: dict[str, str]) -> int:
        return sum(self.said[phone] != [text] for phone, text in expected.items() if phone in self.said)


def _share(values: list[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else float("nan")
