"""Every address of the product. Pages live under /w/<workspace slug>/, the API under /api/v1/."""

from django.contrib import admin
from django.urls import include, path

from config.health.line import health_line
from config.health.staff import machinery
from config.live.views import stream
from workspaces.admin.machinery import show_machinery

show_machinery(machinery)
urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("workspaces.urls")),
    path("", include("assistants.urls")),
    path("", include("messaging.urls")),
    path("", include("automations.urls")),
    path("api/v1/", include("config.api")),
    path("live/<slug:slug>/", stream, name="live"),
    path("w/<slug:slug>/health/", health_line, name="health_line"),
]

handler500 = "config.health.errors.server_error"
