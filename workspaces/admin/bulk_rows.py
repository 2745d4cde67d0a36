"""How the rows of a kind of bulk job are shown to staff: their names, what would be done, and what was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from workspaces.admin.shown import link_to
from workspaces.errors import Text
from workspaces.models import BulkItem

Lines = Sequence[Text]


def _nothing_to_say(rows: Sequence[Any], now: datetime) -> Mapping[int, Lines]:
    return {}


def _no_result(item: BulkItem) -> Lines:
    return []


@dataclass(frozen=True, kw_only=True)
class BulkView:
    """`promise` says above a draft what starting it does. `preview` tells by primary key what would become of rows,
    `told` what became of one.
    """

    name: str
    promise: Text
    rows: Callable[[Sequence[int]], QuerySet]
    preview: Callable[[Sequence[Any], datetime], Mapping[int, Lines]] = _nothing_to_say
    told: Callable[[BulkItem], Lines] = _no_result
    link: Callable[[Any], str] = link_to


_views: dict[str, BulkView] = {}


def show_bulk_kind(view: BulkView) -> None:
    """Show the rows of this kind of job so."""
    _views[view.name] = view


def bulk_view(name: str) -> BulkView:
    """How the kind's rows are shown; raises KeyError for one that has no page."""
    return _views[name]
