"""Input of the API: what a serializer does not know is refused, since a typing error would pass in silence."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from workspaces.storable import storable


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
    """An object of free form, as long as a database can keep it (workspaces.storable)."""

    default_error_messages = {
        "characters": _("It holds what cannot be stored: NUL, half characters, NaN, or more than 40 levels.")
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value: dict[str, Any] = super().to_internal_value(data)
        if storable(value) != value:
            self.fail("characters")
        return value
