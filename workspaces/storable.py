"""What a database keeps of foreign data. PostgreSQL refuses NUL in texts, and NaN and Infinity in JSON."""

import math
from typing import Any

# Deeper than any shape of a platform, and shallow enough to be written again as JSON.
DEEPEST = 40


def storable(value: Any, depth: int = 0) -> Any:
    """JSON data without NUL and halves of surrogate pairs; endless numbers and endless nesting become null."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEEPEST and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {storable_text(key): storable(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner, depth + 1) for inner in value]
    return value


def storable_text(text: str) -> str:
    """Without NUL, and with halves of surrogate pairs replaced."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
