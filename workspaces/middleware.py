"""Once a request: which workspace it is about, and which language and time zone its reader has."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from workspaces.languages import asked_language
from workspaces.models import Membership

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_WORKSPACE_PATH = re.compile(r"^/w/([-a-zA-Z0-9_]+)/")


class WorkspaceMiddleware:
    """Sets request.workspace and request.membership from /w/<slug>/...; both are None elsewhere.

    A stranger gets 404, so that nobody learns which workspaces there are; nobody logged in is sent to the login.
    Views below /w/<slug:slug>/ do not get the slug as an argument: it is in request.workspace.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        membership = self._membership(request)
        request.membership = membership  # type: ignore[attr-defined]
        request.workspace = membership.workspace if membership else None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        if not _WORKSPACE_PATH.match(request.path_info):
            return None
        if not request.user.is_authenticated:
            return _to_login(request)
        if request.workspace is None:  # type: ignore[attr-defined]
            raise Http404
        kwargs.pop("slug", None)
        return None

    def _membership(self, request: HttpRequest) -> Membership | None:
        path = _WORKSPACE_PATH.match(request.path_info)
        if path is None or not request.user.is_authenticated:
            return None
        return (
            Membership.objects.select_related("workspace")
            .filter(user=request.user, workspace__slug=path[1], workspace__is_paused=False)
            .first()
        )


def _to_login(request: HttpRequest) -> HttpResponse:
    login = resolve_url(settings.LOGIN_URL)
    if request.headers.get("HX-Request") == "true":
        # A redirect would be followed by htmx and the login page swapped into a corner of this one.
        page = urlsplit(request.headers.get("HX-Current-URL", "")).path
        target = f"{login}?{urlencode({'next': page})}" if page else login
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponseRedirect(f"{login}?{urlencode({'next': request.get_full_path()})}")


class LanguageMiddleware:
    """The user's language, else the workspace's, else what the request asks for, else German.

    Times are shown in the workspace's zone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        workspace = getattr(request, "workspace", None)
        language = getattr(request.user, "language", "") or (workspace.language if workspace else "")
        language = language or asked_language(request) or settings.LANGUAGE_CODE
        zone = workspace.zone if workspace else timezone.get_default_timezone()
        request.LANGUAGE_CODE = language
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language",))
        return response
