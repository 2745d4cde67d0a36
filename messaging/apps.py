"""The messaging app."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Registers the app and what the clock wakes."""

    name = "messaging"

    def ready(self) -> None:
        from messaging.models import Message, Sender
        from workspaces.wakeups import register_wakeup

        register_wakeup(Message, "messaging.tasks.wake_message")
        register_wakeup(Sender, "messaging.tasks.wake_sender")
