"""Reads that agree with each other, without keeping writers waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from workspaces.sqlite.base import DatabaseWrapper as SQLite


@contextmanager
def snapshot(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """All queries inside see the database as it was at the first one; writing inside is an error.

    Inside an open transaction it adds nothing: there the reads go by that transaction's rules.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    if isinstance(connection, SQLite):
        with connection.read_only(), transaction.atomic(using=using):
            yield
        return
    with transaction.atomic(using=using):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
