"""Pages of automations."""

from django.urls import URLPattern, URLResolver, path

from automations.views import runs

urlpatterns: list[URLPattern | URLResolver] = [
    path("w/<slug:slug>/runs/", runs.run_list, name="runs"),
    path("w/<slug:slug>/runs/<uuid:run_id>/", runs.run_detail, name="run"),
]
