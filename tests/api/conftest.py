"""Calls with a key of the workspace, and what the answers have in common."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.cast import join, make_key, make_user, make_workspace
from workspaces.models import Membership, Role, Workspace

PROBLEM_KEYS = {"type", "title", "status", "detail", "code", "cure", "errors"}


@pytest.fixture(autouse=True)
def forgetful_limits() -> Iterator[None]:
    cache.clear()
    yield


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace("praxis-graz", name="Praxis Graz")


@pytest.fixture
def other_workspace(db: None) -> Workspace:
    return make_workspace("autohaus-linz", name="Autohaus Linz")


@pytest.fixture
def alice(workspace: Workspace) -> Membership:
    """Owns the workspace; her key has every scope."""
    return join(workspace, make_user("Alice"), Role.OWNER)


@pytest.fixture
def call(alice: Membership) -> APIClient:
    """A client that calls with Alice's key."""
    return client_of(alice)


@pytest.fixture
def stranger(other_workspace: Workspace) -> APIClient:
    """A client with a key of another workspace."""
    return client_of(join(other_workspace, make_user("Charlie"), Role.OWNER))


def client_of(membership: Membership, *scopes: str, raises: bool = True, **fields: object) -> APIClient:
    """A client whose key has these scopes, or all. `raises`: an error nobody foresaw fails the test."""
    _key, secret = make_key(membership, *scopes, **fields)
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "de"}
    return APIClient(headers=headers, raise_request_exception=raises)


def demand_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a problem answer, after its form was checked."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() >= PROBLEM_KEYS
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:botenwerk:error:{code}"
    assert body["detail"] and body["cure"] and body["title"]
    assert all(field.keys() == {"field", "code", "detail"} for field in body["errors"])
    return body


Problem = Callable[[Any, int, str], dict[str, Any]]


@pytest.fixture
def problem() -> Problem:
    return demand_problem
