"""Every kind of payload is answered 200 and becomes the rows that the table names."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messaging.models import (
    Chat,
    ConsentEvent,
    Contact,
    Conversation,
    MediaFile,
    Message,
    MessageChange,
    MessageStatus,
    Sender,
    Template,
)
from tests.messaging.receiving.conftest import ACCOUNT, NOON
from workspaces.models import AuditEntry, Notification, Workspace

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(__file__).parent / "payloads"

NEW = ("contact Eva Novak +436641234567", "conversation by customer, 1 unread", "window open")
ASKED = ("sender asked at once",)
OFF = "sender offline"
# file: (line of the inbound log, what is new or different afterwards)
TABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    # --- accounts
    "account_update__account_deleted": (
        "stored account_deleted",
        (f"{OFF}: ACCOUNT_DELETED", "notice sender_offline", "log sender.account_updated", *ASKED),
    ),
    "account_update__account_disabled": ("stored reinstated", ("log sender.account_updated", *ASKED)),
    "account_update__account_barred": (
        "stored disabled_by_platform",
        (
            "sender suspended: DISABLED_BY_PLATFORM: November 25, 2026", "notice sender_offline",
            "log sender.account_updated", *ASKED,
        ),
    ),
    "account_update__account_violation": (
        "stored account_violation", ("notice account_warned", "log sender.account_updated", *ASKED),
    ),
    "account_update__account_reconnected": ("stored account_reconnected", ("log sender.account_updated", *ASKED)),
    "account_update__ad_account_linked": ("noted ad_account_linked", ()),
    "account_update__mm_api_for_wa_terms_of_service": ("noted mm_lite_terms_signed", ()),
    "account_update__partner_added": ("stored partner_added", ("log sender.account_updated", *ASKED)),
    "account_update__partner_app_installed": ("stored partner_app_installed", ("log sender.account_updated", *ASKED)),
    "account_update__partner_app_uninstalled": (
        "stored partner_app_uninstalled",
        (f"{OFF}: PARTNER_APP_UNINSTALLED", "notice sender_offline", "log sender.account_updated", *ASKED),
    ),
    "account_update__partner_removed": (
        "stored partner_removed",
        (f"{OFF}: PARTNER_REMOVED", "notice sender_offline", "log sender.account_updated", *ASKED),
    ),
    "account_update__partner_removed_wa_app_disconnection": (
        "stored partner_removed",
        (
            f"{OFF}: PARTNER_REMOVED: PRIMARY_INACTIVITY", "notice sender_offline", "log sender.account_updated",
            *ASKED,
        ),
    ),
    "account_update__pricing_tiering_update": ("noted volume_based_pricing_tier_update", ()),
    "account_update__primary_business_location_set": ("noted business_primary_location_country_update", ()),
    # --- calls: the end starts flows, shown in tests/automations/test_whatsapp_calls.py
    "call_connect__user_initiated": ("stored connect", (*NEW, "in call")),
    "call_status": ("stored status", (*NEW[:1], "conversation by business, 0 unread", "out call RINGING")),
    "call_terminate": (
        "stored terminate + noted not_handled",
        (*NEW[:1], "conversation by business, 0 unread", "out call COMPLETED 120 s, ended"),
    ),
    # --- customers' messages
    "callback_button__button": (
        "stored", (*NEW, "in interactive “Ja, passt” tapped termin:ja, answers wamid.out.1"),
    ),
    "callback_button__quick_reply": (
        "stored", (*NEW, "in button “Bestätigen” tapped termin:bestaetigen, answers wamid.out.1"),
    ),
    "callback_selection__description": (
        "stored", (*NEW, "in interactive “9:00” tapped slot:9, answers wamid.out.1"),
    ),
    "flow_completion__without_flow_token": (
        "stored",
        (
            *NEW,
            "in interactive “Sent”, answers wamid.out.1, "
            "form {'arzt': 'Dr. Weber', 'datum': '03.04.2027', 'schmerzen': '0'}",
        ),
    ),
    "message__text": ("stored", (*NEW, "in text “Guten Morgen”")),
    "message__forwarded": ("stored", (*NEW, "in text “Schau dir das an”, forwarded")),
    "message__reply": ("stored", (*NEW, "in text “Ja, das geht”, answers wamid.out.1")),
    "message__referral": (
        "stored", (*NEW, "in text “Ich komme von der Anzeige”, by the ad Mundhygiene um 79 Euro"),
    ),
    "message__in_a_group": (
        "stored", (*NEW[:2], "in text “Wer kommt morgen?”, in a group"),
    ),
    "message__without_phone": (
        "stored", ("contact Mia None AT.99001122", *NEW[1:], "in text “Hallo”"),
    ),
    "message__chosen_location": (
        "stored",
        (
            *NEW,
            "in location “Hauptplatz Hauptplatz 1, 8010 Graz”, forwarded, "
            "location {'name': 'Hauptplatz', 'address': 'Hauptplatz 1, 8010 Graz', 'latitude': 47.0707, "
            "'longitude': 15.4395}",
        ),
    ),
    "message__contacts": (
        "stored",
        (
            *NEW,
            "in contacts “Karl Muster”, contacts [{'name': 'Karl Muster', 'emails': ['karl@example.org'], "
            "'phones': [{'phone': '+43 664 7654321', 'wa_id': '436647654321'}], 'organisation': 'Labor Muster'}]",
        ),
    ),
    "message__order": (
        "stored",
        (
            *NEW,
            "in order “”, order {'items': ["
            "{'id': 'ZAHNBUERSTE', 'price': 4.5, 'currency': 'EUR', 'quantity': 3}, "
            "{'id': 'ZAHNSEIDE', 'price': 3.0, 'currency': 'EUR', 'quantity': 2}, "
            "{'id': 'SPUELUNG', 'price': 7.25, 'currency': 'EUR', 'quantity': 1}], 'catalog': '354160437058781'}",
        ),
    ),
    "message__unsupported": (
        "stored",
        (
            *NEW,
            "in unsupported “”, unsupported {'type': None, 'detail': 'Message type is currently not supported.'}",
        ),
    ),
    "message__unsupported_with_type": (
        "stored",
        (
            *NEW,
            "in unsupported “”, "
            "unsupported {'type': 'poll_creation', 'detail': 'Message type is currently not supported.'}",
        ),
    ),
    # --- files: fetched in the background, shown in test_media.py
    "message__static_sticker": ("stored", (*NEW, "in sticker “”", "file sticker 700700702 pending")),
    "message__voice": ("stored", (*NEW, "in audio “” voice", "file audio 700700703 pending")),
    "message__document": (
        "stored", (*NEW, "in document “Der Befund”", "file document 700700704 pending Befund.pdf"),
    ),
    "message__media_that_whatsapp_lost": ("stored", (*NEW, "in image “”", "file image  failed media_unavailable")),
    # --- about a message
    "edited_message__image": (
        "no_such_message kept_for_later", ("edit by customer of wamid.in.image, still unknown",),
    ),
    "message__revoke": ("no_such_message kept_for_later", ("revoke by customer of wamid.in.text, still unknown",)),
    "message__reaction": ("stored", ("reaction by customer of wamid.out.1", "reactions {'customer': '👍'}")),
    "message__reaction_taken_back": ("stored", ("reaction by customer of wamid.out.1",)),
    "outgoing_message__edit": (
        "stored", ("edit by business of wamid.out.1", "wamid.out.1 says “Bis morgen um zehn”"),
    ),
    # --- from the business's own phone
    "outgoing_message__text": (
        "stored echo",
        (
            *NEW[:1], "conversation by business, 0 unread, taken over",
            "out text “Ich rufe Sie gleich an” sent by person", "log conversation.taken_over",
        ),
    ),
    # --- statuses of our message
    "message_status__sent": ("stored sent", ("status sent utility", "wamid.out.1 is sent, utility")),
    "message_status__with_tracker": ("stored sent", ("status sent utility", "wamid.out.1 is sent, utility")),
    "message_status__failed": (
        "stored failed", ("status failed withheld_by_whatsapp", "wamid.out.1 is failed"),
    ),
    # --- templates and numbers
    "template_status_update__rejected": (
        "stored rejected",
        (
            "template rejected: Two parameters stand next to each other without a word between them.",
            "notice template_paused",
        ),
    ),
    "template_quality_update": ("stored yellow", ("template quality yellow",)),
    "template_category_update": ("stored marketing", ("template category marketing",)),
    "number__name_approved": ("stored", ("sender name Praxis am Markt", *ASKED)),
    "number__name_refused": ("stored", ("notice name_refused", *ASKED)),
    "number__throughput": ("stored throughput_upgrade", ("sender throughput 1000", "sender limit None", *ASKED)),
    "number__limit_by_tier": ("stored upgrade", ("sender limit 10000", *ASKED)),
    "business_capability_update": ("stored", ("sender limit 100000", *ASKED)),
    # --- customers
    "user_marketing_preferences__stop": (
        "stored marketing_stop",
        ("contact Eva Novak +436641234567", "consent marketing opted_out by whatsapp_preference", "marketing stopped"),
    ),
    "user_marketing_preferences__resume": (
        "stored marketing_resume",
        ("contact Eva Novak +436641234567", "consent marketing opted_in by whatsapp_preference"),
    ),
    "system__number_changed": ("noted no_such_contact", ()),
}  # fmt: skip


@pytest.fixture
def ours(sender: Sender) -> Message:
    """A message of ours that payloads are about, to somebody else than the customer who writes."""
    contact = Contact.objects.create(workspace=sender.workspace, phone="+436640000000", name="Jonas")
    chat = Chat.objects.create(workspace=sender.workspace, contact=contact, sender=sender)
    Template.objects.create(
        workspace=sender.workspace, business_account_id=ACCOUNT, name="termin", language="de", category="utility",
        status="approved",
    )  # fmt: skip
    Sender.objects.in_workspace(sender.workspace).update(messaging_limit=250)
    return Message.objects.create(
        workspace=sender.workspace, sender=sender, chat=chat, direction="out", kind="text", body="Bis morgen",
        status="accepted", provider_id="wamid.out.1", occurred_at=NOON,
    )  # fmt: skip


def test_the_table_knows_every_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_it_becomes_the_rows_of_the_table(
    name: str, ours: Message, workspace: Workspace, receive: Callable[..., Any]
) -> None:
    lines = receive(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
    told = " + ".join(f"{line.outcome} {line.reason}".strip() for line in lines)
    expected_line, expected_rows = TABLE[name]
    assert (told, sorted(rows_of(workspace, ours))) == (expected_line, sorted(expected_rows))


@pytest.mark.parametrize("name", TABLE)
def test_it_comes_twice_and_once_more_in_another_envelope(
    name: str, ours: Message, workspace: Workspace, receive: Callable[..., Any]
) -> None:
    body = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    receive(body)
    once = sorted(rows_of(workspace, ours))
    receive(body)
    receive(body | {"delivery": 2})
    again = sorted(row for row in rows_of(workspace, ours) if not row.startswith("log sender.account_updated"))
    assert again == [row for row in once if not row.startswith("log sender.account_updated")]


def rows_of(workspace: Workspace, ours: Message) -> list[str]:
    """What is there beyond the fixtures, in words."""
    found = [f"contact {one.name} {one.phone}{_id(one)}" for one in rows(Contact, workspace) if one.name != "Jonas"]
    for conversation in rows(Conversation, workspace):
        held = ", taken over" if conversation.is_taken_over(NOON) else ""
        found.append(f"conversation by {conversation.opened_by}, {conversation.unread_count} unread{held}")
    for chat in rows(Chat, workspace):
        found += ["window open"] * chat.is_window_open(NOON) + ["marketing stopped"] * bool(chat.marketing_stopped_at)
    found += [_message(message) for message in rows(Message, workspace) if message.pk != ours.pk]
    found += _of_ours(ours)
    for media in rows(MediaFile, workspace):
        why = media.name or media.error_code
        found.append(f"file {media.kind} {media.platform_id} {media.status} {why}".strip())
    for change in rows(MessageChange, workspace):
        unknown = "" if change.message_id else ", still unknown"
        found.append(f"{change.kind} by {change.by} of {change.target_provider_id}{unknown}")
    for status in rows(MessageStatus, workspace):
        found.append(f"status {status.status} {status.pricing.get('category') or status.error_code}")
    for said in rows(ConsentEvent, workspace):
        found.append(f"consent {said.purpose} {said.state} by {said.source}")
    found += [f"notice {notice.code}" for notice in rows(Notification, workspace)]
    found += [f"log {entry.verb}" for entry in rows(AuditEntry, workspace)]
    return found + _of_sender(workspace) + _of_template(workspace)


def rows(model: Any, workspace: Workspace) -> Any:
    return model.objects.in_workspace(workspace).order_by("id")


def _id(contact: Contact) -> str:
    return "" if contact.phone else " " + ", ".join(one.value for one in contact.identities.all())


def _message(message: Message) -> str:
    payload, text = message.payload, f"{message.direction} {message.kind}"
    if message.kind == "call":
        call = payload["call"]
        told = [call.get("result"), f"{call['seconds']} s, ended" if "seconds" in call else None]
        return " ".join(filter(None, (text, *told)))
    text += f" “{message.body}”"
    text += f" {message.status} by {message.cause_kind}" if message.direction == "out" else ""
    text += f" tapped {payload['button_id']}" if payload["button_id"] else ""
    text += " voice" if (payload["media"] or {}).get("is_voice") else ""
    text += f", answers {message.reply_to_provider_id}" if message.reply_to_provider_id else ""
    text += ", forwarded" if payload["forwarded"] else ""
    text += ", in a group" if payload["group_id"] else ""
    text += f", by the ad {payload['referral']['headline']}" if payload["referral"] else ""
    return text + "".join(f", {name} {_by_length(told)}" for name, told in payload["content"].items())


def _by_length(told: Any) -> Any:
    """PostgreSQL keeps an object's keys by their length, then by the alphabet; so does this."""
    if isinstance(told, dict):
        return {key: _by_length(told[key]) for key in sorted(told, key=lambda key: (len(key), key))}
    return [_by_length(one) for one in told] if isinstance(told, list) else told


