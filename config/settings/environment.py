"""The environment, read once and checked: a wrong variable stops the start and is named."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from workspaces.secret_files import read_or_create

env = environ.Env()

MAIL_SCHEMES = ("smtp", "smtp+tls", "smtp+ssl", "smtps", "consolemail", "filemail", "memorymail", "dummymail")


def integer(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    """The variable as a whole number within its bounds; raises ImproperlyConfigured that names it."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        number = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from None
    if number < minimum or (maximum is not None and number > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"
        raise ImproperlyConfigured(f"{name} must be {bounds}, not {number}.")
    return number


def boolean(name: str, *, default: bool) -> bool:
    """The variable as yes or no (1/0, true/false, yes/no, on/off)."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {raw!r}.")


def url(name: str, default: str, *, schemes: tuple[str, ...]) -> str:
    """An address with one of the schemes; raises ImproperlyConfigured that names the variable."""
    raw = os.environ.get(name, "").strip() or default
    if raw and raw.split("://", 1)[0] not in schemes:
        raise ImproperlyConfigured(f"{name} must start with one of {', '.join(s + '://' for s in schemes)}.")
    return raw


def postgres(database_url: str) -> dict[str, Any]:
    """Django's settings for a PostgreSQL address; raises ImproperlyConfigured where it names no database."""
    try:
        found = env.db_url_config(database_url)
    except ValueError:
        found = {}
    if not found.get("NAME"):
        raise ImproperlyConfigured("DATABASE_URL must read postgres://user:password@host:5432/name.")
    return found


def mail(email_url: str) -> dict[str, Any]:
    """Django's settings for a mail server's address; raises ImproperlyConfigured for another kind of address."""
    if email_url.split("://", 1)[0] not in MAIL_SCHEMES:
        raise ImproperlyConfigured(f"EMAIL_URL must start with one of {', '.join(s + '://' for s in MAIL_SCHEMES)}.")
    return env.email_url_config(email_url)


def secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """The environment's variable, else the file of that name (lower case) in the folder, made on the first run."""
    given = os.environ.get(name, "").strip()
    if given:
        return given
    try:
        kept = read_or_create(folder, name.lower(), make)
    except OSError as error:
        raise ImproperlyConfigured(f"{folder / name.lower()} cannot be made or read: {error.strerror}.") from None
    if not kept:
        raise ImproperlyConfigured(f"{folder / name.lower()} is empty: put the secret back, or set {name}.")
    return kept


def field_keys(text: str) -> list[str]:
    """The keys that encrypt fields; raises ImproperlyConfigured where one is none, before anything is lost by it."""
    keys = text.split()
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"FIELD_KEYS: key {place} of {len(keys)} is not 32 bytes in URL-safe base64."
            ) from None
    return keys


def new_secret_key() -> str:
    """A Django secret key."""
    return secrets.token_urlsafe(50)


def new_field_key() -> str:
    """A key for encrypted fields."""
    return Fernet.generate_key().decode()
