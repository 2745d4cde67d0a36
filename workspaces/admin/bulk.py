"""Jobs over many rows: looked at before they begin, followed while they run, come back to afterwards."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from workspaces.admin.base import InspectAdmin
from workspaces.admin.bulk_rows import BulkView, bulk_view
from workspaces.admin.filters import OfRow
from workspaces.admin.pages import draw
from workspaces.admin.shown import EMPTY, render_error
from workspaces.models import BulkItem, BulkJob
from workspaces.services.bulk import AT_MOST, bulk_kinds, draft_job, progress_of, start_job, stop_job

ROWS_A_PAGE = 50
PENDING = BulkItem.Outcome.PENDING
ENDED = (BulkJob.State.DONE, BulkJob.State.STOPPED)


def offer_job(page: Any, request: HttpRequest, kind: str, row_ids: list[int]) -> HttpResponse:
    """Store the choice as a draft and lead to its page, where it is looked at and begun."""
    known = bulk_kinds()[kind]
    if not request.user.has_perm(known.permission):
        raise PermissionDenied
    if not row_ids:
        page.message_user(request, _("There is nothing to do."), messages.INFO)
        return HttpResponseRedirect(request.get_full_path())
    if len(row_ids) > AT_MOST:
        text = ngettext(
            "At most %(count)s row can be taken at a time.", "At most %(count)s rows can be taken at a time.", AT_MOST
        )
        page.message_user(request, text % {"count": AT_MOST}, messages.WARNING)
    job = draft_job(known, row_ids, by=request.user, now=timezone.now())  # type: ignore[arg-type]
    return HttpResponseRedirect(reverse("admin:workspaces_bulkjob_change", args=[job.pk]))


@admin.register(BulkJob)
class BulkJobAdmin(InspectAdmin):
    """Replays and retries, begun by staff."""

    list_display = ("shown_kind", "state", "asked_by", "created_at", "started_at", "ended_at")
    list_filter = ("state", "created_at")
    list_select_related = ("asked_by",)
    search_fields = ("=kind", "asked_by__email", "asked_by__name")

    @admin.display(description=gettext_lazy("what is done"), ordering="kind")
    def shown_kind(self, job: BulkJob) -> str:
        return _label(job)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may do one kind of job may follow it as well."""
        may_do = any(request.user.has_perm(kind.permission) for kind in bulk_kinds().values())
        return may_do or super().has_view_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        def ours(name: str, view: Any) -> URLPattern:
            guarded = self.admin_site.admin_view(require_POST(view))
            return path(f"<int:job_id>/{name}/", guarded, name=f"workspaces_bulkjob_{name}")

        return [ours("start", self.start), ours("stop", self.stop), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The choice and what it would do; once it runs how far it is, and what became of each row."""
        job = self._job(request, object_id)
        view = bulk_view(job.kind)
        chosen = request.GET.get("outcome", "")
        items = job.items.order_by("pk")
        if chosen in BulkItem.Outcome.values:
            items = items.filter(outcome=chosen)
        counts = progress_of(job)
        page = Paginator(items, ROWS_A_PAGE).get_page(request.GET.get("p"))
        context = {
            "job": job,
            "counts": [
                {"name": name, "label": BulkItem.Outcome(name).label, "count": count, "is_chosen": name == chosen}
                for name, count in counts.items()
                if count or name == chosen
            ],
            "total": sum(counts.values()),
            "finished": sum(counts.values()) - counts[BulkItem.Outcome.PENDING],
            "pending": counts[BulkItem.Outcome.PENDING],
            "page": page,
            "chosen": chosen,
            "rows": list(_rows(job, view, list(page))),
            "what": view.promise if job.state == BulkJob.State.DRAFT else "",
            "has_ended": job.state in ENDED,
            "may_act": self._may_act(request, job),
        }
        return draw(self, request, "admin/workspaces/bulkjob/page.html", title=_label(job), context=context)

    def start(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """Begin. Pressed twice it begins once."""
        job = self._job(request, job_id, to_act=True)
        if start_job(job, by=request.user, now=timezone.now()):  # type: ignore[arg-type]
            self.log_change(request, job, _("Begun"))
            self.message_user(request, _("It has begun. You can leave this page and come back."), messages.SUCCESS)
        return self._back(job)

    def stop(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """Do no further row."""
        job = self._job(request, job_id, to_act=True)
        if stop_job(job, now=timezone.now()):
            self.log_change(request, job, _("Stopped"))
            self.message_user(request, _("It is stopped. What was done stays done."), messages.SUCCESS)
        return self._back(job)

    def _job(self, request: HttpRequest, object_id: Any, *, to_act: bool = False) -> BulkJob:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = BulkJob.objects.select_related("asked_by").filter(pk=object_id).first()
        if found is None or found.kind not in bulk_kinds():
            raise Http404
        if to_act and not self._may_act(request, found):
            raise PermissionDenied
        return found

    def _may_act(self, request: HttpRequest, job: BulkJob) -> bool:
        return request.user.has_perm(bulk_kinds()[job.kind].permission)

    def _back(self, job: BulkJob) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:workspaces_bulkjob_change", args=[job.pk]))


@admin.register(BulkItem)
class BulkItemAdmin(InspectAdmin):
    """The rows of all jobs."""

    list_display = ("row_id", "job", "outcome", "error_code", "done_at")
    list_filter = (("job", OfRow), "outcome")
    list_select_related = ("job",)
    search_fields = ("=row_id", "=error_code")


def _label(job: BulkJob) -> str:
    kind = bulk_kinds().get(job.kind)
    return str(kind.label) if kind else job.kind


def _rows(job: BulkJob, view: BulkView, items: list[BulkItem]) -> Any:
    """Each item with its row's name and what there is to say of it; a constant number of queries."""
    found = {row.pk: row for row in view.rows([item.row_id for item in items])}
    is_draft = job.state == BulkJob.State.DRAFT
    to_do = [found[item.row_id] for item in items if item.outcome == PENDING and item.row_id in found]
    would = view.preview(to_do, timezone.now()) if is_draft else {}
    for item in items:
        row = found.get(item.row_id)
        said = would.get(item.row_id, []) if is_draft else view.told(item)
        yield {
            "item": item,
            "row": view.link(row) if row is not None else EMPTY,
            "lines": said,
            "error": render_error(item) if item.error_code else "",
        }
