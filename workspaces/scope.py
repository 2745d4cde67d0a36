"""The tenant scope: a query of tenant data names its workspace, or it raises.

`Model.objects` answers nothing until `.in_workspace(workspace)` was said (or was reached from a row, as in
`chat.messages`, whose workspace is that of the row). Staff and machinery say `.across_workspaces()`, which a
lint rule (tests/architecture) allows in few places. Foreign keys between tenants are refused on save.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models.query import RawQuerySet
from django.utils import timezone

from workspaces.ids import uuid7

if TYPE_CHECKING:
    from workspaces.models import Workspace

_validating: ContextVar[bool] = ContextVar("validating", default=False)

M = TypeVar("M", bound=models.Model, covariant=True)


class UnscopedQuery(RuntimeError):
    """Tenant data was asked for without a workspace."""


class ForeignTenant(ValueError):
    """A row was about to point into another workspace."""


class ScopedQuerySet(models.QuerySet[M]):
    """Refuses to read, count or change rows before a workspace was named."""

    _is_scoped = False
    _workspace_id: int | None = None

    def in_workspace(self, workspace: "Workspace") -> Self:
        """The rows of one workspace; rows created through this queryset belong to it."""
        scoped = self.filter(workspace_id=workspace.pk)
        scoped._is_scoped = True
        scoped._workspace_id = workspace.pk
        return scoped

    def across_workspaces(self) -> Self:
        """Every tenant's rows. For admin, tasks, webhook views and the clock only (checked by a test)."""
        clone = self._chain()  # type: ignore[attr-defined]
        clone._is_scoped = True
        return clone

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._is_scoped = self._is_scoped
        clone._workspace_id = self._workspace_id
        return clone

    def _add_hints(self, **hints: Any) -> None:
        super()._add_hints(**hints)  # type: ignore[misc]
        if isinstance(hints.get("instance"), TenantRow | _workspace_class()):
            self._is_scoped = True

    def _demand_scope(self) -> None:
        if not self._is_scoped and not _validating.get():
            raise UnscopedQuery(f"{self.model.__name__}: say .in_workspace(workspace) first.")

    def _fetch_all(self) -> None:
        self._demand_scope()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Iterator[M]:
        self._demand_scope()
        return super().iterator(*args, **kwargs)

    def aiterator(self, *args: Any, **kwargs: Any) -> AsyncIterator[M]:
        self._demand_scope()
        return super().aiterator(*args, **kwargs)

    def raw(self, *args: Any, **kwargs: Any) -> "RawQuerySet[Any]":
        """SQL names no workspace that could be checked: only after `.in_workspace` or `.across_workspaces`."""
        self._demand_scope()
        return super().raw(*args, **kwargs)

    def explain(self, *args: Any, **kwargs: Any) -> str:
        self._demand_scope()
        return super().explain(*args, **kwargs)

    def count(self) -> int:
        self._demand_scope()
        return super().count()

    def exists(self) -> bool:
        self._demand_scope()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._demand_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._demand_scope()
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        self._demand_scope()
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def create(self, **kwargs: Any) -> M:
        if self._workspace_id is not None and "workspace" not in kwargs:
            kwargs.setdefault("workspace_id", self._workspace_id)
        return super().create(**kwargs)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[M]:
        rows = list(objs)
        for row in rows:
            row.refuse_foreign_tenants()
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        self._demand_scope()
        rows, names = list(objs), list(fields)
        for row in rows:
            row.refuse_foreign_tenants(only=names)
        return super().bulk_update(rows, names, *args, **kwargs)


def _workspace_class() -> type[models.Model]:
    return apps.get_model("workspaces", "Workspace")


class TenantRow(models.Model):
    """Base of every row that belongs to one workspace."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuses a foreign key into another workspace (ForeignTenant)."""
        fields = kwargs.get("update_fields")
        self.refuse_foreign_tenants(only=fields)
        self.updated_at = timezone.now()
        if fields is not None:
            kwargs["update_fields"] = {*fields, "updated_at"}
        super().save(*args, **kwargs)

    def refuse_foreign_tenants(self, *, only: Iterable[str] | None = None) -> None:
        """Raises ForeignTenant if a foreign key points at a row of another workspace."""
        names = None if only is None else set(only)
        for field in _tenant_foreign_keys(type(self)):
            if names is not None and field.name not in names and field.attname not in names:
                continue
            target_id = getattr(self, field.attname)
            if target_id is None:
                continue
            if field.is_cached(self):
                workspace_id = getattr(self, field.name).workspace_id
            else:
                related = field.related_model._base_manager.filter(pk=target_id)
                workspace_id = related.values_list("workspace_id", flat=True).first()
            if workspace_id is not None and workspace_id != self.workspace_id:
                raise ForeignTenant(f"{type(self).__name__}.{field.name} points into another workspace.")

    def validate_unique(self, exclude: Any = None) -> None:
        """Django asks the default manager here; uniqueness may look across workspaces."""
        with _validation():
            super().validate_unique(exclude)

    def validate_constraints(self, exclude: Any = None) -> None:
        """See validate_unique."""
        with _validation():
            super().validate_constraints(exclude)


@contextmanager
def _validation() -> Iterator[None]:
    token = _validating.set(True)
    try:
        yield
    finally:
        _validating.reset(token)


_foreign_keys: dict[type[models.Model], list[Any]] = {}


def _tenant_foreign_keys(model: type[models.Model]) -> list[Any]:
    if model not in _foreign_keys:
        _foreign_keys[model] = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey)
            and isinstance(field.related_model, type)
            and issubclass(field.related_model, TenantRow)
        ]
    return _foreign_keys[model]
