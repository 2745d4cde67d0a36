"""What came in is looked at and replayed: first it is shown what that would do, and nothing is done twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations.models import Run
from messaging.models import InboundLog, Message, WebhookEvent
from tests.house import EVA, NUMBER_ID, House
from tests.messaging.admin.test_senders import act
from tests.staff import make_staff
from workspaces.models import AuditEntry, BulkJob

STOP = {"type": "stop", "name": "Ende", "config": {"outcome": "done"}}


def press(client: Client, name: str, job: BulkJob) -> str:
    """Start or stop a job, and read the page it leads to."""
    return client.post(reverse(f"admin:workspaces_bulkjob_{name}", args=[job.pk]), follow=True).content.decode()


def page_of(client: Client, job: BulkJob, query: str = "") -> str:
    return client.get(reverse("admin:workspaces_bulkjob_change", args=[job.pk]) + query).content.decode()


def outcomes(job: BulkJob) -> dict[int, str]:
    return dict(job.items.values_list("row_id", "outcome"))


def forget(house: House) -> WebhookEvent:
    """The body is there, what came of it is not: as after a restore from a backup."""
    Message.objects.in_workspace(house.workspace).all().delete()
    Run.objects.in_workspace(house.workspace).all().delete()
    return WebhookEvent.objects.latest("pk")


def counted(house: House) -> tuple[int, ...]:
    """Everything that a replay could add to."""
    return (
        Message.objects.in_workspace(house.workspace).count(),
        Run.objects.in_workspace(house.workspace).count(),
        InboundLog.objects.count(),
        AuditEntry.objects.in_workspace(house.workspace).count(),
    )


def test_an_event_that_is_known_would_do_nothing_and_does_nothing(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    event = WebhookEvent.objects.latest("pk")
    before = counted(house)
    assert "Text: known already." in act(staff, "replay", event)
    assert counted(house) == before
    job = BulkJob.objects.get()
    assert "It has begun" in press(staff, "start", job)
    house.settle()
    shown = page_of(staff, job)
    assert "Text: known already." in shown
    assert outcomes(job) == {event.pk: "done"}
    assert Message.objects.in_workspace(house.workspace).filter(direction="in").count() == 1
    assert set(InboundLog.objects.filter(event=event).values_list("outcome", flat=True)) == {"stored", "duplicate"}
    assert AuditEntry.objects.in_workspace(house.workspace).filter(verb="webhook_event.replayed").count() == 1


def test_what_a_replay_would_do_is_shown_by_the_routers_own_decision(staff: Client, house: House) -> None:
    house.flow("message_received", [STOP], trigger_config={"keywords": ["termin"], "keyword_match": "contains"})
    house.flow(
        "message_received", [STOP], trigger_config={"keywords": ["preis"], "keyword_match": "contains"}, name="Preise"
    )
    house.customer_writes("Ein Termin, bitte")
    event = forget(house)
    before = counted(house)
    shown = act(staff, "replay", event)
    assert "“Ein Termin, bitte”" in shown
    assert "Starts the flow “Ablauf”." in shown
    assert "Does not start the flow “Preise”: none of its words." in shown
    assert "Would add:" in shown
    assert counted(house) == before, "looking does nothing"
    house.settle()
    assert counted(house) == before, "nor does it leave anything behind that does"
    press(staff, "start", BulkJob.objects.get())
    house.settle()
    assert house.run().flow.name == "Ablauf"


def test_what_a_status_would_change_is_named(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    ours = Message.objects.in_workspace(house.workspace).create(
        sender=house.sender, chat=house_chat(house), direction="out", kind="text", body="Guten Tag", status="accepted",
        provider_id="wamid.X", occurred_at=house.now,
    )  # fmt: skip
    event = stored(house, {"statuses": [{"id": "wamid.X", "status": "delivered", "timestamp": "1764068400",
                                         "recipient_id": EVA.removeprefix("+")}]})  # fmt: skip
    shown = act(staff, "replay", event)
    assert "Status of a message: stored." in shown
    assert "state from accepted to delivered" in shown
    ours.refresh_from_db()
    assert ours.status == "accepted"


def test_bodies_build_on_each_other_as_they_would_for_real(staff: Client, house: House) -> None:
    """The second message of a customer finds the run of the first, and is kept for it."""
    house.flow("message_received", [{"type": "wait_for_reply", "name": "Warten", "config": {}}])
    house.customer_writes("Eins")
    house.customer_writes("Zwei")
    forget(house)
    shown = act(staff, "replay", *WebhookEvent.objects.order_by("pk"))
    assert shown.count("Starts the flow “Ablauf”.") == 1
    assert shown.count("Is kept for the busy run of “Ablauf”.") == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[]", "Delivery as a whole: not understood."),
        (b'{"object": "whatsapp_business_account", "entry": []}', "There is nothing in it."),
    ],
)
def test_a_body_that_holds_nothing_of_ours_is_shown_as_such(
    staff: Client, house: House, body: bytes, told: str
) -> None:
    event = WebhookEvent.objects.create(sender=house.sender, endpoint="sender:x", body=body, digest="0" * 64)
    assert told in act(staff, "replay", event)


def test_a_number_that_nobody_here_has_is_named_as_unknown(staff: Client, house: House) -> None:
    event = stored(house, {"messages": [{"id": "wamid.Y", "from": "436641234567", "type": "text",
                                         "text": {"body": "Hallo"}}]}, number_id="999")  # fmt: skip
    assert "no sender here has this number" in act(staff, "replay", event)


def test_a_range_is_chosen_by_time_and_state(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    house.advance(hours=30)
    house.customer_writes("Noch da?")
    page = reverse("admin:messaging_webhookevent_range")
    assert "1 event came in in this time." in staff.get(page).content.decode()
    since = "?since=2026-11-25T00:00"
    assert "2 events came in in this time." in staff.get(page + since).content.decode()
    assert "0 events came in" in staff.get(page + since + "&state=open").content.decode()
    answer = staff.post(page + since)
    job = BulkJob.objects.get()
    assert answer.url == reverse("admin:workspaces_bulkjob_change", args=[job.pk])
    assert [*outcomes(job)] == [*WebhookEvent.objects.order_by("pk").values_list("pk", flat=True)]
    assert staff.get(page + "?since=gestern").status_code == 422


def test_a_replay_needs_the_permission_to_change_events(house: House) -> None:
    house.customer_writes("Hallo")
    event = WebhookEvent.objects.latest("pk")
    watcher = Client()
    watcher.force_login(make_staff("Walter", "messaging.view_webhookevent", "workspaces.view_bulkjob"))
    assert watcher.get(reverse("admin:messaging_webhookevent_range")).status_code == 403
    act(watcher, "replay", event)
    assert BulkJob.objects.count() == 0
    job = BulkJob.objects.create(kind="webhook_events.replay")
    job.items.create(row_id=event.pk)
    assert "Do it for" not in page_of(watcher, job)
    assert watcher.post(reverse("admin:workspaces_bulkjob_start", args=[job.pk])).status_code == 403


def test_a_page_of_results_costs_the_same_with_more_rows(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    event = WebhookEvent.objects.latest("pk")
    job = BulkJob.objects.create(kind="webhook_events.replay", state="done")
    job.items.create(row_id=event.pk, outcome="done")
    staff.get(reverse("admin:workspaces_bulkjob_change", args=[job.pk]))
    one = cost(lambda: page_of(staff, job))
    for number in range(30):
        copy = WebhookEvent.objects.create(sender=house.sender, endpoint="x", body=event.body, digest=f"{number}")
        job.items.create(row_id=copy.pk, outcome="done")
    assert cost(lambda: page_of(staff, job)) == one


def test_the_body_and_its_log_are_read_and_linked(staff: Client, house: House) -> None:
    house.customer_writes("Hallo, wer da?")
    event = WebhookEvent.objects.latest("pk")
    page = staff.get(reverse("admin:messaging_webhookevent_change", args=[event.pk]))
    html = page.content.decode()
    assert "Hallo, wer da?" in html
    log = next(related for related in page.context["related_lists"] if "inboundlog" in related["address"])
    assert house.sender.display_name in staff.get(log["address"]).content.decode()


def test_codes_are_words_in_the_inbound_log(staff: Client, house: House) -> None:
    InboundLog.objects.create(
        workspace=house.workspace, sender=house.sender, kind="message_template_status_update", outcome="refused",
        reason="bad_signature",
    )  # fmt: skip
    html = staff.get(reverse("admin:messaging_inboundlog_changelist")).content.decode()
    assert "State of a template" in html
    assert "the signature is wrong" in html
    assert "bad_signature" not in html


def stored(house: House, value: dict[str, Any], number_id: str = NUMBER_ID) -> WebhookEvent:
    """A verified body with this value, that nobody has processed."""
    full = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number_id}, **value}
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": full}]}],
    }
    return WebhookEvent.objects.create(
        sender=house.sender, endpoint="sender:x", body=json.dumps(body).encode(), digest=f"{len(str(body))}"
    )


def house_chat(house: House) -> Any:
    return Message.objects.in_workspace(house.workspace).latest("pk").chat


def cost(do: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        do()
    return len(captured)
