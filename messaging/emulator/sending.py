"""`POST /{phone_number_id}/messages`: the platform's checks in its order, then acceptance."""

from typing import Any

from messaging.emulator.attachments import check_upload
from messaging.emulator.clock import Clock
from messaging.emulator.deliveries import Deliveries
from messaging.emulator.free_form import CHECKS, shown_free_form
from messaging.emulator.limits import PAIR_BURST, PAIR_INTERVAL_SECONDS, Bucket, Tally
from messaging.emulator.records import Customer, Message, Number, Template
from messaging.emulator.refusals import Refusal, invalid, only_keys, unknown_object
from messaging.emulator.standing import check_allowed, check_category, check_number, check_template
from messaging.emulator.store import Store
from messaging.emulator.template_filling import fill_template
from messaging.emulator.world import World, digits_of, new_wamid

WINDOW_SECONDS = DAY_SECONDS = 24 * 60 * 60
FREE_SECONDS = 3 * DAY_SECONDS  # after the answer to a click on an advertisement
CALLBACK_DATA_LENGTH = 512
STATUS_FAULTS = ("drop_status", "double_status", "reverse_status", "fail_status")
RECEIPT_KEYS = frozenset({"messaging_product", "status", "message_id", "typing_indicator"})
SEND_KEYS = frozenset({"messaging_product", "recipient_type", "to", "recipient", "type", "context"}) | {
    "biz_opaque_callback_data",
    "message_activity_sharing",
    "recipient_identity_key_hash",
    "template",
    *CHECKS,
}
TEMPLATE_KEYS = frozenset({"name", "language", "components", "namespace"})


