"""The mission's first example: call ended, five minutes, and each outcome gets its template, or none."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from automations.models import Event, Flow, Run
from automations.recipes import load_recipe
from automations.services.events import accept_event
from automations.services.recipes import install_recipe
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)
RECIPE = load_recipe("call_follow_up")


def put_templates(house: House, language: str = "de") -> None:
    """The recipe's templates, approved on the platform."""
    for need in RECIPE.needs.values():
        if need["kind"] == "template":
            house.template(need["name"], language=language, components=need["components"][language])


@pytest.fixture
def plain(house: House) -> Flow:
    put_templates(house)
    return install_recipe(workspace=house.workspace, key="call_follow_up", by=house.owner, now=house.now)


def call_ends(house: House, call_id: str = "call-1", **data: Any) -> Any:
    given = {"call_id": call_id, "customer_phone": EVA, "customer_name": "Eva Novak", "agent_name": "Anna"}
    return accept_event(
        workspace=house.workspace,
        name="call.ended",
        data={**given, "status": "answered", "duration_seconds": 60, **data},
        now=house.now,
    )


def parameters(sent: dict[str, Any]) -> list[str]:
    """The values that went out, in their order."""
    return [
        value["text"]
        for component in sent["body"]["template"]["components"]
        if component["type"] == "body"
        for value in component["parameters"]
    ]


@pytest.mark.parametrize(
    ("outcome", "template"),
    [("interested", "anruf_interesse"), ("follow_up", "anruf_rueckfrage"), ("not_interested", None), (None, None)],
)
def test_each_outcome_gets_its_template_five_minutes_later(
    house: House, plain: Flow, outcome: str | None, template: str | None
) -> None:
    call_ends(house, outcome=outcome)
    house.settle()
    house.advance(minutes=4, seconds=59)
    assert house.sends() == []
    house.advance(seconds=1)
    sent = house.sends()
    assert [one["body"]["template"]["name"] for one in sent] == ([template] if template else [])
    if template:
        assert parameters(sent[0]) == ["Eva Novak", "Anna"]
        assert sent[0]["to"] == EVA.removeprefix("+")
    assert house.run().status == Run.Status.DONE


def test_the_names_of_the_missions_own_webhook_are_taken_too(house: House, plain: Flow) -> None:
    accept_event(
        workspace=house.workspace,
        name="call.ended",
        data={
            "id": 8123,
            "customer_phone": EVA,
            "duration": 184,
            "status": "completed",
            "extracted_variables": {"customer_interested": True},
        },
        now=house.now,
    )
    house.settle()
    house.advance(minutes=5)
    assert parameters(house.sends()[0]) == ["und danke", "Praxis Graz"]
    assert house.run().trigger["call_id"] == "8123"


def test_the_same_event_ten_times_in_parallel_starts_one_run(house: House, plain: Flow) -> None:
    def deliver(_number: int) -> bool:
        try:
            return call_ends(house, outcome="interested").was_created
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        created = list(pool.map(deliver, range(10)))
    assert created.count(True) == 1
    assert Event.objects.in_workspace(house.workspace).count() == 1
    house.settle()
    house.advance(minutes=5)
    assert len(house.runs()) == 1
    assert len(house.sends()) == 1


def test_full_edition_writes_to_who_was_not_reached(house: House) -> None:
    put_templates(house)
    install_recipe(workspace=house.workspace, key="call_follow_up", edition="full", by=house.owner, now=house.now)
    call_ends(house, status="no_answer", duration_seconds=0)
    house.settle()
    house.advance(minutes=5)
    assert [one["body"]["template"]["name"] for one in house.sends()] == ["anruf_verpasst"]


def test_full_edition_waits_for_the_answer_and_gives_it_to_the_team(house: House) -> None:
    put_templates(house)
    install_recipe(workspace=house.workspace, key="call_follow_up", edition="full", by=house.owner, now=house.now)
    call_ends(house, outcome="interested")
    house.settle()
    house.advance(minutes=5)
    assert house.run().status == Run.Status.WAITING
    house.customer_writes("Ja, Donnerstag passt")
    assert house.run().status == Run.Status.DONE
    assert [notice.body for notice in house.notices()] == ["Ja, Donnerstag passt"]


def test_recipe_installs_in_english(house: House) -> None:
    house.workspace.language = "en"
    house.workspace.save()
    put_templates(house, "en")
    for edition in RECIPE.editions:
        install_recipe(workspace=house.workspace, key="call_follow_up", edition=edition, by=house.owner, now=house.now)
    names = Flow.objects.in_workspace(house.workspace).order_by("id").values_list("name", flat=True)
    assert list(names) == ["Follow-up after a call", "Follow-up after a call, full"]
