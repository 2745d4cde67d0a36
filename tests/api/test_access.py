"""Who may call the API: keys, scopes, roles, pace; and every refusal as a problem."""

from base64 import b64encode
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.conftest import client_of, demand_problem
from tests.cast import join, make_key, make_user
from workspaces.api.rate_limit import BURST
from workspaces.models import ApiKey, Membership, Role, Workspace

ASSISTANTS = "/api/v1/assistants"


def test_a_call_without_a_key_is_refused(db: None) -> None:
    answer = APIClient().get(ASSISTANTS)
    demand_problem(answer, 401, "api_key_invalid")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer bw_falsch", "Basic YTpi", "Bearer bw_ü\x00", "x" * 5000]
)
def test_what_is_no_key_of_ours_is_refused(header: str, alice: Membership) -> None:
    make_key(alice)
    demand_problem(APIClient().get(ASSISTANTS, HTTP_AUTHORIZATION=header), 401, "api_key_invalid")


def test_a_key_with_the_same_beginning_is_not_enough(alice: Membership) -> None:
    _key, secret = make_key(alice)
    forged = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    demand_problem(APIClient().get(ASSISTANTS, headers={"Authorization": f"Bearer {forged}"}), 401, "api_key_invalid")


def test_the_database_holds_no_secret(alice: Membership) -> None:
    key, secret = make_key(alice)
    assert secret not in str({name: str(value) for name, value in vars(key).items()})
    assert key.prefix == secret[:11]


def test_a_revoked_and_an_expired_key_are_refused(alice: Membership) -> None:
    now = timezone.now()
    demand_problem(client_of(alice, revoked_at=now).get(ASSISTANTS), 401, "api_key_invalid")
    demand_problem(client_of(alice, expires_at=now - timedelta(seconds=1)).get(ASSISTANTS), 401, "api_key_invalid")
    assert client_of(alice, expires_at=now + timedelta(hours=1)).get(ASSISTANTS).status_code == 200


def test_a_key_ends_with_its_membership(alice: Membership) -> None:
    client = client_of(alice)
    alice.delete()
    demand_problem(client.get(ASSISTANTS), 401, "api_key_invalid")


def test_a_key_ends_with_its_makers_account_and_with_its_workspace(alice: Membership, workspace: Workspace) -> None:
    client = client_of(alice)
    alice.user.is_active = False
    alice.user.save()
    demand_problem(client.get(ASSISTANTS), 401, "api_key_invalid")
    alice.user.is_active = True
    alice.user.save()
    Workspace.objects.update(is_paused=True)
    demand_problem(client.get(ASSISTANTS), 401, "api_key_invalid")


def test_a_scope_that_the_key_lacks_is_named(alice: Membership) -> None:
    body = demand_problem(client_of(alice, "messages:read").get(ASSISTANTS), 403, "scope_missing")
    assert "assistants:read" in body["detail"]


def test_a_key_never_does_more_than_its_makers_role(workspace: Workspace) -> None:
    vera = join(workspace, make_user("Vera"), Role.VIEWER)
    client = client_of(vera, "assistants:read", "events:write")
    assert client.get(ASSISTANTS).status_code == 200
    demand_problem(client.post("/api/v1/events", {"event": "x", "data": {}}, format="json"), 403, "scope_missing")


def test_a_role_taken_away_counts_at_once(alice: Membership) -> None:
    client = client_of(alice)
    Membership.objects.filter(pk=alice.pk).update(role=Role.VIEWER)
    demand_problem(client.post("/api/v1/events", {"event": "x", "data": {}}, format="json"), 403, "scope_missing")


def test_use_is_noted_at_most_once_a_minute(alice: Membership) -> None:
    client = client_of(alice)
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False) as clock:
        client.get(ASSISTANTS)
        first = ApiKey.objects.in_workspace(alice.workspace).get().last_used_at
        clock.shift(59)
        client.get(ASSISTANTS)
        assert ApiKey.objects.in_workspace(alice.workspace).get().last_used_at == first
        clock.shift(2)
        client.get(ASSISTANTS)
        assert ApiKey.objects.in_workspace(alice.workspace).get().last_used_at == first + timedelta(seconds=61)


# --- Pace ----------------------------------------------------------------------------------------


