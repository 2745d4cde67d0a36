"""Secrets that this installation makes for itself, in DATA_DIR, readable by the owner only."""

import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings


def local_secret(name: str, make: Callable[[], str]) -> str:
    """The secret of that name, made on the first call."""
    folder = Path(settings.DATA_DIR) / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as handle:
        handle.write(make())
    return path.read_text().strip()
