"""One view, one template: htmx gets the part of the page that it swaps, everyone else the whole page."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from workspaces.request import WorkspaceRequest

REFUSED = 422


def show(
    request: WorkspaceRequest, page: str, context: Mapping[str, Any], *, part: str = "", status: int = 200
) -> HttpResponse:
    """The page, or its part `_<name>.html` where htmx asks for one. What was refused stays out of the history."""
    wants_part = bool(part) and bool(request.htmx) and not request.htmx.history_restore_request
    name = part if wants_part else page
    response = render(request, f"automations/{name}.html", {**context, "is_part": wants_part}, status=status)
    if status == REFUSED:
        response.headers["HX-Push-Url"] = "false"
    patch_vary_headers(response, ("HX-Request",))
    return response
