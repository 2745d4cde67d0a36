"""The API's addresses: each app brings its own router."""

from django.urls import include, path

urlpatterns = [
    path("", include("workspaces.api.urls")),
    path("", include("assistants.api.urls")),
    path("", include("messaging.api.urls")),
    path("", include("automations.api.urls")),
]
