"""The one door out: flows, pages, API, admin and campaigns send through here, and nobody else does.

Checks come in this order, and the first refusal is the error: input, sender, template, consent, window, take-over,
quiet hours, pace; again in the transaction that makes the row `sending` (delivery.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from messaging.content_errors import MessageUnknown
from messaging.errors import CannotSendAgain, DeliveryUnknown, InvalidPhoneNumber, RecipientLocked, TemplateNotFound
from messaging.models import Chat, Contact, ContactIdentity, Conversation, Message, Sender, Template
from messaging.phone import PhoneProblem, other_spelling, parse_e164
from messaging.providers.contents import FreeForm
from messaging.services.attempts import attempt_of
from messaging.services.checks import check_attempt, check_sender_ready
from messaging.services.delivery import SendInsideTransaction, SlotLater, dispatch, settled
from messaging.services.free_form import free_form_content
from messaging.services.outbound import Content, SlotPolicy, Terms, template_content, terms_of, text_content
from messaging.services.people import chat_for, find_or_create_contact
from messaging.services.progress import advance_message
from messaging.services.templates import choose_template, find_template, is_public_id
from messaging.services.unknown_notices import again_key, close_if_dealt_with
from workspaces.errors import BotenwerkError
from workspaces.models import Workspace

__all__ = [
    "Origin",
    "SendInsideTransaction",
    "SlotLater",
    "SlotPolicy",
    "Window",
    "cancel_queued",
    "send_again",
    "send_content",
    "send_queued",
    "send_template",
    "send_text",
    "window_of",
]

DEFAULT_DEADLINE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What caused a message. `only_recipient` (E.164) locks a test to one person; `dry` checks all, sends nothing.

    `is_bulk`: one of very many, which stands behind replies wherever slots are short.
    """

    kind: Message.Cause
    id: str = ""
    label: str = ""
    only_recipient: str = ""
    dry: bool = False
    is_bulk: bool = False


@dataclass(frozen=True, kw_only=True)
class Window:
    """A customer's 24 hours with one sender."""

    is_open: bool
    expires_at: datetime | None
    last_customer_message_at: datetime | None
    minutes_remaining: int
    conversation: Conversation | None

    @property
    def requires_template(self) -> bool:
        return not self.is_open


@dataclass(frozen=True, kw_only=True)
class _Order:
    """One call of the door, whatever is sent."""

    sender: Sender
    to: str | None
    chat: Chat | None
    name: str
    origin: Origin
    key: str | None
    slots: SlotPolicy | None
    may_speak_into_take_over: bool


def send_text(
    *,
    sender: Sender,
    to: str | None = None,
    chat: Chat | None = None,
    text: str,
    origin: Origin,
    key: str | None,
    now: datetime,
    slots: SlotPolicy | None = None,
    reply_to: str = "",
    allow_taken_over: bool = False,
) -> Message:
    """Send free text to a phone (strict E.164) or into a chat. See `send_template` for what comes back."""
    order = _Order(
        sender=sender, to=to, chat=chat, name="", origin=origin, key=key, slots=slots,
        may_speak_into_take_over=allow_taken_over,
    )  # fmt: skip
    existing = _existing(order)
    if existing is not None:
        return _again(existing, order, now)
    known = _known_recipient(order)
    _demand_same_chat(sender, reply_to, known)
    return _send(order, known, text_content(text, reply_to=reply_to), now)


def send_content(
    *,
    sender: Sender,
    to: str | None = None,
    chat: Chat | None = None,
    content: FreeForm,
    origin: Origin,
    key: str | None,
    now: datetime,
    slots: SlotPolicy | None = None,
    reply_to: str = "",
    allow_taken_over: bool = False,
) -> Message:
    """Send buttons, a list, a link, a file, a place, contact cards or a reaction, within the 24 hours like free text.

    `reply_to` is the platform's id of the message that is quoted. See `send_template` for what comes back; what is
    wrong with the content is found before any call, with the part that is wrong (free_form.py).
    """
    order = _Order(
        sender=sender, to=to, chat=chat, name="", origin=origin, key=key, slots=slots,
        may_speak_into_take_over=allow_taken_over,
    )  # fmt: skip
    existing = _existing(order)
    if existing is not None:
        return _again(existing, order, now)
    known = _known_recipient(order)
    ready = free_form_content(content, reply_to=reply_to)
    _demand_same_chat(sender, ready.reply_to, known)
    return _send(order, known, ready, now)


