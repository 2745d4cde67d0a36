"""Reactions, edits and revocations: shown at their message, whatever order they come in, and nothing else happens."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.models import Chat, Contact, Conversation, Message, MessageChange, Sender
from messaging.services.changes import settle_change
from tests.messaging.receiving.conftest import NOON, envelope, person, text

pytestmark = pytest.mark.django_db(transaction=True)


def about(kind: str, *, id: str, seconds: int, target: str = "wamid.1", **content: Any) -> dict[str, Any]:
    """A change `seconds` after noon. An edit's `body` is its new text."""
    if kind == "edit":
        content = {"message": {"type": "text", "text": {"body": content["body"]}}}
    key = "message_id" if kind == "reaction" else "original_message_id"
    at = int((NOON + timedelta(seconds=seconds)).timestamp())
    who = {"from": "436641234567", "id": id, "timestamp": str(at)}
    return who | {"type": kind, kind: {key: target, **content}}


def arrive(receive: Callable[..., Any], *messages: Any) -> list[str]:
    lines = receive(envelope({"contacts": [person()], "messages": list(messages)}))
    return [line.outcome for line in lines]


def only_message() -> Message:
    return Message.objects.across_workspaces().get()


STORY = [
    text("15"),
    about("edit", id="e1", seconds=10, body="50"),
    about("edit", id="e2", seconds=20, body="51"),
    about("reaction", id="r1", seconds=5, emoji="👍"),
    about("reaction", id="r2", seconds=15, emoji="🎉"),
]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_a_message_shows_the_same_whatever_order_its_story_comes_in(
    receive: Callable[..., Any], clock: Any, order: tuple[int, ...]
) -> None:
    clock.move_to(NOON + timedelta(minutes=1))
    for place in order:
        arrive(receive, STORY[place])
    arrive(receive, STORY[4])
    message = only_message()
    assert (message.body, message.payload["reactions"]) == ("51", {"customer": "🎉"})
    assert [version["text"] for version in message.payload["versions"]] == ["15", "50", "51"]
    assert Conversation.objects.across_workspaces().get().last_message_text == "51"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.permutations(list(range(5))),
    doubled=st.lists(st.integers(0, 4), max_size=4),
    number=st.integers(0, 10**9),
)
def test_doubles_and_orders_do_not_matter(
    receive: Callable[..., Any], events: list[int], doubled: list[int], number: int
) -> None:
    own = f"wamid.{number}"
    story = [{**one, "id": f"{one['id']}.{number}"} for one in STORY]
    for one in story[1:]:
        part = one[one["type"]]
        one[one["type"]] = {**part, **{key: own for key in ("message_id", "original_message_id") if key in part}}
    story[0]["id"] = own
    for place in (*events, *doubled):
        arrive(receive, story[place])
    message = Message.objects.across_workspaces().get(provider_id=own)
    assert (message.body, message.payload["reactions"]) == ("51", {"customer": "🎉"})


def test_a_reaction_that_was_taken_back_is_gone_and_leaves_no_bubble(receive: Callable[..., Any]) -> None:
    taken_back = about("reaction", id="r3", seconds=30)
    assert arrive(receive, text(), STORY[3], taken_back) == ["stored"] * 3
    assert only_message().payload["reactions"] == {}
    assert Conversation.objects.across_workspaces().get().unread_count == 1


def test_a_taking_back_that_comes_first_wins_over_the_older_reaction(receive: Callable[..., Any], clock: Any) -> None:
    clock.move_to(NOON + timedelta(minutes=1))
    arrive(receive, text(), about("reaction", id="r3", seconds=30), STORY[3])
    assert only_message().payload["reactions"] == {}


def test_a_deleted_message_keeps_no_words_where_anybody_reads_them(receive: Callable[..., Any]) -> None:
    arrive(receive, text("Meine IBAN ist AT12"), about("revoke", id="x", seconds=20))
    message = only_message()
    assert (message.body, message.is_revoked) == ("", True)
    assert message.payload["original"]["text"] == "Meine IBAN ist AT12"
    assert "IBAN" not in Conversation.objects.across_workspaces().get().last_message_text


def test_deleted_stays_deleted_when_an_edit_comes_late(receive: Callable[..., Any]) -> None:
    arrive(receive, text("15"), about("revoke", id="x", seconds=20), STORY[1])
    assert only_message().body == ""


def test_changes_do_not_move_the_window(receive: Callable[..., Any], clock: Any) -> None:
    arrive(receive, text(at=NOON))
    clock.move_to(NOON + timedelta(hours=5))
    later = int(timedelta(hours=4).total_seconds())
    for change in (
        about("reaction", id="r", seconds=later, emoji="👍"),
        about("edit", id="e", seconds=later, body="x"),
        about("revoke", id="x", seconds=later),
    ):
        arrive(receive, change)
    assert Chat.objects.across_workspaces().get().window_expires_at == NOON + timedelta(hours=24)


def test_a_change_without_its_message_waits_for_it_a_week(sender: Sender, receive: Callable[..., Any]) -> None:
    assert arrive(receive, STORY[1]) == ["no_such_message"]
    kept = MessageChange.objects.across_workspaces().get()
    assert kept.wake_at == NOON + timedelta(seconds=5)
    assert not settle_change(kept, now=NOON + timedelta(days=8))
    kept.refresh_from_db()
    assert kept.wake_at is None


def test_a_customer_edits_and_deletes_only_their_own(sender: Sender, receive: Callable[..., Any]) -> None:
    contact = Contact.objects.create(workspace=sender.workspace, phone="+436641234567")
    chat = Chat.objects.create(workspace=sender.workspace, contact=contact, sender=sender)
    ours = Message.objects.create(
        workspace=sender.workspace, sender=sender, chat=chat, direction="out", kind="text", body="Bis morgen",
        status="accepted", provider_id="wamid.1", occurred_at=NOON,
    )  # fmt: skip
    assert arrive(receive, STORY[1], about("revoke", id="x", seconds=1)) == ["no_such_message"] * 2
    ours.refresh_from_db()
    assert ours.body == "Bis morgen"


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke"])
def test_a_change_that_names_no_message_is_said_to_be_incomplete(receive: Callable[..., Any], kind: str) -> None:
    assert arrive(receive, {**text(id="wamid.k"), "type": kind}) == ["not_understood"]
    assert not MessageChange.objects.across_workspaces().exists()
