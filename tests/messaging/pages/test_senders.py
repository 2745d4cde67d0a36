"""Numbers: connected against the real thing over HTTP, checked, paused, disconnected."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from messaging.emulator.testing import run_emulator
from messaging.models import Conversation, Message, Sender
from messaging.services.breaker import OPENS_AT, note_outage
from messaging.services.outbox import Origin, SlotPolicy, send_text
from tests.messaging.pages.conftest import BASE, NOON
from workspaces.models import Workspace

ENTERED = {
    "provider_number_id": "100200300",
    "business_account_id": "900800700",
    "token": "token-of-the-test",
    "app_secret": "ein-geheimnis",
    "verify_token": "ein-wort",
}


@pytest.fixture(scope="module")
def emulator_server() -> Iterator[Any]:
    """One emulator for these tests."""
    with run_emulator() as server:
        yield server


@pytest.fixture
def platform(emulator_server: Any, settings: Any) -> Any:
    """The emulator with one number that nobody has connected yet."""
    settings.PROVIDER_ADDRESSES = {"cloud_api": emulator_server.url}
    emulator_server.client.reset()
    emulator_server.client.register_number(
        "100200300", waba_id="900800700", phone="+43316555010", name="Praxis Graz", token="token-of-the-test"
    )
    return emulator_server.client


def test_without_a_number_the_page_offers_to_connect_one(browser: Client) -> None:
    assert f"{BASE}/senders/connect/" in browser.get(f"{BASE}/senders/").content.decode()


def test_a_number_is_connected_and_shown(browser: Client, platform: Any, workspace: Workspace) -> None:
    page = browser.post(f"{BASE}/senders/connect/", ENTERED)
    sender = Sender.objects.in_workspace(workspace).get()
    assert page["Location"] == f"{BASE}/senders/{sender.public_id}/"
    shown = browser.get(page["Location"]).content.decode()
    assert f"/webhooks/whatsapp/{sender.public_id}/" in shown
    assert "ein-geheimnis" not in shown
    assert "token-of-the-test" not in shown


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"token": "falsch"}, "token"), ({"provider_number_id": "999"}, "provider_number_id")],
)
def test_a_refused_part_says_so_at_its_field_and_keeps_the_rest(
    browser: Client, platform: Any, changed: dict[str, str], field: str
) -> None:
    page = browser.post(f"{BASE}/senders/connect/", ENTERED | changed)
    assert page.status_code == 422
    assert field in page.context["form"].errors
    shown = page.content.decode()
    assert 'value="900800700"' in shown
    assert "ein-geheimnis" not in shown
    assert "falsch" not in shown


def test_what_is_missing_is_said_before_any_call(browser: Client, platform: Any) -> None:
    page = browser.post(f"{BASE}/senders/connect/", {"token": "x"})
    assert page.status_code == 422
    assert set(page.context["form"].errors) == set(ENTERED) - {"token"}


def test_a_number_is_connected_once(browser: Client, platform: Any) -> None:
    browser.post(f"{BASE}/senders/connect/", ENTERED)
    page = browser.post(f"{BASE}/senders/connect/", ENTERED)
    assert page.status_code == 422
    assert "provider_number_id" in page.context["form"].errors


def test_a_check_shows_each_part_with_its_cure(browser: Client, platform: Any, workspace: Workspace) -> None:
    browser.post(f"{BASE}/senders/connect/", ENTERED)
    sender = Sender.objects.in_workspace(workspace).get()
    Sender.objects.in_workspace(workspace).update(token="")
    sender.token = "abgelaufen"
    sender.save(update_fields=["token"])
    page = browser.post(f"{BASE}/senders/{sender.public_id}/check/", follow=True)
    bad = [row["finding"] for row in page.context["findings"] if not row["finding"].is_ok]
    assert "token" in [finding.part for finding in bad]
    assert all(finding.error.cure_text() for finding in bad)


def test_a_number_is_paused_and_resumed(browser: Client, sender: Sender) -> None:
    browser.post(f"{BASE}/senders/{sender.public_id}/pause/")
    sender.refresh_from_db()
    assert sender.is_paused
    browser.post(f"{BASE}/senders/{sender.public_id}/resume/")
    sender.refresh_from_db()
    assert not sender.is_paused


def test_ai_answers_need_an_assistant(browser: Client, sender: Sender) -> None:
    browser.post(f"{BASE}/senders/{sender.public_id}/ai-answers/", {"is_on": "1"})
    sender.refresh_from_db()
    assert not sender.ai_answers


def test_disconnecting_asks_for_the_name(browser: Client, sender: Sender) -> None:
    page = browser.post(f"{BASE}/senders/{sender.public_id}/disconnect/", {"name": "Praxi"})
    assert page.status_code == 422
    assert 'value="Praxi"' in page.content.decode()
    browser.post(f"{BASE}/senders/{sender.public_id}/disconnect/", {"name": "Praxis"})
    sender.refresh_from_db()
    assert sender.retired_at is not None
    assert browser.get(f"{BASE}/senders/{sender.public_id}/").status_code == 404


def test_the_verify_token_is_for_who_may_change_it(sender: Sender, as_role: Callable[[str], Client]) -> None:
    address = f"{BASE}/senders/{sender.public_id}/"
    assert "pruef-wort" in as_role("admin").get(address).content.decode()
    assert "pruef-wort" not in as_role("editor").get(address).content.decode()


def test_the_list_costs_the_same_for_10_and_30_numbers(
    workspace: Workspace, count_queries: Callable[[str], int]
) -> None:
    def fill(first: int, last: int) -> int:
        rows = Sender.objects.in_workspace(workspace)
        for number in range(first, last):
            rows.create(
                provider_number_id=f"9{number}", business_account_id="1", display_name=f"N{number}", status="online"
            )
        return count_queries(f"{BASE}/senders/")

    assert fill(0, 10) == fill(10, 30)


def test_what_becomes_of_a_lost_answer_is_chosen_here(browser: Client, sender: Sender) -> None:
    address = f"{BASE}/senders/{sender.public_id}/"
    assert browser.post(f"{address}lost-answers/", {"unknown_policy": "perhaps"}).status_code == 422
    browser.post(f"{address}lost-answers/", {"unknown_policy": "resend"})
    sender.refresh_from_db()
    assert sender.unknown_policy == "resend"
    shown = browser.get(address).context["lost_answers_form"]
    assert shown["unknown_policy"].value() == "resend"


def test_a_platform_that_is_away_is_said_with_what_waits(
    browser: Client, sender: Sender, converse: Callable[..., Any]
) -> None:
    chat = converse().chat
    for _time in range(OPENS_AT):
        note_outage(sender, now=NOON)
    message = send_text(
        sender=sender,
        chat=chat,
        text="Guten Tag",
        origin=Origin(kind=Message.Cause.API),
        key=None,
        now=NOON,
        slots=SlotPolicy(kind="queue", deadline=NOON + timedelta(hours=1)),
    )
    page = browser.get(f"{BASE}/senders/{sender.public_id}/")
    assert page.context["breaker"].is_open
    assert page.context["waiting"] == 1
    assert "12:00:05" in page.content.decode()
    thread = browser.get(f"{BASE}/inbox/{Conversation.objects.in_workspace(sender.workspace).get().public_id}/")
    assert "12:00:05" in thread.content.decode()
    assert (message.waits_for, message.waits_until) == ("breaker", NOON + timedelta(seconds=5))
