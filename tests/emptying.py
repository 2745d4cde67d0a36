"""Empties the database behind a test with real transactions, faster than Django's flush.

Django empties every table and then makes content types and permissions anew, for each such test: a third of the
suite's time. Here those stay, and only tables that hold rows are emptied.
"""

from functools import cache
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase

# What `migrate` makes, and no test changes.
KEPT = frozenset({"django_content_type", "auth_permission", "django_migrations"})


@cache
def _question(alias: str) -> str:
    """One statement that names the tables with rows."""
    connection = connections[alias]
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    quoted = [(name, connection.ops.quote_name(name)) for name in sorted(names)]
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {shown})" for name, shown in quoted)


def _filled(connection: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_question(connection.alias))
        return [name for (name,) in cursor.fetchall()]


def empty(connection: Any) -> None:
    """Delete all rows but those that `migrate` made."""
    filled = _filled(connection)
    if filled:
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled, allow_cascade=True))


def use_it() -> None:
    """Have every test with real transactions end by this."""
    assert apps.ready

    def teardown(self: TransactionTestCase) -> None:
        for alias in self._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
            empty(connections[alias])

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
