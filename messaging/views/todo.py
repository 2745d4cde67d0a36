"""What to do first: open notices as rows, those of one cause taken together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Case, QuerySet, When
from django.utils.translation import ngettext

from messaging.views.thread import optional_url
from workspaces.errors import error_class, known_codes, stored_error
from workspaces.models import Notification, Workspace


@dataclass
class Todo:
    """One row: a notice, or several that one cause has brought about, the newest of the worst first."""

    notices: list[Notification]
    title: str
    cause: str
    cure: str = ""
    link: str = ""
    # Where it happened: of failed runs their flows and steps.
    places: list[str] = field(default_factory=list)

    @property
    def notice(self) -> Notification:
        """The one that the row leads to."""
        return self.notices[0]

    @property
    def count(self) -> int:
        """How often it happened."""
        return sum(notice.count for notice in self.notices)

    @property
    def last_at(self) -> datetime:
        """When it happened last."""
        return max(notice.last_at for notice in self.notices)

    @property
    def is_of_runs(self) -> bool:
        """Then its title says how often."""
        return bool(self.places)


def open_notices(workspace: Workspace) -> QuerySet[Notification]:
    """What waits for someone, failures first."""
    rows = Notification.objects.in_workspace(workspace).filter(solved_at=None)
    is_failure = Case(When(level=Notification.Level.FAILURE, then=0), default=1)
    return rows.exclude(level=Notification.Level.INFO).order_by(is_failure, "-last_at")


def todo_of(workspace: Workspace, notices: Iterable[Notification]) -> list[Todo]:
    """The rows, in the notices' order: runs that failed for one named error stand together, whatever their flow."""
    grouped: dict[object, list[Notification]] = {}
    for notice in notices:
        grouped.setdefault(notice.code if _is_of_a_run(notice) else notice.pk, []).append(notice)
    return [_of_runs(workspace, group) if _is_of_a_run(group[0]) else _alone(group[0]) for group in grouped.values()]


def _is_of_a_run(notice: Notification) -> bool:
    return notice.digest_key.startswith("run:") and notice.code in known_codes()


def _alone(notice: Notification) -> Todo:
    if notice.body or notice.code not in known_codes():
        return Todo(notices=[notice], title=notice.title_text(), cause=notice.body_text(), link=notice.link)
    error = stored_error(notice.code, notice.facts)
    return Todo(
        notices=[notice],
        title=notice.title_text(),
        cause=error.cause_text(),
        cure=error.cure_text(),
        link=notice.link,
    )


def _of_runs(workspace: Workspace, notices: list[Notification]) -> Todo:
    newest = notices[0]
    error = stored_error(newest.code, newest.facts)
    count = sum(notice.count for notice in notices)
    title = ngettext("%(count)s run failed: %(error)s.", "%(count)s runs failed: %(error)s.", count)
    return Todo(
        notices=notices,
        title=title % {"count": count, "error": str(error_class(newest.code).title).rstrip(".")},
        cause=error.cause_text(),
        cure=error.cure_text(),
        link=newest.link if count == 1 else _list_of(workspace, newest.code) or newest.link,
        places=[
            ", ".join(str(notice.facts[name]) for name in ("flow", "step") if name in notice.facts)
            for notice in notices
        ],
    )


def _list_of(workspace: Workspace, code: str) -> str:
    address = optional_url("runs", workspace.slug)
    return f"{address}?{urlencode({'status': 'failed', 'code': code})}" if address else ""
