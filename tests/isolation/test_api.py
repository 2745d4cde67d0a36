"""Every endpoint without a key, with a stranger's, with keys of each role, and with a key that lacks the scope."""

from typing import Any

import pytest
from django.test import Client

from tests.cast import make_key
from tests.isolation.addresses import filled_in, product_addresses
from tests.isolation.table import API
from tests.isolation.town import OURS, THEIRS, Town, canaries_in, public_id, undone
from workspaces.models import Membership, Role
from workspaces.permissions import SCOPES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The row that an address with an id is about.
ROW = {
    "assistant": "assistants.Assistant", "replies": "assistants.Assistant", "message": "messaging.Message",
    "sender": "messaging.Sender", "window": "messaging.Sender", "template": "messaging.Template",
    "flow": "automations.Flow", "run": "automations.Run",
}  # fmt: skip
CALLS = [(name, method) for name, endpoint in API.items() for method in METHODS if method in endpoint.answers]


def has_id(name: str) -> bool:
    return "<uuid:id>" in product_addresses()[name][0]


def call(town: Town, name: str, method: str, secret: str = "", number: int = OURS) -> tuple[int, str]:
    """Status and body of a call about a row of one workspace; whatever it did is undone."""
    values = {}
    if has_id(name):
        values = {"id": public_id(ROW[name.removeprefix("api_").split("_")[0]], town.workspace(number))}
    if name == "api_message":
        values = {"id": town.worlds[number]["message"].public_id}
    address = filled_in(*product_addresses()[name], values)
    more: dict[str, Any] = {} if method == "GET" else {"data": API[name].data, "content_type": "application/json"}
    if name == "api_window":
        address += "?to=%2B436641234561"
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    with undone():
        answer = getattr(Client(), method.lower())(address, headers=headers, **more)
        return answer.status_code, answer.content.decode()


def key_of(member: Membership, *scopes: str) -> str:
    _key, secret = make_key(member, *scopes)
    return secret


def test_without_a_key_every_endpoint_answers_401(town: Town) -> None:
    wrong = {
        (name, method): status
        for name in API
        for method in METHODS
        for status, _body in [call(town, name, method)]
        if status not in ({401} if method in API[name].answers else {401, 405})
    }
    assert wrong == {}


@pytest.mark.parametrize("secret", ["bw_", "bw_ganz-falsch", "ä"])
def test_a_wrong_key_is_no_key(town: Town, secret: str) -> None:
    assert {call(town, name, method, secret)[0] for name, method in CALLS} == {401}


def test_a_strangers_key_finds_no_row_of_ours(town: Town) -> None:
    secret = key_of(town.stranger)
    wrong = {}
    for name, method in CALLS:
        status, body = call(town, name, method, secret)
        if has_id(name) and status != 404:
            wrong[name, method] = status
        if leaked := canaries_in(body, OURS):
            wrong[name, method, "shows"] = leaked
    assert wrong == {}


@pytest.mark.parametrize("role", list(Role))
def test_a_key_never_does_more_than_its_makers_role(town: Town, role: Role) -> None:
    secret = key_of(town.members[role])
    wrong = {}
    for name, method in CALLS:
        status, body = call(town, name, method, secret)
        least = SCOPES[API[name].scopes[method]]
        if status != (API[name].answers[method] if town.members[role].can(least) else 403):
            wrong[name, method] = status
        if leaked := canaries_in(body, THEIRS):
            wrong[name, method, "shows"] = leaked
    assert wrong == {}


def test_rows_of_somebody_else_are_not_there_even_for_the_owners_key(town: Town) -> None:
    secret = key_of(town.members[Role.OWNER])
    wrong = {
        (name, method): status
        for name, method in CALLS
        if has_id(name)
        for status, _body in [call(town, name, method, secret, THEIRS)]
        if status != 404
    }
    assert wrong == {}


def test_a_key_opens_only_what_its_scope_names(town: Town) -> None:
    """Each scope alone: what names it answers as always, one endpoint of every other scope is refused."""
    wrong = {}
    one_of_each = {API[name].scopes[method]: (name, method) for name, method in CALLS}
    assert set(one_of_each) == set(SCOPES)
    for scope in SCOPES:
        secret = key_of(town.members[Role.OWNER], scope)
        opened = [(name, method) for name, method in CALLS if API[name].scopes[method] == scope]
        for name, method in {*opened, *one_of_each.values()}:
            status, _body = call(town, name, method, secret)
            opens = API[name].scopes[method] == scope
            if status != (API[name].answers[method] if opens else 403):
                wrong[scope, name, method] = status
    assert wrong == {}


def test_a_method_that_the_table_does_not_name_is_refused(town: Town) -> None:
    secret = key_of(town.members[Role.OWNER])
    wrong = {
        (name, method): status
        for name in API
        for method in METHODS
        if method not in API[name].answers
        for status, _body in [call(town, name, method, secret)]
        if status != 405
    }
    assert wrong == {}


def test_a_logged_in_browser_without_a_key_is_nobody_to_the_api(town: Town) -> None:
    client = Client()
    client.force_login(town.members[Role.OWNER].user)
    assert client.get("/api/v1/messages").status_code == 401


def test_the_canaries_of_ours_are_seen_with_our_key(town: Town) -> None:
    secret = key_of(town.members[Role.OWNER])
    bodies = "".join(call(town, name, method, secret)[1] for name, method in CALLS if method == "GET")
    assert len(canaries_in(bodies, OURS)) >= 5
