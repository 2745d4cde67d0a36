"""Who did what stays readable when the account is gone."""

from datetime import UTC, datetime

from tests.cast import make_key
from workspaces.models import AuditEntry, Membership, Workspace
from workspaces.services.audit import record


def test_an_entry_names_actor_verb_and_thing(alice: Membership, workspace: Workspace) -> None:
    key, _secret = make_key(alice)
    record(alice, "api_key.made", key, at=datetime(2026, 11, 25, tzinfo=UTC), scopes=key.scopes)
    entry = AuditEntry.objects.in_workspace(workspace).get()
    assert entry.actor == "Alice <alice@example.org>"
    assert (entry.verb, entry.target_kind, entry.target_id) == ("api_key.made", "apikey", str(key.public_id))
    assert entry.facts["at"] == "2026-11-25T00:00:00Z"


def test_keys_and_machinery_are_actors_too(alice: Membership, workspace: Workspace) -> None:
    key, secret = make_key(alice)
    assert record(key, "run.cancelled", key).actor.startswith("API: Test (bw_")
    assert secret not in record(key, "run.cancelled", key).actor
    assert record("clock", "sender.checked", workspace).actor == "clock"
    assert record(alice.user, "workspace.renamed", workspace).workspace == workspace
