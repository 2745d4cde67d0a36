"""Failed rows chosen by what they failed of, for a job that tries them again: a filter in the address, one button."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workspaces.admin.base import TenantAdmin
from workspaces.admin.bulk import offer_job
from workspaces.admin.fields import WorkspaceField
from workspaces.admin.pages import draw
from workspaces.errors import BotenwerkError, Text, stored_error
from workspaces.models import Workspace
from workspaces.services.bulk import AT_MOST

LOOKED_BACK = timedelta(days=7)
_LOCAL = "%Y-%m-%dT%H:%M"


class ChoiceForm(forms.Form):
    """Which failed rows. Empty fields ask for all."""

    workspace = WorkspaceField(required=False)
    code = forms.CharField(label=_("Error"), required=False, help_text=_("Its code, for example sender_offline."))
    since = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL),
        help_text=_("Empty: the last seven days."),
    )
    until = forms.DateTimeField(
        label=_("To"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workspace"].suggest()  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The failed rows of one error."""

    error: BotenwerkError
    count: int
    oldest: datetime
    newest: datetime
    query: str


def choose_failed(
    page: TenantAdmin, request: HttpRequest, *, rows: QuerySet, failed_at: str, kind: str, title: Text, intro: Text
) -> HttpResponse:
    """The page: failed rows by error with counts; POST stores the choice as a draft of the job. Two queries."""
    if not page.has_act_permission(request):
        raise PermissionDenied
    form = ChoiceForm(request.GET)
    given: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    chosen = rows.filter(**{f"{failed_at}__gte": given.get("since") or timezone.now() - LOOKED_BACK})
    if given.get("until"):
        chosen = chosen.filter(**{f"{failed_at}__lt": given["until"]})
    workspace: Workspace | None = given.get("workspace")
    if workspace is not None:
        chosen = chosen.filter(workspace=workspace)
    counted = list(_groups(chosen, failed_at, request))
    if given.get("code"):
        chosen = chosen.filter(error_code=given["code"])
    if request.method == "POST" and form.is_valid():
        ids: Sequence[int] = list(chosen.order_by("pk").values_list("pk", flat=True)[: AT_MOST + 1])
        return offer_job(page, request, kind, list(ids))
    shown = [group for group in counted if given.get("code") in (None, "", group.error.code)]
    context = {
        "form": form,
        "groups": counted,
        "count": sum(group.count for group in shown),
        "code": given.get("code") or "",
        "intro": intro,
        "without_code": _query(request, code=""),
    }
    status = 200 if form.is_valid() else 422
    return draw(page, request, "admin/tenant/choose.html", title=title, context=context, status=status)


def _groups(rows: QuerySet, failed_at: str, request: HttpRequest) -> Any:
    counted = rows.order_by().values_list("error_code").annotate(Count("pk"), Min(failed_at), Max(failed_at))
    for code, count, oldest, newest in sorted(counted, key=lambda group: -group[1]):
        yield Group(
            error=stored_error(code), count=count, oldest=oldest, newest=newest, query=_query(request, code=code)
        )


def _query(request: HttpRequest, **changed: str) -> str:
    kept = {name: value for name, value in request.GET.items() if name in ChoiceForm.base_fields}
    return urlencode({name: value for name, value in {**kept, **changed}.items() if value})
