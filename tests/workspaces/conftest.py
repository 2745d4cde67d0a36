"""The cast, as fixtures."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.cast import join, make_user, make_workspace
from workspaces.models import Membership, Role, User, Workspace


@pytest.fixture(autouse=True)
def forgetful_limits() -> Iterator[None]:
    """The lock-out counts in the cache, which outlives a test's transaction."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace("praxis-graz", name="Praxis Graz")


@pytest.fixture
def other_workspace(db: None) -> Workspace:
    return make_workspace("autohaus-linz", name="Autohaus Linz")


@pytest.fixture
def alice(workspace: Workspace) -> Membership:
    """Owns the workspace."""
    return join(workspace, make_user("Alice"), Role.OWNER)


@pytest.fixture
def bob(workspace: Workspace) -> Membership:
    """Edits flows."""
    return join(workspace, make_user("Bob"), Role.EDITOR)


@pytest.fixture
def vera(workspace: Workspace) -> Membership:
    """Only reads."""
    return join(workspace, make_user("Vera"), Role.VIEWER)


@pytest.fixture
def charlie(other_workspace: Workspace) -> User:
    """Owns another workspace; a stranger here."""
    user = make_user("Charlie")
    join(other_workspace, user, Role.OWNER)
    return user