def test_a_key_may_call_a_hundred_times_at_once_and_ten_a_second(call: APIClient) -> None:
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False) as clock:
        answers = [call.get(ASSISTANTS) for _ in range(BURST)]
        assert {answer.status_code for answer in answers} == {200}
        assert answers[0]["RateLimit-Limit"] == "100"
        assert [answers[0]["RateLimit-Remaining"], answers[-1]["RateLimit-Remaining"]] == ["99", "0"]
        refused = call.get(ASSISTANTS)
        demand_problem(refused, 429, "too_many_calls")
        assert refused["Retry-After"] == "1"
        clock.shift(0.1)
        assert call.get(ASSISTANTS).status_code == 200
        assert call.get(ASSISTANTS).status_code == 429
        clock.shift(10)
        assert call.get(ASSISTANTS)["RateLimit-Remaining"] == "99"


def test_one_keys_pace_is_not_anothers(call: APIClient, alice: Membership) -> None:
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False):
        for _ in range(BURST + 1):
            call.get(ASSISTANTS)
        assert client_of(alice).get(ASSISTANTS).status_code == 200


# --- Problems ------------------------------------------------------------------------------------


def test_an_unknown_address_is_a_problem_too(call: APIClient) -> None:
    demand_problem(call.get("/api/v1/no-such-thing"), 404, "not_found")
    demand_problem(call.post("/api/v1/no-such-thing", {}, format="json"), 404, "not_found")
    demand_problem(call.get("/api/v1/assistants/not-an-id"), 404, "not_found")


def test_a_method_that_is_not_possible_says_which_are(call: APIClient) -> None:
    answer = call.delete(ASSISTANTS)
    body = demand_problem(answer, 405, "method_not_allowed")
    assert "DELETE" in body["detail"]
    assert "GET" in answer["Allow"]


def test_a_body_that_is_no_json_is_refused(call: APIClient) -> None:
    answer = call.post("/api/v1/events", "{kaputt", content_type="application/json")
    demand_problem(answer, 400, "not_json")
    answer = call.post("/api/v1/events", "<a/>", content_type="text/xml")
    assert "text/xml" in demand_problem(answer, 415, "unsupported_media_type")["detail"]


def test_a_body_that_is_a_list_is_refused(call: APIClient) -> None:
    demand_problem(call.post("/api/v1/events", [1, 2], format="json"), 422, "invalid_input")


def test_a_parameter_with_a_typing_error_filters_nothing_in_silence(call: APIClient) -> None:
    body = demand_problem(call.get(f"{ASSISTANTS}?limitt=3"), 422, "unknown_parameter")
    assert body["errors"][0]["field"] == "limitt"
    assert "cursor, limit" in body["cure"]


def cursor(position: str) -> str:
    return b64encode(f"p={position}".encode()).decode()


@pytest.mark.parametrize("position", ["abc", "9" * 30, "-1", "\x00", "1.5", "٣"])
def test_a_cursor_made_up_is_refused(call: APIClient, position: str) -> None:
    body = demand_problem(call.get(ASSISTANTS, {"cursor": cursor(position)}), 422, "invalid_input")
    assert body["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize("parameter", ["limit=0", "limit=201", "limit=viele", "limit=", "limit=٣", "cursor=kaputt"])
def test_a_page_that_is_none_is_refused(call: APIClient, parameter: str) -> None:
    body = demand_problem(call.get(f"{ASSISTANTS}?{parameter}"), 422, "invalid_input")
    assert body["errors"][0]["field"] == parameter.split("=")[0]


@pytest.mark.parametrize(
    ("header", "workspaces", "title"),
    [
        ("en", "de", "Not found"),
        ("en-GB,en;q=0.8", "de", "Not found"),
        ("", "en", "Not found"),
        ("fr", "en", "Not found"),
    ],
)
def test_problems_speak_the_callers_language_and_else_the_workspaces(
    alice: Membership, header: str, workspaces: str, title: str
) -> None:
    Workspace.objects.update(language=workspaces)
    answer = client_of(alice).get(
        f"{ASSISTANTS}/0198f3c2-0000-7000-8000-000000000000", headers={"Accept-Language": header}
    )
    assert demand_problem(answer, 404, "not_found")["title"] == title


def test_the_next_call_does_not_inherit_the_language(alice: Membership) -> None:
    Workspace.objects.update(language="en")
    client_of(alice).get(ASSISTANTS, headers={"Accept-Language": ""})
    from django.utils import translation

    assert translation.get_language() == "de"


def test_what_nobody_foresaw_is_answered_and_told_to_nobody(alice: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistants.api.views import AssistantViewSet

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(AssistantViewSet, "list", fail)
    body = demand_problem(client_of(alice, raises=False).get(ASSISTANTS), 500, "internal")
    assert "secret detail" not in str(body)


def test_the_description_is_public_and_declares_problems(db: None) -> None:
    document = APIClient().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert document["openapi"] == "3.1.1"
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for path in document["paths"].values():
        for operation in path.values():
            assert "application/problem+json" in operation["responses"]["422"]["content"]
