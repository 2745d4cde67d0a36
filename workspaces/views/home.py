"""The front door: to the first workspace, and the reader's own choices of language and appearance."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from workspaces.context_processors import THEME_COOKIE
from workspaces.models import User, Workspace

YEAR_SECONDS = 365 * 24 * 3600


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the user's first workspace, or a page that says there is none yet."""
    assert isinstance(request.user, User)
    workspace = Workspace.objects.of(request.user).order_by("created_at").first()
    if workspace is None:
        return render(request, "workspaces/no_workspace.html")
    return HttpResponseRedirect(f"/w/{workspace.slug}/")


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Language and appearance, kept with the user, or on the device while nobody is logged in."""
    language = request.POST.get("language", "")
    theme = request.POST.get("theme", "")
    response = _back(request)
    if language in dict(settings.LANGUAGES):
        _keep(request, response, "language", settings.LANGUAGE_COOKIE_NAME, language)
    if theme in User.Theme.values:
        _keep(request, response, "theme", THEME_COOKIE, theme)
    return response


def _keep(request: HttpRequest, response: HttpResponse, field: str, cookie: str, value: str) -> None:
    if isinstance(request.user, User):
        User.objects.filter(pk=request.user.pk).update(**{field: value})
    response.set_cookie(cookie, value, max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure(), httponly=True)


def _back(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    target = request.POST.get("next") or request.headers.get("Referer") or "/"
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    return HttpResponseRedirect(target)
