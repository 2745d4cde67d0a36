"""The inbox: what stands in the list, what a thread shows, and what may be written."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from messaging.models import Conversation, Message, Template
from tests.messaging.pages.conftest import BASE, NOON, say
from tests.messaging.sending.wire import Wire

HTMX = {"HX-Request": "true"}


def page_of(conversation: Conversation, part: str = "") -> str:
    return f"{BASE}/inbox/{conversation.public_id}/{part}"


def texts(conversation: Conversation) -> list[str]:
    rows = Message.objects.in_workspace(conversation.workspace).filter(chat=conversation.chat, direction="out")
    return list(rows.order_by("id").values_list("body", flat=True))


def test_an_empty_inbox_says_how_it_fills(browser: Client) -> None:
    page = browser.get(f"{BASE}/inbox/")
    assert page.status_code == 200
    assert page.context["rows"] == []
    assert 'class="empty"' in page.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Kundin 1", "Kundin 2", "Kundin 3"]),
        ("state=unread", ["Kundin 1", "Kundin 3"]),
        ("state=waiting", ["Kundin 1", "Kundin 2"]),
        ("state=closed", ["Kundin 4"]),
        ("q=kundin+2", ["Kundin 2"]),
        ("q=0664+1230003", ["Kundin 3"]),
        ("q=66412300", ["Kundin 1", "Kundin 2", "Kundin 3"]),
        ("q=Zahnschmerz", ["Kundin 3"]),
        ("q=niemand", []),
        ("state=quatsch&before=quatsch", ["Kundin 1", "Kundin 2", "Kundin 3"]),
    ],
)
def test_the_list_is_narrowed_by_the_address(
    browser: Client, converse: Callable[..., Conversation], query: str, found: list[str]
) -> None:
    converse(1, hours_ago=1)
    converse(2, hours_ago=2, unread_count=0)
    converse(3, hours_ago=3, last_message_direction="out", text="Ich habe Zahnschmerzen")
    converse(4, hours_ago=40, closed_at=NOON, closed_by="quiet")
    page = browser.get(f"{BASE}/inbox/?{query}")
    assert [str(row["contact"]) for row in page.context["rows"]] == found


def test_older_conversations_are_a_cursor_away(browser: Client, converse: Callable[..., Conversation]) -> None:
    for number in range(31):
        converse(number, hours_ago=1 + number / 10)
    first = browser.get(f"{BASE}/inbox/")
    second = browser.get(f"{BASE}/inbox/?{first.context['older']}")
    assert [str(row["contact"]) for row in second.context["rows"]] == ["Kundin 30"]
    assert second.context["older"] == ""


def test_reading_marks_it_read_but_not_for_a_viewer(
    client: Client, browser: Client, converse: Callable[..., Conversation], as_role: Callable[[str], Client]
) -> None:
    conversation = converse()
    as_role("viewer").get(page_of(conversation))
    conversation.refresh_from_db()
    assert conversation.unread_count == 1
    as_role("agent").get(page_of(conversation))
    conversation.refresh_from_db()
    assert conversation.unread_count == 0


def test_a_thread_shows_each_message_as_what_it_is(browser: Client, converse: Callable[..., Conversation]) -> None:
    conversation = converse(text="Guten Tag", hours_ago=30)
    say(conversation, "", kind="audio")
    say(conversation, "", kind="something_new")
    say(conversation, "Hallo Eva", is_out=True, cause_kind="person", cause_label="Anna Wolf", status="read")
    rendered = {
        "header": {"kind": "text", "text": "Ihr Termin"},
        "body": "b",
        "footer": "Praxis",
        "buttons": [{"type": "quick_reply", "text": "Verlegen"}],
    }
    say(
        conversation,
        "b",
        is_out=True,
        kind="template",
        cause_kind="run",
        cause_id=str(uuid4()),
        cause_label="Erinnerung",
        payload={"rendered": rendered},
    )
    page = browser.get(page_of(conversation))
    shown = page.content.decode()
    lines = [line for line in page.context["thread"].lines if line.message]
    assert [str(line.kind_word) for line in lines][1:3] != ["", ""]
    assert "Anna Wolf" in shown
    assert "Erinnerung" in shown
    assert "Ihr Termin" in shown
    assert "Verlegen" in shown
    assert sum(line.new_day is not None for line in page.context["thread"].lines) == 2


def test_a_failed_message_shows_cause_and_cure_and_goes_again(
    browser: Client, converse: Callable[..., Conversation], wire: Wire
) -> None:
    conversation = converse()
    failed = say(
        conversation,
        "Noch einmal",
        is_out=True,
        status="failed",
        error_code="sender_offline",
        error_facts={"sender": "Praxis", "reason": "offline"},
    )
    page = browser.get(page_of(conversation))
    (line,) = [line for line in page.context["thread"].lines if line.error]
    assert line.error.cure_text() in page.content.decode().replace("&quot;", '"').replace("&#x27;", "'")
    browser.post(page_of(conversation, f"again/{failed.public_id}/"))
    assert len(wire.sent) == 1
    assert texts(conversation) == ["Noch einmal", "Noch einmal"]


def test_text_is_sent_once_however_often_the_form_is(
    browser: Client, converse: Callable[..., Conversation], wire: Wire
) -> None:
    conversation = converse()
    form = {"text": "Gern um 10 Uhr", "key": str(uuid4())}
    for _again in range(2):
        page = browser.post(page_of(conversation, "text/"), form, headers=HTMX)
        assert page.status_code == 200
    assert texts(conversation) == ["Gern um 10 Uhr"]
    assert len(wire.sent) == 1
    conversation.refresh_from_db()
    assert conversation.is_taken_over(NOON)


@pytest.mark.parametrize("text", ["", "   ", "x" * 4097])
def test_a_text_that_cannot_go_is_kept_with_its_error(
    browser: Client, converse: Callable[..., Conversation], wire: Wire, text: str
) -> None:
    conversation = converse()
    page = browser.post(page_of(conversation, "text/"), {"text": text, "key": str(uuid4())}, headers=HTMX)
    assert page.status_code == 422
    assert wire.sent == []
    assert text in page.content.decode()


def test_a_refusal_of_the_platform_keeps_the_text(
    browser: Client, converse: Callable[..., Conversation], wire: Wire
) -> None:
    conversation = converse()
    wire.refuse(131026)
    page = browser.post(page_of(conversation, "text/"), {"text": "Bis morgen", "key": str(uuid4())}, headers=HTMX)
    assert page.status_code == 422
    assert page.context["composer_error"].code == "recipient_not_on_whatsapp"
    assert "Bis morgen" in page.content.decode()


def test_a_closed_window_offers_templates(
    browser: Client, converse: Callable[..., Conversation], template: Template
) -> None:
    conversation = converse(hours_ago=25)
    page = browser.get(page_of(conversation))
    assert [choice["template"] for choice in page.context["choices"]] == [template]
    assert 'name="text"' not in page.content.decode()


def test_text_after_the_window_is_refused_and_kept(
    browser: Client, converse: Callable[..., Conversation], wire: Wire, template: Template
) -> None:
    conversation = converse(hours_ago=25)
    page = browser.post(page_of(conversation, "text/"), {"text": "Zu spät", "key": str(uuid4())}, headers=HTMX)
    assert page.status_code == 422
    assert page.context["composer_error"].code == "outside_window"
    assert "Zu spät" in page.content.decode()
    assert wire.sent == []


def test_a_template_goes_with_the_values_typed(
    browser: Client, converse: Callable[..., Conversation], wire: Wire, template: Template
) -> None:
    conversation = converse(hours_ago=25)
    form = {"template": str(template.public_id), "key": str(uuid4()), "value.1": "Eva", "value.2": "Montag"}
    for _again in range(2):
        assert browser.post(page_of(conversation, "template/"), form, headers=HTMX).status_code == 200
    assert texts(conversation) == ["Hallo Eva, bis Montag."]
    assert len(wire.sent) == 1


def test_a_missing_value_is_said_at_its_field(
    browser: Client, converse: Callable[..., Conversation], wire: Wire, template: Template
) -> None:
    conversation = converse(hours_ago=25)
    form = {"template": str(template.public_id), "key": str(uuid4()), "value.1": "Eva", "value.2": ""}
    page = browser.post(page_of(conversation, "template/"), form, headers=HTMX)
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["value.2"]
    assert 'value="Eva"' in page.content.decode()
    assert wire.sent == []


def test_a_person_takes_over_hands_back_and_closes(browser: Client, converse: Callable[..., Conversation]) -> None:
    conversation = converse()
    browser.post(page_of(conversation, "take-over/"))
    conversation.refresh_from_db()
    assert conversation.taken_over_until == NOON + timedelta(hours=24)
    browser.post(page_of(conversation, "hand-back/"))
    conversation.refresh_from_db()
    assert conversation.taken_over_until is None
    notes = [line.note for line in browser.get(page_of(conversation)).context["thread"].lines if line.note]
    assert len(notes) == 2
    browser.post(page_of(conversation, "close/"))
    conversation.refresh_from_db()
    assert conversation.closed_by == "person"


def test_the_thread_says_when_the_window_has_turned(browser: Client, converse: Callable[..., Conversation]) -> None:
    conversation = converse(hours_ago=25)
    drawn_open = browser.get(page_of(conversation, "?part=talk&window=open"), headers=HTMX)
    drawn_closed = browser.get(page_of(conversation, "?part=talk&window=closed"), headers=HTMX)
    assert drawn_open["HX-Trigger"] == "window-turned"
    assert "HX-Trigger" not in drawn_closed


def test_the_lists_cost_the_same_for_10_and_30_rows(
    browser: Client, converse: Callable[..., Conversation], django_assert_num_queries: Any, count_queries: Any
) -> None:
    conversation = converse(99)
    for number in range(9):
        converse(number)
        say(conversation, f"{number}", is_out=True, cause_kind="person")
    few = count_queries(f"{BASE}/inbox/"), count_queries(page_of(conversation))
    for number in range(9, 29):
        converse(number)
        say(conversation, f"{number}", is_out=True, cause_kind="person")
    assert (count_queries(f"{BASE}/inbox/"), count_queries(page_of(conversation))) == few
