"""What a platform's refusal means: the named error with the facts of its message, and what follows beyond it."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from messaging.errors import AccountRestricted, MessagingError, OutsideWindow
from messaging.models import Chat, Message, Sender, Template
from messaging.phone import other_spelling
from messaging.providers.base import Effect, ProviderError
from messaging.providers.cloud_codes import error_of, meaning_of
from messaging.services.breaker import note_outage
from messaging.services.outbound import template_of
from messaging.services.senders import set_sender_status
from messaging.services.templates import set_template_status
from workspaces.errors import BotenwerkError
from workspaces.services.notifications import notify_team


def explain_refusal(refusal: ProviderError, message: Message, *, now: datetime) -> MessagingError:
    """The refusal's error with the facts of the message that it was about."""
    return _explained(type(refusal.error), refusal.error.facts, message, now)


def explain_code(code: int, detail: str, message: Message, *, now: datetime) -> MessagingError:
    """The named error of a platform code that came with a `failed` status."""
    error = error_of(code, detail=detail)
    return _explained(type(error), error.facts, message, now)


def act_on_code(code: int, message: Message, *, now: datetime) -> None:
    """What follows from a code in a `failed` status, beyond the message (pace has no say any more by then)."""
    effect = meaning_of(code).effect
    if effect in (Effect.STOP_SENDER, Effect.STOP_TEMPLATE, Effect.OPT_OUT, Effect.ALERT):
        act_on_effect(message, effect, now=now, error=explain_code(code, "", message, now=now))


def act_on_effect(message: Message, effect: Effect, *, now: datetime, error: BotenwerkError | None = None) -> None:
    """Do what an answer means for the sender, the template, the contact or the team."""
    sender = message.sender
    if effect is Effect.OUTAGE:
        note_outage(sender, now=now)
    elif effect is Effect.STOP_SENDER and error is not None:
        suspended = isinstance(error, AccountRestricted)
        status = Sender.Status.SUSPENDED if suspended else Sender.Status.FAILED
        set_sender_status(sender, status, reason=str(error.facts.get("detail") or error.code), now=now)
    elif effect is Effect.STOP_TEMPLATE:
        template = template_of(message)
        if template is not None:
            set_template_status(template, Template.Status.PAUSED, now=now)
    elif effect is Effect.OPT_OUT:
        rows = Chat.objects.in_workspace(message.workspace).filter(pk=message.chat_id, marketing_stopped_at=None)
        rows.update(marketing_stopped_at=now, updated_at=now)
    elif effect is Effect.ALERT and error is not None:
        notify_team(
            workspace=message.workspace,
            code=error.code,
            title=_("WhatsApp refuses messages of %(sender)s"),
            facts={**error.facts, "sender": str(sender)},
            level="failure",
            digest_key=f"refused:{sender.public_id}:{error.code}",
            now=now,
        )


def _explained(kind: type[BotenwerkError], refused: dict[str, Any], message: Message, now: datetime) -> MessagingError:
    facts: dict[str, Any] = {"contact": str(message.chat.contact), "sender": str(message.sender)}
    if message.kind == "template":
        facts |= {name: message.payload["template"][name] for name in ("language",)}
        facts["template"] = message.payload["template"]["name"]
    chat = message.chat
    address = chat.send_to or (chat.contact.phone or "").removeprefix("+")
    facts |= {"address": address, "other_spelling": other_spelling(address) if address else None}
    if kind is OutsideWindow:
        facts["last_inbound_at"] = chat.last_inbound_at
        if chat.is_window_open(now):
            facts["window_expires_at"] = chat.window_expires_at
    facts |= {name: value for name, value in refused.items() if value not in ("", None)}
    assert issubclass(kind, MessagingError)
    return kind(**facts)
