"""A customer writes, a flow runs, the answer and its ticks come back: over HTTP, signed, through queue and clock."""

import pytest

from assistants.models import Assistant
from automations.models import Run
from automations.services.recipes import install_recipe
from messaging.models import Message
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


def test_hallo_is_answered_by_a_flow(house: House) -> None:
    house.flow(
        "message_received",
        [{"type": "send_text", "config": {"text": "Guten Tag {{contact.first_name}}, worum geht es?"}}],
    )
    house.customer_writes("Hallo", name="Eva Novak")
    assert house.screen() == ["Guten Tag Eva, worum geht es?"]
    assert house.run().status == Run.Status.DONE


def test_ticks_come_back_to_the_message(house: House) -> None:
    house.flow("message_received", [{"type": "send_text", "config": {"text": "Guten Tag"}}])
    house.customer_writes("Hallo")
    (message,) = house.messages()
    house.emulator.customer_reads(EVA)
    house.statuses_of(message, "sent", "delivered", "read")
    assert message.status == Message.Status.READ
    assert {status.status for status in message.statuses.all()} == {"sent", "delivered", "read"}


@pytest.mark.parametrize("profile", [EVA, "12345", "\N{SPARKLES}"])
def test_a_name_without_a_letter_is_not_used_to_greet(house: House, profile: str) -> None:
    house.flow(
        "message_received",
        [{"type": "send_text", "config": {"text": "Hallo {{contact.first_name | default: 'und willkommen'}}!"}}],
    )
    house.customer_writes("Hallo", name=profile)
    assert house.screen() == ["Hallo und willkommen!"]


def test_first_answer_greets_asks_waits_and_has_the_assistant_answer(house: House, assistant: Assistant) -> None:
    install_recipe(workspace=house.workspace, key="first_answer", by=house.owner, now=house.now)
    house.customer_writes("Hallo", name="Eva Novak")
    assert house.run().status == Run.Status.WAITING
    house.customer_writes("Was kostet eine Reinigung?")
    assert house.screen()[0].startswith("Guten Tag Eva, hier ist Praxis Graz.")
    assert "95 Euro" in house.screen()[1]
    assert house.run().status == Run.Status.DONE
