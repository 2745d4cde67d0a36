"""Runs in the admin: cancelled, resumed and retried by the services of the pages, each refusal with its row."""

import pytest
from django.test import Client
from django.urls import reverse

from automations.models import Run, TriggerDecision
from automations.services.runs import start_manually
from messaging.models import Sender
from tests.house import EVA, House
from tests.messaging.admin.test_senders import act
from tests.staff import make_staff
from workspaces.models import AuditEntry

DELAY = {"type": "delay", "name": "Warten", "config": {"mode": "for", "duration": {"amount": 5, "unit": "minutes"}}}


@pytest.fixture
def staff(house: House, client: Client) -> Client:
    client.force_login(make_staff("Rita", is_superuser=True, language="en"))
    return client


def start(house: House, *steps: dict) -> Run:
    flow = house.flow("manual", list(steps))
    run, _created = start_manually(flow=flow, data={"customer_phone": EVA}, key=None, by=house.owner, now=house.now)
    house.settle()
    run.refresh_from_db()
    return run


def test_a_waiting_run_is_resumed_now(staff: Client, house: House) -> None:
    run = start(house, DELAY)
    assert run.status == "waiting"
    assert "Done for 1 row." in act(staff, "resume", run)
    house.settle()
    run.refresh_from_db()
    assert run.status == "done"


def test_one_refusal_does_not_keep_the_others(staff: Client, house: House) -> None:
    ended, waiting = start(house, {"type": "stop", "name": "Ende", "config": {"outcome": "done"}}), start(house, DELAY)
    html = act(staff, "cancel", ended, waiting)
    assert "Done for 1 row." in html
    assert "run_has_ended" in html
    assert str(ended) in html
    assert "Start a new run." in html
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    verbs = AuditEntry.objects.in_workspace(house.workspace).filter(verb="run.cancelled")
    assert verbs.get().target_id == str(waiting.public_id)


def test_a_failed_run_is_retried_from_its_failed_step(staff: Client, house: House) -> None:
    house.template("termin", "Hallo {{1}}.")
    config = {"sender": str(house.sender.public_id), "template": "termin", "to": EVA, "variables": {"1": "Eva"}}
    Sender.objects.in_workspace(house.workspace).update(is_paused=True)
    run = start(house, {"type": "send_template", "name": "Gruß", "config": config, "retry": {"attempts": 1}})
    assert (run.status, run.error_code) == ("failed", "sender_offline")
    page = staff.get(reverse("admin:automations_run_change", args=[run.pk])).content.decode()
    assert "sender_offline" in page
    Sender.objects.in_workspace(house.workspace).update(is_paused=False)
    assert "Done for 1 row." in act(staff, "retry", run)
    house.settle()
    run.refresh_from_db()
    assert run.status == "done"
    assert house.screen() == ["Hallo Eva."]


def test_an_action_on_a_runs_page_leads_back_there(staff: Client, house: House) -> None:
    run = start(house, DELAY)
    data = {"action": "cancel", "_selected_action": run.pk, "index": "0", "back_to": run.pk}
    answer = staff.post(reverse("admin:automations_run_changelist"), data)
    assert answer.url == reverse("admin:automations_run_change", args=[run.pk])


def test_a_runs_page_offers_what_its_state_allows(staff: Client, house: House) -> None:
    def offered(run: Run) -> list[str]:
        answer = staff.get(reverse("admin:automations_run_change", args=[run.pk]))
        return [action["name"] for action in answer.context["row_actions"]]

    assert offered(start(house, DELAY)) == ["cancel", "resume"]
    assert offered(start(house, {"type": "stop", "name": "Ende", "config": {"outcome": "done"}})) == []
    failing = {"url": "http://127.0.0.1:9/", "method": "GET"}
    failed = start(house, {"type": "http_request", "name": "Abruf", "config": failing, "retry": {"attempts": 1}})
    assert (failed.status, offered(failed)) == ("failed", ["retry"])


def test_acting_needs_the_permission_to_change_runs(house: House) -> None:
    run = start(house, DELAY)
    client = Client()
    client.force_login(make_staff("Walter", "automations.view_run"))
    assert client.get(reverse("admin:automations_run_change", args=[run.pk])).context["row_actions"] == []
    act(client, "cancel", run)
    run.refresh_from_db()
    assert run.status == "waiting"


def test_the_routers_decisions_are_read_and_linked_from_the_message(staff: Client, house: House) -> None:
    house.flow("message_received", [{"type": "stop", "name": "Ende", "config": {"outcome": "done"}}])
    house.customer_writes("Hallo")
    decision = TriggerDecision.objects.in_workspace(house.workspace).get(outcome="started")
    page = staff.get(reverse("admin:messaging_message_change", args=[decision.message_id]))
    link = next(related for related in page.context["related_lists"] if "triggerdecision" in related["address"])
    html = staff.get(link["address"]).content.decode()
    assert "WhatsApp message received" in html, "the rule by the name of its trigger"
    assert reverse("admin:automations_run_change", args=[decision.run_id]) in html
