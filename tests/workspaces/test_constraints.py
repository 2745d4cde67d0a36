"""The tables of workspaces protect themselves: for each named constraint one attempt to break it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, models, transaction

from tests.cast import join, make_key, make_user
from workspaces.models import (
    ApiKey,
    IdempotentCall,
    Membership,
    Notification,
    NotificationChannel,
    Role,
    User,
    Workspace,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

Breaker = Callable[[Membership], object]


def second_user_with_the_same_address(alice: Membership) -> None:
    User.objects.create(email="ALICE@example.org")


def second_membership(alice: Membership) -> None:
    join(alice.workspace, alice.user, Role.VIEWER)


def made_up_role(alice: Membership) -> None:
    Membership.objects.filter(pk=alice.pk).update(role="emperor")


def second_owner(alice: Membership) -> None:
    join(alice.workspace, make_user("Dora"), Role.OWNER)


def second_call_with_the_key(alice: Membership) -> None:
    key, _secret = make_key(alice)
    calls = IdempotentCall.objects.in_workspace(alice.workspace)
    for _ in range(2):
        calls.create(api_key=key, key="k1", request_digest="x")


def second_channel(alice: Membership) -> None:
    for _ in range(2):
        NotificationChannel.objects.in_workspace(alice.workspace).create(address="team@example.org")


def second_open_notice(alice: Membership) -> None:
    for _ in range(2):
        Notification.objects.in_workspace(alice.workspace).create(code="x", title="T", digest_key="d")


BREAKERS: dict[str, Breaker] = {
    "email_is_unique_in_any_case": second_user_with_the_same_address,
    "user_is_member_once": second_membership,
    "membership_role_is_known": made_up_role,
    "workspace_has_one_owner": second_owner,
    "idempotency_key_is_used_once": second_call_with_the_key,
    "channel_address_stands_once": second_channel,
    "one_open_notice_a_cause": second_open_notice,
}


@pytest.mark.parametrize("name", BREAKERS)
def test_the_table_refuses(name: str, alice: Membership) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        BREAKERS[name](alice)


def test_each_named_constraint_is_tried() -> None:
    app_models: list[type[models.Model]] = [
        User, Workspace, Membership, ApiKey, IdempotentCall, Notification, NotificationChannel,
    ]  # fmt: skip
    named = {constraint.name for model in app_models for constraint in model._meta.constraints}
    assert named == set(BREAKERS)


def test_a_solved_notice_makes_room_for_the_next(alice: Membership) -> None:
    rows = Notification.objects.in_workspace(alice.workspace)
    for _ in range(2):
        rows.create(code="x", title="T", digest_key="d", solved_at=NOW)
    rows.create(code="x", title="T", digest_key="d")
    assert rows.count() == 3


def test_two_keys_may_use_the_same_idempotency_key(alice: Membership) -> None:
    for _ in range(2):
        key, _secret = make_key(alice)
        IdempotentCall.objects.in_workspace(alice.workspace).create(api_key=key, key="k1", request_digest="x")
    assert IdempotentCall.objects.in_workspace(alice.workspace).count() == 2
