"""Named errors of messaging: what a person can act on when a message, a sender or a template is refused."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.parts import part_words
from messaging.phone import PhoneProblem
from workspaces.errors import BotenwerkError, Text, fill

if TYPE_CHECKING:
    from messaging.models import Message


class MessagingError(BotenwerkError):
    """Base of this app's errors. `message` is the failed row, or None where none was made."""

    message: "Message | None" = None


# --- What is wrong in the input ------------------------------------------------------------------


class InvalidPhoneNumber(MessagingError):
    """The recipient is not exactly E.164. Facts: given, part, reason, suggestion."""

    code = "invalid_phone_number"
    title = _("Phone number not valid")
    cure = _("Write the number with + and country code, digits only, for example +4915112345678.")
    suggested_cure: ClassVar[Text] = _("Probably meant: %(suggestion)s.")
    http_status = 422

    @classmethod
    def of(cls, problem: PhoneProblem, *, field: str | None = "to") -> "InvalidPhoneNumber":
        """The error for what the strict check has found."""
        return cls(
            field=field,
            given=problem.given,
            part=problem.part,
            reason=problem.reason,
            suggestion=problem.suggestion,
        )

    def cause_text(self) -> str:
        facts = {name: self.facts.get(name) or "" for name in ("given", "part", "reason")}
        return PhoneProblem(**facts, suggestion=self.facts.get("suggestion")).explain()

    def cure_text(self) -> str:
        return fill(self.suggested_cure if self.facts.get("suggestion") else self.cure, self.facts)


class TextTooLong(MessagingError):
    """More than WhatsApp takes, counted in UTF-16 units. Facts: length, limit, part where it is not the text."""

    code = "text_too_long"
    title = _("Text too long")
    cause = _("The text has %(length)s characters, WhatsApp takes %(limit)s (an emoji counts as two or more).")
    filled_cause: ClassVar[Text] = _("With its values filled in, the text is longer than WhatsApp takes.")
    part_cause: ClassVar[Text] = _(
        "%(part_text)s has %(length)s characters, WhatsApp takes %(limit)s (an emoji counts as two or more)."
    )
    cure = _("Shorten the text or split it into several messages.")
    part_cure: ClassVar[Text] = _("Shorten it, or the values that are filled into it.")
    http_status = 422

    def cause_text(self) -> str:
        if self.facts.get("part"):
            return fill(self.part_cause, {**self.facts, "part_text": part_words(self.facts)})
        return fill(self.cause if "length" in self.facts else self.filled_cause, self.facts)

    def cure_text(self) -> str:
        return fill(self.part_cure if self.facts.get("part") else self.cure, self.facts)


class VariableMissing(MessagingError):
    """A variable came out empty. Facts: path (the variable), step where there is one; part of a message without."""

    code = "variable_missing"
    title = _("Variable is empty")
    cause = _("There is no value for “%(path)s”.")
    part_cause: ClassVar[Text] = _("%(part_text)s is empty.")
    cure = _('Fill it, or set what stands in its place: {{ … | default: "…" }}.')
    http_status = 422

    def cause_text(self) -> str:
        if self.facts.get("part"):
            return fill(self.part_cause, {"part_text": part_words(self.facts)})
        return fill(self.cause, self.facts)


class TemplateParametersMismatch(MessagingError):
    """Values and placeholders do not fit. Facts: template, expected, given, detail."""

    code = "template_parameters_mismatch"
    title = _("Template variables do not fit")
    cause = _("The template “%(template)s” asks for %(expected)s; given were %(given)s.")
    platform_cause: ClassVar[Text] = _(
        "WhatsApp finds that the values do not fit the template “%(template)s”: %(detail)s"
    )
    cure = _("Map exactly the variables of the template. If it was changed on WhatsApp, sync the templates first.")
    http_status = 422

    def cause_text(self) -> str:
        return fill(self.cause if "expected" in self.facts else self.platform_cause, self.facts)


class RecipientIsSender(MessagingError):
    """Cloud API error 131021."""

    code = "recipient_is_sender"
    title = _("Sender and recipient are the same")
    cause = _("The message would go to the number that it is sent from.")
    cure = _("Choose another recipient or another sender.")
    http_status = 422


class RequestRefused(MessagingError):
    """The platform refuses the message as such. Facts: detail (the platform's words), platform_code."""

    code = "request_refused"
    title = _("WhatsApp refuses the message")
    cause = _("WhatsApp does not take this message: %(detail)s (%(platform_code)s)")
    cure = _("Check the content of the message and, for a template, its variables.")
    http_status = 422


