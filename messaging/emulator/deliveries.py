"""What becomes of an accepted message: sent, delivered, read or failed, and the status webhooks that tell of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from messaging.emulator import payloads
from messaging.emulator.clock import Clock
from messaging.emulator.records import Customer, Message
from messaging.emulator.refusals import Refusal
from messaging.emulator.store import Store
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import World


@dataclass(slots=True)
class Delays:
    """Milliseconds from the acceptance of a message; the first wait of a webhook's retry in seconds."""

    sent_ms: float = 50
    delivered_ms: float = 150
    retry_seconds: float = 1.0


class Deliveries:
    """Moves accepted messages on. A message's faults (`drop_status` and so on) change the webhooks, not the truth."""

    def __init__(self, world: World, store: Store, clock: Clock, webhooks: WebhookSender, delays: Delays) -> None:
        self.world, self.store, self.clock, self.webhooks, self.delays = world, store, clock, webhooks, delays
        self._timers: set[asyncio.TimerHandle] = set()

    def accept(self, message: Message, customer: Customer) -> None:
        """Take an accepted message on its way."""
        failure = _failure(message, customer)
        if failure is not None:
            message.error = failure.in_status()
            self.store.save_message(message)
            return self._after(self.delays.sent_ms, message, "failed")
        self._after(self.delays.sent_ms, message, "sent")
        self._after(self.delays.delivered_ms, message, "delivered")

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
                self._after(self.delays.sent_ms, message, "sent")
            self._after(self.delays.delivered_ms, message, "delivered")

    def phone_is_on(self, customer: Customer) -> None:
        """The customer's phone is back: what was waiting is delivered."""
        for message in self.store.in_flight():
            if message.customer == customer.key and message.status == "sent":
                self._after(0, message, "delivered")

    def read(self, messages: Iterable[Message]) -> list[str]:
        """The customer has opened the chat: ids of the messages that are read now."""
        new = [one for one in messages if one.outbound and one.status == "delivered" and one.type != "reaction"]
        for message in new:
            self._move(message, "read")
        return [message.wamid for message in new]

    def _after(self, milliseconds: float, message: Message, status: str) -> None:
        def due() -> None:
            self._timers.discard(timer)
            customer = self.world.customers.get(message.customer)
            if status == "delivered" and (customer is None or customer.phone_off):
                return
            self._move(message, status)

        timer = asyncio.get_running_loop().call_later(milliseconds / 1000, due)
        self._timers.add(timer)

    def _move(self, message: Message, status: str) -> None:
        customer, number = self.world.customers.get(message.customer), self.world.numbers.get(message.number_id)
        if customer is None or number is None or message.status == status:
            return
        message.status = status
        self.store.set_status(message.wamid, status)
        names = [status]
        if "reverse_status" in message.faults:
            # Told the wrong way round: nothing at "sent", then delivered before sent.
            names = {"sent": [], "delivered": ["delivered", "sent"]}.get(status, names)
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
        return len(self._timers)

    def stop(self) -> None:
        """Forget all timers; the messages' states are in the store."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def _failure(message: Message, customer: Customer) -> Refusal | None:
    """Why an accepted message will not arrive; these are told by a status, not by the call's answer."""
    wanted: Any = message.faults.get("fail_status")
    if wanted is not None:
        return Refusal(wanted["code"], wanted.get("details", "")) if isinstance(wanted, dict) else Refusal(int(wanted))
    if not customer.on_whatsapp or customer.blocked:
        # Deliberately vague on the platform: the business is not told which of the two.
        return Refusal(131026, "Message Undeliverable.")
    if customer.marketing_stopped and (message.pricing or {}).get("category") == "marketing":
        return Refusal(131050, "Unable to deliver the message. This recipient has stopped marketing messages.")
    return None
