"""What becomes of an accepted message: sent, delivered, read or failed, and the status webhooks that tell of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import phonenumbers

from messaging.emulator import payloads
from messaging.emulator.attachments import fetch_problem, local_link, upload_problem
from messaging.emulator.clock import Clock
from messaging.emulator.records import Customer, Message
from messaging.emulator.refusals import Refusal
from messaging.emulator.store import Store
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import World

DAY_SECONDS = 24 * 60 * 60
REACTION_SECONDS = 30 * DAY_SECONDS


@dataclass(slots=True)
class Delays:
    """Milliseconds from the acceptance of a message; the first wait of a webhook's retry in seconds.

    With `fetches_links` a file that is linked on this machine is fetched before the message goes on.
    """

    sent_ms: float = 50
    delivered_ms: float = 150
    retry_seconds: float = 1.0
    fetches_links: bool = False


class Deliveries:
    """Moves accepted messages on. A message's faults (`drop_status` and so on) change the webhooks, not the truth."""

    def __init__(self, world: World, store: Store, clock: Clock, webhooks: WebhookSender, delays: Delays) -> None:
        self.world, self.store, self.clock, self.webhooks, self.delays = world, store, clock, webhooks, delays
        self._timers: set[asyncio.TimerHandle] = set()
        self._fetches: set[asyncio.Task[None]] = set()

    def accept(self, message: Message, customer: Customer) -> None:
        """Take an accepted message on its way."""
        failure = self._failure(message, customer)
        if failure is None and self.delays.fetches_links and (file := local_link(message.shown)):
            return self._fetch(message, *file)
        self._go(message, failure)

    def _go(self, message: Message, failure: Refusal | None) -> None:
        if failure is not None:
            message.error = failure.in_status()
            self.store.save_message(message)
            return self._after(self.delays.sent_ms, message, "failed")
        self._after(self.delays.sent_ms, message, "sent")
        self._after(self.delays.delivered_ms, message, "delivered")

    def _fetch(self, message: Message, kind: str, link: str) -> None:
        async def fetch() -> None:
            problem = await asyncio.to_thread(fetch_problem, kind, link)
            if message.customer in self.world.customers:
                self._go(message, Refusal(131053, problem) if problem else None)

        task = asyncio.get_running_loop().create_task(fetch())
        self._fetches.add(task)
        task.add_done_callback(self._fetches.discard)

    def resume(self) -> None:
        """Go on with what was under way before the last stop."""
        for message in self.store.in_flight():
            customer = self.world.customers.get(message.customer)
            if customer is None:
                continue
            if message.error is not None:
                self._after(self.delays.sent_ms, message, "failed")
                continue
            if message.status == "accepted":
                self.accept(message, customer)
                continue
            self._after(self.delays.delivered_ms, message, "delivered")

    def phone_is_on(self, customer: Customer) -> None:
        """The customer's phone is back: what was waiting is delivered."""
        for message in self.store.in_flight():
            if message.customer == customer.key and message.status == "sent":
                self._after(0, message, "delivered")

    def read(self, messages: Iterable[Message], *, plays: bool = False) -> list[str]:
        """The customer has opened the chat (and played the voice messages): ids of the messages that are read now."""
        mine = [one for one in messages if one.outbound and one.type != "reaction"]
        new = [one for one in mine if one.status == "delivered"]
        for message in new:
            self._move(message, "read")
        for message in mine:
            if plays and message.status == "read" and message.type == "audio":
                self._move(message, "played")
        return [message.wamid for message in new]

    def _after(self, milliseconds: float, message: Message, status: str) -> None:
        def due() -> None:
            self._timers.discard(timer)
            customer = self.world.customers.get(message.customer)
            if status == "delivered" and (customer is None or customer.phone_off):
                return
            # Read as it arrives: `read` says that it was delivered, and is all that is told.
            is_read = status == "delivered" and customer is not None and customer.chat_open
            self._move(message, "read" if is_read and message.type != "reaction" else status)

        timer = asyncio.get_running_loop().call_later(milliseconds / 1000, due)
        self._timers.add(timer)

    def _move(self, message: Message, status: str) -> None:
        customer, number = self.world.customers.get(message.customer), self.world.numbers.get(message.number_id)
        if customer is None or number is None or message.status == status:
            return
        before, message.status = message.status, status
        self.store.set_status(message.wamid, status)
        names = _told(message, customer, status)
        if "reverse_status" in message.faults and names:
            # Told the wrong way round: nothing at "sent", which then comes after what was to follow it.
            names = [] if status == "sent" else [status, "sent"] if before == "sent" else names
        for name in names:
            if message.faults.get("drop_status") in (True, name):
                continue
            error = message.error if name == "failed" else None
            entry = payloads.status(message, customer, name, int(self.clock.now()), error)
            payload = payloads.of_number(number, customer, "messages", statuses=[entry])
            facts = {"to": customer.phone, "type": message.type, "path": "/webhook", "status": name}
            for _ in range(2 if message.faults.get("double_status") in (True, name) else 1):
                self.webhooks.send(number.id, str(customer.key), payload, facts)

    def open_count(self) -> int:
        """Statuses that are still to come by themselves."""
        return len(self._timers) + len(self._fetches)

    def stop(self) -> None:
        """Forget all timers and fetches; the messages' states are in the store."""
        for task in self._fetches:
            task.cancel()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _failure(self, message: Message, customer: Customer) -> Refusal | None:
        """Why an accepted message will not arrive; these are told by a status, not by the call's answer."""
        wanted: Any = message.faults.get("fail_status")
        if wanted is not None:
            return (
                Refusal(wanted["code"], wanted.get("details", "")) if isinstance(wanted, dict) else Refusal(int(wanted))
            )
        if not customer.on_whatsapp or customer.blocked:
            # Deliberately vague on the platform: the business is not told which of the two.
            return Refusal(131026, "Message Undeliverable.")
        if message.category == "MARKETING" and (refusal := self._marketing(message, customer)):
            return refusal
        if message.type == "reaction" and not self._can_react(message):
            return Refusal(131009, "The message to react to is not there, or is older than 30 days.")
        if problem := upload_problem(self.world, message.shown):
            return Refusal(131053, problem)
        return None

    def _marketing(self, message: Message, customer: Customer) -> Refusal | None:
        if customer.marketing_stopped:
            return Refusal(131050, "Unable to deliver the message. This recipient has stopped marketing messages.")
        if customer.in_experiment:
            return Refusal(130472, "Failed to send because this user's phone number is part of an experiment.")
        if _is_american(customer.phone) or self._is_over_cap(message, customer):
            return Refusal(131049)
        return None

    def _is_over_cap(self, message: Message, customer: Customer) -> bool:
        if customer.marketing_a_day is None:
            return False
        since = message.at - DAY_SECONDS
        counted = [
            one
            for one in self.store.chat(None, customer.key)
            if one.wamid != message.wamid
            and one.category == "MARKETING"
            and one.error is None
            and since < one.at <= message.at
        ]
        return len(counted) >= customer.marketing_a_day

    def _can_react(self, message: Message) -> bool:
        target = self.store.message(str(message.shown["reaction"]["to"]))
        return (
            target is not None
            and (target.number_id, target.customer) == (message.number_id, message.customer)
            and message.at - target.at <= REACTION_SECONDS
        )


def _told(message: Message, customer: Customer, status: str) -> list[str]:
    """The statuses that webhooks tell of this step: of a reaction only that it was sent (Meta, "Reaction messages")."""
    if message.type == "reaction" and status not in ("sent", "failed"):
        return []
    return [] if customer.receipts_off and status in ("read", "played") else [status]


def _is_american(phone: str) -> bool:
    """Marketing is not delivered to numbers of the United States (since April 2025)."""
    if not phone.startswith("1"):
        return False
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(f"+{phone}")) == "US"
    except phonenumbers.NumberParseException:
        return False
