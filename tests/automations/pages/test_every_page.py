"""Every page is drawn, with data and without, and costs the same however much there is."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automations.models import Flow
from automations.services.editing import create_flow
from workspaces.models import Membership, Workspace

BASE = "/w/praxis-graz"

EMPTY = {
    "/flows/": "Nothing happens by itself yet",
    "/flows/new/": "Create the flow",
    "/flows/recipes/": "Follow-up after a call",
    "/runs/": "No run yet",
}


@pytest.mark.parametrize(("address", "shown"), EMPTY.items())
def test_an_empty_workspace_is_taught(page: Client, address: str, shown: str) -> None:
    answer = page.get(f"{BASE}{address}")
    assert answer.status_code == 200
    assert shown in answer.content.decode()


PAGES = {
    "/flows/": "Termin-Erinnerung",
    "/flows/?q=termin&state=on": "Termin-Erinnerung",
    "/flows/?q=nichts": "No flow fits the filter.",
    "/flows/{flow}/": "Somebody starts the flow",
    "/flows/{flow}/?step=vorlage": "Hallo Eva Novak, Ihr Termin ist am 3. Mai.",
    "/flows/{flow}/?step=trigger": "Choose another trigger",
    "/flows/{flow}/?step=trigger&type=": "Call ended",
    "/flows/{flow}/?step=trigger&type=message_received": "WhatsApp message received",
    "/flows/{flow}/?step=zweig": "Name of the lane",
    "/flows/{flow}/?step=pause": "Delay",
    "/flows/{flow}/?add&parent=zweig&lane=ja&position=1": "Generate AI reply",
    "/flows/{flow}/?settings": "Priority",
    "/flows/{flow}/publish/": "What is new",
    "/flows/{flow}/try/": "Recipient&#x27;s phone",
    "/flows/{flow}/start/": "Start the run",
    "/flows/{flow}/versions/": "Version 1",
    "/flows/{flow}/versions/1/": "Sends the template termin",
    "/runs/": "Same cause, taken together",
    "/runs/?status=failed&days=7&code=sender_offline": "Cure:",
    "/runs/?q=niemand": "No run fits the filter.",
    "/runs/{run}/": "The team was told",
    "/runs/{run}/?step=trigger": "customer_phone",
    "/runs/{run}/?step=vorlage": "sender_offline",
}


@pytest.mark.parametrize(("address", "shown"), PAGES.items())
@pytest.mark.parametrize("is_part", [False, True], ids=["page", "part"])
def test_a_page_shows_what_there_is(
    page: Client, published: Flow, make_runs: Any, notice: None, address: str, shown: str, is_part: bool
) -> None:
    (run,) = make_runs(published, 1, "failed")
    headers = {"HX-Request": "true"} if is_part else {}
    answer = page.get(BASE + address.format(flow=published.public_id, run=run.public_id), headers=headers)
    content = answer.content.decode()
    assert answer.status_code == 200
    assert shown in content
    assert " style=" not in content
    assert " on" + "click=" not in content


def test_a_recipe_is_drawn_from_its_own_tree(page: Client) -> None:
    offers = {(offer.key, offer.edition): offer for offer in page.get(f"{BASE}/flows/recipes/").context["offers"]}
    plain = offers["call_follow_up", "plain"].drawing
    # Trigger, pause and branch above three lanes of one step each; the middle lane stands below the trunk.
    assert [box.group for box in plain.boxes] == ["trigger", "logic", "logic", "whatsapp", "whatsapp", "logic"]
    assert len({box.y for box in plain.boxes}) == 4
    assert [box.x + box.width / 2 for box in plain.boxes[-3:]] == [-52, 0, 52]


UNKNOWN = [
    "/flows/{flow}/?step=gibt_es_nicht",
    "/flows/{flow}/?add&parent=zweig&lane=gibt_es_nicht",
    "/flows/{flow}/versions/9/",
    "/flows/{other}/",
    "/runs/{other}/",
]


@pytest.mark.parametrize("address", UNKNOWN)
def test_what_does_not_exist_is_not_found(page: Client, published: Flow, address: str) -> None:
    other = "0198f3c2-7d1e-7a55-9c1b-2f6f5d0a1e14"
    assert page.get(BASE + address.format(flow=published.public_id, other=other)).status_code == 404


def queries(page: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert page.get(BASE + address).status_code == 200
    return len(caught)


def test_the_list_of_runs_costs_the_same_with_ten_and_with_thirty(
    page: Client, published: Flow, make_runs: Any
) -> None:
    make_runs(published, 5, "failed")
    make_runs(published, 5)
    few = queries(page, "/runs/")
    make_runs(published, 10, "failed")
    make_runs(published, 10)
    assert queries(page, "/runs/") == few


def test_the_list_of_flows_costs_the_same_with_ten_and_with_thirty(
    page: Client, workspace: Workspace, editor: Membership, published: Flow, make_runs: Any
) -> None:
    def more(count: int) -> None:
        for index in range(count):
            create_flow(workspace=workspace, name=f"Ablauf {index}", by=editor, now=timezone.now())

    more(9)
    make_runs(published, 3)
    few = queries(page, "/flows/")
    more(20)
    make_runs(published, 20)
    assert queries(page, "/flows/") == few


def test_the_flows_on_today_cost_the_same_with_two_and_with_eight(
    page: Client, published: Flow, editor: Membership, make_runs: Any
) -> None:
    def fill(count: int) -> int:
        for number in range(count):
            flow = create_flow(workspace=published.workspace, name=f"Ablauf {number}", by=editor, now=timezone.now())
            flow.published = published.published
            flow.save(update_fields=["published"])
            make_runs(flow, 1 + number)
        return queries(page, "/parts/runs/")

    assert fill(2) == fill(6)


def test_the_flows_on_today_stand_by_todays_runs_with_their_failures(
    page: Client, published: Flow, make_runs: Any
) -> None:
    make_runs(published, 2)
    make_runs(published, 1, "failed")
    (line,) = page.get(f"{BASE}/parts/runs/").context["lines"]
    assert (line.figures.today, line.figures.failed_today, line.figures.bars[-1]) == (3, 1, (3, 1))


def test_a_long_list_of_runs_is_turned_by_cursor(page: Client, published: Flow, make_runs: Any) -> None:
    runs = make_runs(published, 55)
    first = page.get(f"{BASE}/runs/").context["page"]
    assert [line.run for line in first.lines] == runs[:4:-1]
    older = page.get(f"{BASE}/runs/?before={first.older}").context["page"]
    assert [line.run for line in older.lines] == runs[4::-1]
    newer = page.get(f"{BASE}/runs/?after={older.newer}").context["page"]
    assert [line.run for line in newer.lines] == runs[:4:-1]
