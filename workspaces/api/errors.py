"""The API's own named errors, beside those of the services."""

from django.utils.translation import gettext_lazy as _

from workspaces.errors import BotenwerkError


class ApiKeyInvalid(BotenwerkError):
    """No key, an unknown, expired or revoked one, or one whose maker has left. Which one is not said."""

    code = "api_key_invalid"
    title = _("API key missing or invalid")
    cause = _("The call carries no API key that is valid now.")
    cure = _("Send “Authorization: Bearer KEY” with a key from Settings, API keys.")
    http_status = 401


class ScopeMissing(BotenwerkError):
    """The key is valid, but not for this."""

    code = "scope_missing"
    title = _("Scope missing")
    cause = _("This call needs the scope %(scope)s, which the key “%(key)s” or the role of its maker does not have.")
    cure = _("Use a key that has the scope, or have an admin make one.")
    http_status = 403


class DatabaseAway(BotenwerkError):
    """The database does not answer, or its disk is full; nothing was stored."""

    code = "database_away"
    title = _("The database does not answer")
    cause = _("Botenwerk cannot reach its database, or cannot write to it.")
    cure = _("Send the same call again in a few seconds, with the same Idempotency-Key.")
    http_status = 503
    retryable = True


class NotFound(BotenwerkError):
    """No such address, or no such row in the key's workspace."""

    code = "not_found"
    title = _("Not found")
    cause = _("There is nothing at this address in the key's workspace.")
    cure = _("Check the id and the address.")
    http_status = 404


class MethodNotAllowed(BotenwerkError):
    """The address is there, but not for this method."""

    code = "method_not_allowed"
    title = _("Method not allowed")
    cause = _("%(method)s is not possible at this address.")
    cure = _("Use one of the methods that the header Allow names.")
    http_status = 405


class NotAcceptable(BotenwerkError):
    """The caller wants another format than JSON."""

    code = "not_acceptable"
    title = _("Format not available")
    cause = _("The answer cannot be given in the format that the header Accept asks for.")
    cure = _("Ask for application/json.")
    http_status = 406


class UnsupportedMediaType(BotenwerkError):
    """The body is not JSON by its header."""

    code = "unsupported_media_type"
    title = _("Body is not JSON")
    cause = _("The header Content-Type says “%(media_type)s”.")
    cure = _("Send JSON with “Content-Type: application/json”.")
    http_status = 415


class NotJson(BotenwerkError):
    """The body says that it is JSON, and is not."""

    code = "not_json"
    title = _("Body cannot be read")
    cause = _("The body is not valid JSON: %(reason)s")
    cure = _("Send one JSON object in UTF-8.")
    http_status = 400


class BodyTooLarge(BotenwerkError):
    """The body is larger than the server takes."""

    code = "body_too_large"
    title = _("Body too large")
    cause = _("The body is larger than the server takes.")
    cure = _("Send less in one call.")
    http_status = 413


class InvalidInput(BotenwerkError):
    """Fields of the body or of the address are wrong; `errors` lists each."""

    code = "invalid_input"
    title = _("Input not valid")
    cause = _("At least one field of the call is not valid.")
    cure = _("Correct the fields listed in “errors”.")
    http_status = 422


class UnknownParameter(BotenwerkError):
    """A query parameter that this address does not know: a filter with a typing error would filter nothing."""

    code = "unknown_parameter"
    title = _("Unknown parameter")
    cause = _("This address does not know the parameter “%(parameter)s”.")
    cure = _("Known are: %(known)s.")
    http_status = 422


class IdempotencyKeyReused(BotenwerkError):
    """One Idempotency-Key, two different calls."""

    code = "idempotency_key_reused"
    title = _("Idempotency-Key was used for another call")
    cause = _("This Idempotency-Key came before with another address or body.")
    cure = _("Make a new key for a new call; use the old one only to repeat the same call.")
    http_status = 422


class CallInFlight(BotenwerkError):
    """The same call is being carried out at this moment."""

    code = "call_in_flight"
    title = _("The same call is still running")
    cause = _("A call with this Idempotency-Key has been started and has not ended yet.")
    cure = _("Repeat it in a few seconds; you then get the first call's answer.")
    retryable = True
    http_status = 409


class TooManyCalls(BotenwerkError):
    """The key calls more often than is allowed. Not about messages: those have `rate_limited`."""

    code = "too_many_calls"
    title = _("Too many calls")
    cause = _("This key has made more than %(limit)s calls a minute.")
    cure = _("Wait as long as Retry-After says.")
    retryable = True
    http_status = 429
