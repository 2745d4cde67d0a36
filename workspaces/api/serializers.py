"""Input of the API: what a serializer does not know is refused, since a typing error would pass in silence."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class StrictSerializer(serializers.Serializer):
    """Base of every body. Unknown fields are named, with the code `unknown_field`."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            strange = [name for name in data if name not in self.fields]
            if strange:
                problem = serializers.ErrorDetail(gettext("This field is not known here."), code="unknown_field")
                raise serializers.ValidationError({name: [problem] for name in strange})
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """Text as it was given: not trimmed, and a number is no text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class JsonObjectField(serializers.DictField):
    """An object of free form, as long as a database can keep it: no NUL and no half of a surrogate pair."""

    default_error_messages = {"characters": _("It holds characters that cannot be stored (NUL or half characters).")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value: dict[str, Any] = super().to_internal_value(data)
        if not _can_be_stored(value):
            self.fail("characters")
        return value


def _can_be_stored(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(_can_be_stored(name) and _can_be_stored(item) for name, item in value.items())
    if isinstance(value, list):
        return all(_can_be_stored(item) for item in value)
    return True
