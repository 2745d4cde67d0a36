"""Moving encrypted columns to the newest key, so that an old one can be taken out of FIELD_KEYS."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from workspaces.fields import EncryptedTextField, cipher

BATCH = 500


@dataclass
class Rotation:
    """What became of one column: rows moved to the newest key, and rows that no key of ours can read."""

    column: str
    moved: int = 0
    unreadable: int = 0


def encrypted_columns() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Every encrypted field of every model."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def reencrypt_column(model: type[models.Model], field: EncryptedTextField, *, batch: int = BATCH) -> Rotation:
    """Move a column to the first of FIELD_KEYS, in batches by primary key.

    Each row is written only if it still holds what was read, so a change made meanwhile is not undone. May be
    stopped and started again: what is on the newest key already is left alone.
    """
    rotation = Rotation(f"{model._meta.label}.{field.name}")
    last_id = 0
    while rows := _read(model, field, after=last_id, limit=batch):
        last_id = rows[-1][0]
        with transaction.atomic():
            for row_id, stored in rows:
                _move(model, field, row_id, stored, rotation)
    return rotation


def _move(model: type[models.Model], field: EncryptedTextField, row_id: int, stored: str, rotation: Rotation) -> None:
    if _is_on_newest_key(stored):
        return
    try:
        moved = cipher().rotate(stored.encode()).decode()
    except InvalidToken:
        rotation.unreadable += 1
        return
    rotation.moved += _replace(model, field, row_id, stored, moved)


def _is_on_newest_key(stored: str) -> bool:
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


# The columns' ciphertext is read and written as it stands: through the ORM the field would decrypt and encrypt it.


def _read(model: type[models.Model], field: EncryptedTextField, *, after: int, limit: int) -> list[tuple[int, str]]:
    table, column, key = _names(model, field)
    sql = f"SELECT {key}, {column} FROM {table} WHERE {key} > %s AND {column} <> '' ORDER BY {key} LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [after, limit])
        return list(cursor.fetchall())


def _replace(model: type[models.Model], field: EncryptedTextField, row_id: int, old: str, new: str) -> int:
    table, column, key = _names(model, field)
    sql = f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [new, row_id, old])
        return cursor.rowcount


def _names(model: type[models.Model], field: EncryptedTextField) -> tuple[str, str, str]:
    quote = connection.ops.quote_name
    primary_key = model._meta.pk
    assert primary_key is not None
    return quote(model._meta.db_table), quote(str(field.column)), quote(str(primary_key.column))
