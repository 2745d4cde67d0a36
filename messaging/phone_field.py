"""The form field for a phone that a person types or pastes."""

from typing import Any

from django import forms

from messaging.phone import without_invisible


class PhoneField(forms.CharField):
    """Takes out the format characters that come along from phone books and PDFs and that nobody sees (traps.md P8).

    Everything else is left as it was given: what is not E.164 is for the services to refuse, with a suggestion.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        """The text without invisible characters."""
        return without_invisible(super().to_python(value) or "").strip()