def send_template(
    *,
    sender: Sender,
    to: str | None = None,
    chat: Chat | None = None,
    recipient_name: str = "",
    template: str | Template,
    language: str = "",
    variables: Mapping[str, object],
    origin: Origin,
    key: str | None,
    now: datetime,
    slots: SlotPolicy | None = None,
    tap_prefix: str = "",
    allow_taken_over: bool = False,
) -> Message:
    """Send a template to a phone (strict E.164) or into a chat.

    `template` is a row, a name or a public id; without `language` the contact's decides, then the workspace's.
    `tap_prefix` stands before what its buttons report when they are tapped.
    Returns the row: accepted, unknown (the answer was lost), queued (it waits by `slots`), or `sending` (another
    process is at it). The same key gives the same row and never a second call; `was_created` tells them apart.
    Raises a named error whose `message` is the failed row, or None where none was made; SlotLater by `slots`.
    """
    order = _Order(
        sender=sender, to=to, chat=chat, name=recipient_name, origin=origin, key=key, slots=slots,
        may_speak_into_take_over=allow_taken_over,
    )  # fmt: skip
    existing = _existing(order)
    if existing is not None:
        return _again(existing, order, now)
    known = _known_recipient(order)
    try:
        chosen = _template(order, template, language, known)
    except TemplateNotFound:
        check_sender_ready(_fresh(sender))
        raise
    return _send(order, known, template_content(chosen, variables, tap_prefix=tap_prefix), now)


def send_queued(message: Message, *, now: datetime) -> Message:
    """Send a row whose slot has come. A refusal fails the row and is told by its status, not raised."""
    if message.status != Message.Status.QUEUED:
        return message
    try:
        return dispatch(message, terms_of(message), now=now)
    except BotenwerkError:
        message.refresh_from_db()
        return message


def send_again(*, message: Message, origin: Origin, now: datetime, slots: SlotPolicy | None = None) -> Message:
    """A new message with the content of a failed one, which stays as it is (traps.md U1).

    Clicked twice it is sent once all the same; where that has failed too, it is that one which is sent again.
    Raises CannotSendAgain for one that has not failed, and whatever a send raises.
    """
    if message.status != Message.Status.FAILED or message.direction != Message.Direction.OUT:
        raise CannotSendAgain(status=str(message.get_status_display()))
    order = _Order(
        sender=message.sender, to=None, chat=message.chat, name="", origin=origin, key=again_key(message), slots=slots,
        may_speak_into_take_over=True,
    )  # fmt: skip
    existing = _existing(order)
    if existing is not None and existing.status == Message.Status.FAILED:
        return send_again(message=existing, origin=origin, now=now, slots=slots)
    if existing is not None:
        return _again(existing, order, now)
    payload = {name: value for name, value in message.payload.items() if name != "terms"}
    content = Content(
        kind=message.kind,
        body=message.body,
        payload=payload,
        reply_to=message.reply_to_provider_id,
    )
    sent = _send(order, message.chat.contact, content, now)
    if message.error_code == DeliveryUnknown.code:
        close_if_dealt_with(message, now=now)
    return sent


def cancel_queued(message: Message, *, now: datetime) -> bool:
    """Take a waiting message back. False if it has gone already."""
    return advance_message(message, Message.Status.CANCELLED, now=now)


