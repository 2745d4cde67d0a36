"""The phone simulator: a customer's phone on the page, over the real emulator and its signed webhooks."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from messaging.emulator.testing import run_emulator
from messaging.models import Sender
from tests.messaging.pages.conftest import BASE
from workspaces.models import Workspace

EVA = "+436641234567"


@pytest.fixture(scope="module")
def emulator_server() -> Iterator[Any]:
    """One emulator for these tests; each begins with an empty one."""
    with run_emulator(sent_ms=1, delivered_ms=1) as server:
        yield server


@pytest.fixture
def demo(emulator_server: Any, settings: Any, workspace: Workspace) -> Any:
    """A workspace with a demo number, and the emulator that plays WhatsApp."""
    settings.EMULATOR_URL = emulator_server.url
    settings.PROVIDER_ADDRESSES = {"emulator": emulator_server.url}
    emulator_server.client.reset()
    emulator_server.client.register_number("1001", waba_id="2001", phone="+43316555010", name="Praxis", token="t")
    Sender.objects.in_workspace(workspace).create(
        address_key="emulator",
        provider_number_id="1001",
        business_account_id="2001",
        phone="+43316555010",
        display_name="Praxis",
        status="online",
        token="t",
    )
    return emulator_server.client


def test_real_numbers_have_no_simulated_phone(browser: Client, sender: Sender, settings: Any) -> None:
    settings.EMULATOR_URL = "http://127.0.0.1:9"
    page = browser.get(f"{BASE}/simulator/")
    assert page.status_code == 200
    assert 'class="phone"' not in page.content.decode()
    assert browser.post(f"{BASE}/simulator/write/", {"text": "Hallo"}).status_code == 404


def test_what_is_typed_stands_on_the_phone_and_goes_to_our_number(browser: Client, demo: Any) -> None:
    page = browser.post(f"{BASE}/simulator/write/", {"text": "Hallo", "phone": EVA}, headers={"HX-Request": "true"})
    assert [message["text"] for message in page.context["screen"]] == ["Hallo"]
    assert demo.customer_screen(EVA, "1001")[0]["from"] == "customer"


def test_nothing_typed_sends_nothing(browser: Client, demo: Any) -> None:
    browser.post(f"{BASE}/simulator/write/", {"text": "  ", "phone": EVA})
    assert demo.customer_screen(EVA, "1001") == []


def test_another_phone_needs_a_number_in_full(browser: Client, demo: Any) -> None:
    page = browser.post(f"{BASE}/simulator/customer/", {"name": "Jonas", "phone": "0664/123"})
    assert page.status_code == 422
    assert "phone" in page.context["customer_form"].errors
    assert 'value="0664/123"' in page.content.decode()


def test_a_new_customer_keeps_its_name(browser: Client, demo: Any) -> None:
    page = browser.post(f"{BASE}/simulator/customer/", {"name": "Jonas", "phone": "+4915112345678"}, follow=True)
    assert page.context["phone"].name == "Jonas"
    browser.post(f"{BASE}/simulator/write/", {"text": "Hallo", "phone": "+4915112345678"})
    assert demo.call("GET", "customers/4915112345678")["name"] == "Jonas"


def test_an_emulator_that_is_gone_is_said_on_the_phone(browser: Client, demo: Any, settings: Any) -> None:
    settings.EMULATOR_URL = "http://127.0.0.1:9"
    page = browser.get(f"{BASE}/simulator/?part=phone")
    assert page.status_code == 200
    assert page.context["problem"]
    kept = browser.post(f"{BASE}/simulator/write/", {"text": "Hallo"}, headers={"HX-Request": "true"})
    assert kept.status_code == 422


def test_a_part_that_has_not_changed_is_not_drawn_again(browser: Client, demo: Any) -> None:
    assert browser.get(f"{BASE}/simulator/?part=run&has=").status_code == 204
    assert browser.get(f"{BASE}/simulator/?part=thread&has=").status_code == 200
    assert browser.get(f"{BASE}/simulator/?part=list").status_code == 200
    assert browser.get(f"{BASE}/simulator/?part=steps").context["steps"]["wrote"] is False