class MediaProblem(MessagingError):
    """The platform could not fetch or take a file (131052, 131053). Facts: detail."""

    code = "media_problem"
    title = _("File cannot be sent")
    cause = _("WhatsApp could not fetch or use the file: %(detail)s")
    cure = _("Check that the address is public and that type and size are allowed.")
    retryable = True
    http_status = 422


# --- Templates -----------------------------------------------------------------------------------


class TemplateNotFound(MessagingError):
    """Unknown, deleted, not approved, or not in this language. Facts: template, language, available."""

    code = "template_not_found"
    title = _("Template not found")
    cause = _("The template “%(template)s” does not exist.")
    language_cause: ClassVar[Text] = _("The template “%(template)s” does not exist in the language “%(language)s”.")
    state_cause: ClassVar[Text] = _("The template “%(template)s” is not approved by WhatsApp.")
    cure = _("Open the templates, sync them, and choose an approved one.")
    language_cure: ClassVar[Text] = _("Choose one of its languages (%(available)s), or sync the templates.")
    http_status = 404

    def cause_text(self) -> str:
        if self.facts.get("status"):
            return fill(self.state_cause, self.facts)
        return fill(self.language_cause if self.facts.get("language") else self.cause, self.facts)

    def cure_text(self) -> str:
        return fill(self.language_cure if self.facts.get("available") else self.cure, self.facts)


class TemplatePaused(MessagingError):
    """Paused or disabled by the platform because of its quality. Facts: template, since_at."""

    code = "template_paused"
    title = _("Template paused")
    cause = _("WhatsApp has paused or disabled the template “%(template)s”.")
    cure = _("Wait until WhatsApp approves it again, or choose another template.")
    http_status = 409


# --- The recipient -------------------------------------------------------------------------------


class RecipientOptedOut(MessagingError):
    """The contact wants no such messages, or has stopped marketing on WhatsApp (131050). Facts: contact."""

    code = "recipient_opted_out"
    title = _("Recipient has opted out")
    cause = _("%(contact)s does not want to receive such messages.")
    cure = _("Do not send. Answers within 24 hours after the customer wrote stay allowed.")
    http_status = 409


class OutsideWindow(MessagingError):
    """Free text more than 24 h after the customer's last message (131047). Facts: last_inbound_at."""

    code = "outside_window"
    title = _("24-hour window is closed")
    cause = _("Free text is allowed for 24 hours after the customer wrote; last time: %(last_inbound_at)s.")
    disagreed_cause: ClassVar[Text] = _(
        "WhatsApp disagrees: by our count the window is open until %(window_expires_at)s, yet it refuses free text."
    )
    never_cause: ClassVar[Text] = _(
        "Free text is allowed for 24 hours after the customer wrote, and nothing has come yet."
    )
    cure = _("Send an approved template, or wait until the customer writes.")
    disagreed_cure: ClassVar[Text] = _("Try again in a minute, or send an approved template.")
    http_status = 409

    @property
    def has_disagreement(self) -> bool:
        """The platform's word against ours (traps.md Z1): one retry after a short wait may help."""
        return self.facts.get("window_expires_at") is not None

    def cause_text(self) -> str:
        if self.has_disagreement:
            return fill(self.disagreed_cause, self.facts)
        return fill(self.cause if self.facts.get("last_inbound_at") else self.never_cause, self.facts)

    def cure_text(self) -> str:
        return fill(self.disagreed_cure if self.has_disagreement else self.cure, self.facts)


class RecipientNotOnWhatsapp(MessagingError):
    """Undeliverable: not on WhatsApp, an old app, or blocked (131026, deliberately vague)."""

    code = "recipient_not_on_whatsapp"
    title = _("Recipient cannot be reached on WhatsApp")
    cause = _("The number is not on WhatsApp, uses an old version, or does not accept messages from this sender.")
    cure = _("Check the number, or use another way to reach the person. Trying again at once does not help.")
    http_status = 409


class NotInAllowedList(MessagingError):
    """A test sender writes only to listed numbers (131030). Facts: address, other_spelling."""

    code = "not_in_allowed_list"
    title = _("Recipient is not on the test sender's list")
    cause = _("A test number of WhatsApp only writes to listed recipients, and %(address)s is not on its list.")
    cure = _("Add the recipient in the WhatsApp Manager, or connect a real number.")
    respelled_cure: ClassVar[Text] = _(
        "The list may hold the other spelling %(other_spelling)s: set it as this contact's sending address, "
        "or add %(address)s in the WhatsApp Manager."
    )
    http_status = 409

    def cure_text(self) -> str:
        return fill(self.respelled_cure if self.facts.get("other_spelling") else self.cure, self.facts)


