"""Why a failed message is not among those that are sent again in bulk."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from messaging.errors import MessagingError
from workspaces.errors import Text


class NotAFailedMessage(MessagingError):
    """It has not failed, or not any more: a status that came later settled it."""

    code = "message_not_failed"
    title = _("The message has not failed")
    cause = _("It is %(status)s now.")
    cure = _("There is nothing to send again.")
    http_status: ClassVar[int] = 409


class MayHaveArrived(MessagingError):
    """The answer of the platform was lost: it may stand on the customer's phone (traps.md U1)."""

    code = "may_have_arrived"
    title = _("It may have arrived")
    cause = _("WhatsApp's answer was lost, and nobody has said yet whether the customer has the message.")
    cure: ClassVar[Text] = _("Look at the chat. Then send it again by hand, or mark it as arrived.")
    http_status: ClassVar[int] = 409


class SentAgainAlready(MessagingError):
    """A newer message with the same content stands for it."""

    code = "sent_again_already"
    title = _("Sent again already")
    cause = _("A newer message stands for this one: %(status)s.")
    cure = _("Look at the newer one.")
    http_status: ClassVar[int] = 409


class RunIsAtIt(MessagingError):
    """The run that sent it goes on and tries again by itself: two would send the same."""

    code = "run_is_at_it"
    title = _("Its run goes on")
    cause = _("The run of “%(flow)s” that sent this message has not ended.")
    cure = _("Wait for the run, or cancel it first.")
    http_status: ClassVar[int] = 409
