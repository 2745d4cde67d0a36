"""What came in is looked at and replayed; what was done before is not done twice."""

from django.test import Client
from django.urls import reverse

from messaging.models import InboundLog, Message, WebhookEvent
from tests.house import House
from tests.messaging.admin.test_senders import act
from workspaces.models import AuditEntry


def test_a_webhook_event_is_processed_again_without_doing_it_twice(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    event = WebhookEvent.objects.latest("pk")
    lines = InboundLog.objects.filter(event=event).count()
    assert lines == 1
    assert "Done for 1 row." in act(staff, "replay", event)
    assert Message.objects.in_workspace(house.workspace).filter(direction="in").count() == 1
    assert set(InboundLog.objects.filter(event=event).values_list("outcome", flat=True)) == {"stored", "duplicate"}
    assert AuditEntry.objects.in_workspace(house.workspace).filter(verb="webhook_event.replayed").count() == 1


def test_the_body_and_its_log_are_read_and_linked(staff: Client, house: House) -> None:
    house.customer_writes("Hallo, wer da?")
    event = WebhookEvent.objects.latest("pk")
    page = staff.get(reverse("admin:messaging_webhookevent_change", args=[event.pk]))
    html = page.content.decode()
    assert "Hallo, wer da?" in html
    log = next(related for related in page.context["related_lists"] if "inboundlog" in related["address"])
    assert house.sender.display_name in staff.get(log["address"]).content.decode()
