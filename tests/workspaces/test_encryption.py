"""Secrets are unreadable in the database, and move from key to key without a pause."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from messaging.models import Sender
from workspaces.fields import Unreadable, cipher
from workspaces.models import Workspace
from workspaces.services.encryption import reencrypt_column

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def with_keys(settings: Any) -> Callable[..., None]:
    def use(*keys: str) -> None:
        settings.FIELD_KEYS = list(keys)

    return use


def make_sender(workspace: Workspace, number: str = "1", token: str = "EAAG-geheim") -> Sender:
    return Sender.objects.in_workspace(workspace).create(
        provider_number_id=number, business_account_id="2", token=token
    )


def stored(sender: Sender) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM messaging_sender WHERE id = %s", [sender.pk])
        return cursor.fetchone()[0]


def read(sender: Sender) -> str:
    return Sender.objects.in_workspace(sender.workspace).get(pk=sender.pk).token


def test_the_database_holds_no_secret(workspace: Workspace, with_keys: Callable[..., None]) -> None:
    with_keys(NEW)
    sender = make_sender(workspace)
    assert "geheim" not in stored(sender)
    assert read(sender) == "EAAG-geheim"


def test_the_same_secret_looks_different_each_time(workspace: Workspace, with_keys: Callable[..., None]) -> None:
    with_keys(NEW)
    assert stored(make_sender(workspace, "1")) != stored(make_sender(workspace, "2"))


def test_empty_stays_empty(workspace: Workspace, with_keys: Callable[..., None]) -> None:
    with_keys(NEW)
    sender = make_sender(workspace, token="")
    assert stored(sender) == ""
    assert read(sender) == ""


def test_a_secret_cannot_be_searched_for(workspace: Workspace) -> None:
    with pytest.raises(FieldError):
        Sender.objects.in_workspace(workspace).filter(token="EAAG-geheim").exists()


def test_what_was_written_with_the_old_key_is_read_beside_the_new_one(
    workspace: Workspace, with_keys: Callable[..., None]
) -> None:
    with_keys(OLD)
    sender = make_sender(workspace)
    with_keys(NEW, OLD)
    assert read(sender) == "EAAG-geheim"


def test_after_reencrypt_the_old_key_can_go(workspace: Workspace, with_keys: Callable[..., None]) -> None:
    with_keys(OLD)
    senders = [make_sender(workspace, str(number), token=f"geheim-{number}") for number in range(7)]
    with_keys(NEW, OLD)
    call_command("reencrypt")
    with_keys(NEW)
    assert [read(sender) for sender in senders] == [f"geheim-{number}" for number in range(7)]


def test_reencrypt_goes_on_behind_each_batch(workspace: Workspace, with_keys: Callable[..., None]) -> None:
    with_keys(OLD)
    senders = [make_sender(workspace, str(number)) for number in range(7)]
    with_keys(NEW, OLD)
    field = Sender._meta.get_field("token")
    assert reencrypt_column(Sender, field, batch=3).moved == 7
    assert reencrypt_column(Sender, field, batch=3).moved == 0
    with_keys(NEW)
    assert {read(sender) for sender in senders} == {"EAAG-geheim"}


def test_reencrypt_leaves_alone_what_is_on_the_newest_key(workspace: Workspace, with_keys: Callable[..., None]) -> None:
    with_keys(NEW)
    sender = make_sender(workspace)
    before = stored(sender)
    call_command("reencrypt")
    assert stored(sender) == before


def test_a_value_whose_key_is_gone_reads_as_empty_and_stops_reencrypt(
    workspace: Workspace, with_keys: Callable[..., None]
) -> None:
    with_keys(OTHER)
    sender = make_sender(workspace)
    with_keys(NEW, OLD)
    assert read(sender) == ""
    assert isinstance(read(sender), Unreadable)
    with pytest.raises(CommandError, match="1 values"):
        call_command("reencrypt")


def test_a_key_that_is_none_stops_the_start_by_name(with_keys: Callable[..., None]) -> None:
    with_keys("not-a-key")
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS"):
        cipher()