def _of_ours(ours: Message) -> list[str]:
    ours.refresh_from_db()
    price = f", {ours.price_category}" if ours.price_category else ""
    found = [f"wamid.out.1 is {ours.status}{price}"] if ours.status != "accepted" else []
    found += [f"wamid.out.1 says “{ours.body}”"] if ours.body != "Bis morgen" else []
    reactions = ours.payload.get("reactions")
    return found + ([f"reactions {reactions}"] if reactions else [])


def _of_sender(workspace: Workspace) -> list[str]:
    sender = Sender.objects.in_workspace(workspace).get()
    why = f": {sender.status_reason}" if sender.status_reason else ""
    found = [f"sender {sender.status}{why}"] if sender.status != "online" else []
    found += ["sender asked at once"] if sender.wake_at == NOON else []
    found += [f"sender limit {sender.messaging_limit}"] if sender.messaging_limit != 250 else []
    found += [f"sender throughput {sender.throughput}"] if sender.throughput != 80 else []
    return found + ([f"sender name {sender.display_name}"] if sender.display_name else [])


def _of_template(workspace: Workspace) -> list[str]:
    template = Template.objects.in_workspace(workspace).get()
    found = [f"template {template.status}: {template.status_reason}"] if template.status != "approved" else []
    found += [f"template quality {template.quality}"] if template.quality != "unknown" else []
    return found + ([f"template category {template.category}"] if template.category != "utility" else [])
