"""What Botenwerk itself owes a customer: the assistant's answer, and one confirmation of an opt-out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assistants.models import Assistant
from messaging.models import AutomaticAnswer, ConsentEvent, Contact, Message, Sender
from messaging.services.assistant_answers import ask_assistant
from messaging.services.conversations import take_over
from messaging.tasks import give_answer
from tests.assistants.model_server import ModelServer, completion, run_model_server
from tests.cast import join, make_user
from tests.messaging.receiving.conftest import NOON, envelope, person, text
from tests.messaging.sending.wire import Wire, serve
from workspaces.models import Notification, Role

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wire(settings: Any) -> Iterator[Wire]:
    wire = Wire()
    server = serve(wire)
    settings.PROVIDER_ADDRESSES = {"cloud_api": wire.url}
    yield wire
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(settings: Any) -> Iterator[ModelServer]:
    with run_model_server() as server:
        settings.MODEL_HOSTS_ALLOWED = [server.host]
        yield server


@pytest.fixture
def assistant(sender: Sender, model: ModelServer) -> Assistant:
    made = Assistant.objects.in_workspace(sender.workspace).create(
        name="Empfang", endpoint=model.url, model="demo", instructions="Sei freundlich.", fallback_text="Gleich.",
        timeout_seconds=5,
    )  # fmt: skip
    Sender.objects.across_workspaces().filter(pk=sender.pk).update(assistant=made, ai_answers=True, token="t")
    return made


def answer_all() -> None:
    for answer in AutomaticAnswer.objects.across_workspaces().order_by("id"):
        give_answer(answer.pk)


def sent(wire: Wire) -> list[str]:
    return [body["text"]["body"] for body in wire.sent]


def test_what_no_flow_wants_the_senders_assistant_answers_once(
    assistant: Assistant, receive: Callable[..., Any], wire: Wire
) -> None:
    receive(envelope({"contacts": [person()], "messages": [text("Haben Sie offen?")]}))
    answer_all()
    answer_all()
    assert sent(wire) == ["Antwort auf: Haben Sie offen?"]
    assert AutomaticAnswer.objects.across_workspaces().get().status == "done"
    out = Message.objects.across_workspaces().get(direction="out")
    assert (out.cause_kind, out.cause_label) == ("assistant", "Empfang")


def test_asking_twice_for_one_message_owes_one_answer(assistant: Assistant, receive: Callable[..., Any]) -> None:
    receive(envelope({"contacts": [person()], "messages": [text()]}))
    message = Message.objects.across_workspaces().get()
    assert ask_assistant(message, now=NOON) == ask_assistant(message, now=NOON)


def test_an_answer_that_whatsapp_did_not_take_goes_out_a_minute_later(
    assistant: Assistant, receive: Callable[..., Any], wire: Wire
) -> None:
    receive(envelope({"contacts": [person()], "messages": [text("Haben Sie offen?")]}))
    wire.answer(503)
    answer_all()
    answer_all()
    rows = Message.objects.across_workspaces().filter(direction="out").order_by("id")
    assert [row.status for row in rows] == ["failed", "accepted"]
    assert AutomaticAnswer.objects.across_workspaces().get().status == "done"


def test_a_taken_over_conversation_gets_no_answer_of_an_assistant(
    assistant: Assistant, receive: Callable[..., Any], wire: Wire
) -> None:
    receive(envelope({"contacts": [person()], "messages": [text()]}))
    message = Message.objects.across_workspaces().select_related("conversation__chat__contact__workspace").get()
    bob = join(message.workspace, make_user("Bob"), Role.AGENT)
    take_over(message.conversation, by=bob, until=NOON.replace(hour=20), now=NOON)
    answer_all()
    assert sent(wire) == []


def test_a_customer_who_asks_for_a_person_is_told_to_the_team(
    assistant: Assistant, receive: Callable[..., Any], wire: Wire
) -> None:
    receive(envelope({"contacts": [person()], "messages": [text("Ich möchte mit einem Menschen sprechen")]}))
    answer_all()
    assert len(sent(wire)) == 1
    assert Notification.objects.across_workspaces().get().code == "hand_off"


def test_a_model_that_fails_is_told_to_the_team_behind_its_fallback_text(
    assistant: Assistant, model: ModelServer, receive: Callable[..., Any], wire: Wire
) -> None:
    def fails(handler: Any, _body: Any) -> None:
        handler.reply(500, b"{}")

    model.plan(*[fails] * 5)
    receive(envelope({"contacts": [person()], "messages": [text()]}))
    answer_all()
    assert sent(wire) == ["Gleich."]
    assert Notification.objects.across_workspaces().get().code == "assistant_unavailable"


def test_an_answer_longer_than_a_message_is_cut_and_goes(
    assistant: Assistant, model: ModelServer, receive: Callable[..., Any], wire: Wire
) -> None:
    model.plan(lambda handler, _body: handler.reply(200, completion("😀" * 3000)))
    receive(envelope({"contacts": [person()], "messages": [text()]}))
    answer_all()
    assert sent(wire) == ["😀" * 2048]


def test_an_opt_out_is_honoured_logged_and_confirmed_once(
    sender: Sender, receive: Callable[..., Any], wire: Wire
) -> None:
    Sender.objects.across_workspaces().update(token="t")
    for number in (1, 2):
        receive(envelope({"contacts": [person()], "messages": [text("STOP", id=f"wamid.{number}")]}))
    answer_all()
    assert Contact.objects.across_workspaces().get().consent_marketing == "opted_out"
    assert [event.evidence for event in ConsentEvent.objects.across_workspaces()] == ["STOP", "STOP"]
    assert len(sent(wire)) == 1
    assert "START" in sent(wire)[0]


def test_an_opt_in_restores_what_was_ended(sender: Sender, receive: Callable[..., Any]) -> None:
    receive(envelope({"contacts": [person()], "messages": [text("stop", id="a")]}))
    receive(envelope({"contacts": [person()], "messages": [text("Start", id="b")]}))
    assert Contact.objects.across_workspaces().get().consent_marketing == "opted_in"
