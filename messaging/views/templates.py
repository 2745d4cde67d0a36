"""Templates: the list with its filters, syncing, and one template with preview, values and a test to one person."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messaging.forms import TemplateFilters, TemplateValuesForm, TestSendForm, new_key
from messaging.models import Message, Template
from messaging.services.outbox import send_template
from messaging.services.template_parameters import sample_values
from messaging.services.templates import parameters_of, render_preview, sync_templates
from messaging.views.answering import try_to_send
from messaging.views.composer import origin_of, preview_of
from workspaces.errors import BotenwerkError
from workspaces.permissions import may, requires
from workspaces.request import WorkspaceRequest

PAGE = 200


@require_safe
@requires("workspace.read")
def template_list(request: WorkspaceRequest) -> HttpResponse:
    """Templates by filters that stand in the address."""
    return render(request, "messaging/templates.html", _list_context(request))


@require_safe
@requires("workspace.read")
def template_detail(request: WorkspaceRequest, template_id: UUID) -> HttpResponse:
    """One template as the customer would see it."""
    return _page(request, _find(request, template_id))


@require_POST
@requires("template.sync")
def sync(request: WorkspaceRequest) -> HttpResponse:
    """Make our copies the platform's, and say what changed."""
    try:
        result = sync_templates(request.workspace, timezone.now())
    except BotenwerkError as error:
        context = _list_context(request) | {"error": error}
        return render(request, "messaging/templates.html", context, status=409)
    facts = {"added": result.added, "changed": result.changed, "removed": result.removed}
    messages.success(request, _("Synced: %(added)s new, %(changed)s changed, %(removed)s deleted.") % facts)
    return HttpResponseRedirect(reverse("templates", args=[request.workspace.slug]))


@require_POST
@requires("template.send")
def test_send(request: WorkspaceRequest, template_id: UUID) -> HttpResponse:
    """The template to one recipient; a refusal is shown with code, cause and cure, and marks its field."""
    template = _find(request, template_id)
    form = TestSendForm(template, request.POST)

    def send() -> Message:
        return send_template(
            sender=form.cleaned_data["sender"],
            to=form.cleaned_data["to"],
            template=template,
            variables=form.values,
            origin=origin_of(request.membership),
            key=form.idempotency_key,
            now=timezone.now(),
            allow_taken_over=True,
        )

    error = try_to_send(form, send)
    if error is not None or form.errors:
        return _page(request, template, form=form, error=error, status=422)
    messages.success(request, _("Sent to %(to)s.") % {"to": form.cleaned_data["to"]})
    return HttpResponseRedirect(reverse("template", args=[request.workspace.slug, template.public_id]))


@require_POST
@requires("workspace.read")
def preview(request: WorkspaceRequest, template_id: UUID) -> HttpResponse:
    """The bubble with what is typed so far."""
    form = TemplateValuesForm(_find(request, template_id), request.POST)
    return render(request, "messaging/_preview.html", {"preview": preview_of(form)})


def _page(
    request: WorkspaceRequest,
    template: Template,
    *,
    form: TestSendForm | None = None,
    error: BotenwerkError | None = None,
    status: int = 200,
) -> HttpResponse:
    samples = sample_values(template)
    form = form or TestSendForm(template, initial={"key": new_key()})
    context = _list_context(request) | {
        "template": template,
        "parameters": parameters_of(template),
        "preview": preview_of(form) if form.is_bound else render_preview(template, samples),
        "form": form,
        "error": error,
        "may_send": may(request.membership, "template.send"),
    }
    return render(request, "messaging/template.html", context, status=status)


def _list_context(request: WorkspaceRequest) -> dict[str, Any]:
    filters = TemplateFilters.of(request.workspace, request.GET)
    rows = _asked_for(Template.objects.in_workspace(request.workspace), filters)
    return {
        "rows": list(rows.order_by("name", "language")[:PAGE]),
        "filters": filters,
        "query": request.GET.urlencode(),
        "may_sync": may(request.membership, "template.sync"),
    }


def _asked_for(rows: QuerySet[Template], filters: TemplateFilters) -> QuerySet[Template]:
    """Deleted ones only where they are asked for."""
    asked = filters.asked
    if "status" not in asked:
        rows = rows.exclude(status=Template.Status.DELETED)
    if text := asked.pop("q", ""):
        rows = rows.filter(Q(name__icontains=text) | Q(components__icontains=text))
    return rows.filter(**asked)


def _find(request: WorkspaceRequest, template_id: UUID) -> Template:
    rows = Template.objects.in_workspace(request.workspace).select_related("workspace")
    return get_object_or_404(rows, public_id=template_id)
