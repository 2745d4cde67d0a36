"""Filters of lists: the same FilterSets as the pages use, and no parameter passes unknown."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django_filters import FilterSet, IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from workspaces.api.errors import UnknownParameter
from workspaces.api.pagination import NewestFirst


class InstantField(IsoDateTimeField):
    """An instant in UTC: PostgreSQL refuses offsets that Python takes (more than 15:59)."""

    def to_python(self, value: Any) -> datetime | None:
        """Raises ValidationError also where the offset leads out of the calendar."""
        given = super().to_python(value)
        try:
            return given.astimezone(UTC) if given is not None else None
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class InstantFilter(IsoDateTimeFilter):
    """A moment, ISO 8601."""

    field_class = InstantField


class WorkspaceFilterSet(FilterSet):
    """Base of our FilterSets; django-filter lets unknown parameters pass, `refuse_unknown` does not."""


class WorkspaceFilterBackend(DjangoFilterBackend):
    """Applies the view's `filterset_class`; wrong values are a ValidationError."""

    filterset_base = WorkspaceFilterSet


def refuse_unknown(request: Request, view: Any) -> None:
    """Raises UnknownParameter for a query parameter that neither the view, its filters nor its pages know."""
    known = set(getattr(view, "query_parameters", ()))
    filterset = getattr(view, "filterset_class", None)
    if getattr(view, "action", None) == "list":
        known |= {NewestFirst.cursor_query_param, NewestFirst.page_size_query_param}
        known |= set(filterset.base_filters) if filterset else set()
    for parameter in request.query_params:
        if parameter not in known:
            raise UnknownParameter(parameter=parameter, known=", ".join(sorted(known)) or "–", field=parameter)
