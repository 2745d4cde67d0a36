"""What customers do: they write, tap, react, call, read, and change their number; our webhook hears of it."""

import base64
import binascii
import re
import secrets
from typing import Any

from messaging.emulator import payloads
from messaging.emulator.clock import Clock, parse_time
from messaging.emulator.deliveries import Deliveries
from messaging.emulator.inbound import KINDS, ControlRefused, content
from messaging.emulator.media import Media
from messaging.emulator.records import Customer, Message, Number, misfit
from messaging.emulator.sending import DAY_SECONDS, Sending
from messaging.emulator.store import Store
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import World, digits_of, new_wamid

# A customer's message or call opens the window; these only speak of an earlier message.
NO_WINDOW = frozenset({"edit", "revoke", "echo"})
FLAGS = (
    *("on_whatsapp", "blocked", "marketing_stopped", "phone_off", "phone_hidden"),
    *("chat_open", "receipts_off", "in_experiment"),
)
# What the business can do in its phone app; an echo's `kind`, a text where none is given.
ECHOES = frozenset({"text", "location", "contacts", "reaction", "edit", "revoke"})
USER_ID = re.compile(r"[A-Z]{2}(\.ENT)?\.[0-9A-Za-z]{1,128}", re.ASCII)
MARKS = ("forwarded", "frequently_forwarded")