def window_of(sender: Sender, to: str, now: datetime) -> Window:
    """The customer service window of a phone with a sender. Raises InvalidPhoneNumber; an unknown phone has none."""
    contact = _contact_of(sender.workspace, _phone(sender.workspace, to))
    chat = None
    if contact is not None:
        chat = Chat.objects.in_workspace(sender.workspace).filter(contact=contact, sender=sender).first()
    if chat is None:
        return Window(
            is_open=False, expires_at=None, last_customer_message_at=None, minutes_remaining=0, conversation=None
        )
    is_open = chat.is_window_open(now)
    remaining = chat.window_expires_at - now if is_open and chat.window_expires_at else timedelta(0)
    conversations = Conversation.objects.in_workspace(sender.workspace)
    return Window(
        is_open=is_open,
        expires_at=chat.window_expires_at,
        last_customer_message_at=chat.last_inbound_at,
        minutes_remaining=int(remaining.total_seconds() // 60),
        conversation=conversations.filter(chat=chat, closed_at=None).first(),
    )


def _send(order: _Order, known: Contact | None, content: Content, now: datetime) -> Message:
    slots = order.slots or SlotPolicy(kind="refuse", deadline=now + DEFAULT_DEADLINE)
    terms = Terms(
        slots=slots,
        may_speak_into_take_over=order.may_speak_into_take_over,
        is_bulk=order.origin.is_bulk or _is_marketing_by_machine(order.origin, content),
        reserved={},
    )
    chat = order.chat
    if chat is None:
        chat = _chat(order, known, now)
    message = _draft(order, chat, content, now)
    if order.origin.dry:
        check_attempt(attempt_of(message, terms), now=now)
        message.status = Message.Status.ACCEPTED
        return message
    return dispatch(message, terms, now=now)


def _is_marketing_by_machine(origin: Origin, content: Content) -> bool:
    """Marketing that no person sends by hand waits for nobody's answer: it is bulk, however little of it there is."""
    is_marketing = content.template is not None and content.template.category == Template.Category.MARKETING
    return is_marketing and origin.kind not in (Message.Cause.PERSON, Message.Cause.STAFF)


def _draft(order: _Order, chat: Chat, content: Content, now: datetime) -> Message:
    # A run has just loaded its sender; all are read anew, locked, before the row becomes `sending`.
    is_loaded = order.origin.kind == Message.Cause.RUN and Sender.workspace.is_cached(order.sender)
    sender = order.sender if is_loaded else _fresh(order.sender)
    message = Message(
        workspace=sender.workspace,
        sender=sender,
        chat=chat,
        direction=Message.Direction.OUT,
        kind=content.kind,
        body=content.body,
        payload=content.payload,
        reply_to_provider_id=content.reply_to,
        idempotency_key=order.key,
        status=Message.Status.QUEUED,
        cause_kind=order.origin.kind,
        cause_id=order.origin.id,
        cause_label=order.origin.label[:200],
        occurred_at=now,
    )
    message.was_created = True  # type: ignore[attr-defined]
    return message


def _existing(order: _Order) -> Message | None:
    if not order.key:
        return None
    rows = Message.objects.in_workspace(order.sender.workspace)
    return rows.filter(idempotency_key=order.key).select_related("sender__workspace", "chat__contact").first()


def _again(message: Message, order: _Order, now: datetime) -> Message:
    message.was_created = False  # type: ignore[attr-defined]
    message.workspace = message.sender.workspace
    # A run comes back for its row; what the clock sends waits on. The time allowed for the wait began with the row.
    if message.status == Message.Status.QUEUED and order.slots is not None and order.slots.kind == "suspend":
        terms = terms_of(message)
        terms = replace(terms, slots=replace(order.slots, deadline=terms.slots.deadline))
        return dispatch(message, terms, now=now)
    return settled(message)


def _fresh(sender: Sender) -> Sender:
    return Sender.objects.in_workspace(sender.workspace).select_related("workspace").get(pk=sender.pk)


def _known_recipient(order: _Order) -> Contact | None:
    """The contact, if there is one already. Raises InvalidPhoneNumber, RecipientLocked."""
    if order.chat is not None:
        contact: Contact | None = order.chat.contact
    else:
        phone = _phone(order.sender.workspace, order.to or "")
        contact = _contact_of(order.sender.workspace, phone)
    only = order.origin.only_recipient
    if only and not _is_only_recipient(order, contact, only):
        raise RecipientLocked(field="to", only_recipient=only)
    return contact


def _is_only_recipient(order: _Order, contact: Contact | None, only: str) -> bool:
    if order.to == only or (contact is not None and contact.phone == only):
        return True
    chat = order.chat
    return chat is not None and bool(chat.send_to) and f"+{chat.send_to}" in (only, other_spelling(only))


def _demand_same_chat(sender: Sender, provider_id: str, contact: Contact | None) -> None:
    """What is quoted or reacted to was said between these two. Raises MessageUnknown."""
    if not provider_id:
        return
    rows = Message.objects.in_workspace(sender.workspace).filter(sender=sender, provider_id=provider_id)
    if contact is None or not rows.filter(chat__contact=contact).exists():
        raise MessageUnknown(field="reply_to")


def _phone(workspace: Workspace, raw: str) -> str:
    try:
        return parse_e164(raw, region=workspace.region)
    except PhoneProblem as problem:
        raise InvalidPhoneNumber.of(problem) from None


def _contact_of(workspace: Workspace, phone: str) -> Contact | None:
    """Without making one: for looking, for dry runs, and for the contact's language."""
    contact = Contact.objects.in_workspace(workspace).filter(phone=phone).first()
    if contact is not None:
        return contact
    digits = phone.removeprefix("+")
    identity = (
        ContactIdentity.objects.in_workspace(workspace)
        .filter(kind__in=(ContactIdentity.Kind.PHONE, ContactIdentity.Kind.WHATSAPP_ID), value__in=(digits, phone))
        .select_related("contact")
        .first()
    )
    return identity.contact if identity else None


def _chat(order: _Order, known: Contact | None, now: datetime) -> Chat:
    workspace = order.sender.workspace
    if order.origin.dry:
        contact = known or Contact(workspace=workspace, phone=order.to, name=order.name)
        chats = Chat.objects.in_workspace(workspace)
        chat = chats.filter(contact=contact, sender=order.sender).first() if contact.pk else None
        return chat or Chat(workspace=workspace, contact=contact, sender=order.sender)
    contact, _created = find_or_create_contact(workspace=workspace, phone=order.to, name=order.name, now=now)
    return chat_for(contact, order.sender, now)


def _template(order: _Order, template: str | Template, language: str, known: Contact | None) -> Template:
    workspace, account = order.sender.workspace, order.sender.business_account_id
    if isinstance(template, Template):
        return find_template(workspace, account, str(template.public_id), template.language)
    if language or is_public_id(template):
        return find_template(workspace, account, template, language)
    wanted = (known.language if known else "", workspace.language)
    return choose_template(workspace, account, template, wanted)
