"""Figures of the installation on the admin's first page; each app adds its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_q.brokers import get_broker

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Figure:
    """One figure: its name, how it is read, where its rows are listed, and the right to see it."""

    label: str | Promise
    read: Callable[[datetime], object]
    permission: str
    address: Callable[[], str] | None = None
    # From this value on it is shown as something to look into; None: never.
    attention_from: float | None = None


@dataclass(frozen=True)
class Shown:
    """A figure as the page shows it."""

    label: str | Promise
    value: object
    address: str
    needs_attention: bool


_figures: list[Figure] = []


def register_figure(figure: Figure) -> None:
    """Show this figure on the first page, after those registered before."""
    _figures.append(figure)


def shown_figures(request: HttpRequest) -> Iterator[Shown]:
    """What this member of staff may see. A figure that cannot be read now (Redis is away) is a dash."""
    now = timezone.now()
    for figure in _figures:
        if not request.user.has_perm(figure.permission):
            continue
        try:
            value = figure.read(now)
        except OSError as error:
            log.warning("figure_not_read", figure=str(figure.label), error=str(error))
            value = None
        limit = figure.attention_from
        is_high = limit is not None and isinstance(value, int | float) and value >= limit
        yield Shown(figure.label, value, figure.address() if figure.address else "", is_high or value is None)


def queue_length(name: str) -> Callable[[datetime], int]:
    """How many tasks wait on a queue, whichever broker holds it."""

    def read(now: datetime) -> int:
        try:
            return int(get_broker(name).queue_size())
        except Exception as error:  # A broker's own errors (redis) are not OSErrors.
            raise OSError(str(error)) from error

    return read


def _machinery() -> str:
    return reverse("admin:workspaces_queuedtask_machinery")


SEES = "workspaces.view_queuedtask"
register_figure(Figure(_("Tasks waiting, fast queue"), queue_length("fast"), SEES, _machinery, 1000))
register_figure(Figure(_("Tasks waiting, bulk queue"), queue_length("bulk"), SEES, _machinery))
