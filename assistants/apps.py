"""The assistants app."""

from django.apps import AppConfig


class AssistantsConfig(AppConfig):
    """Registers the app."""

    name = "assistants"
