"""A query of tenant data names its workspace, or it raises."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count

from assistants.models import Assistant, Thread
from messaging.models import Sender
from workspaces.models import Membership, Workspace
from workspaces.scope import ForeignTenant, UnscopedQuery

UNSCOPED: dict[str, Callable[[Any], Any]] = {
    "iterate": list,
    "length": len,
    "truth": bool,
    "index": lambda rows: rows[0],
    "slice": lambda rows: list(rows[:1]),
    "get": lambda rows: rows.get(name="A"),
    "first": lambda rows: rows.first(),
    "last": lambda rows: rows.last(),
    "latest": lambda rows: rows.latest("id"),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "contains": lambda rows: rows.contains(Assistant(pk=1)),
    "aggregate": lambda rows: rows.aggregate(n=Count("id")),
    "values": lambda rows: list(rows.values("id")),
    "values_list": lambda rows: list(rows.values_list("id", flat=True)),
    "in_bulk": lambda rows: rows.in_bulk([1]),
    "iterator": lambda rows: list(rows.iterator()),
    "dates": lambda rows: list(rows.dates("created_at", "day")),
    "filter": lambda rows: list(rows.filter(name="A")),
    "exclude": lambda rows: list(rows.exclude(name="A")),
    "order": lambda rows: list(rows.order_by("id")),
    "select_related": lambda rows: list(rows.select_related("workspace")),
    "union": lambda rows: list(rows.union(rows)),
    "explain": lambda rows: rows.explain(),
    "update": lambda rows: rows.update(name="B"),
    "bulk_update": lambda rows: rows.bulk_update([Assistant(pk=1, name="B")], ["name"]),
    "delete": lambda rows: rows.delete(),
    "get_or_create": lambda rows: rows.get_or_create(name="A"),
    "update_or_create": lambda rows: rows.update_or_create(name="A", defaults={"model": "m"}),
    "raw": lambda rows: list(rows.raw("SELECT * FROM assistants_assistant")),
}


@pytest.fixture
def assistant(workspace: Workspace) -> Assistant:
    return make_assistant(workspace, "A")


def make_assistant(workspace: Workspace, name: str) -> Assistant:
    return Assistant.objects.in_workspace(workspace).create(
        name=name, endpoint="http://localhost:9/v1", model="m", instructions="Hilfreich sein."
    )


@pytest.mark.parametrize("path", UNSCOPED)
def test_a_query_without_a_workspace_raises(path: str, assistant: Assistant) -> None:
    with pytest.raises(UnscopedQuery):
        UNSCOPED[path](Assistant.objects.all())
    assert Assistant.objects.in_workspace(assistant.workspace).get().name == "A"


ONLY_ON_QUERYSETS = {"iterate", "length", "truth", "index", "slice", "union", "delete"}


@pytest.mark.parametrize("path", sorted(UNSCOPED.keys() - ONLY_ON_QUERYSETS))
def test_the_manager_itself_raises_too(path: str, assistant: Assistant) -> None:
    with pytest.raises(UnscopedQuery):
        UNSCOPED[path](Assistant.objects)


def test_a_workspace_sees_its_own_rows_only(workspace: Workspace, other_workspace: Workspace) -> None:
    make_assistant(workspace, "Ours")
    make_assistant(other_workspace, "Theirs")
    assert [row.name for row in Assistant.objects.in_workspace(workspace)] == ["Ours"]


def test_a_row_made_through_the_scope_belongs_to_it(workspace: Workspace) -> None:
    row, was_created = Assistant.objects.in_workspace(workspace).get_or_create(
        name="New", defaults={"endpoint": "http://localhost:9/v1", "model": "m", "instructions": "-"}
    )
    assert was_created
    assert row.workspace == workspace


def test_rows_reached_from_a_row_need_no_scope(assistant: Assistant) -> None:
    Thread.objects.in_workspace(assistant.workspace).create(assistant=assistant, customer_identifier="+4311")
    assert assistant.threads.count() == 1
    assert [thread.customer_identifier for thread in assistant.threads.all()] == ["+4311"]


def test_prefetching_from_scoped_rows_works(assistant: Assistant) -> None:
    Thread.objects.in_workspace(assistant.workspace).create(assistant=assistant, customer_identifier="+4311")
    rows = Assistant.objects.in_workspace(assistant.workspace).prefetch_related("threads")
    assert [len(row.threads.all()) for row in rows] == [1]


def test_a_foreign_key_into_another_workspace_is_refused(workspace: Workspace, other_workspace: Workspace) -> None:
    theirs = make_assistant(other_workspace, "Theirs")
    with pytest.raises(ForeignTenant):
        Thread.objects.in_workspace(workspace).create(assistant=theirs, customer_identifier="x")
    with pytest.raises(ForeignTenant):
        Thread.objects.in_workspace(workspace).create(assistant_id=theirs.pk, customer_identifier="x")


def test_a_foreign_key_is_refused_in_a_later_save_too(workspace: Workspace, other_workspace: Workspace) -> None:
    thread = Thread.objects.in_workspace(workspace).create(
        assistant=make_assistant(workspace, "Ours"), customer_identifier="x"
    )
    thread.assistant = make_assistant(other_workspace, "Theirs")
    with pytest.raises(ForeignTenant):
        thread.save(update_fields=["assistant"])


def test_bulk_update_refuses_it_too(workspace: Workspace, other_workspace: Workspace) -> None:
    thread = Thread.objects.in_workspace(workspace).create(
        assistant=make_assistant(workspace, "Ours"), customer_identifier="x"
    )
    thread.assistant = make_assistant(other_workspace, "Theirs")
    with pytest.raises(ForeignTenant):
        Thread.objects.in_workspace(workspace).bulk_update([thread], ["assistant"])


def test_bulk_create_refuses_the_whole_batch(workspace: Workspace, other_workspace: Workspace) -> None:
    ours, theirs = make_assistant(workspace, "Ours"), make_assistant(other_workspace, "Theirs")
    rows = [
        Thread(workspace=workspace, assistant=ours, customer_identifier="1"),
        Thread(workspace=workspace, assistant=theirs, customer_identifier="2"),
    ]
    with pytest.raises(ForeignTenant):
        Thread.objects.in_workspace(workspace).bulk_create(rows)
    assert not Thread.objects.in_workspace(workspace).exists()


def test_a_related_manager_does_not_adopt_a_stranger(assistant: Assistant, other_workspace: Workspace) -> None:
    with pytest.raises(ForeignTenant):
        assistant.threads.create(workspace=other_workspace, customer_identifier="x")


def test_uniqueness_is_checked_across_workspaces_without_a_scope(workspace: Workspace) -> None:
    sender = Sender(workspace=workspace, provider_number_id="1", business_account_id="2")
    sender.full_clean()


def test_a_membership_of_another_workspace_is_not_taken(alice: Membership, other_workspace: Workspace) -> None:
    assert alice.workspace != other_workspace
    assert not Workspace.objects.of(alice.user).filter(pk=other_workspace.pk).exists()
