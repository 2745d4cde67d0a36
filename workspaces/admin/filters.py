"""Filters for the side of a list: by the workspace, and by the one row that a link narrowed the list to."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workspaces.admin.shown import label_of

OFFERED = 30


class OfRow(admin.FieldListFilter):
    """Shows which row a list was narrowed to by a link, and the way out; offers no list of its own.

    Django's filter by a related row would list every row there is.
    """

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.parameter = f"{field_path}__id__exact"
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = str(label_of(field))
        given: Any = self.used_parameters.get(self.parameter)
        self.chosen: str | None = given[-1] if isinstance(given, list) else given
        self.related = field.related_model

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter]

    def has_output(self) -> bool:
        return self.chosen is not None

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.chosen is None:
            return queryset
        try:
            return queryset.filter(**{self.field_path: int(self.chosen)})
        except (ValueError, TypeError) as error:
            raise IncorrectLookupParameters(error) from None

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "selected": False,
            "query_string": changelist.get_query_string(remove=[self.parameter]),
            "display": _("All"),
        }
        found = self.related._base_manager.filter(pk=self.chosen).first()
        yield {
            "selected": True,
            "query_string": changelist.get_query_string(),
            "display": str(found) if found is not None else str(self.chosen),
        }


class OfWorkspace(OfRow):
    """The workspaces by name, as long as they are few; else only the chosen one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = list(self.related._base_manager.order_by("name").values_list("pk", "name")[: OFFERED + 1])

    def has_output(self) -> bool:
        return self.chosen is not None or 1 < len(self.offered) <= OFFERED

    def choices(self, changelist: Any) -> Iterator[Any]:
        if len(self.offered) > OFFERED:
            yield from super().choices(changelist)
            return
        everything = changelist.get_query_string(remove=[self.parameter])
        yield {"selected": self.chosen is None, "query_string": everything, "display": _("All")}
        for pk, name in self.offered:
            yield {
                "selected": str(pk) == str(self.chosen),
                "query_string": changelist.get_query_string({self.parameter: pk}),
                "display": name,
            }
