"""The API's addresses: each app brings its own router."""

from django.urls import include, path, re_path

from workspaces.api.problems import not_found

urlpatterns = [
    path("", include("workspaces.api.urls")),
    path("", include("assistants.api.urls")),
    path("", include("messaging.api.urls")),
    path("", include("automations.api.urls")),
    re_path(r"", not_found),
]
