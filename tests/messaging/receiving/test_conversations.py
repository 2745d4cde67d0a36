"""Episodes: opened by a message, closed by the quiet time with one result, kept open for a person or a run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from automations.services.clock import tick
from messaging.events import ConversationHandedBack
from messaging.models import Contact, Conversation, Sender
from messaging.services import conversations
from messaging.services.conversations import hand_back, mark_read, take_over
from messaging.tasks import wake_conversation
from tests.cast import join, make_user
from tests.messaging.receiving.conftest import NOON, envelope, person, text
from workspaces import events
from workspaces.models import Membership, Role, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bob(workspace: Workspace) -> Membership:
    return join(workspace, make_user("Bob"), Role.AGENT)


@pytest.fixture
def writes(receive: Callable[..., Any], clock: Any) -> Callable[..., Conversation]:
    """Eva writes so long after noon; the conversation that is open then."""

    def write(id: str, after: timedelta = timedelta()) -> Conversation:
        clock.move_to(NOON + after)
        receive(envelope({"contacts": [person()], "messages": [text(id=id, at=NOON + after)]}))
        rows = Conversation.objects.across_workspaces().select_related("chat__contact__workspace", "workspace")
        return rows.get(closed_at=None)

    return write


def all_conversations() -> list[tuple[str, bool]]:
    rows = Conversation.objects.across_workspaces().order_by("id")
    return [(one.closed_by, one.has_inbound) for one in rows]


@pytest.mark.parametrize("by_clock", [True, False])
def test_after_the_quiet_time_a_message_opens_a_new_conversation(
    writes: Callable[..., Conversation], clock: Any, by_clock: bool
) -> None:
    first = writes("a")
    if by_clock:
        clock.move_to(NOON + timedelta(hours=24))
        wake_conversation(first.pk)
    second = writes("b", timedelta(hours=24, seconds=1))
    assert second != first
    assert all_conversations() == [("quiet", True), ("", True)]


def test_a_message_within_the_quiet_time_goes_on_with_the_conversation(writes: Callable[..., Conversation]) -> None:
    assert writes("a") == writes("b", timedelta(hours=23, minutes=59))


def test_the_clock_closes_what_is_quiet_and_nothing_else(writes: Callable[..., Conversation], clock: Any) -> None:
    first = writes("a")
    assert first.wake_at == NOON + timedelta(hours=24)
    wake_conversation(first.pk)
    assert all_conversations() == [("", True)]
    tick(NOON + timedelta(hours=24))
    clock.move_to(NOON + timedelta(hours=24))
    wake_conversation(first.pk)
    assert all_conversations() == [("quiet", True)]


def test_a_conversation_stays_open_while_a_run_waits_or_a_person_speaks(
    writes: Callable[..., Conversation], bob: Membership, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = writes("a")
    clock.move_to(NOON + timedelta(hours=30))
    with monkeypatch.context() as patched:
        patched.setattr(conversations, "_reasons_to_stay_open", [lambda _chat: True])
        wake_conversation(first.pk)
    take_over(first, by=bob, until=NOON + timedelta(hours=40), now=NOON)
    wake_conversation(first.pk)
    assert all_conversations() == [("", True)]
    clock.move_to(NOON + timedelta(hours=41))
    wake_conversation(first.pk)
    assert all_conversations() == [("quiet", True)]


def test_handing_back_is_told_to_the_flows(
    writes: Callable[..., Conversation], bob: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(events, "_subscribers", {ConversationHandedBack: [heard.append]})
    conversation = writes("a")
    take_over(conversation, by=bob, until=NOON + timedelta(hours=4), now=NOON)
    assert conversation.is_taken_over(NOON)
    hand_back(conversation, by=bob, now=NOON)
    assert not conversation.is_taken_over(NOON)
    assert [event.conversation for event in heard] == [conversation]


def test_reading_a_conversation_clears_what_was_unread(writes: Callable[..., Conversation]) -> None:
    writes("a")
    conversation = writes("b")
    assert conversation.unread_count == 2
    mark_read(conversation, now=NOON)
    conversation.refresh_from_db()
    assert conversation.unread_count == 0


def test_a_straggler_takes_its_place_and_does_not_become_the_last_message(
    writes: Callable[..., Conversation], receive: Callable[..., Any]
) -> None:
    writes("a")
    late = text("früher", id="b", at=NOON - timedelta(minutes=5))
    receive(envelope({"contacts": [person()], "messages": [late]}))
    conversation = Conversation.objects.across_workspaces().get()
    assert (conversation.last_message_text, conversation.last_message_at) == ("Hallo", NOON)


def test_the_marketing_switch_of_the_platform_holds_by_its_time(sender: Sender, receive: Callable[..., Any]) -> None:
    def says(word: str, minutes: int) -> None:
        at = int((NOON - timedelta(minutes=minutes)).timestamp())
        entry = {"wa_id": "436641234567", "category": "marketing_messages", "value": word, "timestamp": at}
        receive(envelope({"contacts": [person()], "user_preferences": [entry]}, field="user_preferences"))

    def stopped() -> bool:
        chat = Contact.objects.across_workspaces().get().chats.get()
        return chat.marketing_stopped_at is not None

    says("stop", 10)
    assert stopped()
    says("resume", 5)
    assert not stopped()
    says("stop", 7)
    assert not stopped()


def test_a_first_message_is_shown_though_the_platform_counts_whole_seconds(receive: Callable[..., Any]) -> None:
    receive(envelope({"contacts": [person()], "messages": [text(at=NOON - timedelta(seconds=1))]}))
    conversation = Conversation.objects.across_workspaces().get()
    assert (conversation.last_message_text, conversation.last_message_at) == ("Hallo", NOON - timedelta(seconds=1))
