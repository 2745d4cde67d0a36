"""Senders in the admin: connected, checked, paused, synced, and the five errors of sending caused by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import Chat, Message, Sender, Template
from messaging.services.pacing import pair_bucket, push_back
from messaging.services.people import chat_for, find_or_create_contact
from tests.house import ACCOUNT_ID, EVA, NUMBER_ID, SECRET, TOKEN, House
from tests.staff import make_staff
from workspaces.models import AuditEntry


def act(client: Client, name: str, *rows: Any) -> str:
    """Do an action to these rows on their list, and read the answer."""
    model = rows[0]._meta
    address = reverse(f"admin:{model.app_label}_{model.model_name}_changelist")
    data = {"action": name, "_selected_action": [row.pk for row in rows], "index": "0"}
    return client.post(address, data, follow=True).content.decode()


def send(client: Client, sender: Sender, **data: str) -> Any:
    page = reverse("admin:messaging_sender_send", args=[sender.pk])
    assert client.get(page).status_code == 200
    return client.post(page, {"to": EVA, "text": "", "template": "", "language": "", "variables": "", **data})


def open_window(house: House) -> Chat:
    """Eva wrote an hour ago."""
    contact, _created = find_or_create_contact(workspace=house.workspace, phone=EVA, name="Eva", now=house.now)
    chat = chat_for(contact, house.sender, house.now)
    chat.last_inbound_at = house.now - timedelta(hours=1)
    chat.window_expires_at = house.now + timedelta(hours=23)
    chat.save(update_fields=["last_inbound_at", "window_expires_at"])
    return chat


def audited(house: House) -> set[str]:
    return set(AuditEntry.objects.in_workspace(house.workspace).values_list("verb", flat=True))


def test_a_text_goes_out_through_the_one_door(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    answer = send(staff, house.sender, text="Guten Tag")
    message = Message.objects.in_workspace(house.workspace).get(direction="out")
    assert answer.url == reverse("admin:messaging_message_change", args=[message.pk])
    assert (message.status, message.cause_kind) == ("accepted", "staff")
    assert house.screen() == ["Guten Tag"]


def test_a_template_goes_out_with_its_values(staff: Client, house: House) -> None:
    house.template("termin", "Hallo {{1}}, bis {{2}}.")
    assert send(staff, house.sender, template="termin", variables="1 = Eva\n2 = morgen").status_code == 302
    assert house.screen() == ["Hallo Eva, bis morgen."]


def offline(house: House) -> dict[str, str]:
    Sender.objects.in_workspace(house.workspace).update(is_paused=True)
    house.template()
    return {"template": "termin", "variables": "1=a\n2=b\n3=c\n4=d"}


def too_fast(house: House) -> dict[str, str]:
    chat = open_window(house)
    push_back(house.sender, pair_bucket(chat), until=house.now + timedelta(hours=2), now=house.now)
    return {"text": "Guten Tag"}


CAUSED: dict[str, Callable[[House], dict[str, str]]] = {
    "template_not_found": lambda house: {"template": "nirgends"},
    "sender_offline": offline,
    "invalid_phone_number": lambda house: {"to": "0151/12345678", "text": "Guten Tag"},
    "outside_window": lambda house: {"text": "Guten Tag"},
    "rate_limited": too_fast,
}


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("code", sorted(CAUSED))
def test_each_of_the_five_errors_is_shown_and_nothing_is_sent(
    house: House, client: Client, code: str, language: str
) -> None:
    client.force_login(make_staff("Rita", is_superuser=True, language=language))
    typed = CAUSED[code](house)
    answer = send(client, house.sender, **typed)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert f"<code>{code}</code>" in html
    box = html.split('class="errornote"')[1].split("</div>")[0]
    assert box.count("<br>") >= 2, "title, cause and cure stand on lines of their own"
    assert (typed.get("text") or typed["template"]) in html
    assert house.calls() == []


def test_four_thousand_and_ninety_seven_characters_are_refused_before_the_call(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    assert "text_too_long" in send(staff, house.sender, text="x" * 4097).content.decode()
    assert house.calls() == []
    assert send(staff, house.sender, text="x" * 4096).status_code == 302


def test_sending_needs_the_permission_to_change_senders(house: House) -> None:
    client = Client()
    client.force_login(make_staff("Walter", "messaging.view_sender"))
    page = reverse("admin:messaging_sender_send", args=[house.sender.pk])
    assert client.post(page, {"to": EVA, "text": "x"}).status_code == 403
    assert 'value="pause"' not in client.get(reverse("admin:messaging_sender_changelist")).content.decode()
    act(client, "pause", house.sender)
    house.sender.refresh_from_db()
    assert not house.sender.is_paused


def test_pause_and_resume_act_on_each_and_say_what_was_so_already(staff: Client, house: House) -> None:
    assert "Done for 1 row." in act(staff, "pause", house.sender)
    assert "1 row was so already." in act(staff, "pause", house.sender)
    house.sender.refresh_from_db()
    assert house.sender.is_paused
    act(staff, "resume", house.sender)
    house.sender.refresh_from_db()
    assert not house.sender.is_paused
    assert {"sender.paused", "sender.resumed"} <= audited(house)


def test_a_check_calls_each_part_and_a_refusal_is_shown_with_its_sender(staff: Client, house: House) -> None:
    assert "Done for 1 row." in act(staff, "check_senders", house.sender)
    Sender.objects.in_workspace(house.workspace).update(token="falsch")
    broken = Sender.objects.in_workspace(house.workspace).get()
    broken.token = "falsch"
    broken.save(update_fields=["token"])
    html = act(staff, "check_senders", house.sender)
    assert "credentials_invalid" in html
    assert str(house.sender) in html
    assert "sender.checked" in audited(house)


def test_templates_are_synced_from_the_platform(staff: Client, house: House) -> None:
    house.template("termin")
    Template.objects.in_workspace(house.workspace).delete()
    html = act(staff, "sync", house.sender)
    assert "1 added" in html
    assert Template.objects.in_workspace(house.workspace).get().name == "termin"
    assert "templates.synced" in audited(house)


def test_a_number_is_connected_after_calling_the_platform(staff: Client, house: House) -> None:
    Sender.objects.in_workspace(house.workspace).delete()
    typed = {
        "workspace": house.workspace.slug, "address_key": "cloud_api", "provider_number_id": NUMBER_ID,
        "business_account_id": ACCOUNT_ID, "token": "falsch", "app_secret": SECRET, "verify_token": "v",
    }  # fmt: skip
    page = reverse("admin:messaging_sender_add")
    refused = staff.post(page, typed)
    assert refused.status_code == 422
    assert Sender.objects.in_workspace(house.workspace).count() == 0
    assert "falsch" not in refused.content.decode()
    connected = staff.post(page, {**typed, "token": TOKEN})
    sender = Sender.objects.in_workspace(house.workspace).get()
    assert connected.url == reverse("admin:messaging_sender_change", args=[sender.pk])
    assert (sender.token, sender.status) == (TOKEN, "online")


def test_an_empty_secret_keeps_the_stored_one_and_a_new_one_replaces_it(staff: Client, house: House) -> None:
    page = reverse("admin:messaging_sender_change", args=[house.sender.pk])
    html = staff.get(page).content.decode()
    assert "Is set" in html
    assert TOKEN not in html
    assert SECRET not in html
    typed = {
        "address_key": "cloud_api", "provider_number_id": NUMBER_ID, "business_account_id": ACCOUNT_ID,
        "token": "", "app_secret": "neues-geheimnis", "verify_token": "", "throughput": "80", "unknown_policy": "hold",
    }  # fmt: skip
    assert staff.post(page, typed).status_code == 302
    sender = Sender.objects.in_workspace(house.workspace).get()
    assert (sender.token, sender.app_secret, sender.verify_token) == (TOKEN, "neues-geheimnis", "verify")
    entry = AuditEntry.objects.in_workspace(house.workspace).get(verb="sender.changed")
    assert entry.facts == {"fields": ["app_secret"]}


def test_a_failed_message_is_sent_again_as_a_new_one(staff: Client, house: House) -> None:
    house.customer_writes("Hallo")
    send(staff, house.sender, text="Guten Tag")
    ours = Message.objects.in_workspace(house.workspace).filter(direction="out")
    sent = ours.get()
    house.statuses_of(sent, "sent", "delivered")
    assert "cannot_send_again" in act(staff, "send_again", sent)
    ours.update(status="failed", error_code="internal")
    house.advance(minutes=1)
    assert "Done for 1 row." in act(staff, "send_again", sent)
    assert house.screen() == ["Guten Tag", "Guten Tag"]
