"""Ids of somebody else's rows inside of forms, queries and bodies: refused or passed over, never used or shown."""

from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.test import Client

from automations.models import Step
from messaging.models import Message
from tests.cast import make_key
from tests.isolation.town import OURS, THEIRS, Town, browser, canaries_in, undone
from workspaces.models import Role

BASE = "/w/praxis-graz"


@pytest.fixture
def owner(town: Town) -> Client:
    return browser(town.members[Role.OWNER])


def ids(town: Town, number: int) -> dict[str, str]:
    """The public ids of a workspace's rows, by the name of the part of an address."""
    return {name: str(value) for name, value in town.values(number).items()}


QUERIES = [
    "/inbox/?sender={sender_id}",
    "/inbox/{ours_conversation}/?template={template_id}",
    "/inbox/{ours_conversation}/composer/?mode=template&template={template_id}",
    "/simulator/?sender={sender_id}&phone=%2B436641234562",
    "/runs/?flow={flow_id}",
    "/runs/?q=Eva+2",
    "/inbox/?q=Eva+2",
    "/templates/?q=termin_2",
    "/flows/?q=Ablauf+2",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_for_somebody_elses_row_shows_nothing_of_it(town: Town, owner: Client, query: str) -> None:
    theirs = ids(town, THEIRS)
    asked = unquote_plus(query.format(**theirs, ours_conversation=ids(town, OURS)["conversation_id"]))
    answer = owner.get(BASE + query.format(**theirs, ours_conversation=ids(town, OURS)["conversation_id"]))
    assert answer.status_code in (200, 204)
    body = answer.content.decode()
    rows = [value for name, value in theirs.items() if name.endswith("_id")]
    # What was asked for may stand in the search field.
    assert [told for told in (*canaries_in(body, THEIRS), *rows) if told in body and told not in asked] == []


def test_a_form_does_not_take_somebody_elses_sender_or_template(town: Town, owner: Client) -> None:
    ours, theirs = ids(town, OURS), ids(town, THEIRS)
    before = Message.objects.across_workspaces().count()
    with undone():
        tested = owner.post(
            f"{BASE}/templates/{ours['template_id']}/test/",
            {"to": "+436641234561", "sender": theirs["sender_id"], "value.1": "a", "value.2": "b", "key": "k1"},
        )
        sent = owner.post(
            f"{BASE}/inbox/{ours['conversation_id']}/template/", {"template": theirs["template_id"], "key": "k2"}
        )
        assert (tested.status_code, sent.status_code) == (422, 422)
        assert canaries_in(tested.content.decode() + sent.content.decode(), THEIRS) == []
        assert Message.objects.across_workspaces().count() == before


def test_a_step_and_a_trigger_do_not_take_somebody_elses_sender(town: Town, owner: Client) -> None:
    ours, theirs = ids(town, OURS), ids(town, THEIRS)
    flow = f"{BASE}/flows/{ours['flow_id']}"
    with undone():
        added = owner.post(f"{flow}/steps/add/", {"type": "send_text"})
        key = added["Location"].split("step=")[1]
        settings = {"config-sender": theirs["sender_id"], "config-text": "Hallo", "is_on": "on", "attempts": "2"}
        saved = owner.post(f"{flow}/steps/{key}/save/", {**settings, "first_wait_seconds": "60", "on_failure": "stop"})
        trigger = owner.post(
            f"{flow}/trigger/",
            {"type": "message_received", "config-senders": theirs["sender_id"], "config-keyword_match": "any"},
        )
        assert (saved.status_code, trigger.status_code) == (422, 422)
        assert canaries_in(saved.content.decode() + trigger.content.decode(), THEIRS) == []
        step = Step.objects.in_workspace(town.ours).get(key=key)
        assert step.config.get("sender", "") != theirs["sender_id"]


def test_the_api_does_not_take_somebody_elses_rows_in_a_body(town: Town) -> None:
    _key, secret = make_key(town.members[Role.OWNER])
    theirs = ids(town, THEIRS)

    def post(path: str, body: dict[str, Any]) -> tuple[int, list[str]]:
        headers = {"authorization": f"Bearer {secret}"}
        with undone():
            answer = Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
            return answer.status_code, canaries_in(answer.content.decode(), THEIRS)

    text = {"type": "text", "to": "+436641234561", "sender": theirs["sender_id"], "text": "Hallo"}
    template = {"type": "template", "to": "+436641234561", "template": "termin_2", "variables": {"1": "a", "2": "b"}}
    before = Message.objects.across_workspaces().count()
    for body in (text, {**text, "text": {"body": "Hallo"}}, template):
        status, shown = post("messages", body)
        assert status in (404, 422), body
        assert [canary for canary in shown if canary != "termin_2"] == []
    assert Message.objects.across_workspaces().count() == before


@pytest.mark.parametrize("path", ["messages?sender={sender_id}", "runs?flow={flow_id}", "runs?run={run_id}"])
def test_a_filter_of_the_api_finds_nobody_elses_rows(town: Town, path: str) -> None:
    _key, secret = make_key(town.members[Role.OWNER])
    answer = Client().get(f"/api/v1/{path.format(**ids(town, THEIRS))}", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code in (200, 400, 404, 422)
    assert canaries_in(answer.content.decode(), THEIRS) == []
    assert answer.json().get("results", []) == []
