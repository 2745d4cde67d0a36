"""Encrypted columns: MultiFernet over text, so that keys can be rotated without a pause."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(f"FIELD_KEYS holds a key that is not a Fernet key: {error}") from None


def cipher() -> MultiFernet:
    """The first of settings.FIELD_KEYS encrypts, all of them decrypt."""
    return _cipher(tuple(settings.FIELD_KEYS))


class Unreadable(str):
    """Stands for a value whose key is gone: empty for all purposes, and recognisable."""


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database. Cannot be searched; empty stays empty."""

    description = "Encrypted text"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken:
            return Unreadable("")

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if not value:
            return value
        return cipher().encrypt(str(value).encode()).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in {"isnull"}:
            return None
        return super().get_lookup(lookup_name)