class PhoneNumberNeeded(MessagingError):
    """This message cannot go to a user id (131062; one-time codes). Facts: contact."""

    code = "phone_number_needed"
    title = _("Phone number needed")
    cause = _("%(contact)s is known by a WhatsApp user id only, and this message needs a phone number.")
    cure = _("Ask the customer for the phone number, or send another kind of message.")
    http_status = 409


class WithheldByWhatsapp(MessagingError):
    """The platform chose not to deliver marketing to this person (131049, 130472)."""

    code = "withheld_by_whatsapp"
    title = _("WhatsApp does not deliver this message")
    cause = _("WhatsApp limits how much marketing a person gets from all businesses together.")
    cure = _("Wait at least 24 hours before you write to this person again. Other kinds of messages still go.")
    http_status = 409


class CountryNotAllowed(MessagingError):
    """The account may not write to that country (130497)."""

    code = "country_not_allowed"
    title = _("Country not allowed")
    cause = _("This business account may not write to numbers of the recipient's country.")
    cure = _("Ask Meta about the restrictions of the business account.")
    http_status = 409


class RecipientLocked(MessagingError):
    """A test goes to one chosen person only. Facts: only_recipient."""

    code = "recipient_locked"
    title = _("Only the test recipient gets messages")
    cause = _("In this test messages go to %(only_recipient)s and to nobody else.")
    cure = _("Publish the flow to send to real customers, or choose this recipient for the test.")
    http_status = 409


class ConversationTakenOver(MessagingError):
    """A person answers in this conversation. Facts: taken_over_until_at."""

    code = "conversation_taken_over"
    title = _("A person has taken over")
    cause = _("A person answers in this conversation until %(taken_over_until_at)s, so nothing automatic is sent.")
    cure = _("Hand the conversation back, or answer by hand.")
    http_status = 409


# --- The sender ----------------------------------------------------------------------------------


class SenderOffline(MessagingError):
    """Nothing goes out of this number now. Facts: sender, reason (a key of REASONS), detail."""

    code = "sender_offline"
    title = _("Sender is offline")
    cause = _("The number %(sender)s is not connected. %(reason_text)s")
    cure = _("Open the page of the sender, check it, and connect it again.")
    retryable = True
    http_status = 503

    REASONS: ClassVar[dict[str, str | Promise]] = {
        "paused": _("It was paused by your team."),
        "retired": _("It was disconnected by your team."),
        "workspace_paused": _("The workspace is paused."),
        "no_address": _("This installation has no address for its provider."),
        "not_registered": _("It is not registered with WhatsApp."),
        "deleted": _("WhatsApp no longer knows it, or the token may not use it."),
        "name_not_approved": _("WhatsApp has not approved its display name."),
        "connecting": _("It is still being connected."),
        "pending": _("WhatsApp is still reviewing it."),
        "offline": _("WhatsApp reports it as disconnected."),
        "suspended": _("WhatsApp has suspended it."),
        "failed": _("The last check has failed."),
    }

    def cause_text(self) -> str:
        reason = self.REASONS.get(str(self.facts.get("reason", "")), "")
        return fill(self.cause, {"sender": "", **self.facts, "reason_text": str(reason)}).strip()


class CredentialsInvalid(MessagingError):
    """The token is dead or lacks a permission (0, 3, 10, 190, 200-299, 131005). Facts: sender, detail."""

    code = "credentials_invalid"
    title = _("Access to WhatsApp refused")
    cause = _("WhatsApp does not accept the access token of %(sender)s, or it lacks a permission: %(detail)s")
    cure = _("Make a new permanent token with the permissions for messaging and management and enter it at the sender.")
    http_status = 409


class AccountRestricted(MessagingError):
    """The platform has locked or restricted the account (368, 131031). Facts: sender, detail."""

    code = "account_restricted"
    title = _("WhatsApp has restricted the account")
    cause = _("The business account of %(sender)s is locked or restricted: %(detail)s")
    cure = _("Open the account quality page of the WhatsApp Manager and follow the steps shown there.")
    http_status = 409


class SpendOrPaymentProblem(MessagingError):
    """The account cannot pay (131042, 131044)."""

    code = "spend_or_payment_problem"
    title = _("Payment problem at WhatsApp")
    cause = _("WhatsApp cannot charge the business account of this sender.")
    cure = _("Check the payment method in the WhatsApp Manager, then send again.")
    http_status = 409


class QualityBlocked(MessagingError):
    """The platform holds this number back because of its quality (131048, 131064)."""

    code = "quality_blocked"
    title = _("Blocked because of quality")
    cause = _("Too many recipients have blocked or reported messages of this number, so WhatsApp limits it.")
    cure = _("Stop marketing on this number for some days and look at its quality on the sender's page.")
    http_status = 409


