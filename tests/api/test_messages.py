"""POST /api/v1/messages and what is around it, against the emulator over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from rest_framework.test import APIClient

from messaging.emulator.testing import RunningEmulator, run_emulator
from messaging.models import Conversation, Message, Sender, Template
from tests.api.conftest import client_of, demand_problem
from tests.api.platform import EVA, Platform, connect
from tests.cast import join, make_user
from workspaces.models import IdempotentCall, Membership, Role, Workspace

MESSAGES = "/api/v1/messages"
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    with run_emulator() as emulator:
        yield emulator


@pytest.fixture
def platform(clock: Any, workspace: Workspace, settings: Any, emulator: RunningEmulator) -> Platform:
    settings.PROVIDER_ADDRESSES = {"emulator": emulator.url}
    emulator.client.reset()
    return connect(emulator, workspace)


def text(platform: Platform, **changes: Any) -> dict[str, Any]:
    body = {"type": "text", "sender": str(platform.sender.public_id), "to": EVA, "text": "Guten Tag"}
    return {**body, **changes}


def template(platform: Platform, **changes: Any) -> dict[str, Any]:
    body = {
        "type": "template",
        "sender": str(platform.sender.public_id),
        "to": EVA,
        "template": "termin",
        "language": "de",
        "variables": {"1": "Eva"},
    }
    return {**body, **changes}


# --- What goes -----------------------------------------------------------------------------------


def test_text_goes_inside_the_window(call: APIClient, platform: Platform) -> None:
    chat = platform.wrote(EVA, at=NOON - timedelta(hours=1))
    answer = call.post(MESSAGES, text(platform), format="json")
    assert answer.status_code == 201
    body = answer.json()
    conversation = Conversation.objects.in_workspace(platform.workspace).get(chat=chat)
    assert body["status"] == "accepted"
    assert body["contact"] == str(chat.contact.public_id)
    assert body["conversation"] == str(conversation.public_id)
    assert body["created"] is True
    assert body["caused_by"]["kind"] == "api"
    assert [sent["text"]["body"] for sent in platform.sends] == ["Guten Tag"]


def test_a_template_goes_at_any_time_to_somebody_new(call: APIClient, platform: Platform) -> None:
    platform.add_template("termin", "Hallo {{1}}, bis morgen.")
    answer = call.post(MESSAGES, template(platform, name="Eva Adler"), format="json")
    assert answer.status_code == 201
    assert answer.json()["text"] == "Hallo Eva, bis morgen."
    assert answer.json()["template"]["name"] == "termin"
    assert [part["text"] for part in platform.sends[0]["template"]["components"][0]["parameters"]] == ["Eva"]
    message = Message.objects.in_workspace(platform.workspace).select_related("chat__contact").get()
    assert message.chat.contact.name == "Eva Adler"


def test_a_template_goes_by_its_id_and_with_named_variables(call: APIClient, platform: Platform) -> None:
    row = platform.add_template("gruss", "Hallo {{customer_name}}, bis morgen.", parameter_format="named")
    answer = call.post(
        MESSAGES,
        template(platform, template=str(row.public_id), variables={"customer_name": "Eva"}),
        format="json",
    )
    assert answer.status_code == 201
    parameter = platform.sends[0]["template"]["components"][0]["parameters"][0]
    assert (parameter["parameter_name"], parameter["text"]) == ("customer_name", "Eva")


def test_a_message_is_read_back_with_its_ticks(call: APIClient, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    sent = call.post(MESSAGES, text(platform), format="json").json()
    one = call.get(f"{MESSAGES}/{sent['id']}").json()
    assert (one["id"], one["status"], one["statuses"]) == (sent["id"], "accepted", [])
    listed = call.get(f"{MESSAGES}?direction=out&status=accepted&sender={platform.sender.public_id}").json()
    assert [row["id"] for row in listed["results"]] == [sent["id"]]
    assert call.get(f"{MESSAGES}?status=failed").json()["results"] == []


def test_a_wrong_filter_is_named(call: APIClient, platform: Platform) -> None:
    body = demand_problem(call.get(f"{MESSAGES}?status=gone"), 422, "invalid_input")
    assert body["errors"][0]["field"] == "status"


def test_pages_are_walked_by_cursor_without_gap_or_double(call: APIClient, platform: Platform) -> None:
    platform.add_template("termin", "Hallo {{1}}, bis morgen.")
    for number in range(5):
        call.post(MESSAGES, template(platform, to=f"+43664123456{number}"), format="json")
    seen: list[str] = []
    address: str | None = f"{MESSAGES}?limit=2"
    while address:
        page = call.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    rows = Message.objects.in_workspace(platform.workspace).order_by("-id")
    assert seen == [str(row.public_id) for row in rows]
    assert len(seen) == 5


# --- What is refused, with nothing sent ----------------------------------------------------------


def _no_such_template(platform: Platform) -> dict[str, Any]:
    return template(platform, template="gibt_es_nicht")


def _paused_sender(platform: Platform) -> dict[str, Any]:
    Sender.objects.in_workspace(platform.workspace).update(is_paused=True)
    return template(platform)


def _national_number(platform: Platform) -> dict[str, Any]:
    return template(platform, to="0151/12345678")


def _closed_window(platform: Platform) -> dict[str, Any]:
    platform.wrote(EVA, at=NOON - timedelta(hours=24, seconds=1))
    return text(platform)


REFUSED = {
    "template_not_found": (404, _no_such_template, "template"),
    "sender_offline": (503, _paused_sender, "sender"),
    "invalid_phone_number": (422, _national_number, "to"),
    "outside_window": (409, _closed_window, None),
}


@pytest.mark.parametrize("code", REFUSED)
def test_each_refusal_has_status_code_cause_and_cure_in_both_languages_and_sends_nothing(
    code: str, call: APIClient, platform: Platform
) -> None:
    status, cause, field = REFUSED[code]
    platform.add_template("termin", "Hallo {{1}}, bis morgen.")
    order = cause(platform)
    german = demand_problem(call.post(MESSAGES, order, format="json", headers={"Accept-Language": "de"}), status, code)
    english = demand_problem(call.post(MESSAGES, order, format="json", headers={"Accept-Language": "en"}), status, code)
    for part in ("title", "detail", "cure"):
        assert german[part] != english[part]
        assert "%(" not in german[part] + english[part]
    assert [error["field"] for error in german["errors"]] == ([field] if field else [])
    assert platform.calls == []


def test_too_many_messages_to_one_person_say_when_the_next_slot_is(
    call: APIClient, platform: Platform, clock: Any
) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    answers = []
    for _ in range(47):
        # Slowly enough for the sender's own limit, so that only the pair's is met.
        clock.shift(0.05)
        answers.append(call.post(MESSAGES, text(platform), format="json"))
    refused = next(answer for answer in answers if answer.status_code != 201)
    german = demand_problem(refused, 429, "rate_limited")
    assert int(refused["Retry-After"]) >= 1
    english = call.post(MESSAGES, text(platform), format="json", headers={"Accept-Language": "en"})
    assert demand_problem(english, 429, "rate_limited")["detail"] != german["detail"]
    assert len(platform.sends) == sum(answer.status_code == 201 for answer in answers)
    waiting = call.post(MESSAGES, text(platform, wait=True), format="json")
    assert (waiting.status_code, waiting.json()["status"]) == (201, "queued")


def test_a_refusal_by_state_names_the_failed_message(call: APIClient, platform: Platform) -> None:
    platform.add_template("termin", "Hallo {{1}}, bis morgen.")
    Template.objects.in_workspace(platform.workspace).update(status=Template.Status.PAUSED)
    body = demand_problem(call.post(MESSAGES, template(platform), format="json"), 409, "template_paused")
    failed = call.get(f"{MESSAGES}/{body['message']}").json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "template_paused")
    assert failed["error"]["cure"]


@pytest.mark.parametrize(("length", "status"), [(4096, 201), (4097, 422)])
def test_text_goes_up_to_4096_characters(call: APIClient, platform: Platform, length: int, status: int) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    answer = call.post(MESSAGES, text(platform, text="a" * length), format="json")
    assert answer.status_code == status
    if status == 422:
        demand_problem(answer, 422, "text_too_long")
        assert platform.calls == []


@pytest.mark.parametrize(
    ("variables", "code"),
    [({"1": ""}, "variable_missing"), ({"1": None}, "variable_missing"), ({}, "template_parameters_mismatch"),
     ({"1": "Eva", "2": "x"}, "template_parameters_mismatch")],
)  # fmt: skip
def test_variables_that_do_not_fit_are_refused_before_any_call(
    call: APIClient, platform: Platform, variables: dict[str, Any], code: str
) -> None:
    platform.add_template("termin", "Hallo {{1}}, bis morgen.")
    demand_problem(call.post(MESSAGES, template(platform, variables=variables), format="json"), 422, code)
    assert platform.calls == []


@pytest.mark.parametrize("to", ["+4915112345678", "+436641234567"])
def test_e164_passes(call: APIClient, platform: Platform, to: str) -> None:
    platform.add_template("termin", "Hallo {{1}}, bis morgen.")
    assert call.post(MESSAGES, template(platform, to=to), format="json").status_code == 201


@pytest.mark.parametrize("to", ["0151/12345678", "+49 (0) 151 12345678", "", " +4915112345678", "+٤٩١٥١١٢٣٤٥٦٧٨"])
def test_everything_else_is_refused(call: APIClient, platform: Platform, to: str) -> None:
    demand_problem(call.post(MESSAGES, template(platform, to=to), format="json"), 422, "invalid_phone_number")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"type": "fax"}, {"type"}),
        ({"type": None}, {"type"}),
        ({"sender": "eins"}, {"sender"}),
        ({"to": 4915112345678}, {"to"}),
        ({"text": None}, {"text"}),
        ({"text": ["a"]}, {"text"}),
        ({"txet": "Tippfehler"}, {"txet"}),
        ({"wait": "vielleicht"}, {"wait"}),
        ({"text": "a\x00b"}, {"text"}),
    ],
)
def test_fields_that_are_wrong_are_named(
    call: APIClient, platform: Platform, changes: dict[str, Any], fields: set[str]
) -> None:
    body = demand_problem(call.post(MESSAGES, text(platform, **changes), format="json"), 422, "invalid_input")
    assert {error["field"] for error in body["errors"]} == fields


def test_an_unknown_sender_is_not_found_and_so_is_another_workspaces(
    call: APIClient, platform: Platform, stranger: APIClient
) -> None:
    order = text(platform, sender=str(uuid4()))
    assert demand_problem(call.post(MESSAGES, order, format="json"), 404, "not_found")["errors"][0]["field"] == "sender"
    demand_problem(stranger.post(MESSAGES, text(platform), format="json"), 404, "not_found")
    assert platform.calls == []


def test_a_stranger_sees_nothing(call: APIClient, platform: Platform, stranger: APIClient) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    sent = call.post(MESSAGES, text(platform), format="json").json()
    demand_problem(stranger.get(f"{MESSAGES}/{sent['id']}"), 404, "not_found")
    assert stranger.get(MESSAGES).json()["results"] == []
    demand_problem(stranger.get(f"/api/v1/senders/{platform.sender.public_id}"), 404, "not_found")
    demand_problem(stranger.get(f"/api/v1/senders/{platform.sender.public_id}/window?to={EVA}"), 404, "not_found")


def test_a_viewers_key_reads_and_sends_nothing(workspace: Workspace, platform: Platform) -> None:
    client = client_of(join(workspace, make_user("Vera"), Role.VIEWER))
    assert client.get(MESSAGES).status_code == 200
    demand_problem(client.post(MESSAGES, text(platform), format="json"), 403, "scope_missing")


# --- The same call twice -------------------------------------------------------------------------


def test_the_same_key_acts_once_and_answers_alike(call: APIClient, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    first = call.post(MESSAGES, text(platform), format="json", headers={"Idempotency-Key": "k1"})
    again = call.post(MESSAGES, text(platform), format="json", headers={"Idempotency-Key": "k1"})
    assert again.status_code == 201
    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "created": False}
    assert len(platform.sends) == 1


def test_without_a_key_each_call_is_a_message(call: APIClient, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    for _ in range(2):
        call.post(MESSAGES, text(platform), format="json")
    assert len(platform.sends) == 2


def test_the_same_key_for_another_message_is_refused(call: APIClient, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    call.post(MESSAGES, text(platform), format="json", headers={"Idempotency-Key": "k1"})
    answer = call.post(MESSAGES, text(platform, text="Anderes"), format="json", headers={"Idempotency-Key": "k1"})
    demand_problem(answer, 422, "idempotency_key_reused")
    assert len(platform.sends) == 1


def test_two_keys_of_api_do_not_share_theirs(call: APIClient, alice: Membership, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    for client in (call, client_of(alice)):
        answer = client.post(MESSAGES, text(platform), format="json", headers={"Idempotency-Key": "k1"})
        assert answer.json()["created"] is True
    assert len(platform.sends) == 2


def test_after_an_error_the_same_key_may_try_again(call: APIClient, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    headers = {"Idempotency-Key": "k1"}
    Sender.objects.in_workspace(platform.workspace).update(is_paused=True)
    demand_problem(call.post(MESSAGES, text(platform), format="json", headers=headers), 503, "sender_offline")
    Sender.objects.in_workspace(platform.workspace).update(is_paused=False)
    assert call.post(MESSAGES, text(platform), format="json", headers=headers).status_code == 201
    assert len(platform.sends) == 1


def test_ten_at_once_with_one_key_send_one_message(alice: Membership, platform: Platform) -> None:
    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    client = client_of(alice)
    order = text(platform)

    def post(_number: int) -> int:
        try:
            return client.post(MESSAGES, order, format="json", headers={"Idempotency-Key": "k1"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(post, range(10)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len(platform.sends) == 1


def test_a_call_that_nobody_foresaw_stays_taken_and_then_goes_on_with_what_is_there(
    alice: Membership, platform: Platform, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = client_of(alice, raises=False)
    from messaging.api import views

    platform.wrote(EVA, at=NOON - timedelta(hours=1))
    send = views.send_text

    def send_and_break_off(**order: Any) -> Message:
        send(**order)
        raise RuntimeError("the process dies here")

    headers = {"Idempotency-Key": "k1"}
    with monkeypatch.context() as patched:
        patched.setattr(views, "send_text", send_and_break_off)
        demand_problem(call.post(MESSAGES, text(platform), format="json", headers=headers), 500, "internal")
    answer = call.post(MESSAGES, text(platform), format="json", headers=headers)
    demand_problem(answer, 409, "call_in_flight")
    assert answer["Retry-After"]
    clock.shift(timedelta(minutes=2, seconds=1))
    answer = call.post(MESSAGES, text(platform), format="json", headers=headers)
    assert (answer.status_code, answer.json()["created"]) == (201, False)
    assert len(platform.sends) == 1
    assert IdempotentCall.objects.in_workspace(platform.workspace).get().status == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_that_is_none_is_refused(call: APIClient, platform: Platform, key: str) -> None:
    answer = call.post(MESSAGES, text(platform), format="json", headers={"Idempotency-Key": key})
    assert demand_problem(answer, 422, "invalid_input")["errors"][0]["field"] == "Idempotency-Key"


# --- Senders, the window, templates --------------------------------------------------------------


def test_senders_are_listed_without_their_secrets(call: APIClient, platform: Platform) -> None:
    answer = call.get("/api/v1/senders")
    sender = answer.json()["results"][0]
    assert (sender["id"], sender["name"], sender["status"]) == (
        str(platform.sender.public_id),
        "Praxis Graz",
        "online",
    )
    assert "canary" not in answer.content.decode()
    Sender.objects.in_workspace(platform.workspace).update(is_paused=True)
    assert call.get(f"/api/v1/senders/{platform.sender.public_id}").json()["status"] == "offline"


def window(call: APIClient, platform: Platform, to: str = EVA) -> Any:
    return call.get(f"/api/v1/senders/{platform.sender.public_id}/window", {"to": to})


@pytest.mark.parametrize(
    ("hours", "is_open", "minutes"),
    [(23 + 3599 / 3600, True, 0), (24, True, 0), (24 + 1 / 3600, False, 0), (1, True, 23 * 60)],
)
def test_the_window_is_told_to_the_second(
    call: APIClient, platform: Platform, hours: float, is_open: bool, minutes: int
) -> None:
    wrote_at = NOON - timedelta(hours=hours)
    platform.wrote(EVA, at=wrote_at)
    body = window(call, platform).json()
    assert body.keys() == {
        "is_open", "expires_at", "last_customer_message_at", "minutes_remaining", "requires_template", "conversation",
    }  # fmt: skip
    assert (body["is_open"], body["requires_template"], body["minutes_remaining"]) == (is_open, not is_open, minutes)
    assert datetime.fromisoformat(body["last_customer_message_at"]) == wrote_at


def test_who_never_wrote_has_no_window(call: APIClient, platform: Platform) -> None:
    assert window(call, platform, "+436641234567").json() == {
        "is_open": False,
        "expires_at": None,
        "last_customer_message_at": None,
        "minutes_remaining": 0,
        "requires_template": True,
        "conversation": None,
    }


def test_the_window_wants_a_number(call: APIClient, platform: Platform) -> None:
    demand_problem(window(call, platform, "0151/12345678"), 422, "invalid_phone_number")
    address = f"/api/v1/senders/{platform.sender.public_id}/window"
    assert demand_problem(call.get(address), 422, "invalid_input")["errors"][0]["field"] == "to"


def test_templates_are_listed_with_their_parameters(call: APIClient, platform: Platform) -> None:
    platform.add_template("termin", "Hallo {{1}}, bis {{2}}.", example={"example": {"body_text": [["Eva", "morgen"]]}})
    platform.add_template("aktion", "Nur heute.", category="marketing")
    listed = call.get("/api/v1/templates?category=utility").json()["results"]
    assert [row["name"] for row in listed] == ["termin"]
    assert [(parameter["key"], parameter["sample"]) for parameter in listed[0]["parameters"]] == [
        ("1", "Eva"),
        ("2", "morgen"),
    ]
    assert call.get(f"/api/v1/templates/{listed[0]['id']}").json() == listed[0]
