"""What goes wrong is understood and put right by a person: in the thread, and by staff over all workspaces."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from messaging.models import Chat, Conversation, Message, WebhookEvent
from tests.cast import PASSWORD
from tests.house import House
from tests.staff import make_staff
from workspaces.models import AuditEntry, BulkJob


@pytest.fixture
def staff(house: House, page: Page, live_server: Any) -> Page:
    """The browser of a member of staff, who reads English."""
    user = make_staff("Rita", is_superuser=True, language="en")
    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile("/admin/$"))
    return page


@pytest.fixture
def conversation(house: House) -> Conversation:
    house.customer_writes("Guten Tag", name="Eva Novak")
    return Conversation.objects.in_workspace(house.workspace).get()


def failed(house: House, code: str, text: str = "Ihr Termin steht.", **facts: Any) -> Message:
    """One of our messages that did not go well."""
    chat = Chat.objects.in_workspace(house.workspace).get()
    conversation = Conversation.objects.in_workspace(house.workspace).get()
    return Message.objects.in_workspace(house.workspace).create(
        sender=house.sender, chat=chat, conversation=conversation, direction="out", kind="text", body=text,
        status="failed", error_code=code, error_facts=facts, payload={"preview_url": False}, cause_kind="person",
        cause_label="Alice", occurred_at=house.now,
    )  # fmt: skip


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).first.click()


def test_a_failed_send_is_understood_and_sent_again(
    at_home: Page, live_server: Any, house: House, conversation: Conversation
) -> None:
    message = failed(house, "whatsapp_unavailable")
    at_home.goto(f"{live_server.url}/w/praxis-graz/inbox/{conversation.public_id}/")
    bubble = at_home.locator(f"#said-{message.public_id}")
    shown = bubble.inner_text()
    assert "WhatsApp cannot be reached" in shown, "what happened"
    assert "whatsapp_unavailable" in shown
    bubble.get_by_role("button", name="Send again").click()
    expect(at_home.locator(".said-out")).to_have_count(2)
    house.settle()
    assert house.screen() == ["Ihr Termin steht."]
    message.refresh_from_db()
    assert message.status == "failed", "the one that failed stays as it is"


def test_an_unknown_end_is_settled_by_sending_it_again(
    at_home: Page, live_server: Any, house: House, conversation: Conversation
) -> None:
    message = failed(house, "delivery_unknown", contact="Eva Novak", sent_at=house.now.isoformat())
    at_home.goto(f"{live_server.url}/w/praxis-graz/inbox/{conversation.public_id}/")
    at_home.locator(f"#said-{message.public_id}").get_by_role("button", name="Send again").click()
    expect(at_home.locator(".said-out")).to_have_count(2)
    house.settle()
    assert house.screen() == ["Ihr Termin steht."]


def test_an_unknown_end_is_settled_as_arrived(
    at_home: Page, live_server: Any, house: House, conversation: Conversation
) -> None:
    message = failed(house, "delivery_unknown", contact="Eva Novak", sent_at=house.now.isoformat())
    at_home.goto(f"{live_server.url}/w/praxis-graz/inbox/{conversation.public_id}/")
    bubble = at_home.locator(f"#said-{message.public_id}")
    bubble.get_by_role("button", name="Mark as arrived").click()
    expect(bubble.get_by_role("button", name="Send again")).to_have_count(0)
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("delivered", "")
    assert house.screen() == []
    entry = AuditEntry.objects.in_workspace(house.workspace).get(verb="message.marked_as_arrived")
    assert entry.actor.startswith("Alice")


def test_staff_settle_an_unknown_one_in_the_outbox(
    staff: Page, live_server: Any, house: House, conversation: Conversation
) -> None:
    message = failed(house, "delivery_unknown", contact="Eva Novak", sent_at=house.now.isoformat())
    staff.goto(f"{live_server.url}/admin/messaging/message/")
    staff.get_by_role("link", name="Outbox", exact=True).click()
    row = staff.locator("#unknown tbody tr")
    assert "Eva Novak" in row.inner_text()
    assert "a person" in row.inner_text()
    press(staff, "Mark as arrived")
    assert "Done for 1 row." in staff.locator(".messagelist").inner_text()
    assert "the end of every message is known" in staff.locator("#unknown").inner_text()
    message.refresh_from_db()
    assert message.status == "delivered"


def test_staff_send_what_failed_again_and_come_back_to_it(
    staff: Page, live_server: Any, house: House, conversation: Conversation
) -> None:
    for number in (1, 2):
        failed(house, "whatsapp_unavailable", f"Nummer {number}")
    failed(house, "delivery_unknown", "Vielleicht da", contact="Eva Novak", sent_at=house.now.isoformat())
    staff.goto(f"{live_server.url}/admin/messaging/message/outbox/")
    assert "WhatsApp cannot be reached" in staff.locator("#failed").inner_text()
    staff.goto(f"{live_server.url}/admin/messaging/message/retry/")
    press(staff, "Take these 3 rows and look at them")
    shown = staff.locator("#content-main").inner_text()
    assert shown.count("Goes to Eva Novak again.") == 2
    assert "may_have_arrived" in shown
    press(staff, "Do it for 2 rows")
    assert "You can leave this page" in staff.locator(".messagelist").inner_text()
    job = BulkJob.objects.get()
    staff.goto(f"{live_server.url}/admin/")
    house.advance(minutes=3)
    staff.goto(f"{live_server.url}/admin/workspaces/bulkjob/{job.pk}/change/")
    assert "3 of 3 rows are through." in staff.locator("#progress").inner_text()
    assert sorted(house.screen()) == ["Nummer 1", "Nummer 2"]


def test_the_page_of_a_running_job_moves_by_itself(
    staff: Page, live_server: Any, house: House, conversation: Conversation
) -> None:
    job = BulkJob.objects.create(kind="messages.retry", state="running", started_at=house.now)
    item = job.items.create(row_id=failed(house, "whatsapp_unavailable").pk)
    staff.goto(f"{live_server.url}/admin/workspaces/bulkjob/{job.pk}/change/")
    assert "0 of 1 row is through." in staff.locator("#progress").inner_text()
    job.items.filter(pk=item.pk).update(outcome="done")
    expect(staff.locator("#progress")).to_contain_text("1 of 1 row is through.")
    BulkJob.objects.update(state="done", ended_at=house.now)
    expect(staff.locator("#progress")).to_contain_text("ended")
    expect(staff.get_by_role("button", name="Stop")).to_have_count(0)


def test_staff_replay_an_event_after_seeing_what_it_would_do(staff: Page, live_server: Any, house: House) -> None:
    house.flow("message_received", [{"type": "send_text", "name": "Gruß", "config": {"text": "Willkommen"}}])
    house.customer_writes("Ein Termin, bitte", name="Eva Novak")
    assert house.screen() == ["Willkommen"]
    # As after a restore: the body is there, what it led to is not.
    Message.objects.in_workspace(house.workspace).all().delete()
    for run in house.runs():
        run.delete()
    event = WebhookEvent.objects.order_by("pk").first()
    assert event is not None
    staff.goto(f"{live_server.url}/admin/messaging/webhookevent/{event.pk}/change/")
    press(staff, "Process again")
    shown = staff.locator(f"#row-{event.pk}").inner_text()
    assert "Ein Termin, bitte" in shown
    assert "Starts the flow “Ablauf”." in shown
    assert house.runs() == [], "looking does nothing"
    press(staff, "Do it for 1 row")
    house.settle()
    staff.reload()
    assert "Text: stored." in staff.locator(f"#row-{event.pk}").inner_text()
    assert house.run().status == "done"
    assert house.screen() == ["Willkommen", "Willkommen"]
    # Once more: it is known now.
    staff.goto(f"{live_server.url}/admin/messaging/webhookevent/{event.pk}/change/")
    press(staff, "Process again")
    assert "Text: known already." in staff.locator(f"#row-{event.pk}").inner_text()
