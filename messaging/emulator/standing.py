"""What a number's and its account's standing with the platform refuse, whatever the message."""

from messaging.emulator.records import MANAGEMENT, MESSAGING, Number, Template
from messaging.emulator.refusals import Refusal

# `PATCH numbers/{id}` {"trouble": ...}: the state of the account, and the code that each send is answered with.
TROUBLES = {
    "locked": 131031,
    "restricted": 368,
    "payment": 131042,
    "certificate": 131045,
    "maintenance": 131057,
    "unavailable": 131016,
    "spam": 131048,
    "marketing_off": 131063,
    "misclassified": 131064,
}
# Only these messages meet with the trouble; the others go.
ONLY_MARKETING = frozenset({"marketing_off", "misclassified"})
NAMED = frozenset({"APPROVED", "AVAILABLE_WITHOUT_REVIEW"})
POLICY_REASONS = frozenset({"ABUSIVE_CONTENT", "PROMOTIONAL", "SCAM"})


def check_number(number: Number) -> None:
    """Raises Refusal where the number may not send at all."""
    if number.status != "CONNECTED":
        raise Refusal(133010, f"Phone number {number.id} is {number.status}; it must be registered again.")
    if number.name_status not in NAMED:
        raise Refusal(131037, f"The display name of {number.id} is {number.name_status}.")
    if number.trouble and number.trouble not in ONLY_MARKETING:
        raise Refusal(TROUBLES[number.trouble])


def check_category(number: Number, template: Template | None) -> None:
    """Raises Refusal where the account may not send marketing."""
    if number.trouble in ONLY_MARKETING and template is not None and template.category == "MARKETING":
        raise Refusal(TROUBLES[number.trouble])


def check_allowed(number: Number, digits: str) -> None:
    """A test number writes to the numbers of its list only, compared as they are spelled there."""
    if number.allowed is not None and digits not in {one.lstrip("+") for one in number.allowed}:
        raise Refusal(131030, "Recipient phone number not in allowed list: add it in the app's settings and try again.")


def check_template(template: Template) -> None:
    """Only an approved template goes. Raises Refusal with the code of its state."""
    where = f"template name ({template.name}) in {template.language}"
    if template.status == "PAUSED":
        raise Refusal(132015, f"{where} is paused because of its quality")
    if template.status == "DISABLED":
        raise Refusal(132016, f"{where} is disabled")
    if template.status == "REJECTED" and template.rejected_reason in POLICY_REASONS:
        raise Refusal(132007, f"{where} violates a policy: {template.rejected_reason}")
    if template.status != "APPROVED":
        raise Refusal(132001, f"{where} is {template.status}, not approved")


def check_scope(numbers: list[Number], scope: str) -> None:
    """The token's permissions: none at all (3), not this one (10 for messages, 200 for management)."""
    held = {one for number in numbers for one in number.scopes}
    if not held & {MESSAGING, MANAGEMENT}:
        raise Refusal(3)
    if scope not in held:
        raise Refusal(10 if scope == MESSAGING else 200, f"The token lacks the permission {scope}.")
