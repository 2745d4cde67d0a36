"""API keys: issued here with the secret shown once, and revoked. And the calls that were made only once."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workspaces.admin.base import InspectAdmin, TenantAdmin
from workspaces.admin.fields import TenantForm, UserField, WorkspaceField
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import draw, form_page
from workspaces.models import ApiKey, IdempotentCall, Membership, Role
from workspaces.permissions import SCOPES
from workspaces.services.audit import record


class KeyForm(TenantForm):
    """Name, scopes and end of a key."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(scope, scope) for scope in ApiKey.KNOWN_SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Expires"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("Empty: it never expires."),
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expires_at")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        membership = cleaned.get("membership") or getattr(self.instance, "membership", None)
        too_much = [] if membership is None else above_role(Role(membership.role), cleaned.get("scopes") or [])
        if too_much:
            text = _("The member's role does not cover: %(scopes)s.") % {"scopes": ", ".join(too_much)}
            self.add_error("scopes", text)
        return cleaned


class IssueForm(KeyForm):
    """A new key: also for which member of which workspace."""

    workspace = WorkspaceField()
    user = UserField(label=gettext_lazy("Member"))

    field_order = ("workspace", "user", "name", "scopes", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("workspace", "user"):
            self.fields[name].suggest()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("workspace") and given.get("user"):
            memberships = Membership.objects.select_related("workspace", "user")
            found = memberships.filter(workspace=given["workspace"], user=given["user"]).first()
            given["membership"] = found
            if found is None:
                self.add_error("user", _("They are not a member of this workspace."))
        return super().clean()


def above_role(role: Role, scopes: list[str]) -> list[str]:
    """The scopes that a key of this role's member cannot have."""
    return [scope for scope in scopes if not role.covers(SCOPES[scope])]


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    """Keys for the API. The secret is shown when the key is issued, and never again."""

    form = KeyForm
    list_display = ("name", "prefix", "membership", "expires_at", "last_used_at", "revoked_at")
    list_filter = (("membership", OfRow), "revoked_at")
    list_select_related = ("membership__user", "membership__workspace")
    search_fields = ("name", "^prefix", "membership__user__email", "workspace__slug")
    fields = (
        "name",
        "scopes",
        "expires_at",
        "workspace",
        "membership",
        "prefix",
        "last_used_at",
        "revoked_at",
        "public_id",
    )
    readonly_fields = ("workspace", "membership", "prefix", "last_used_at", "revoked_at", "public_id")
    actions = ("revoke",)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["act"])
    def revoke(self, request: HttpRequest, keys: Any) -> None:
        now = timezone.now()
        self.act_on_each(request, keys, lambda key: _revoke(key, now), verb="api_key.revoked")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Issue a key and show its secret, in this answer only."""
        if not self.has_add_permission(request):
            raise PermissionDenied

        def issue(data: dict[str, Any]) -> HttpResponse:
            key, secret = ApiKey.objects.issue(
                membership=data["membership"],
                name=data["name"],
                scopes=data["scopes"],
                expires_at=data["expires_at"],
            )
            record(request.user, "api_key.created", key, scopes=key.scopes)  # type: ignore[arg-type]
            context = {"secret": secret}
            page = draw(self, request, "admin/workspaces/apikey/issued.html", title=key.name, row=key, context=context)
            page.headers["Cache-Control"] = "no-store"
            return page

        form = IssueForm(request.POST if request.method == "POST" else None)
        return form_page(self, request, form=form, title=_("Issue an API key"), submit=_("Issue"), act=issue)


def _revoke(key: ApiKey, now: datetime) -> bool:
    rows = ApiKey.objects.in_workspace(key.workspace).filter(pk=key.pk, revoked_at=None)
    return rows.update(revoked_at=now, updated_at=now) == 1


@admin.register(IdempotentCall)
class IdempotentCallAdmin(InspectAdmin):
    """Calls with an Idempotency-Key, and what they were answered."""

    list_display = ("key", "api_key", "status", "created_at")
    list_filter = (("api_key", OfRow), "created_at")
    list_select_related = ("api_key",)
    search_fields = ("=key", "api_key__name")