class Sending:
    """The door for business messages."""

    def __init__(self, world: World, store: Store, clock: Clock, deliveries: Deliveries) -> None:
        self.world, self.store, self.clock, self.deliveries = world, store, clock, deliveries
        self.throughput, self.pairs, self.reached = Bucket(), Bucket(), Tally()

    def post(self, number: Number, data: Any, faults: dict[str, Any]) -> dict[str, Any]:
        """The answer's body. Raises Refusal."""
        if not isinstance(data, dict):
            raise invalid("The body must be a JSON object.")
        if data.get("messaging_product") != "whatsapp":
            raise invalid("The parameter messaging_product is required.")
        check_number(number)
        if "status" in data:
            return self._receipt(number, data)
        return self._send(number, data, faults)

    def _receipt(self, number: Number, data: dict[str, Any]) -> dict[str, Any]:
        """A read receipt, with or without typing: reading one marks the earlier ones read."""
        only_keys("status", data, RECEIPT_KEYS)
        if data["status"] != "read":
            raise Refusal(131009, "Param status must be read")
        typing = data.get("typing_indicator")
        if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
            raise Refusal(131009, "Param typing_indicator['type'] must be text")
        wamid = data.get("message_id")
        if not wamid:
            raise Refusal(131008, "The parameter message_id is required.")
        message = self.store.message(str(wamid))
        if message is None or message.outbound or message.number_id != number.id:
            raise Refusal(131009, "message_id is not a message that this number has received")
        for earlier in self.store.chat(number.id, message.customer):
            if not earlier.outbound and earlier.at <= message.at and earlier.status != "read":
                self.store.set_status(earlier.wamid, "read")
        return {"success": True}

    def _send(self, number: Number, data: dict[str, Any], faults: dict[str, Any]) -> dict[str, Any]:
        customer, contact = self._recipient(number, data)
        if customer.phone == number.phone:
            raise Refusal(131021, "Recipient phone number cannot be same as sender phone number")
        kind = data.get("type", "text")
        only_keys("message", data, SEND_KEYS)
        template: Template | None = None
        if kind == "template":
            template, shown = self._template(number, data, by_user_id="wa_id" not in contact)
        else:
            shown = shown_free_form(str(kind), data)
        check_upload(self.world, shown, number, self.clock.now())
        callback_data = data.get("biz_opaque_callback_data")
        if callback_data is not None and (
            not isinstance(callback_data, str) or len(callback_data) > CALLBACK_DATA_LENGTH
        ):
            raise Refusal(131009, f"biz_opaque_callback_data must be a text of at most {CALLBACK_DATA_LENGTH}")
        context = data.get("context")
        if context is not None and (not isinstance(context, dict) or not isinstance(context.get("message_id"), str)):
            raise Refusal(131009, "context needs a message_id")
        check_category(number, template)
        is_open = self.window_is_open(number, customer)
        if template is None and not is_open:
            raise Refusal(
                131047,
                "Message failed to send because more than 24 hours have passed since the customer last replied to "
                "this number.",
            )
        self._pace(number, customer)
        if not is_open and number.limit_checked:
            self._reach(number, customer)
        message = Message(
            wamid=new_wamid(customer.phone),
            number_id=number.id,
            customer=customer.key,
            outbound=True,
            type=str(kind),
            at=self.clock.now(),
            status="accepted",
            shown=shown,
            context=context["message_id"] if context else None,
            callback_data=callback_data,
            pricing=self._pricing(number, customer, template),
            category=template.category if template else "",
            faults={name: value for name, value in faults.items() if name in STATUS_FAULTS},
        )
        self.store.save_message(message)
        self.deliveries.accept(message, customer)
        accepted = {"id": message.wamid} | ({"message_status": "accepted"} if template else {})
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]}

    def _recipient(self, number: Number, data: dict[str, Any]) -> tuple[Customer, dict[str, str]]:
        """The customer, and the answer's contact. Where both ways are given the phone wins."""
        if data.get("recipient_type", "individual") != "individual":
            raise Refusal(131009, "recipient_type must be individual")
        to, user_id = data.get("to"), data.get("recipient")
        if to:
            try:
                digits = digits_of(str(to))
            except ValueError:
                raise Refusal(131009, "Param to is not a phone number") from None
            if not 7 <= len(digits) <= 15:
                raise Refusal(131009, "Param to is not a phone number")
            check_allowed(number, digits)
            customer = self.world.customer(digits)
            return customer, {"input": str(to), "wa_id": customer.phone}
        if not user_id:
            raise invalid("The parameter to is required.")
        known = self.world.customer_by_user_id(str(user_id))
        if known is None:
            raise Refusal(131009, "Param recipient is not a business-scoped user id of this portfolio")
        check_allowed(number, known.phone)
        return known, {"input": str(user_id), "user_id": str(user_id)}

    def _template(self, number: Number, data: dict[str, Any], *, by_user_id: bool) -> tuple[Template, dict[str, Any]]:
        given = data.get("template")
        if not isinstance(given, dict):
            raise invalid("The parameter template is required.")
        only_keys("template", given, TEMPLATE_KEYS)
        name, language = given.get("name"), (given.get("language") or {})
        code = language.get("code") if isinstance(language, dict) else None
        if not name or not code:
            raise Refusal(131008, "template['name'] and template['language']['code'] are required")
        template = self.world.by_name.get((number.waba_id, str(name), str(code)))
        if template is None:
            raise Refusal(132001, f"template name ({name}) does not exist in {code}")
        check_template(template)
        if by_user_id and template.category == "AUTHENTICATION":
            raise Refusal(131062)
        return template, fill_template(template, given.get("components") or [])

    def window_is_open(self, number: Number, customer: Customer) -> bool:
        """Free-form goes up to and with the 86,400th second; the platform's timestamps are whole seconds."""
        last = customer.windows.get(number.id)
        return last is not None and int(self.clock.now()) <= last + WINDOW_SECONDS

    def _pace(self, number: Number, customer: Customer) -> None:
        now, pair = self.clock.now(), (number.id, str(customer.key))
        rate = max(number.throughput, 1)
        if not self.throughput.take((number.id,), now=now, interval=1 / rate, burst=rate):
            raise Refusal(130429, f"Cloud API message throughput of {number.throughput} a second has been reached.")
        if not self.pairs.take(pair, now=now, interval=PAIR_INTERVAL_SECONDS, burst=PAIR_BURST):
            raise Refusal(131056, "Too many messages sent from this phone number to the same phone number.")

    def _reach(self, number: Number, customer: Customer) -> None:
        """The account's limit: customers in a moving day to whom the business wrote outside their window.

        The platform's code for it is not documented; this one speaks of a number's restriction on how many may be sent.
        """
        limit, now = number.limit, self.clock.now()
        if limit >= 0 and not self.reached.take(
            number.waba_id, now=now, seconds=DAY_SECONDS, most=limit, what=customer.key
        ):
            raise Refusal(131048, f"The messaging limit of {limit} customers in 24 hours has been reached.")

    def _pricing(self, number: Number, customer: Customer, template: Template | None) -> dict[str, Any]:
        """As the status webhook tells it; free-form messages within the monthly allowance are free of charge."""
        if self._is_free_entry(number, customer):
            return _price(billable=False, category="referral_conversion", kind="free_entry_point")
        if template is None:
            return _price(billable=False, category="service", kind="free_customer_service")
        return _price(billable=True, category=template.category.lower(), kind="regular")

    def _is_free_entry(self, number: Number, customer: Customer) -> bool:
        """An answer within a day of the click on an advertisement makes the next three days free."""
        entry, now = customer.entry_points.get(number.id), self.clock.now()
        if entry is None:
            return False
        if len(entry) == 1 and now <= entry[0]:
            customer.entry_points[number.id] = entry = [entry[0], now + FREE_SECONDS]
            self.world.save_customer(customer)
        return len(entry) == 2 and now <= entry[1]

    def count_inbound(self, number: Number) -> None:
        """A customer's message takes from the number's throughput too."""
        rate = max(number.throughput, 1)
        self.throughput.count((number.id,), now=self.clock.now(), interval=1 / rate, burst=rate)

    def clear(self) -> None:
        """Forget what was counted."""
        self.throughput.clear()
        self.pairs.clear()
        self.reached.clear()


def _price(*, billable: bool, category: str, kind: str) -> dict[str, Any]:
    return {"billable": billable, "pricing_model": "PMP", "category": category, "type": kind}


def number_of_token(world: World, number_id: str, token_numbers: set[str], method: str) -> Number:
    """The number, if it exists and the token may use it. Raises Refusal."""
    number = world.numbers.get(number_id)
    if number is None or number.id not in token_numbers:
        raise unknown_object(number_id, method)
    if number.deleted:
        raise Refusal(33, "This business phone number has been deleted.")
    return number
