"""What every staff page shares: rows of all workspaces, lists that survive big tables, read-only history, and actions
that call the same services as the pages."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import ngettext

from workspaces.admin.fields import RowField, SecretField, TenantForm, UserField, WorkspaceField
from workspaces.admin.filters import OfWorkspace
from workspaces.admin.shown import error_column, error_html, label_of, shown
from workspaces.errors import BotenwerkError
from workspaces.fields import EncryptedTextField
from workspaces.models import User, Workspace
from workspaces.scope import ScopedQuerySet, TenantRow
from workspaces.services.audit import record

COUNTED = 10_000
REFUSALS_SHOWN = 20
# Rows that are typed, with suggestions: there may be any number of them.
TYPED: dict[Any, Callable[..., RowField]] = {Workspace: WorkspaceField, User: UserField}


class BoundedPaginator(Paginator):
    """Counts up to 10,000 rows: counting millions costs more than the page."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[:COUNTED].count() if isinstance(rows, QuerySet) else len(rows)


class TenantAdmin(admin.ModelAdmin):
    """Base of every page of a model. Deleting is off: what may go has a service, and history stays."""

    form = TenantForm
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    ordering: ClassVar[Any] = ("-pk",)
    search_fields: ClassVar[Any] = ("public_id__exact",)
    change_form_template = "admin/tenant/change_form.html"
    change_list_template = "admin/tenant/change_list.html"
    # Pages beside the list: (name of the address, label, whether it is for those only who may act).
    list_links: ClassVar[tuple[tuple[str, Any, bool], ...]] = ()
    # Lists that belong to a row: (model, the lookup that narrows its list to the row).
    related_lists: ClassVar[tuple[tuple[str, str], ...]] = ()
    # Text columns that keep the public id of something else.
    id_fields: ClassVar[tuple[str, ...]] = ()
    # Columns that stand first on the page: what one looks for.
    first: ClassVar[tuple[str, ...]] = ()
    # Columns that are not shown on the page: they say nothing, or stand in another one.
    hidden: ClassVar[tuple[str, ...]] = ("error_facts",)

    # --- rows ------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return order_rows(everything(self.model), self.get_ordering(request))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """A public id is looked up by its index, also where it is kept as the id of something else."""
        public_id = _as_uuid(search_term)
        if public_id is not None:
            asked = models.Q(public_id=public_id) if self._has("public_id") else models.Q()
            for name in self.id_fields:
                asked |= models.Q(**{name: str(public_id)})
            return queryset.filter(asked), False
        return super().get_search_results(request, queryset, search_term)

    def get_list_filter(self, request: HttpRequest) -> Any:
        given: Any = super().get_list_filter(request)
        return (("workspace", OfWorkspace), *given) if self._has("workspace") else given

    def get_list_display(self, request: HttpRequest) -> Any:
        given = [*super().get_list_display(request)]
        columns = [*given, "workspace"] if self._has("workspace") else given
        columns = [*columns, "public_id"] if self._has("public_id") else columns
        # The first column is the link to the row; an error's cause and cure stand on the row's page.
        return [
            error_column()
            if name == "error_code" and index
            else self._first(name)
            if index == 0
            else self._column(name)
            for index, name in enumerate(columns)
        ]

    def get_list_select_related(self, request: HttpRequest) -> Any:
        given: Any = super().get_list_select_related(request)
        return [*(given or ()), "workspace"] if self._has("workspace") else given

    # --- the page of a row -------------------------------------------------------------------------
    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All columns, where the model's page names none."""
        if self.fields:
            return self.fields
        left_out = ("id", *self.hidden, *self.first)
        return [*self.first, *(field.name for field in self.model._meta.concrete_fields if field.name not in left_out)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = [*super().get_readonly_fields(request, obj)]
        return [self._column(name) for name in names]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fields that cannot be changed here are shown by our own columns; a secret never as itself."""
        is_open = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        fixed = {*super().get_readonly_fields(request, obj)}

        def replaced(name: Any) -> Any:
            if isinstance(name, tuple | list):
                return tuple(replaced(inner) for inner in name)
            return self._column(name) if not is_open or name in fixed else name

        sets = super().get_fieldsets(request, obj)
        return [
            (title, {**options, "fields": [replaced(name) for name in options["fields"]]}) for title, options in sets
        ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, EncryptedTextField):
            return SecretField(label=label_of(db_field))
        typed = TYPED.get(db_field.related_model)
        if typed is not None:
            field = typed(required=not db_field.blank)
            field.suggest()
            return field
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        if isinstance(db_field, models.JSONField):
            # Else a default that is a function puts the first value into the page, and the log says it changed.
            kwargs["show_hidden_initial"] = False
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("queryset", everything(db_field.related_model))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions: what changes a row by a service needs the right to change it, even where the page is fixed."""
        codename = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(obj, TenantRow | Workspace):
            verb = f"{self.opts.model_name}.{'changed' if change else 'created'}"
            record(request.user, verb, obj, fields=form.changed_data)  # type: ignore[arg-type]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        extra = {"show_save_and_add_another": False, **(extra_context or {})}
        if object_id is not None:
            extra |= self.around(request, object_id)
        return super().changeform_view(request, object_id, form_url, extra)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, its filters called by our names of the columns."""
        changelist = super().get_changelist_instance(request)
        for spec in changelist.filter_specs:
            field = getattr(spec, "field", None)
            if field is not None:
                spec.title = str(label_of(field))
        return changelist

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may_act = self.has_act_permission(request)
        links = [(reverse(name), label) for name, label, to_act in self.list_links if may_act or not to_act]
        return super().changelist_view(request, {"list_links": links, **(extra_context or {})})

    def around(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """What stands around a row's page: its actions, its own links, and the lists that belong to it."""
        found: Any = self.get_actions(request)
        actions = [
            {"name": name, "label": label % admin.utils.model_format_dict(self.opts)}
            for name, (_function, _name, label) in found.items()
            if name != "delete_selected" and self.action_fits(name, object_id)
        ]
        return {
            "row_actions": actions,
            "row_id": object_id,
            "row_links": self.row_links(request, object_id),
            "related_lists": list(self._related(request, object_id)),
        }

    def action_fits(self, name: str, object_id: str) -> bool:
        """Whether the row's state allows the action; what it does not allow is not offered on the row's page."""
        return True

    def row_links(self, request: HttpRequest, object_id: str) -> list[tuple[str, str]]:
        """Pages of the row besides this one: (address, label)."""
        return []

    def response_action(self, request: HttpRequest, queryset: QuerySet, *args: Any) -> Any:
        """An action that was asked for on a row's page leads back there, if it leads to no page of its own."""
        response = super().response_action(request, queryset, *args)
        back = request.POST.get("back_to", "")
        if back and response is not None and response.headers.get("Location") == request.get_full_path():
            return HttpResponseRedirect(
                reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[back])
            )
        return response

    # --- acting ------------------------------------------------------------------------------------
    def act_on_each(
        self,
        request: HttpRequest,
        rows: Iterable[Any],
        service: Callable[[Any], object],
        *,
        verb: str = "",
    ) -> HttpResponse | None:
        """Do the same to each row by its service; one row's refusal does not keep the others.

        Successes are counted; a refusal is shown with its row, cause and cure; False counts as "was so already".
        `verb` (past tense) writes the audit entry of services that write none themselves.
        """
        done, unchanged, refusals = 0, 0, []
        for row in rows:
            try:
                if service(row) is False:
                    unchanged += 1
                    continue
            except BotenwerkError as error:
                refusals.append((row, error))
                continue
            done += 1
            if verb:
                record(request.user, verb, row)  # type: ignore[arg-type]
        if done:
            text = ngettext("Done for %(count)s row.", "Done for %(count)s rows.", done) % {"count": done}
            self.message_user(request, text, messages.SUCCESS)
        if unchanged:
            text = ngettext("%(count)s row was so already.", "%(count)s rows were so already.", unchanged)
            self.message_user(request, text % {"count": unchanged}, messages.INFO)
        self._tell_refusals(request, refusals)
        return None

    def _tell_refusals(self, request: HttpRequest, refusals: list[tuple[models.Model, BotenwerkError]]) -> None:
        for row, error in refusals[:REFUSALS_SHOWN]:
            self.message_user(request, format_html("{}: {}", row, error_html(error)), messages.ERROR)
        if len(refusals) > REFUSALS_SHOWN:
            rest = len(refusals) - REFUSALS_SHOWN
            text = ngettext("%(count)s more was refused.", "%(count)s more were refused.", rest) % {"count": rest}
            self.message_user(request, text, messages.ERROR)

    # --- ours --------------------------------------------------------------------------------------
    def _has(self, name: str) -> bool:
        return any(field.name == name for field in self.model._meta.concrete_fields)

    def _first(self, name: Any) -> Any:
        """A list's first column is the link to its row: it holds no link to another."""
        is_field = isinstance(name, str) and self._has(name)
        return name if is_field and self.model._meta.get_field(name).is_relation else self._column(name)

    def _column(self, name: Any) -> Any:
        """Our own column for a stored field; a column that the page defines stays."""
        if not isinstance(name, str) or hasattr(self, name) or not self._has(name):
            return name
        model: Any = self.model
        return shown(model, name)

    def _related(self, request: HttpRequest, object_id: str) -> Any:
        for label, lookup in self.related_lists:
            model = apps.get_model(label)
            related = self.admin_site._registry.get(model)
            if related is not None and related.has_view_permission(request):
                address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
                query = urlencode({f"{lookup}__id__exact": object_id})
                yield {"label": model._meta.verbose_name_plural, "address": f"{address}?{query}"}


class InspectAdmin(TenantAdmin):
    """History, and what only services write: looked at, never changed. Actions use the permission "act"."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change by services may look as well."""
        view = get_permission_codename("view", self.opts)
        may_view = request.user.has_perm(f"{self.opts.app_label}.{view}")
        return may_view or self.has_act_permission(request)


def everything(model: type[models.Model]) -> QuerySet:
    """Every workspace's rows of a model."""
    rows = model._default_manager.get_queryset()
    return rows.across_workspaces() if isinstance(rows, ScopedQuerySet) else rows


def order_rows(rows: QuerySet, ordering: Any) -> QuerySet:
    """The rows in this order, if there is one."""
    return rows.order_by(*ordering) if ordering else rows


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
