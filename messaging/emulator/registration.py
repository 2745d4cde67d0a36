"""`POST /{phone_number_id}/register` and `/deregister`: how a number becomes CONNECTED again (Meta, "Registration")."""

import re
from typing import Any

from messaging.emulator.clock import Clock
from messaging.emulator.records import Number
from messaging.emulator.refusals import Refusal, invalid
from messaging.emulator.world import World

TRIES, TRIES_SECONDS = 10, 72 * 60 * 60
PIN = re.compile(r"[0-9]{6}", re.ASCII)


class Registration:
    """Registers a number with its two-step PIN; the first PIN given is set. Raises Refusal."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world, self.clock = world, clock

    def register(self, number: Number, given: Any) -> dict[str, Any]:
        """CONNECTED afterwards. Wrong PIN 131031, more than ten tries in 72 hours 133016."""
        if not isinstance(given, dict) or given.get("messaging_product") != "whatsapp":
            raise invalid("The parameter messaging_product is required.")
        pin = str(given.get("pin") or "")
        if not PIN.fullmatch(pin):
            raise invalid("Param pin must have six digits.")
        self._count(number)
        if number.status == "BANNED":
            raise Refusal(131031, "The account of this number is banned.")
        if number.pin and number.pin != pin:
            raise Refusal(131031, "The PIN does not match the one of the two-step verification.")
        number.pin, number.status = pin, "CONNECTED"
        self.world.save_number(number)
        return {"success": True}

    def deregister(self, number: Number) -> dict[str, Any]:
        """DISCONNECTED afterwards: it may be registered elsewhere."""
        self._count(number)
        number.status = "DISCONNECTED"
        self.world.save_number(number)
        return {"success": True}

    def _count(self, number: Number) -> None:
        now = self.clock.now()
        number.registered_at = [at for at in number.registered_at if now - TRIES_SECONDS < at <= now]
        if len(number.registered_at) >= TRIES:
            raise Refusal(133016, f"More than {TRIES} tries to register or deregister within 72 hours.")
        number.registered_at.append(now)
        self.world.save_number(number)
