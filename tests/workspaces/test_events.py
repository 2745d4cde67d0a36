"""Domain events: a subscriber that fails falls back to its own savepoint and not further."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cast import make_user
from workspaces import events
from workspaces.events import DomainEvent, publish, subscribe
from workspaces.models import User

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class DoorOpened(DomainEvent):
    name: str


def write(event: DoorOpened) -> None:
    make_user(event.name)


def write_and_fail(event: DoorOpened) -> None:
    make_user("lost")
    raise RuntimeError("broken")


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(events, "_subscribers", {})
    yield


def test_every_subscriber_hears_of_it() -> None:
    subscribe(DoorOpened, write)
    assert publish(DoorOpened(name="Eva")) == []
    assert User.objects.get().name == "Eva"


def test_a_failing_subscriber_loses_its_own_writes_only_and_is_named() -> None:
    make_user("before")
    subscribe(DoorOpened, write_and_fail)
    subscribe(DoorOpened, write)
    failures = publish(DoorOpened(name="after"))
    assert [failure.subscriber for failure in failures] == ["write_and_fail"]
    assert sorted(User.objects.values_list("name", flat=True)) == ["after", "before"]


def test_subscribing_twice_counts_once() -> None:
    subscribe(DoorOpened, write)
    subscribe(DoorOpened, write)
    publish(DoorOpened(name="Eva"))
    assert User.objects.count() == 1


def test_nobody_listening_is_no_failure() -> None:
    assert publish(DoorOpened(name="Eva")) == []
