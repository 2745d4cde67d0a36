"""Lists: newest first, by cursor, so that a page neither skips nor doubles rows while others come in."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination

# Digits of a bigint, less one so that each number fits.
LONGEST_ID = 18


class NewestFirst(CursorPagination):
    """`limit` (1 to 200, 50 unless given) and `cursor`, which comes from `next` or `previous`."""

    ordering = "-id"
    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    cursor_query_param = "cursor"

    def get_page_size(self, request: Any) -> int:
        """Raises ValidationError for a limit that is none: falling back in silence would hide the mistake."""
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return self.page_size
        if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= self.max_page_size:
            problem = _("A whole number from 1 to %(most)s is wanted.") % {"most": self.max_page_size}
            raise exceptions.ValidationError({self.page_size_query_param: problem})
        return int(raw)

    def decode_cursor(self, request: Any) -> Any:
        """Positions of ours are ids; anything else would reach the database as it stands."""
        cursor = super().decode_cursor(request)
        position: Any = cursor.position if cursor is not None else None
        if position is not None and not (position.isascii() and position.isdigit() and len(position) <= LONGEST_ID):
            raise exceptions.NotFound
        return cursor

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except exceptions.NotFound:
            problem = _("This is no cursor of ours. Take it from “next” or “previous”.")
            raise exceptions.ValidationError({self.cursor_query_param: problem}) from None
