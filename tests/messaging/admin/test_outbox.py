"""The outbox in the admin: understood, settled one by one, sent again in bulk; never what may have arrived."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from automations.models import Run
from automations.services.runs import start_manually
from messaging.models import Message
from tests.house import EVA, House
from tests.messaging.admin.test_inbound import cost, outcomes, page_of, press
from tests.messaging.admin.test_senders import act
from tests.staff import make_staff
from workspaces.models import AuditEntry, BulkJob

OUTBOX = "admin:messaging_message_outbox"


@pytest.fixture
def chat(house: House) -> Any:
    house.customer_writes("Hallo")
    return Message.objects.in_workspace(house.workspace).latest("pk").chat


def said(house: House, chat: Any, text: str = "Guten Tag", **more: Any) -> Message:
    """One of our messages, as it stands after it was tried."""
    terms = {"slots": "queue", "deadline": "2026-11-26T11:00:00+00:00", "may_speak_into_take_over": True,
             "reserved": {}, "pushed": 0, "resends": 0}  # fmt: skip
    values = {
        "kind": "text",
        "status": "failed",
        "error_code": "whatsapp_unavailable",
        "payload": {"preview_url": False, "terms": terms},
    }
    return Message.objects.in_workspace(house.workspace).create(
        sender=house.sender, chat=chat, direction="out", body=text, occurred_at=house.now,
        **{**values, **more},
    )  # fmt: skip


def page(client: Client) -> str:
    return client.get(reverse(OUTBOX)).content.decode()


def verbs(house: House) -> list[str]:
    return list(AuditEntry.objects.in_workspace(house.workspace).values_list("verb", flat=True))


def test_what_failed_stands_by_error_with_its_count_and_cure(staff: Client, house: House, chat: Any) -> None:
    said(house, chat)
    said(house, chat)
    said(house, chat, error_code="sender_offline")
    html = page(staff)
    assert "WhatsApp cannot be reached" in html
    assert html.index("whatsapp_unavailable") < html.index("sender_offline"), "the most frequent first"
    assert '<td class="number">2</td>' in html
    assert reverse("admin:messaging_message_retry") + "?code=sender_offline" in html


def test_what_waits_says_for_what_and_until_when(staff: Client, house: House, chat: Any) -> None:
    slot = {"limit": "breaker", "at": "2026-11-25T12:30:00+00:00"}
    said(house, chat, status="queued", error_code="", wake_at=house.now, payload={"terms": {"slot": slot}})
    html = page(staff)
    assert "WhatsApp does not answer" in html
    assert "13:30" in html or "1:30" in html


def test_an_unknown_end_is_settled_as_arrived_by_a_person(staff: Client, house: House, chat: Any) -> None:
    held = said(house, chat, error_code="delivery_unknown")
    assert "Mark as arrived" in page(staff)
    data = {"action": "mark_as_arrived", "_selected_action": held.pk, "index": "0", "to_outbox": "1"}
    answer = staff.post(reverse("admin:messaging_message_changelist"), data)
    assert answer.url == reverse(OUTBOX)
    held.refresh_from_db()
    assert (held.status, held.error_code) == ("delivered", "")
    assert "message.marked_as_arrived" in verbs(house)
    assert "1 row was so already." in act(staff, "mark_as_arrived", held)
    assert house.calls() == []


def test_an_unknown_end_is_settled_by_sending_it_again_once(staff: Client, house: House, chat: Any) -> None:
    held = said(house, chat, error_code="delivery_unknown")
    assert "Done for 1 row." in act(staff, "send_again", held)
    assert "1 row was so already." in act(staff, "send_again", held)
    assert house.screen() == ["Guten Tag"]
    assert verbs(house).count("message.sent_again") == 1


def test_a_message_with_a_known_end_cannot_be_marked_as_arrived(staff: Client, house: House, chat: Any) -> None:
    failed = said(house, chat)
    assert "1 row was so already." in act(staff, "mark_as_arrived", failed)
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_failed_messages_of_one_error_are_sent_again_with_progress(staff: Client, house: House, chat: Any) -> None:
    mine = [said(house, chat, f"Nummer {number}") for number in range(3)]
    other = said(house, chat, error_code="sender_offline")
    address = reverse("admin:messaging_message_retry") + "?code=whatsapp_unavailable"
    assert "Take these 3 rows" in staff.get(address).content.decode()
    staff.post(address)
    job = BulkJob.objects.get()
    assert set(outcomes(job)) == {message.pk for message in mine}
    assert "Do it for 3 rows" in page_of(staff, job)
    house.settle()
    assert house.screen() == [], "a choice does nothing by itself"
    shown = press(staff, "start", job)
    assert "0 of 3 rows are through." in shown
    house.advance(minutes=5)
    assert "3 of 3 rows are through." in page_of(staff, job)
    assert sorted(house.screen()) == ["Nummer 0", "Nummer 1", "Nummer 2"]
    job.refresh_from_db()
    assert (job.state, job.asked_by.name) == ("done", "Rita")
    other.refresh_from_db()
    assert other.status == "failed"
    assert verbs(house).count("message.sent_again") == 3


def test_only_what_surely_did_not_go_out_is_sent_again(staff: Client, house: House, chat: Any) -> None:
    sure = said(house, chat)
    unknown = said(house, chat, error_code="delivery_unknown")
    replaced = said(house, chat)
    said(house, chat, status="delivered", error_code="", idempotency_key=f"again:{replaced.public_id}")
    arrived = said(house, chat, status="read", error_code="")
    shown = act(staff, "send_again", sure, unknown, replaced, arrived)
    job = BulkJob.objects.get()
    assert outcomes(job) == {
        sure.pk: "pending", unknown.pk: "left_out", replaced.pk: "left_out", arrived.pk: "left_out"
    }  # fmt: skip
    assert "may_have_arrived" in shown
    assert "sent_again_already" in shown
    assert "message_not_failed" in shown
    press(staff, "start", job)
    house.settle()
    assert house.screen() == ["Guten Tag"]


def test_a_message_whose_run_goes_on_is_left_to_the_run(staff: Client, house: House, chat: Any) -> None:
    flow = house.flow("manual", [{"type": "delay", "name": "Warten", "config": {
        "mode": "for", "duration": {"amount": 5, "unit": "minutes"}}}])  # fmt: skip
    run, _new = start_manually(flow=flow, data={}, key=None, by=house.owner, now=house.now)
    house.settle()
    cause = {"cause_kind": "run", "cause_id": str(run.public_id)}
    first = said(house, chat, idempotency_key=f"{run.public_id}:gruss::1:0", **cause)
    other = said(house, chat)
    act(staff, "send_again", first, other)
    job = BulkJob.objects.get()
    assert job.items.get(row_id=first.pk).error_code == "run_is_at_it"
    Run.objects.in_workspace(house.workspace).update(status="done", wake_at=None, ended_at=house.now)
    said(house, chat, status="accepted", error_code="", idempotency_key=f"{run.public_id}:gruss::2:0", **cause)
    act(staff, "send_again", first, other)
    assert BulkJob.objects.latest("pk").items.get(row_id=first.pk).error_code == "sent_again_already"


def test_a_status_that_comes_after_the_choice_still_counts(staff: Client, house: House, chat: Any) -> None:
    one, two = said(house, chat, "Eins"), said(house, chat, "Zwei")
    act(staff, "send_again", one, two)
    Message.objects.in_workspace(house.workspace).filter(pk=one.pk).update(status="delivered", error_code="")
    job = BulkJob.objects.get()
    press(staff, "start", job)
    house.settle()
    assert outcomes(job) == {one.pk: "left_out", two.pk: "done"}
    assert house.screen() == ["Zwei"]


def test_a_refusal_stands_with_its_row_and_the_others_go(staff: Client, house: House, chat: Any) -> None:
    eva = said(house, chat)
    gone = {"id": "0198f3c2-0000-7000-8000-000000000000", "name": "weg", "language": "de"}
    template = said(house, chat, kind="template", payload={**eva.payload, "template": gone})
    act(staff, "send_again", eva, template)
    job = BulkJob.objects.get()
    press(staff, "start", job)
    house.settle()
    assert outcomes(job) == {eva.pk: "done", template.pk: "refused"}
    assert "template_not_found" in page_of(staff, job, "?outcome=refused")
    assert house.screen() == ["Guten Tag"]


def test_a_stopped_job_does_no_further_row(staff: Client, house: House, chat: Any) -> None:
    one, two = said(house, chat), said(house, chat)
    act(staff, "send_again", one, two)
    job = BulkJob.objects.get()
    press(staff, "start", job)
    assert "It is stopped." in press(staff, "stop", job)
    house.settle()
    assert house.screen() == []
    assert outcomes(job) == {one.pk: "pending", two.pk: "pending"}
    assert "It has begun" not in press(staff, "start", job), "what was stopped does not begin again"


def test_the_outbox_needs_the_permission_to_see_messages(house: House, chat: Any) -> None:
    held = said(house, chat, error_code="delivery_unknown")
    nobody, watcher = Client(), Client()
    nobody.force_login(make_staff("Nora"))
    watcher.force_login(make_staff("Walter", "messaging.view_message", language="en"))
    assert nobody.get(reverse(OUTBOX)).status_code == 403
    html = page(watcher)
    assert "Praxis Graz" in html
    assert "Mark as arrived" not in html
    assert watcher.get(reverse("admin:messaging_message_retry")).status_code == 403
    act(watcher, "mark_as_arrived", held)
    held.refresh_from_db()
    assert held.status == "failed"


def test_the_outbox_costs_the_same_however_much_is_in_it(staff: Client, house: House, chat: Any) -> None:
    def more() -> None:
        said(house, chat)
        said(house, chat, error_code="delivery_unknown")
        said(house, chat, status="queued", error_code="", wake_at=house.now)
        said(house, chat, status="unknown", error_code="", wake_at=house.now)

    more()
    page(staff)
    one = cost(lambda: page(staff))
    for _number in range(5):
        more()
    assert cost(lambda: page(staff)) == one


def test_a_page_of_failures_is_german_for_who_reads_german(house: House, chat: Any, client: Client) -> None:
    said(house, chat)
    client.force_login(make_staff("Rita", is_superuser=True, language="de"))
    html = client.get(reverse("admin:messaging_message_retry")).content.decode()
    assert EVA not in html
    assert client.get(reverse("admin:messaging_message_retry") + "?since=x").status_code == 422
