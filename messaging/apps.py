"""The messaging app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    """Registers what the clock wakes, the sections of the rail and the banners."""

    name = "messaging"
    verbose_name = _("Messages and senders")

    def ready(self) -> None:
        from messaging.models import (
            AutomaticAnswer,
            Conversation,
            MediaFile,
            Message,
            MessageChange,
            MessageStatus,
            Sender,
            WebhookEvent,
        )
        from messaging.views.banners import count_unread, demo_banner, sender_banner
        from workspaces.navigation import register_banner, register_section
        from workspaces.wakeups import register_wakeup

        register_wakeup(Message, "messaging.tasks.wake_message")
        register_wakeup(Sender, "messaging.tasks.wake_sender")
        register_wakeup(WebhookEvent, "messaging.tasks.process_webhook_event")
        register_wakeup(MessageStatus, "messaging.tasks.wake_status")
        register_wakeup(MessageChange, "messaging.tasks.wake_change")
        register_wakeup(MediaFile, "messaging.tasks.wake_media", queue="bulk")
        register_wakeup(Conversation, "messaging.tasks.wake_conversation", queue="bulk")
        register_wakeup(AutomaticAnswer, "messaging.tasks.give_answer")

        register_section(10, _("Today"), "sun", "today")
        register_section(20, _("Inbox"), "inbox", "inbox", count_unread)
        register_section(70, _("Templates"), "layout-template", "templates")
        register_section(90, _("Senders"), "smartphone", "senders")
        register_banner(sender_banner, order=10)
        register_banner(demo_banner, order=90)
