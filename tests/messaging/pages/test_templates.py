"""Templates: filtered by the address, synced, previewed, and tried out on one person."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from messaging.models import Message, Sender, Template
from tests.messaging.pages.conftest import BASE
from tests.messaging.sending.wire import Wire
from workspaces.errors import stored_error
from workspaces.models import Workspace


def make(workspace: Workspace, name: str, **fields: object) -> Template:
    given = {
        "language": "de",
        "category": "utility",
        "status": "approved",
        "components": [{"type": "BODY", "text": "x"}],
    }
    return Template.objects.in_workspace(workspace).create(business_account_id="2001", name=name, **(given | fields))


def test_without_templates_the_page_says_where_they_come_from(browser: Client) -> None:
    assert 'class="empty"' in browser.get(f"{BASE}/templates/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["angebot", "termin", "zahn"]),
        ("status=pending", ["zahn"]),
        ("status=deleted", ["weg"]),
        ("category=marketing", ["angebot"]),
        ("language=en", ["zahn"]),
        ("quality=red", ["angebot"]),
        ("q=term", ["termin"]),
        ("q=rabatt", ["angebot"]),
        ("status=quatsch", ["angebot", "termin", "zahn"]),
    ],
)
def test_the_list_is_narrowed_by_the_address(
    browser: Client, workspace: Workspace, query: str, found: list[str]
) -> None:
    make(workspace, "termin")
    make(workspace, "angebot", category="marketing", quality="red", components=[{"type": "BODY", "text": "Rabatt"}])
    make(workspace, "zahn", language="en", status="pending")
    make(workspace, "weg", status="deleted")
    page = browser.get(f"{BASE}/templates/?{query}")
    assert [template.name for template in page.context["rows"]] == found


def test_a_template_is_shown_with_its_samples(browser: Client, template: Template) -> None:
    page = browser.get(f"{BASE}/templates/{template.public_id}/")
    assert page.context["preview"].body == "Hallo Eva, bis Montag."
    assert "Bestätigen" in page.content.decode()


def test_the_preview_follows_what_is_typed(browser: Client, template: Template) -> None:
    page = browser.post(f"{BASE}/templates/{template.public_id}/preview/", {"value.1": "<b>Jo</b>"})
    assert "Hallo &lt;b&gt;Jo&lt;/b&gt;, bis {{2}}." in page.content.decode()


def test_a_test_goes_to_one_person_once(
    browser: Client, template: Template, sender: Sender, wire: Wire, workspace: Workspace
) -> None:
    form = {
        "to": "+4915112345678",
        "sender": sender.pk,
        "key": str(uuid4()),
        "value.1": "Eva",
        "value.2": "Montag",
        "value.button.0": "",
    }
    for _again in range(2):
        page = browser.post(f"{BASE}/templates/{template.public_id}/test/", form)
        assert page.status_code == 302
    assert len(wire.sent) == 1
    assert Message.objects.in_workspace(workspace).get().cause_kind == "person"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"to": "0151/12345678"}, "to"),
        ({"to": ""}, "to"),
        ({"value.2": ""}, "value.2"),
        ({"value.1": " \t"}, "value.1"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_goes(
    browser: Client, template: Template, sender: Sender, wire: Wire, changed: dict[str, str], field: str
) -> None:
    form = {
        "to": "+4915112345678",
        "sender": sender.pk,
        "key": str(uuid4()),
        "value.1": "Eva",
        "value.2": "Mo",
    } | changed
    page = browser.post(f"{BASE}/templates/{template.public_id}/test/", form)
    assert page.status_code == 422
    assert field in page.context["form"].errors
    assert wire.sent == []


def test_a_sender_that_is_off_is_named_with_its_cure(
    browser: Client, template: Template, sender: Sender, wire: Wire
) -> None:
    Sender.objects.in_workspace(sender.workspace).update(status="offline")
    form = {"to": "+4915112345678", "sender": sender.pk, "key": str(uuid4()), "value.1": "Eva", "value.2": "Mo"}
    page = browser.post(f"{BASE}/templates/{template.public_id}/test/", form)
    assert page.status_code == 422
    (said,) = page.context["form"].errors["sender"]
    assert stored_error("sender_offline", {"sender": "Praxis", "reason": "offline"}).cure_text() in said
    assert wire.sent == []


def test_a_sync_that_is_refused_says_why(
    browser: Client, workspace: Workspace, sender: Sender, settings: object
) -> None:
    settings.PROVIDER_ADDRESSES = {"cloud_api": "http://127.0.0.1:9"}  # type: ignore[attr-defined]
    page = browser.post(f"{BASE}/templates/sync/")
    assert page.status_code == 409
    assert page.context["error"].cure_text()


def test_the_list_costs_the_same_for_10_and_30_templates(
    workspace: Workspace, count_queries: Callable[[str], int]
) -> None:
    def fill(first: int, last: int) -> int:
        for number in range(first, last):
            make(workspace, f"vorlage_{number}")
        return count_queries(f"{BASE}/templates/")

    assert fill(0, 10) == fill(10, 30)
