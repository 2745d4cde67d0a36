"""The records in memory, written through to the store; ids and messages are made here."""

import base64
import dataclasses
import secrets
from typing import Any

import phonenumbers

from messaging.emulator.records import Customer, Number, Template, as_row
from messaging.emulator.store import Store, dumps
from messaging.phone import other_spelling


def digits_of(phone: str) -> str:
    """A phone number as digits only; punctuation that people write is dropped. Raises ValueError."""
    digits = phone.strip().lstrip("+").translate(str.maketrans("", "", " -()./"))
    if not (digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 20):
        raise ValueError(f"'{phone}' is no phone number")
    return digits


def display_phone(digits: str) -> str:
    """The number as the platform displays it, with spaces."""
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return f"+{digits}"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def new_wamid(phone: str) -> str:
    """An id like the platform's: opaque, with characters that need care in addresses."""
    raw = b"\x1c\x18" + phone.encode() + b"\x15\x02\x00\x11\x18\x12" + secrets.token_hex(9).upper().encode() + b"\x00"
    return "wamid." + base64.b64encode(raw).decode()


class World:
    """All numbers, templates and customers."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.numbers: dict[str, Number] = {}
        self.templates: dict[str, Template] = {}
        self.customers: dict[int, Customer] = {}
        self.by_phone: dict[str, Customer] = {}
        self.by_user_id: dict[str, Customer] = {}
        self.by_name: dict[tuple[str, str, str], Template] = {}
        self.resting: dict[tuple[str, str], float] = {}  # (account, name): until when
        self.tokens: dict[str, set[str]] = {}  # token: number ids
        self.media: dict[str, dict[str, Any]] = {}
        self._last_key = 0
        self._load()

    def _load(self) -> None:
        for data in self.store.records("number"):
            self._keep_number(Number(**data))
        for data in self.store.records("template"):
            self._keep_template(Template(**data))
        for data in self.store.records("customer"):
            self._keep_customer(Customer(**data))
        for data in self.store.records("resting"):
            self.resting[data["waba_id"], data["name"]] = data["until"]
        for data in self.store.records("media"):
            self.media[data["id"]] = data

    def clear(self, keep: frozenset[str] = frozenset()) -> None:
        """Forget all; `keep` may name numbers and templates."""
        numbers = list(self.numbers.values()) if "numbers" in keep else []
        templates = list(self.templates.values()) if "templates" in keep else []
        self.store.clear()
        for held in (self.numbers, self.templates, self.by_phone, self.by_user_id, self.by_name, self.tokens):
            held.clear()
        self.customers.clear()
        self.resting.clear()
        self.media.clear()
        for number in numbers:
            self.save_number(number)
        for template in templates:
            self.save_template(template)

    # --- numbers -----------------------------------------------------------------------------------
    def save_number(self, number: Number) -> None:
        """Insert or replace."""
        self._keep_number(number)
        self.store.save("number", number.id, as_row(number))

    def _keep_number(self, number: Number) -> None:
        self.numbers[number.id] = number
        self.tokens = {}
        for known in self.numbers.values():
            self.tokens.setdefault(known.token, set()).add(known.id)

    def numbers_of(self, waba_id: str) -> list[Number]:
        """The numbers of a business account."""
        return [number for number in self.numbers.values() if number.waba_id == waba_id and not number.deleted]

    # --- templates ---------------------------------------------------------------------------------
    def save_template(self, template: Template) -> None:
        """Insert or replace, by (account, name, language)."""
        self._keep_template(template)
        self.store.save("template", template.id, as_row(template))

    def _keep_template(self, template: Template) -> None:
        self.templates[template.id] = template
        self.by_name[template.waba_id, template.name, template.language] = template

    def delete_template(self, template: Template) -> None:
        """Remove."""
        del self.templates[template.id]
        del self.by_name[template.waba_id, template.name, template.language]
        self.store.delete("template", template.id)

    def rest_name(self, waba_id: str, name: str, until: float) -> None:
        """The name of a deleted template is not given again before then."""
        self.resting[waba_id, name] = until
        self.store.save("resting", dumps([waba_id, name]), {"waba_id": waba_id, "name": name, "until": until})

    def rests_until(self, waba_id: str, name: str) -> float:
        """Until when a template's name is not given again."""
        return self.resting.get((waba_id, name), 0.0)

    def templates_of(self, waba_id: str) -> list[Template]:
        """The templates of a business account, by id."""
        mine = [template for template in self.templates.values() if template.waba_id == waba_id]
        return sorted(mine, key=lambda template: int(template.id))

    def new_template_id(self) -> str:
        """Growing ids in the platform's length."""
        return str(max((int(key) for key in self.templates), default=1_200_000_000_000_000) + 1)

    # --- customers ---------------------------------------------------------------------------------
    def customer(self, phone: str) -> Customer:
        """The customer with this phone number, made up at the first mention. Raises ValueError.

        Where a number has two spellings (Mexico, Argentina, Brazil) either finds the one phone.
        """
        digits = digits_of(phone)
        known = self.by_phone.get(digits) or self.by_phone.get((other_spelling(digits) or "").removeprefix("+"))
        if known is not None:
            return known
        return self._new_customer(digits, "DE." + str(secrets.randbelow(9 * 10**16) + 10**16))

    def take_over_spelling(self, customer: Customer, phone: str) -> None:
        """The spelling that a customer writes from is the one that webhooks carry."""
        written, other = phone.lstrip("+"), (other_spelling(customer.phone) or "").lstrip("+")
        if written == other:
            self.change_customer(customer, phone=written)

    def customer_by_user_id(self, user_id: str) -> Customer | None:
        """The customer with this business-scoped user id; ids are the platform's, so none is made up here."""
        return self.by_user_id.get(user_id)

    def _new_customer(self, digits: str, user_id: str) -> Customer:
        self._last_key += 1
        customer = Customer(self._last_key, digits, user_id)
        self.save_customer(customer)
        return customer

    def save_customer(self, customer: Customer) -> None:
        """Insert or replace."""
        self._keep_customer(customer)
        self.store.save("customer", str(customer.key), as_row(customer))

    def _keep_customer(self, customer: Customer) -> None:
        self._last_key = max(self._last_key, customer.key)
        self.customers[customer.key] = customer
        self.by_phone[customer.phone] = customer
        self.by_user_id[customer.user_id] = customer

    def change_customer(self, customer: Customer, **changes: Any) -> None:
        """Set fields, keeping the look-ups right."""
        self.by_phone.pop(customer.phone, None)
        self.by_user_id.pop(customer.user_id, None)
        for name, value in changes.items():
            setattr(customer, name, value)
        self.save_customer(customer)

    # --- media -------------------------------------------------------------------------------------
    def save_media(self, media: dict[str, Any]) -> None:
        """Keep a file (its bytes as base64)."""
        self.media[media["id"]] = media
        self.store.save("media", media["id"], media)

    def delete_media(self, key: str) -> None:
        """Remove a file."""
        del self.media[key]
        self.store.delete("media", key)


FIELDS_OF_NUMBER = frozenset(field.name for field in dataclasses.fields(Number)) - {"id"}
FIELDS_OF_TEMPLATE = frozenset(field.name for field in dataclasses.fields(Template)) - {"id"}
