"""/healthz, /readyz, /metrics, the health line, and what a request gets while the database is away."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from automations.models import Event
from config.health import line, probes
from messaging.models import Sender, WebhookEvent
from tests.cast import join, make_key, make_user, make_workspace
from workspaces.models import Membership, Role, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    workspace = Workspace.objects.get(pk=make_workspace("praxis-graz").pk)
    return join(workspace, make_user("Alice"), Role.OWNER)


@pytest.fixture
def page(owner: Membership) -> Client:
    client = Client()
    client.force_login(owner.user)
    return client


@pytest.fixture
def database_away() -> Iterator[None]:
    """Every statement fails as it does when the server is gone."""

    def away(*_: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        yield


def a_delivery(minutes: float) -> WebhookEvent:
    at = timezone.now() - timedelta(minutes=minutes)
    return WebhookEvent.objects.create(
        endpoint="app", digest=str(minutes), body=b"{}", received_at=at, wake_at=timezone.now() + timedelta(seconds=5)
    )


def metrics(client: Client, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    lines = [text.rsplit(" ", 1) for text in answer.content.decode().splitlines() if not text.startswith("#")]
    return {name: float(value) for name, value in lines}


# --- Probes ----------------------------------------------------------------------------------------
def test_alive_asks_nothing(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz", headers={"host": "10.0.0.7"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready_names_each_part(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "database": True,
        "migrations": True,
        "clock": True,
        "broker": True,
    }


def test_not_ready_while_the_database_is_away(client: Client, database_away: None) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (
        503,
        {"ok": False, "error": "OperationalError"},
    )


def test_not_ready_while_the_clock_stands(client: Client) -> None:
    WebhookEvent.objects.filter(pk=a_delivery(2).pk).update(wake_at=timezone.now() - timedelta(seconds=90))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert 90 <= answer.json()["checks"]["clock"]["lag_seconds"] < 95


def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'automations'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"]["ok"] is False


def test_probes_take_no_posts(client: Client) -> None:
    assert [client.post(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [405, 405, 405]


# --- Metrics ---------------------------------------------------------------------------------------
def test_metrics_count_what_waits(client: Client) -> None:
    a_delivery(2)
    figures = metrics(client)
    assert 120 <= figures["botenwerk_webhook_age_seconds"] < 125
    assert figures["botenwerk_clock_lag_seconds"] == 0
    assert figures["botenwerk_broker_up"] == 1
    assert figures['botenwerk_queue_depth{queue="fast"}'] == probes.queue_depth("fast")
    assert figures['botenwerk_runs{outcome="failed"}'] == 0
    assert figures["botenwerk_send_seconds_count"] == 0


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_metrics_are_not_for_who_comes_through_a_proxy(client: Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 403


def test_metrics_are_not_for_other_machines(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403


def test_metrics_want_the_token_where_there_is_one(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "nur-fuer-prometheus"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer falsch"}).status_code == 403
    token = {"authorization": "Bearer nur-fuer-prometheus"}
    assert client.get("/metrics", headers=token, REMOTE_ADDR="203.0.113.9").status_code == 200


# --- The line --------------------------------------------------------------------------------------
def parts(owner: Membership) -> list[str]:
    return [trouble.part for trouble in line.troubles_of(owner.workspace, timezone.now())]


@pytest.fixture(autouse=True)
def room_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "disk_free", lambda: (10**11, 0.5))


def test_all_is_well(page: Client) -> None:
    answer = page.get("/w/praxis-graz/health/")
    assert "Alles läuft." in answer.content.decode() or "Everything is running." in answer.content.decode()


def test_the_front_page_fetches_the_line_for_owners_only(page: Client, owner: Membership) -> None:
    assert "/w/praxis-graz/health/" in page.get("/w/praxis-graz/").content.decode()
    bob = join(owner.workspace, make_user("Bob"), Role.ADMIN)
    page.force_login(bob.user)
    assert "/w/praxis-graz/health/" not in page.get("/w/praxis-graz/").content.decode()


def test_staff_see_it_too(page: Client, owner: Membership) -> None:
    bob = join(owner.workspace, make_user("Bob", is_staff=True), Role.AGENT)
    page.force_login(bob.user)
    assert page.get("/w/praxis-graz/health/").status_code == 200


def test_a_clock_that_stands_shows_and_heals(owner: Membership) -> None:
    event = a_delivery(0)
    WebhookEvent.objects.filter(pk=event.pk).update(wake_at=timezone.now() - timedelta(seconds=40))
    assert parts(owner) == ["clock"]
    WebhookEvent.objects.filter(pk=event.pk).update(wake_at=None)
    assert parts(owner) == []


def test_deliveries_that_nobody_works_off_show(owner: Membership) -> None:
    a_delivery(1)
    assert parts(owner) == ["workers"]


def test_a_platform_that_does_not_answer_shows_with_its_number(
    page: Client, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender.objects.in_workspace(owner.workspace).create(
        provider_number_id="1", business_account_id="2", phone="+43316555010", display_name="Praxis Graz"
    )
    monkeypatch.setattr(probes, "open_breakers", lambda workspace: {sender.pk: None})
    with override("en"):
        (trouble,) = line.troubles_of(owner.workspace, timezone.now())
    assert (trouble.part, "Praxis Graz" in trouble.title) == ("platform", True)


def test_a_disk_that_is_nearly_full_shows(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "disk_free", lambda: (10**8, 0.5))
    assert parts(owner) == ["disk"]


def test_a_queue_that_is_away_shows(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(queue: str) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(probes, "queue_depth", away)
    assert parts(owner) == ["broker"]


# --- The database is away --------------------------------------------------------------------------
def test_a_page_says_that_the_database_is_away(page: Client, database_away: None) -> None:
    page.raise_request_exception = False
    answer = page.get("/w/praxis-graz/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b'class="bare-code">503' in answer.content


def test_a_page_that_needs_redis_says_that_it_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise redis.ConnectionError("refused")

    monkeypatch.setattr("config.request_log.RequestLogMiddleware.process_view", away)
    client.raise_request_exception = False
    answer = client.get("/accounts/login/")
    assert answer.status_code == 503
    assert b"Redis" in answer.content


def test_a_webhook_is_answered_503_so_that_it_comes_again(client: Client, database_away: None) -> None:
    client.raise_request_exception = False
    answer = client.post("/webhooks/whatsapp/", b"{}", content_type="application/json")
    assert answer.status_code == 503


def test_the_api_answers_503_with_a_code(client: Client, owner: Membership) -> None:
    _key, secret = make_key(owner)
    client.raise_request_exception = False

    def away(*_: Any) -> Any:
        raise OperationalError("away")

    with connection.execute_wrapper(away):
        answer = client.post(
            "/api/v1/events",
            {"event": "x", "data": {}},
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"},
        )
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert not Event.objects.in_workspace(owner.workspace).exists()
