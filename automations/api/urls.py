"""The API of automations."""

from django.urls import URLPattern, URLResolver, path

from automations.api.views import EventViewSet, FlowRunViewSet, FlowViewSet, RunViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("events", EventViewSet.as_view({"post": "create"}), name="api_events"),
    path("flows", FlowViewSet.as_view({"get": "list"}), name="api_flows"),
    path("flows/<uuid:id>", FlowViewSet.as_view({"get": "retrieve"}), name="api_flow"),
    path("flows/<uuid:id>/runs", FlowRunViewSet.as_view({"post": "create"}), name="api_flow_runs"),
    path("runs", RunViewSet.as_view({"get": "list"}), name="api_runs"),
    path("runs/<uuid:id>", RunViewSet.as_view({"get": "retrieve"}), name="api_run"),
    path("runs/<uuid:id>/retry", RunViewSet.as_view({"post": "retry"}), name="api_run_retry"),
    path("runs/<uuid:id>/cancel", RunViewSet.as_view({"post": "cancel"}), name="api_run_cancel"),
    path("runs/<uuid:id>/resume", RunViewSet.as_view({"post": "resume"}), name="api_run_resume"),
]
