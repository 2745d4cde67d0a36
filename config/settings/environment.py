"""The environment, read once and checked: a wrong variable stops the start and is named."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def integer(name: str, default: int) -> int:
    """The variable as a whole number; raises ImproperlyConfigured that names it."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from None


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


class SecretFile:
    """Secrets generated on the first run, in one folder that only the owner can read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_or_create(self, name: str, make: Callable[[], str]) -> str:
        """The secret's text. The environment's variable of the same name (upper case) wins."""
        given = os.environ.get(name.upper(), "").strip()
        if given:
            return given
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as handle:
            handle.write(make())
        return path.read_text().strip()


def new_secret_key() -> str:
    """A Django secret key."""
    return secrets.token_urlsafe(50)


def new_field_key() -> str:
    """A key for encrypted fields."""
    return Fernet.generate_key().decode()
