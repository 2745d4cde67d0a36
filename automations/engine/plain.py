"""Data of runs is plain JSON that a database keeps, and bounded: instants become ISO texts, decimals texts."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from automations.errors import InputTooLarge
from workspaces.storable import storable

CONTEXT_LIMIT = 256 * 1024


def plain_json(value: Any) -> Any:
    """The value as it will be read back from a JSON column."""
    return storable(json.loads(json.dumps(value, cls=DjangoJSONEncoder)))


def plain_output(value: Mapping[str, Any]) -> dict[str, Any]:
    """A step's output or a trigger's data. Raises InputTooLarge past 256 KiB."""
    text = json.dumps(value, cls=DjangoJSONEncoder)
    if len(text) > CONTEXT_LIMIT:
        raise InputTooLarge(kilobytes=len(text) // 1024, limit=CONTEXT_LIMIT // 1024)
    plain: dict[str, Any] = storable(json.loads(text))
    return plain
