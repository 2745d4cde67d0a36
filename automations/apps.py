"""The automations app."""

from django.apps import AppConfig


class AutomationsConfig(AppConfig):
    """Registers the app."""

    name = "automations"