class RateLimited(MessagingError):
    """Too many messages. Facts: limit (a key of LIMITS), figures of it, next_slot_at."""

    code = "rate_limited"
    title = _("Too many messages")
    cause = _("%(limit_text)s Next free slot: %(next_slot_at)s.")
    cure = _("Wait until the next slot, or spread the messages over time.")
    retryable = True
    http_status = 429

    LIMITS: ClassVar[dict[str, str | Promise]] = {
        "pair": _("One recipient gets at most one message every %(seconds)s seconds, with bursts of %(burst)s."),
        "sender": _("This number may send %(per_second)s messages a second."),
        "workspace": _("The numbers of this workspace may send %(per_second)s messages a second together."),
        "bulk": _("Replies go first: marketing takes what they leave of the %(per_second)s messages a second."),
        "platform": _("WhatsApp has asked us to slow down."),
        "web": _("Many messages are on their way; this one goes as soon as one of them is through."),
        "breaker": _("WhatsApp cannot be reached; messages wait until it answers again."),
        "quiet_hours": _("Marketing is held back in the quiet hours of the workspace."),
    }

    def cause_text(self) -> str:
        limit = fill(self.LIMITS.get(str(self.facts.get("limit", "")), self.LIMITS["platform"]), self.facts)
        return fill(self.cause, {"next_slot_at": None, **self.facts, "limit_text": limit})


class WhatsappUnavailable(MessagingError):
    """The platform is down or has failed for no named cause (1, 2, 131000, 131016, 5xx, no connection)."""

    code = "whatsapp_unavailable"
    title = _("WhatsApp cannot be reached")
    cause = _("WhatsApp did not take the message: %(detail)s")
    cure = _("Nothing to do: it is tried again as the step's rule says. If it lasts, look at Meta's status page.")
    retryable = True
    http_status = 503


class UnexpectedPlatformError(MessagingError):
    """A platform code that our table does not know. Facts: platform_code, detail."""

    code = "unexpected_platform_error"
    title = _("Unknown answer from WhatsApp")
    cause = _("WhatsApp refuses the message with code %(platform_code)s: %(detail)s")
    cure = _("Look the code up in Meta's documentation and tell the operator.")
    http_status = 502


class DeliveryUnknown(MessagingError):
    """The answer to the send call was lost and no status came within ten minutes."""

    code = "delivery_unknown"
    title = _("Unclear whether the message went out")
    cause = _("The connection broke while the message was being sent, and WhatsApp has not reported it since.")
    cure = _("Look at the customer's chat. If the message is missing, send it again.")
    http_status = 409


class NumberTaken(MessagingError):
    """The number is in use on this installation. Does not say by whom."""

    code = "number_taken"
    title = _("Number is connected already")
    cause = _("This phone number id is already in use.")
    cure = _("Disconnect it where it is in use, or check the phone number id.")
    http_status = 409


class ConnectionRefused(MessagingError):
    """The platform refuses what was entered for a new sender. Facts: findings."""

    code = "connection_refused"
    title = _("The number could not be connected")
    cause = _("WhatsApp does not accept part of what was entered.")
    cure = _("Correct the parts that are marked and check again.")
    http_status = 422


class NumberNotInAccount(MessagingError):
    """The business account does not hold the phone number. Facts: account."""

    code = "number_not_in_account"
    title = _("Number and account do not belong together")
    cause = _("The business account %(account)s does not hold this phone number.")
    cure = _("Copy the business account id from the same page of the WhatsApp Manager as the phone number id.")
    http_status = 422


class WebhookNotSubscribed(MessagingError):
    """No app is subscribed, so nothing would come in. Facts: account."""

    code = "webhook_not_subscribed"
    title = _("No webhook")
    cause = _("No app is subscribed to the business account %(account)s, so customers' messages do not arrive here.")
    cure = _(
        "Enter the callback address and the verify token in the app's WhatsApp settings and subscribe to “messages”."
    )
    http_status = 409


class CannotSendAgain(MessagingError):
    """Sending again could make it arrive twice. Facts: status."""

    code = "cannot_send_again"
    title = _("Cannot be sent again")
    cause = _("Only a message that surely did not go out can be sent again; this one is “%(status)s”.")
    cure = _("Wait until its state is known, or write a new message.")
    http_status = 409


def with_message(error: BotenwerkError, message: "Message | None") -> Any:
    """The error, carrying the row it failed on."""
    error.message = message  # type: ignore[attr-defined]
    return error
