"""Users, workspaces and who is a member of which."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workspaces.admin.base import TenantAdmin
from workspaces.models import Membership, User, Workspace


class NewUserForm(AdminUserCreationForm):
    """E-mail and password; who they are and what they may do comes on the next page."""

    class Meta:
        model = User
        fields = ("email", "name")
        field_classes: ClassVar[dict[str, Any]] = {}

    def clean_email(self) -> str:
        """Addresses are the name to log in with, and the same in upper and lower case."""
        email: str = self.cleaned_data["email"]
        return email.lower()


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """People with a login. Only a superuser makes staff, gives rights, or changes another superuser."""

    add_form = NewUserForm
    ordering = ("email",)
    show_full_result_count = False
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "language")
    search_fields = ("email", "name", "public_id__exact")
    readonly_fields = ("public_id", "last_login", "date_joined")
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("name", "language", "theme", "public_id")}),
        (_("Rights in this admin"), {"fields": ("is_active", *rights)}),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        given = super().get_readonly_fields(request, obj)
        return given if request.user.is_superuser else (*given, *self.rights)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_above = obj is not None and (obj.is_superuser or obj.is_staff) and obj.pk != request.user.pk
        return super().has_change_permission(request, obj) and (request.user.is_superuser or not is_above)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People leave by being switched off: the log goes on naming them."""
        return False


@admin.register(Workspace)
class WorkspaceAdmin(TenantAdmin):
    """Tenants. A paused one sends nothing and its pages are closed; everything still comes in."""

    list_display = ("name", "slug", "language", "is_paused", "is_demo", "created_at")
    list_filter = ("is_paused", "is_demo", "language")
    search_fields = ("name", "slug", "public_id__exact")
    prepopulated_fields: ClassVar[dict[str, Sequence[str]]] = {"slug": ("name",)}
    readonly_fields = ("public_id", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "slug", "language", "region", "time_zone", "is_paused", "is_demo")}),
        (_("Quiet hours"), {"fields": ("quiet_from", "quiet_until", "conversation_quiet_hours")}),
        (_("Consent"), {"fields": ("opt_out_words", "opt_in_words", "opt_out_covers_all_templates")}),
        (_("Limits"), {"fields": ("retention_days", "daily_ai_budget_tokens")}),
        (_("Ids"), {"fields": ("public_id", "created_at")}),
    )
    related_lists = (
        ("workspaces.Membership", "workspace"),
        ("messaging.Sender", "workspace"),
        ("messaging.Contact", "workspace"),
        ("automations.Flow", "workspace"),
        ("automations.Run", "workspace"),
        ("messaging.Message", "workspace"),
        ("workspaces.AuditEntry", "workspace"),
    )


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """Who is in which team, with which role."""

    list_display = ("user", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name", "workspace__name", "workspace__slug")
    fields = ("workspace", "user", "role", "created_at")
    readonly_fields = ("created_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A membership does not move; another one is made."""
        given = super().get_readonly_fields(request, obj)
        return [*given, "workspace", "user"] if obj else given

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A member leaves, and their API keys with them; a workspace never loses its owner this way."""
        may_delete = request.user.has_perm("workspaces.delete_membership")
        return may_delete and (obj is None or obj.role != "owner")
