"""Addresses for the tests of the middleware: pages that say what they know of their request."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils import timezone, translation

from workspaces.context_processors import shown_theme
from workspaces.models import Role
from workspaces.permissions import requires


def front(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {
            "workspace": request.workspace.name if request.workspace else None,
            "role": request.membership.role if request.membership else None,
            "language": translation.get_language(),
            "zone": timezone.get_current_timezone_name(),
            "theme": shown_theme(request),
        }
    )


@requires(Role.EDITOR)
def edit(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("w/<slug:slug>/", front, name="test_front"),
    path("w/<slug:slug>/edit/", edit, name="test_edit"),
    path("public/", front),
    path("", include("config.urls")),
]
