"""The sender's assistant: it answers what no flow wants, where "AI answers" is switched on."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from assistants.services.replies import Reply, ThreadBusy, generate_reply
from messaging.models import Message
from messaging.models.answer import AutomaticAnswer
from messaging.services.answer_rows import owe_answer
from messaging.services.outbound import TEXT_LIMIT
from messaging.services.outbox import Origin, SlotLater, SlotPolicy, send_text
from workspaces.errors import BotenwerkError, stored_error
from workspaces.services.notifications import notify_team

TRY_AGAIN = timedelta(seconds=60)
# The product's strategy for failures: a minute, once more, then log it and tell the team.
ATTEMPTS = 2
SLOT_DEADLINE = timedelta(hours=1)


def ask_assistant(message: Message, *, now: datetime) -> AutomaticAnswer:
    """Owe the customer an answer of the sender's assistant; a task gives it."""
    return owe_answer(message, AutomaticAnswer.Kind.ASSISTANT, now=now)


def give_answer(answer: AutomaticAnswer, *, now: datetime) -> None:
    """Work one owed answer off. Doubled and late calls change nothing: thread and outbox have keys of their own."""
    if answer.status != AutomaticAnswer.Status.PENDING:
        return
    try:
        if answer.kind == AutomaticAnswer.Kind.CONSENT:
            _confirm(answer, now)
        else:
            _answer(answer, now)
    except (ThreadBusy, SlotLater) as later:
        _wake(answer, at=later.until)
        return
    except BotenwerkError as error:
        _failed(answer, error, now=now)
        return
    _settle(answer, AutomaticAnswer.Status.DONE)


def _answer(answer: AutomaticAnswer, now: datetime) -> None:
    message = answer.message
    sender = message.sender
    assistant = sender.assistant
    if assistant is None or not sender.ai_answers:
        return
    if message.conversation is not None and message.conversation.is_taken_over(now):
        return
    contact = message.chat.contact
    reply: Reply = generate_reply(
        assistant=assistant,
        customer_identifier=contact.phone or str(contact.public_id),
        message=message.body or _in_words(message),
        variables={"name": contact.name} if contact.name else {},
        key=f"message:{message.public_id}",
        now=now,
    )
    send_text(
        sender=sender,
        chat=message.chat,
        text=_fitting(reply.text),
        origin=Origin(kind=Message.Cause.ASSISTANT, id=str(assistant.public_id), label=assistant.name),
        key=_key("assistant", answer),
        now=now,
        slots=SlotPolicy(kind="suspend", deadline=now + SLOT_DEADLINE),
    )

    _tell_the_team(message, reply, now=now)


def _fitting(text: str) -> str:
    """As much of an answer as one message holds."""
    return text.encode("utf-16-le")[: 2 * TEXT_LIMIT].decode("utf-16-le", "ignore")


def _tell_the_team(message: Message, reply: Reply, *, now: datetime) -> None:
    """A customer who asks for a person waits for one; a model that fails stays unseen behind its fallback text."""
    contact = message.chat.contact
    if reply.hand_off:
        notify_team(
            workspace=message.workspace,
            code="hand_off",
            title=gettext_lazy("%(contact)s asks for a person"),
            body=gettext_lazy("The assistant has answered. Take the conversation over to answer yourself."),
            facts={"contact": str(contact)},
            digest_key=f"hand_off:{message.chat.public_id}",
            now=now,
        )
    if reply.is_fallback:
        error = stored_error(reply.error_code, reply.turn.error_facts)
        notify_team(
            workspace=message.workspace,
            code=error.code,
            title=error.title,
            facts=error.facts,
            level="failure",
            digest_key=f"fallback:{message.sender.public_id}:{error.code}",
            now=now,
        )


def _confirm(answer: AutomaticAnswer, now: datetime) -> None:
    message = answer.message
    with override(message.chat.contact.language or message.workspace.language):
        if message.payload.get("consent_word") == "opt_in":
            text = _("Thank you, you will hear from us again. Write STOP to end it at any time.")
        else:
            text = _("Understood, we will send you no more offers. Write START if you change your mind.")
    send_text(
        sender=message.sender,
        chat=message.chat,
        text=text,
        origin=Origin(kind=Message.Cause.SYSTEM, label="consent"),
        key=_key("consent", answer),
        now=now,
        slots=SlotPolicy(kind="suspend", deadline=now + SLOT_DEADLINE),
    )


def _key(kind: str, answer: AutomaticAnswer) -> str:
    """One key an attempt: the row of one that has failed is never sent."""
    again = f":{answer.attempts + 1}" if answer.attempts else ""
    return f"{kind}:{answer.message.public_id}{again}"


def _in_words(message: Message) -> str:
    with override(message.workspace.language):
        return _("(The customer sent: %(kind)s)") % {"kind": message.kind}


def _failed(answer: AutomaticAnswer, error: BotenwerkError, *, now: datetime) -> None:
    attempts = answer.attempts + 1
    rows = AutomaticAnswer.objects.in_workspace(answer.workspace).filter(pk=answer.pk)
    rows.update(attempts=attempts, error_code=error.code)
    if error.retryable and attempts < ATTEMPTS:
        wait = timedelta(seconds=error.retry_after) if error.retry_after is not None else TRY_AGAIN
        _wake(answer, at=now + wait)
        return
    message = answer.message
    with transaction.atomic():
        _settle(answer, AutomaticAnswer.Status.FAILED)
        notify_team(
            workspace=answer.workspace,
            code=error.code,
            title=gettext_lazy("%(contact)s got no answer"),
            facts={**error.facts, "contact": str(message.chat.contact)},
            level="failure",
            digest_key=f"answer:{answer.kind}:{message.sender.public_id}:{error.code}",
            now=now,
        )


def _wake(answer: AutomaticAnswer, *, at: datetime) -> None:
    rows = AutomaticAnswer.objects.in_workspace(answer.workspace)
    rows.filter(pk=answer.pk, status=AutomaticAnswer.Status.PENDING).update(wake_at=at)


def _settle(answer: AutomaticAnswer, status: str) -> None:
    rows = AutomaticAnswer.objects.in_workspace(answer.workspace)
    rows.filter(pk=answer.pk, status=AutomaticAnswer.Status.PENDING).update(status=status, wake_at=None)
