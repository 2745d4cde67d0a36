"""Who may open and do what: each address with each role, and a stranger who learns nothing."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from messaging.models import Conversation, Sender, Template
from messaging.urls import urlpatterns
from tests.cast import join, make_workspace
from tests.messaging.pages.conftest import BASE, NOON
from workspaces.models import Membership, Role, Workspace
from workspaces.services.notifications import notify_team

ROLES = ("viewer", "agent", "editor", "admin", "owner")
# Address name -> method, the least role. Below it: 403; a stranger: 404.
TABLE = {
    "today": ("get", "viewer"),
    "solve_notice": ("post", "agent"),
    "inbox": ("get", "viewer"),
    "conversation": ("get", "viewer"),
    "composer": ("get", "viewer"),
    "media_file": ("get", "viewer"),
    "send_text": ("post", "agent"),
    "send_template": ("post", "agent"),
    "message_again": ("post", "agent"),
    "message_arrived": ("post", "agent"),
    "other_spelling": ("post", "agent"),
    "take_over": ("post", "agent"),
    "hand_back": ("post", "agent"),
    "close_conversation": ("post", "agent"),
    "simulator": ("get", "editor"),
    "simulator_write": ("post", "editor"),
    "simulator_customer": ("post", "editor"),
    "senders": ("get", "viewer"),
    "connect_sender": ("get", "admin"),
    "sender": ("get", "viewer"),
    "check_sender": ("post", "admin"),
    "pause_sender": ("post", "admin"),
    "resume_sender": ("post", "admin"),
    "switch_ai_answers": ("post", "admin"),
    "lost_answers": ("post", "admin"),
    "disconnect_sender": ("post", "admin"),
    "templates": ("get", "viewer"),
    "sync_templates": ("post", "editor"),
    "template": ("get", "viewer"),
    "test_template": ("post", "agent"),
    "template_preview": ("post", "viewer"),
}
PAGES = [pattern for pattern in urlpatterns if str(pattern.pattern).startswith("w/")]


@pytest.fixture
def address(
    workspace: Workspace, sender: Sender, template: Template, converse: Callable[..., Conversation]
) -> Callable[[str], str]:
    """The address of a page with ids of things that exist."""
    conversation = converse()
    notice = notify_team(workspace=workspace, code="x", title="x", digest_key="x", now=NOON)
    ids = {
        "conversation_id": conversation.public_id,
        "message_id": uuid4(),
        "media_id": uuid4(),
        "sender_id": sender.public_id,
        "template_id": template.public_id,
        "notice_id": notice.public_id,
    }

    def find(name: str) -> str:
        (route,) = [str(pattern.pattern) for pattern in PAGES if pattern.name == name]
        for key, value in ids.items():
            route = route.replace(f"<uuid:{key}>", str(value))
        return "/" + route.replace("<slug:slug>", "praxis-graz")

    return find


def test_every_page_stands_in_the_table() -> None:
    assert {pattern.name for pattern in PAGES} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_each_role_is_let_in_from_the_least_on(
    name: str, address: Callable[[str], str], as_role: Callable[[str], Client], settings: object
) -> None:
    settings.PROVIDER_ADDRESSES = {"cloud_api": "http://127.0.0.1:9"}  # type: ignore[attr-defined]
    method, least = TABLE[name]
    for role in ROLES:
        answer = getattr(as_role(role), method)(address(name))
        is_allowed = ROLES.index(role) >= ROLES.index(least)
        assert (answer.status_code != 403) == is_allowed, (role, answer.status_code)
        assert answer.status_code < 500


@pytest.mark.parametrize("name", TABLE)
def test_a_stranger_learns_nothing(name: str, address: Callable[[str], str], as_role: Callable[[str], Client]) -> None:
    assert getattr(as_role("stranger"), TABLE[name][0])(address(name)).status_code == 404
    assert getattr(Client(), TABLE[name][0])(address(name)).status_code == 302


@pytest.mark.parametrize("name", [name for name, (method, _least) in TABLE.items() if method == "post"])
def test_what_acts_is_not_done_by_a_link(name: str, address: Callable[[str], str], browser: Client) -> None:
    assert browser.get(address(name)).status_code == 405


def test_things_of_another_workspace_are_not_there(
    browser: Client, sender: Sender, template: Template, converse: Callable[..., Conversation], alice: Membership
) -> None:
    conversation = converse()
    join(make_workspace("labor-wien"), alice.user, Role.OWNER)
    for path in (
        f"inbox/{conversation.public_id}/",
        f"senders/{sender.public_id}/",
        f"templates/{template.public_id}/",
    ):
        assert browser.get(f"{BASE}/{path}").status_code == 200
        assert browser.get(f"/w/labor-wien/{path}").status_code == 404
