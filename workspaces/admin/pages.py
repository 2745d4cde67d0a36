"""Staff pages that call one service: a form, what was typed kept when the service refuses, and why it refused."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from workspaces.admin.base import TenantAdmin
from workspaces.admin.shown import error_html, link_to
from workspaces.errors import BotenwerkError, Text

REFUSED = 422


def fetch_row(page: TenantAdmin, request: HttpRequest, object_id: Any) -> Any:
    """The row of a page of ours. Raises PermissionDenied without the right to change it, Http404 without a row."""
    if not page.has_act_permission(request):
        raise PermissionDenied
    rows = page.get_queryset(request)
    if hasattr(page.model, "workspace"):
        rows = rows.select_related("workspace")
    found = rows.filter(pk=object_id).first()
    if found is None:
        raise Http404
    return found


def draw(
    page: admin.ModelAdmin,
    request: HttpRequest,
    template: str,
    *,
    title: Text,
    row: models.Model | None = None,
    context: Mapping[str, Any] | None = None,
    status: int = 200,
) -> TemplateResponse:
    """A page of ours in the admin's frame."""
    request.current_app = page.admin_site.name  # type: ignore[attr-defined]
    full = {
        **page.admin_site.each_context(request),
        "title": title,
        "opts": page.opts,
        "original": row,
        "has_view_permission": page.has_view_permission(request),
        **(context or {}),
    }
    return TemplateResponse(request, template, full, status=status)


def form_page(
    page: admin.ModelAdmin,
    request: HttpRequest,
    *,
    form: forms.BaseForm,
    title: Text,
    submit: Text,
    act: Callable[[dict[str, Any]], str | HttpResponse],
    row: models.Model | None = None,
    done: Text = "",
    intro: Text = "",
) -> HttpResponse:
    """Show the form; once it is valid, `act` gets its data and gives the address to go to (or an answer of its own).

    A named error is shown with code, title, cause and cure, at its field where it names one of the form's.
    """
    error: BotenwerkError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            answer = act(form.cleaned_data)
        except BotenwerkError as refused:
            error = refused
        else:
            if isinstance(answer, HttpResponse):
                return answer
            if done:
                page.message_user(request, str(done), messages.SUCCESS)
            return HttpResponseRedirect(answer)
    has_failed = error is not None or bool(form.errors)
    context = {
        "form": form,
        "submit": submit,
        "intro": intro,
        "error": error_html(error) if error else "",
        "error_field": error.field if error and error.field in form.fields else "",
        "failed_row": failed_message(error),
    }
    status = REFUSED if has_failed else 200
    return draw(page, request, "admin/tenant/form.html", title=title, row=row, context=context, status=status)


def failed_message(error: BotenwerkError | None) -> str:
    """A link to the row that a refused send has left, if it left one."""
    message = getattr(error, "message", None)
    if message is None or message.pk is None:
        return ""
    return link_to(message, _("The message that failed"))