class Customers:
    """The customers' side of all chats."""

    def __init__(
        self,
        world: World,
        store: Store,
        clock: Clock,
        webhooks: WebhookSender,
        deliveries: Deliveries,
        sending: Sending,
        media: Media,
    ) -> None:
        self.world, self.store, self.clock = world, store, clock
        self.webhooks, self.deliveries, self.sending, self.media = webhooks, deliveries, sending, media

    def write(self, phone: str, order: Any) -> dict[str, Any]:
        """A customer writes, taps or calls; `{"wamid", "customer"}`. Raises ControlRefused."""
        if not isinstance(order, dict):
            raise ControlRefused("The body must be a JSON object.")
        number = self.world.numbers.get(str(order.get("to") or ""))
        if number is None:
            raise ControlRefused("`to` must be the phone_number_id of a registered number.")
        kind = order.get("type") or "text"
        if not isinstance(kind, str) or kind not in KINDS:
            raise ControlRefused(f"type must be one of: {', '.join(sorted(KINDS))}.")
        customer = self.customer(phone)
        self.world.take_over_spelling(customer, phone)
        if order.get("name") and order["name"] != customer.name:
            self.world.change_customer(customer, name=str(order["name"]))
        at = self._time(order.get("at"))
        if kind == "call":
            return self._call(number, customer, order, int(at))
        if "media" in KINDS[self._echoed(order) if kind == "echo" else kind]:
            order = order | {"file": self._file(self._echoed(order) if kind == "echo" else kind, order)}
        context = self._context(number, customer, order)
        body, shown = content(self._echoed(order) if kind == "echo" else kind, order, context)
        message = Message(
            wamid=new_wamid(customer.phone),
            number_id=number.id,
            customer=customer.key,
            outbound=kind == "echo",
            type=body["type"],
            at=at,
            status="delivered",
            shown=shown,
            context=context.wamid if context else order.get("context"),
        )
        self.store.save_message(message)
        if kind not in NO_WINDOW:
            self._open_window(number, customer, at)
        if order.get("referral"):
            self._enter(number, customer, order["referral"], at)
        self.sending.count_inbound(number)
        self._tell(number, customer, message, body, order)
        return {"wamid": message.wamid, "customer": self.show_customer(customer)}

    def _echoed(self, order: dict[str, Any]) -> str:
        kind = str(order.get("kind") or "text")
        if kind not in ECHOES and "media" not in KINDS.get(kind, {}):
            raise ControlRefused(f"The business's phone app sends no {kind}.")
        return kind

    def customer(self, phone: str) -> Customer:
        """By phone with or without plus, or by user id. Raises ControlRefused."""
        by_user_id = self.world.customer_by_user_id(phone)
        if by_user_id is not None:
            return by_user_id
        try:
            return self.world.customer(phone)
        except ValueError as error:
            raise ControlRefused(str(error)) from None

    def screen(self, phone: str, number_id: str | None) -> dict[str, Any]:
        """What is on the customer's screen, oldest first, both directions."""
        customer = self.customer(phone)
        messages = [one for one in self.store.chat(number_id, customer.key) if one.on_screen()]
        return {"customer": self.show_customer(customer), "messages": _on_screen(messages)}

    def read(self, phone: str, order: Any) -> dict[str, Any]:
        """The customer opens the chat with one number, or with each."""
        number_id = order.get("to") if isinstance(order, dict) else None
        if number_id is not None and not isinstance(number_id, str):
            raise ControlRefused("`to` must be a phone_number_id.")
        customer = self.customer(phone)
        plays = isinstance(order, dict) and bool(order.get("plays"))
        return {"read": self.deliveries.read(self.store.chat(number_id, customer.key), plays=plays)}

    def patch(self, phone: str, order: Any) -> dict[str, Any]:
        """Change what the customer is; the platform's webhooks for it go out. Raises ControlRefused."""
        allowed = {*FLAGS, "user_id", "parent_user_id", "username", "number", "name", "marketing_a_day"}
        if not isinstance(order, dict) or set(order) - allowed:
            raise ControlRefused(f"A customer has: {', '.join(sorted(allowed))}.")
        if wrong := misfit(Customer, {name: value for name, value in order.items() if name != "number"}):
            raise ControlRefused(f"{wrong} is of another type.")
        if (order.get("marketing_a_day") or 0) < 0:
            raise ControlRefused("marketing_a_day is a whole number, or null for no cap.")
        customer = self.customer(phone)
        before, keys = customer.user_id, payloads.sender_keys(customer)
        self._check_user_id(customer, order.get("user_id", before))
        stopped, off = customer.marketing_stopped, customer.phone_off
        changes = {name: value for name, value in order.items() if name != "number"}
        if changes:
            self.world.change_customer(customer, **changes)
        if customer.user_id != before:
            self._tell_system(customer, keys, f"{customer.name or before} changed", "user_changed_user_id")
        if customer.marketing_stopped != stopped:
            for number in self._partners(customer):
                payload = payloads.preference(number, customer, int(self.clock.now()))
                self._send(number, customer, payload, "user_preferences")
        if off and not customer.phone_off:
            self.deliveries.phone_is_on(customer)
        if order.get("number"):
            self._change_number(customer, str(order["number"]))
        return self.show_customer(customer)

    def _change_number(self, customer: Customer, phone: str) -> None:
        """The system message of this has no contacts; the user id changes with the number."""
        try:
            digits = digits_of(phone)
        except ValueError as error:
            raise ControlRefused(str(error)) from None
        taken = self.world.by_phone.get(digits)
        if taken is not None and taken is not customer:
            raise ControlRefused(f"{digits} belongs to another customer.")
        old, keys = customer.phone, payloads.sender_keys(customer)
        self.world.change_customer(customer, phone=digits, user_id=f"DE.{secrets.randbelow(9 * 10**16) + 10**16}")
        words = f"{customer.name or old} changed from {old} to {digits}"
        self._tell_system(customer, keys, words, "user_changed_number", wa_id=digits)

    def _check_user_id(self, customer: Customer, user_id: Any) -> None:
        if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
            raise ControlRefused("A user id is a country's two letters, a dot, and up to 128 letters and digits.")
        if self.world.by_user_id.get(user_id, customer) is not customer:
            raise ControlRefused(f"{user_id} belongs to another customer.")

    def _tell_system(self, customer: Customer, keys: dict[str, str], words: str, kind: str, **more: str) -> None:
        """The customer's number or user id has changed; `keys` are those of before, and there are no contacts."""
        system = {"body": words, "type": kind, **more, "user_id": customer.user_id}
        for number in self._partners(customer):
            item = {"id": new_wamid(customer.phone), "timestamp": str(int(self.clock.now())), "type": "system"}
            payload = payloads.of_number(number, None, "messages", messages=[keys | item | {"system": system}])
            self._send(number, customer, payload, "system")

    def _partners(self, customer: Customer) -> list[Number]:
        """The numbers that this customer has a chat with."""
        keys = {message.number_id for message in self.store.chat(None, customer.key)} | set(customer.windows)
        return [self.world.numbers[key] for key in sorted(keys) if key in self.world.numbers]

    def _time(self, at: Any) -> float:
        if at is None:
            return self.clock.now()
        try:
            return parse_time(at)
        except (ValueError, TypeError):
            raise ControlRefused("`at` must be an ISO time.") from None

    def _context(self, number: Number, customer: Customer, order: dict[str, Any]) -> Message | None:
        """The message that is answered; for a tap without one, the newest on the screen that has buttons or rows."""
        wamid = order.get("context")
        if wamid is not None and not isinstance(wamid, str):
            raise ControlRefused("context must be a wamid.")
        if wamid:
            return self.store.message(wamid)
        if order.get("type") not in ("button", "list_reply", "nfm_reply"):
            return None
        wanted = "sections" if order["type"] == "list_reply" else "buttons"
        chat = self.store.chat(number.id, customer.key)
        return next((one for one in reversed(chat) if one.outbound and one.shown.get(wanted)), None)

    def _open_window(self, number: Number, customer: Customer, at: float) -> None:
        """By the platform's time of the message, never later than now, only ever forward."""
        moment = int(min(at, self.clock.now()))
        if moment > customer.windows.get(number.id, -1):
            customer.windows[number.id] = moment
            self.world.save_customer(customer)

    def _enter(self, number: Number, customer: Customer, referral: Any, at: float) -> None:
        """A click on an advertisement: an answer within a day makes the messages after it free."""
        if not isinstance(referral, dict):
            raise ControlRefused("referral must be an object.")
        customer.entry_points[number.id] = [at + DAY_SECONDS]
        self.world.save_customer(customer)

    def _tell(
        self, number: Number, customer: Customer, message: Message, body: dict[str, Any], order: dict[str, Any]
    ) -> None:
        item: dict[str, Any] = {"id": message.wamid, "timestamp": str(int(message.at))} | body
        if message.outbound:  # the business wrote from its phone app
            to = {"to_user_id": customer.user_id} | ({} if customer.phone_hidden else {"to": customer.phone})
            if customer.parent_user_id:
                to["to_parent_user_id"] = customer.parent_user_id
            item = {"from": number.phone} | to | item
            payload = payloads.of_number(number, customer, "smb_message_echoes", message_echoes=[item])
            return self._send(number, customer, payload, "echo")
        if message.context and message.type not in ("edit", "revoke", "reaction"):
            answered = self.store.message(message.context)
            is_own = answered is not None and not answered.outbound
            item = {"context": {"from": customer.phone if is_own else number.phone, "id": message.context}} | item
        if marks := {mark: True for mark in MARKS if order.get(mark)}:
            item = {"context": item.get("context", {}) | marks} | {key: item[key] for key in item if key != "context"}
        if order.get("group_id"):
            item = {"group_id": str(order["group_id"])} | item
        if order.get("referral"):
            item = {"referral": order["referral"]} | item
        item = payloads.sender_keys(customer) | item
        payload = payloads.of_number(number, customer, "messages", messages=[item])
        self._send(number, customer, payload, message.type)

    def _call(self, number: Number, customer: Customer, order: dict[str, Any], at: int) -> dict[str, Any]:
        """A call that has ended; `seconds` 0 or absent is one that nobody took."""
        seconds = order.get("seconds", 60)
        if not isinstance(seconds, int) or seconds < 0:
            raise ControlRefused("seconds must be a whole number.")
        call: dict[str, Any] = {
            "id": "wacid." + secrets.token_urlsafe(24),
            "to": number.phone,
            "event": "terminate",
            "direction": "USER_INITIATED",
            "timestamp": str(at),
            "status": "COMPLETED" if seconds else "FAILED",
        }
        call = payloads.sender_keys(customer) | call
        if order.get("rings"):  # the call's begin is told too
            begin = {name: value for name, value in call.items() if name != "status"}
            begin |= {"event": "connect", "timestamp": str(at - seconds)}
            begin["session"] = {"sdp": "v=0", "sdp_type": "offer"}
            self._send(number, customer, payloads.of_number(number, customer, "calls", calls=[begin]), "call")
        if seconds:
            call |= {"start_time": str(at - seconds), "end_time": str(at), "duration": seconds}
        self._open_window(number, customer, at)
        self._send(number, customer, payloads.of_number(number, customer, "calls", calls=[call]), "call")
        return {"wamid": call["id"], "customer": self.show_customer(customer)}

    def _file(self, kind: str, order: dict[str, Any]) -> dict[str, Any]:
        """The customer's file, kept so that it can be fetched by its media id."""
        mime_type, sample = KINDS[kind]["media"]
        try:
            data = base64.b64decode(order["content"], validate=True) if order.get("content") else sample
        except (binascii.Error, ValueError, TypeError):
            raise ControlRefused("content must be base64.") from None
        return self.media.keep(str(order["to"]), data, order.get("mime_type") or mime_type, inbound=True)

    def _send(self, number: Number, customer: Customer, payload: dict[str, Any], kind: str) -> None:
        facts = {"to": customer.phone, "type": kind, "path": "/webhook"}
        self.webhooks.send(number.id, str(customer.key), payload, facts)

    def show_customer(self, customer: Customer) -> dict[str, Any]:
        """A customer as the control calls show it."""
        return {
            "phone": f"+{customer.phone}",
            "user_id": customer.user_id,
            "name": customer.name,
            "username": customer.username,
            **{flag: getattr(customer, flag) for flag in FLAGS},
            "marketing_a_day": customer.marketing_a_day,
        }


def _on_screen(messages: list[Message]) -> list[dict[str, Any]]:
    """The bubbles: one that was edited shows its new text, one that was deleted none, one that was reacted to what."""
    bubbles: dict[str, dict[str, Any]] = {}
    for message in messages:
        shown = message.shown
        if "edits" in shown:
            bubbles.get(shown["edits"], {}).update(text=shown["text"], edited=True)
        elif "revokes" in shown:
            bubbles.get(shown["revokes"], {}).update(text="", deleted=True)
        else:
            bubbles[message.wamid] = show_message(message)
        if "reaction" in shown:
            by = "business" if message.outbound else "customer"
            reactions = bubbles.get(shown["reaction"]["to"], {}).setdefault("reactions", {})
            reactions[by] = shown["reaction"].get("emoji", "")
    return list(bubbles.values())


def show_message(message: Message) -> dict[str, Any]:
    """A message as it stands on the customer's screen."""
    return {
        "wamid": message.wamid,
        "from": "business" if message.outbound else "customer",
        "number": message.number_id,
        "type": message.type,
        "at": message.at,
        "status": message.status,
        "context": message.context,
        **message.shown,
    }
