"""The API of messaging."""

from django.urls import URLPattern, URLResolver, path

from messaging.api.views import MessageViewSet, SenderViewSet, SenderWindowViewSet, TemplateViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("messages", MessageViewSet.as_view({"get": "list", "post": "create"}), name="api_messages"),
    path("messages/<uuid:id>", MessageViewSet.as_view({"get": "retrieve"}), name="api_message"),
    path("senders", SenderViewSet.as_view({"get": "list"}), name="api_senders"),
    path("senders/<uuid:id>", SenderViewSet.as_view({"get": "retrieve"}), name="api_sender"),
    path("senders/<uuid:id>/window", SenderWindowViewSet.as_view({"get": "retrieve"}), name="api_window"),
    path("templates", TemplateViewSet.as_view({"get": "list"}), name="api_templates"),
    path("templates/<uuid:id>", TemplateViewSet.as_view({"get": "retrieve"}), name="api_template"),
]
