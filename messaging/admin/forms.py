"""Forms of the senders' pages: connecting a number, and sending a message by hand."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.models import Sender, Template
from workspaces.admin.fields import SUGGESTED, Suggestions, TenantForm, WorkspaceField


def address_choices() -> list[tuple[str, str]]:
    """The platform addresses that the installation allows."""
    return [(key, f"{key} ({address})") for key, address in settings.PROVIDER_ADDRESSES.items()]


class SenderForm(TenantForm):
    """Settings of a connected number. Its state is the platform's."""

    address_key = forms.ChoiceField(label=gettext_lazy("Address"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "address_key" in self.fields:
            self.fields["address_key"].choices = address_choices()  # type: ignore[attr-defined]


class ConnectForm(forms.Form):
    """What connecting a number needs; each part is called before anything is stored."""

    workspace = WorkspaceField()
    address_key = forms.ChoiceField(label=gettext_lazy("Address"))
    provider_number_id = forms.CharField(label=gettext_lazy("Phone number id"), max_length=64)
    business_account_id = forms.CharField(label=gettext_lazy("Business account id"), max_length=64)
    token = forms.CharField(label=gettext_lazy("Access token"), widget=forms.PasswordInput)
    app_secret = forms.CharField(label=gettext_lazy("App secret"), widget=forms.PasswordInput)
    verify_token = forms.CharField(label=gettext_lazy("Verify token"), widget=forms.PasswordInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["address_key"].choices = address_choices()  # type: ignore[attr-defined]
        self.fields["workspace"].suggest()  # type: ignore[attr-defined]


class ValuesField(forms.CharField):
    """Names and values, one pair a line: `1 = Eva Novak`."""

    widget = forms.Textarea(attrs={"rows": 4})

    def to_python(self, value: Any) -> Any:
        values: dict[str, str] = {}
        for number, line in enumerate((value or "").splitlines(), start=1):
            if not line.strip():
                continue
            name, sign, text = line.partition("=")
            if not sign or not name.strip():
                raise ValidationError(
                    _("Line %(number)s: write name = value."), code="invalid", params={"number": number}
                )
            values[name.strip()] = text.strip()
        return values

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")


class SendForm(forms.Form):
    """A text, or a template with its values, to one phone."""

    to = forms.CharField(
        label=gettext_lazy("Recipient's phone"),
        max_length=60,
        help_text=gettext_lazy("International, for example +4915112345678."),
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "Goes within 24 hours after the customer's last message. Leave it empty for a template."
        ),
    )
    template = forms.CharField(
        label=gettext_lazy("Template"), required=False, max_length=512, help_text=gettext_lazy("Its name.")
    )
    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=12,
        help_text=gettext_lazy("Exactly as with the template, for example de or en_US. Empty: the contact's."),
    )
    variables = ValuesField(
        label=gettext_lazy("Values"),
        required=False,
        help_text=gettext_lazy("One a line, for example: 1 = Eva Novak"),
    )

    def __init__(self, *args: Any, sender: Sender, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Template.objects.in_workspace(sender.workspace).filter(business_account_id=sender.business_account_id)
        known = list(rows.order_by("name").values_list("name", "language", "status")[:SUGGESTED])
        self.fields["template"].widget = Suggestions((name, f"{language} · {state}") for name, language, state in known)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("text")) == bool(cleaned.get("template")):
            self.add_error("text", _("Enter a text, or the name of a template."))
        return cleaned
