"""The API of assistants."""

from django.urls import URLPattern, URLResolver, path

from assistants.api.views import AssistantReplyViewSet, AssistantViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("assistants", AssistantViewSet.as_view({"get": "list"}), name="api_assistants"),
    path("assistants/<uuid:id>", AssistantViewSet.as_view({"get": "retrieve"}), name="api_assistant"),
    path("assistants/<uuid:id>/replies", AssistantReplyViewSet.as_view({"post": "create"}), name="api_replies"),
]
