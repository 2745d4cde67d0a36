"""Named errors of assistants: what a person can act on when no answer of a model can be had."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from workspaces.errors import BotenwerkError, Text, fill


class AssistantUnavailable(BotenwerkError):
    """The model gave no usable answer. Facts: assistant, kind (a key of REASONS), status, detail.

    `retry_after` is what the endpoint asked for with a 429. What of it is worth a second try at once is
    `retry_at_once`; the engine's own retry, a minute later, is for all of them.
    """

    code = "assistant_unavailable"
    title = _("Assistant gives no answer")
    cause = _("The assistant “%(assistant)s” gave no answer: %(reason)s")
    cure = _("Check address, key and model of the assistant, or give it an answer for when the model fails.")
    retryable = True
    http_status = 503

    REASONS: ClassVar[dict[str, Text]] = {
        "bad_key": _("the model's service refuses the key (%(status)s)."),
        "key_unreadable": _("the stored key cannot be read any more."),
        "not_found": _("there is no such model or address (%(status)s)."),
        "timeout": _("the model took too long."),
        "rate_limited": _("the model's service has too many requests from this key (%(status)s)."),
        "server": _("the model's service failed (%(status)s)."),
        "unreachable": _("the model's address cannot be reached."),
        "forbidden": _("the model's address is not a public one."),
        "refused": _("the model's service refuses the request (%(status)s): %(detail)s"),
        "malformed": _("what the model's service answered cannot be read."),
        "empty": _("the answer was empty."),
        "busy": _("another message of this customer was being answered all the time."),
        "abandoned": _("whoever asked did not come back for the answer."),
    }
    CURES: ClassVar[dict[str, Text]] = {
        "bad_key": _("Enter a valid key at the assistant."),
        "key_unreadable": _("Enter the key at the assistant again."),
        "not_found": _("Check address and model at the assistant; the address mostly ends in /v1."),
        "timeout": _("Try again later, or let the assistant wait longer or use a faster model."),
        "rate_limited": _("Try again later, or raise the limit at the model's service."),
        "server": _("Try again later. If it stays, ask the model's service."),
        "unreachable": _("Check the address at the assistant and whether its service runs."),
        "forbidden": _("Use a public address, or ask the operator to allow this one (MODEL_HOSTS_ALLOWED)."),
        "busy": _("Send the message again."),
        "abandoned": _("Send the message again."),
    }
    AT_ONCE: ClassVar[frozenset[str]] = frozenset(
        {"timeout", "rate_limited", "server", "unreachable", "malformed", "empty"}
    )

    @property
    def kind(self) -> str:
        """Which of REASONS it was."""
        return str(self.facts.get("kind", ""))

    @property
    def retry_at_once(self) -> bool:
        """Whether the same call may succeed right now. A wrong key or address stays wrong."""
        return self.kind in self.AT_ONCE

    def cause_text(self) -> str:
        reason = self.REASONS.get(self.kind, self.REASONS["malformed"])
        return fill(self.cause, {**self.facts, "reason": fill(reason, self.facts)})

    def cure_text(self) -> str:
        return fill(self.CURES.get(self.kind, self.cure), self.facts)


class AssistantOff(BotenwerkError):
    """The assistant is switched off. Facts: assistant."""

    code = "assistant_off"
    title = _("Assistant is off")
    cause = _("The assistant “%(assistant)s” is switched off.")
    cure = _("Switch it on, or choose another assistant.")
    http_status = 409


class BudgetExhausted(BotenwerkError):
    """The workspace's tokens for today are used up. Facts: used, budget, resets_at; retry_after is until then."""

    code = "budget_exhausted"
    title = _("Budget for AI is used up")
    cause = _("Today's budget of %(budget)s tokens is used up (%(used)s used).")
    cure = _("Raise the daily budget in the settings, or wait until %(resets_at)s.")
    http_status = 429


class CustomerIdentifierInvalid(BotenwerkError):
    """Empty, longer than 255 characters, or with characters nobody can see. Facts: length, limit."""

    code = "customer_identifier_invalid"
    title = _("Customer identifier not valid")
    cause = _("The identifier of the customer is empty, longer than %(limit)s characters, or holds control characters.")
    cure = _("Use what names this customer for good: phone number, e-mail address, or the id in your CRM.")
    http_status = 422


class CustomerMessageInvalid(BotenwerkError):
    """Nothing to answer, or too much. Facts: length, limit."""

    code = "customer_message_invalid"
    title = _("Message cannot be answered")
    cause = _("The message to be answered is empty or longer than %(limit)s characters (it has %(length)s).")
    cure = _("Give the customer's text, shortened where it is very long.")
    http_status = 422


class ContextVariablesInvalid(BotenwerkError):
    """Not names with values that JSON can hold, or too many. Facts: length, limit (bytes)."""

    code = "context_variables_invalid"
    title = _("Variables not valid")
    cause = _("The variables are not a list of names with values, or take more than %(limit)s bytes together.")
    cure = _("Give only what the assistant needs to know: names with texts, numbers or lists.")
    http_status = 422


class ReplyKeyReused(BotenwerkError):
    """The key of an answered message came with another message. Facts: key."""

    code = "reply_key_reused"
    title = _("Key used for another message")
    cause = _("The key “%(key)s” already stands for another message of this customer.")
    cure = _("Use a new key for each message; the same key only to ask for the same answer again.")
    http_status = 422
