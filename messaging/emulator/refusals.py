"""The platform's errors as it answers them: envelope, HTTP status, title (Meta, "Error codes")."""

import secrets
from collections.abc import Mapping, Set
from typing import Any

from workspaces.embedded_server import Answer, json_answer

# code: (HTTP status, title)
CODES: dict[int, tuple[int, str]] = {
    0: (401, "Authentication error"),
    1: (500, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "Application does not have the capability to make this API call"),
    4: (400, "Application request limit reached"),
    10: (403, "Permission denied"),
    33: (400, "Parameter value is not valid: the business phone number has been deleted"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    200: (403, "Permission error"),
    368: (403, "Temporarily blocked for policies violations"),
    613: (400, "Calls to this API have exceeded the rate limit"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Business Account locked"),
    131037: (400, "WhatsApp provided number needs display name approval before message can be sent"),
    131042: (400, "Business eligibility payment issue"),
    131044: (400, "Business eligibility payment issue for calls"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages from this business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Business Account is in maintenance mode"),
    131062: (400, "Business-scoped User ID recipients are not supported for this message"),
    131063: (400, "Marketing templates are disabled on Cloud API"),
    131064: (400, "Messaging limit reached because of template misclassification"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Parameter value is not valid"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "There was an issue with the parameters in your template"),
    132068: (400, "Flow is in blocked state"),
    132069: (400, "Flow is in throttled state"),
    133010: (400, "Phone number not registered"),
    133016: (400, "Account register deregister rate limit exceeded"),
    135000: (400, "Generic user error"),
    137000: (400, "Identity key hash does not match"),
    138013: (400, "Call permission request rate limit hit"),
}
REFERENCE = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


class Refusal(Exception):
    """The platform says no. `details` goes into `error_data.details`."""

    def __init__(self, code: int, details: str = "", *, subcode: int | None = None, status: int | None = None) -> None:
        known_status, self.title = CODES.get(code, (400, "Unknown error"))
        self.code, self.details, self.subcode = code, details or self.title, subcode
        self.status = status or known_status
        # Meta writes a plain text in its place now and then.
        self.error_data: Any = {"messaging_product": "whatsapp", "details": self.details}
        super().__init__(f"{code}: {self.details}")

    def envelope(self) -> dict[str, Any]:
        """The body of the refused call."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.title}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": self.error_data,
            "fbtrace_id": "A" + secrets.token_urlsafe(16),
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": error}

    def in_status(self) -> dict[str, Any]:
        """The same as an entry of a failed status's `errors`."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details},
            "href": REFERENCE,
        }

    def answer(self) -> Answer:
        """The refused call's answer."""
        return json_answer(self.envelope(), self.status)


def invalid(details: str) -> Refusal:
    """(#100) with its words."""
    return Refusal(100, details)


def only_keys(where: str, value: Mapping[str, Any], allowed: Set[str]) -> None:
    """(#100) where an object holds a key that the platform does not know there: it is never just passed over."""
    for key in value:
        if key not in allowed:
            raise invalid(f'Unexpected key "{key}" on param "{where}".')


def unknown_object(key: str, method: str = "get") -> Refusal:
    """An id that does not exist, or that this token may not see: the platform does not tell the two apart."""
    return Refusal(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{key}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation.",
        subcode=33,
    )
