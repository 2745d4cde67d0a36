"""The messaging app."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Registers the app and what the clock wakes."""

    name = "messaging"

    def ready(self) -> None:
        from messaging.models import AutomaticAnswer, Conversation, Message, MessageStatus, Sender, WebhookEvent
        from workspaces.wakeups import register_wakeup

        register_wakeup(Message, "messaging.tasks.wake_message")
        register_wakeup(Sender, "messaging.tasks.wake_sender")
        register_wakeup(WebhookEvent, "messaging.tasks.process_webhook_event")
        register_wakeup(MessageStatus, "messaging.tasks.wake_status")
        register_wakeup(Conversation, "messaging.tasks.wake_conversation", queue="bulk")
        register_wakeup(AutomaticAnswer, "messaging.tasks.give_answer")
