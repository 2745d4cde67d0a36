"""Every page as nobody, as a stranger, in each role, and with the ids of rows that belong to somebody else."""

from http import HTTPStatus

import pytest
from django.test import Client

from tests.isolation.addresses import filled_in, product_addresses
from tests.isolation.table import PAGES, PERSONAL, PUBLIC, STREAMS, Page
from tests.isolation.town import OURS, THEIRS, Town, browser, canaries_in, undone
from workspaces.models import Membership, Role

METHODS = ("get", "post")
UNKNOWN = "00000000-0000-7000-8000-000000000000"


def address_of(name: str, town: Town, number: int = OURS) -> str:
    """A page of our workspace; with number THEIRS, its ids are those of the stranger's rows."""
    parts = PAGES[name].parts if name in PAGES else {}
    return filled_in(*product_addresses()[name], {**town.values(number), **parts})


def ask(client: Client, method: str, address: str, page: Page | None = None) -> tuple[int, str, str]:
    """Status, body and Location; whatever it did is undone."""
    with undone():
        answer = getattr(client, method)(address, page.data if page and method == "post" else {})
        body = b"".join(answer) if answer.streaming else answer.content
        return answer.status_code, body.decode(), answer.headers.get("Location", "")


def test_nobody_is_sent_to_the_login(town: Town) -> None:
    client = browser(None)
    found = {
        (name, method): (status, where.split("?")[0])
        for name in PAGES
        for method in METHODS
        for status, _body, where in [ask(client, method, address_of(name, town), PAGES[name])]
    }
    assert {place: told for place, told in found.items() if told != (302, "/accounts/login/")} == {}


def test_a_stranger_finds_nothing(town: Town) -> None:
    client = browser(town.stranger)
    found = {
        (name, method): (status, canaries_in(body, OURS))
        for name in PAGES
        for method in METHODS
        for status, body, _where in [ask(client, method, address_of(name, town), PAGES[name])]
    }
    assert {place: told for place, told in found.items() if told != (404, [])} == {}


def expected(page: Page, method: str, member: Membership) -> set[int]:
    """The statuses that the table allows."""
    status = getattr(page, method)
    if status is None:
        return {405} if member.can(page.least) else {403, 405}
    return {status} if member.can(page.least) else {403}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_the_table_says_and_sees_no_other_tenant(town: Town, role: Role) -> None:
    member = town.members[role]
    client = browser(member)
    wrong = {}
    for name, page in PAGES.items():
        for method in METHODS:
            status, body, _where = ask(client, method, address_of(name, town), page)
            if status not in expected(page, method, member):
                wrong[name, method] = status
            if leaked := canaries_in(body, THEIRS):
                wrong[name, method, "shows"] = leaked
    assert wrong == {}


def test_rows_of_somebody_else_are_not_there_even_for_the_owner(town: Town) -> None:
    client = browser(town.members[Role.OWNER])
    wrong = {}
    for name, page in PAGES.items():
        address = address_of(name, town, THEIRS)
        if address == address_of(name, town):
            continue
        for method in METHODS:
            if getattr(page, method) is None:
                continue
            status, body, _where = ask(client, method, address, page)
            if status != HTTPStatus.NOT_FOUND or canaries_in(body, THEIRS):
                wrong[name, method] = status
    assert wrong == {}


def test_the_canaries_of_ours_are_seen_on_our_pages(town: Town) -> None:
    """Or the tests above would look for what no page ever shows."""
    client = browser(town.members[Role.OWNER])
    bodies = "".join(ask(client, "get", address_of(name, town))[1] for name, page in PAGES.items() if page.get)
    assert canaries_in(bodies, OURS) == [*canaries_in(bodies, OURS)]
    assert len(canaries_in(bodies, OURS)) >= 6


def test_a_paused_workspace_is_gone_for_its_members(town: Town) -> None:
    type(town.ours).objects.filter(pk=town.ours.pk).update(is_paused=True)
    client = browser(town.members[Role.OWNER])
    found = {name: ask(client, "get", address_of(name, town))[0] for name in PAGES}
    assert {name: status for name, status in found.items() if status != 404} == {}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_page_answers_nobody_as_the_table_says(town: Town, name: str) -> None:
    route, pattern = product_addresses()[name]
    address = f"/{route}" if "(?P<" not in route else "/accounts/password/reset/key/1-set-password/"
    address = filled_in(address.removeprefix("/"), pattern, town.values(OURS))
    client = browser(None)
    told = [ask(client, method, address) for method in METHODS]
    assert tuple(status for status, _body, _where in told) == PUBLIC[name]
    assert [canaries_in(body, number) for _status, body, _where in told for number in (OURS, THEIRS)] == [[]] * 4


@pytest.mark.parametrize("name", PERSONAL)
def test_a_personal_page_asks_for_a_login_and_shows_nobody_elses(town: Town, name: str) -> None:
    address = address_of(name, town)
    status, _body, where = ask(browser(None), "get", address)
    assert (status, where.split("?")[0]) == (302, "/accounts/login/")
    status, body, where = ask(browser(town.stranger), "get", address)
    assert status == PERSONAL[name]
    assert canaries_in(body, OURS) == []
    assert town.ours.slug not in where


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_a_stream_is_for_members_only(town: Town, name: str) -> None:
    address = address_of(name, town)
    assert ask(browser(None), "get", address)[0] == 401
    assert ask(browser(town.stranger), "get", address)[0] == 404
    assert ask(browser(town.members[Role.VIEWER]), "post", address)[0] == 405
