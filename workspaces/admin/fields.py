"""Form parts of the admin: secrets that are only ever written, suggestions without scripts, and rows of one tenant."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from workspaces.admin.shown import secret_state
from workspaces.errors import Text
from workspaces.fields import EncryptedTextField
from workspaces.models import User, Workspace
from workspaces.scope import TenantRow

SUGGESTED = 200


class SecretField(forms.CharField):
    """Takes a secret and never shows it; left empty, the stored one stays (see TenantForm)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["required"] = False
        kwargs["widget"] = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
        super().__init__(**kwargs)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class Suggestions(forms.TextInput):
    """A text with suggestions by the browser itself: works at any number of rows, and without scripts."""

    template_name = "admin/tenant/suggestions.html"

    def __init__(self, suggestions: Iterable[tuple[str, str]] = (), attrs: dict[str, Any] | None = None) -> None:
        self.suggestions = list(suggestions)
        super().__init__(attrs)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        list_id = f"{context['widget']['attrs'].get('id', name)}_list"
        context["widget"]["attrs"] |= {"list": list_id, "autocomplete": "off"}
        context["suggestions"] = {"id": list_id, "rows": self.suggestions}
        return context


class RowField(forms.CharField):
    """A row by a text that is its own (an address, an e-mail), typed or suggested: no list of all there are."""

    def __init__(self, *, rows: Callable[[], QuerySet], column: str, missing: Text, **kwargs: Any) -> None:
        self.rows, self.column, self.missing = rows, column, missing
        super().__init__(**kwargs)

    def suggest(self) -> None:
        """Offer the first rows by name; called for each form, since rows come and go."""
        self.widget = Suggestions(self.rows().order_by("name").values_list(self.column, "name")[:SUGGESTED])

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = self.rows().filter(**{f"{self.column}__iexact": text}).first()
        if found is None:
            raise ValidationError(str(self.missing), code="invalid")
        return found


class WorkspaceField(RowField):
    """A workspace by its address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            rows=Workspace.objects.all,
            column="slug",
            missing=_("There is no workspace with this address."),
            **{"label": _("Workspace"), "help_text": _("Its address, as in /w/address/."), **kwargs},
        )


class UserField(RowField):
    """A user by e-mail."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            rows=User.objects.all,
            column="email",
            missing=_("Nobody has this e-mail address."),
            **{"label": _("User"), "help_text": _("Their e-mail address."), **kwargs},
        )


class TenantForm(forms.ModelForm):
    """Keeps secrets that were left empty, and offers and takes only rows of the row's own workspace."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self._secrets():
            state = secret_state(getattr(self.instance, name, ""))
            self.fields[name].help_text = _("%(state)s. Leave it empty to keep what is stored.") % {"state": state}
        if getattr(self.instance, "workspace_id", None):
            self._offer_own_rows()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self._secrets():
            if not cleaned.get(name):
                cleaned[name] = getattr(self.instance, name)
        workspace_id = getattr(cleaned.get("workspace"), "pk", None) or getattr(self.instance, "workspace_id", None)
        for name, value in list(cleaned.items()):
            if isinstance(value, TenantRow) and workspace_id and value.workspace_id != workspace_id:
                self.add_error(name, _("This belongs to another workspace."))
        return cleaned

    def _secrets(self) -> list[str]:
        fields = self._meta.model._meta.concrete_fields
        return [field.name for field in fields if isinstance(field, EncryptedTextField) and field.name in self.fields]

    def _offer_own_rows(self) -> None:
        for field in self.fields.values():
            if not isinstance(field, forms.ModelChoiceField) or field.queryset is None:
                continue
            if any(column.name == "workspace" for column in field.queryset.model._meta.concrete_fields):
                field.queryset = field.queryset.filter(workspace_id=self.instance.workspace_id)
