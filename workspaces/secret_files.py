"""Secrets that an installation makes for itself: files that only their owner can read, made whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def read_or_create(folder: Path, name: str, make: Callable[[], str]) -> str:
    """The secret of that name, made on the first call; of processes that make it at once one wins. Raises OSError."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A link appears with its content: nobody reads half a secret, and a crash leaves none.
        descriptor, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            with os.fdopen(descriptor, "w") as handle:
                handle.write(make())
                handle.flush()
                os.fsync(handle.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    return path.read_text().strip()
