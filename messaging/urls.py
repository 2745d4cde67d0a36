"""Pages of messaging, and the webhook addresses."""

from django.urls import URLPattern, URLResolver, path

from messaging.views.webhooks import WebhookView

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/whatsapp/", WebhookView.as_view(), name="app_webhook"),
    path("webhooks/whatsapp/<uuid:sender_id>/", WebhookView.as_view(), name="sender_webhook"),
]
