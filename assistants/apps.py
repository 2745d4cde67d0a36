"""The assistants app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssistantsConfig(AppConfig):
    """Registers the app."""

    name = "assistants"
    verbose_name = _("Assistants")
