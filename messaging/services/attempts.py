"""An outbound row as the attempt that its checks look at: everything read anew."""

from messaging.errors import PhoneNumberNeeded, TemplateNotFound
from messaging.models import Chat, ContactIdentity, Conversation, Message
from messaging.services.checks import Attempt
from messaging.services.outbound import Terms, template_of


def attempt_of(message: Message, terms: Terms) -> Attempt:
    """The attempt that a row stands for, read anew, to be checked. Raises TemplateNotFound, PhoneNumberNeeded."""
    chat = message.chat
    template = template_of(message)
    if message.kind == "template" and template is None:
        facts = message.payload["template"]
        raise TemplateNotFound(field="template", template=facts["name"], language=facts["language"])
    conversation = None
    if chat.pk is not None:
        conversation = Conversation.objects.in_workspace(message.workspace).filter(chat=chat, closed_at=None).first()
    return Attempt(
        sender=message.sender,
        contact=chat.contact,
        chat=chat,
        conversation=conversation,
        template=template,
        cause=message.cause_kind,
        address=address_of(chat),
        may_speak_into_take_over=terms.may_speak_into_take_over,
    )


def address_of(chat: Chat) -> str:
    """Where a chat's messages go: the address chosen, what the customer writes from, else the phone, else a user id.

    Raises PhoneNumberNeeded where nothing is known.
    """
    contact = chat.contact
    if chat.send_to:
        return chat.send_to
    if contact.phone:
        return contact.phone.removeprefix("+")
    identities = ContactIdentity.objects.in_workspace(chat.workspace).filter(contact=contact)
    for kind in (ContactIdentity.Kind.WHATSAPP_ID, ContactIdentity.Kind.USER_ID):
        value = identities.filter(kind=kind).order_by("-pk").values_list("value", flat=True).first()
        if value:
            return value
    raise PhoneNumberNeeded(field="to", contact=str(contact))
