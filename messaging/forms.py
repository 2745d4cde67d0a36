"""What people type into messaging's pages: texts, values of templates, recipients, numbers to connect."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging.models import Sender, Template
from messaging.phone_field import PhoneField
from messaging.services.senders import NumberSettings
from messaging.services.template_parameters import Parameter, parameters_of, sample_values
from workspaces.models import Workspace

VALUE = "value."


def new_key() -> str:
    """For a form that may be sent twice by one impatient hand: the second finds the first's message."""
    return str(uuid4())


class KeyedForm(forms.Form):
    """A form that acts once, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def renew_key(self) -> None:
        """What was refused keeps the old key; what is mended is a new message."""
        self.data = {**dict(self.data.items()), "key": new_key()}

    @property
    def idempotency_key(self) -> str:
        """The message's key; call it on a valid form."""
        return f"page:{self.cleaned_data['key']}"


class TextForm(KeyedForm):
    """Free text into an open window. Its length is the outbox's business: it counts as the platform does."""

    text = forms.CharField(
        label=_("Write a message"),
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 1, "placeholder": _("Write a message"), "aria-label": _("Write a message")}
        ),
        error_messages={"required": _("Write something to send.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Without an id: htmx would carry the style of the grown field over to the new one, which the CSP refuses.
        super().__init__(*args, **(kwargs | {"auto_id": False}))


class TemplateValuesForm(KeyedForm):
    """One field a value that the template takes. `values` are what was typed, by the template's keys."""

    def __init__(self, template: Template, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.template = template
        for parameter in parameters_of(template):
            self.fields[VALUE + parameter.key] = _value_field(parameter)

    @property
    def values(self) -> dict[str, str]:
        """Optional values that were left empty are not given at all."""
        return {
            name.removeprefix(VALUE): value
            for name, value in self.cleaned_data.items()
            if name.startswith(VALUE) and (value or self.fields[name].required)
        }

    @property
    def shown_values(self) -> dict[str, str]:
        """For the preview: what was typed so far, valid or not."""
        return {
            name.removeprefix(VALUE): str(self[name].value() or "") for name in self.fields if name.startswith(VALUE)
        }

    @property
    def value_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(VALUE)]

    def place_error(self, field: str | None, text: str) -> bool:
        """Put an error of the outbox (`variables.1`, `to`, ...) at its field. False where there is none for it."""
        name = field or ""
        if name.startswith("variables."):
            name = VALUE + name.removeprefix("variables.")
        if name not in self.fields:
            return False
        self.add_error(name, text)
        return True


class TestSendForm(TemplateValuesForm):
    """A template to one person, from the template's page."""

    sender = forms.ModelChoiceField(Sender.objects.none(), label=_("Sender"), empty_label=None)
    to = PhoneField(
        label=_("Recipient"), max_length=64, help_text=_("With + and country code, digits only: +4915112345678")
    )

    def __init__(self, template: Template, *args: Any, **kwargs: Any) -> None:
        super().__init__(template, *args, **kwargs)
        field = self.fields["sender"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Sender.objects.in_workspace(template.workspace).filter(
            business_account_id=template.business_account_id, retired_at=None
        )
        for key, sample in sample_values(template).items():
            self.fields[VALUE + key].initial = sample


class TemplateFilters(forms.Form):
    """What the list of templates is narrowed by; what is not understood narrows nothing."""

    q = forms.CharField(label=_("Name or text"), required=False, max_length=100)
    status = forms.ChoiceField(label=_("State"), required=False)
    category = forms.ChoiceField(label=_("Kind"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    quality = forms.ChoiceField(label=_("Quality"), required=False)

    @classmethod
    def of(cls, workspace: Workspace, given: Mapping[str, Any]) -> "TemplateFilters":
        """The form for a workspace, with the languages that it has. One query."""
        form = cls(given)
        codes = (
            Template.objects.in_workspace(workspace).order_by("language").values_list("language", flat=True).distinct()
        )
        choices: dict[str, list[tuple[str, Any]]] = {
            "status": Template.Status.choices,
            "category": Template.Category.choices,
            "language": [(code, code) for code in codes],
            "quality": Sender.Quality.choices,
        }
        for name, offered in choices.items():
            field = form.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("All")), *offered]
        return form

    @property
    def asked(self) -> dict[str, str]:
        """The filters that are set and valid."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class CustomerForm(forms.Form):
    """Another customer for the simulated phone."""

    phone = PhoneField(label=_("Number"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=80)


class NumberForm(forms.Form):
    """What Meta's pages show for a number. Secrets go in and are never shown again."""

    provider_number_id = forms.CharField(
        label=_("Phone number id"), max_length=64, help_text=_("App dashboard, WhatsApp, API setup.")
    )
    business_account_id = forms.CharField(
        label=_("Business account id"), max_length=64, help_text=_("On the same page, below the phone number id.")
    )
    token = forms.CharField(
        label=_("Access token"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Of a system user, with the rights for messages and management. It should not expire."),
    )
    app_secret = forms.CharField(
        label=_("App secret"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("App dashboard, App settings, Basic. It proves that a message comes from Meta."),
    )
    verify_token = forms.CharField(
        label=_("Verify token"),
        max_length=120,
        help_text=_("A word of your own. You enter the same one at Meta with the callback address."),
    )

    # Whose fault a refused part is, at the field where it is mended.
    FIELD_OF_PART: Mapping[str, str] = {
        "token": "token",
        "number": "provider_number_id",
        "account": "business_account_id",
    }

    def number(self) -> NumberSettings:
        """The settings as the service takes them."""
        return NumberSettings(**self.cleaned_data)


class LostAnswersForm(forms.Form):
    """What becomes of a message whose answer was lost on the way."""

    unknown_policy = forms.ChoiceField(
        label=_("When the answer to a message was lost and WhatsApp does not report it within ten minutes"),
        choices=[
            ("hold", _("Hold it and tell the team. Somebody looks at the chat and sends it again with one click.")),
            ("resend", _("Send it again by itself, once. It may arrive twice.")),
        ],
        widget=forms.RadioSelect,
    )


class DisconnectForm(forms.Form):
    """Disconnecting asks for the number's name, so that nobody does it by a slip."""

    name = forms.CharField(label=_("Name of the number"), max_length=120)

    def __init__(self, sender: Sender, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sender = sender

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if name != str(self.sender):
            raise forms.ValidationError(_("That is not its name. Type “%(name)s”.") % {"name": self.sender})
        return name


def _value_field(parameter: Parameter) -> forms.Field:
    return forms.CharField(label=_label(parameter), required=parameter.is_required, max_length=1024)


_HEADER_LABELS = {
    "header.filename": _("Name of the file in the header"),
    "header.latitude": _("Latitude of the place in the header"),
    "header.longitude": _("Longitude of the place in the header"),
    "header.name": _("Name of the place in the header"),
    "header.address": _("Address of the place in the header"),
}


def _label(parameter: Parameter) -> str:
    if parameter.component == "button":
        return str(_("Button “%(label)s”") % {"label": parameter.label})
    if parameter.kind in ("image", "video", "document"):
        return str(_("Address of the file in the header"))
    if parameter.key in _HEADER_LABELS:
        return str(_HEADER_LABELS[parameter.key])
    if parameter.component == "header":
        return str(_("Header: %(name)s") % {"name": parameter.key.removeprefix("header.")})
    return f"{{{{{parameter.key}}}}}" if parameter.key.isdigit() else parameter.key
