"""`/_emulator/...`: the calls of tests, the phone simulator and people. No authentication: the server is local."""

from collections.abc import Callable
from typing import Any

from messaging.emulator import payloads
from messaging.emulator.clock import Clock, iso, parse_time
from messaging.emulator.customers import Customers
from messaging.emulator.deliveries import Deliveries
from messaging.emulator.fields import is_whole
from messaging.emulator.inbound import ControlRefused
from messaging.emulator.platform import verify
from messaging.emulator.records import Number, Template, as_row, misfit
from messaging.emulator.standing import TROUBLES
from messaging.emulator.store import Store
from messaging.emulator.template_api import TemplateApi
from messaging.emulator.webhooks import WebhookSender
from messaging.emulator.world import FIELDS_OF_NUMBER, FIELDS_OF_TEMPLATE, World, digits_of
from workspaces.embedded_faults import FaultRefused, Faults
from workspaces.embedded_server import Answer, Request, json_answer

PATCH_NUMBER = frozenset({"status", "quality", "limit", "throughput", "name", "name_status"}) | {
    "trouble",
    "allowed",
    "limit_checked",
    "code_verification_status",
    "scopes",
    "pin",
}
PATCH_TEMPLATE = frozenset({"status", "quality", "category", "reason", "rejection_info"})
KEPT = ("numbers", "templates")
OF_THE_EVENT: dict[str, tuple[type, ...]] = {"reason": (str,), "rejection_info": (str, dict)}


class Control:
    """The control calls. A refused one is answered 400 with `{"error": words}`."""

    def __init__(
        self,
        world: World,
        store: Store,
        clock: Clock,
        faults: Faults,
        webhooks: WebhookSender,
        customers: Customers,
        templates: TemplateApi,
        deliveries: Deliveries,
        reset: Callable[[frozenset[str]], None],
    ) -> None:
        self.world, self.store, self.clock, self.faults = world, store, clock, faults
        self.webhooks, self.customers, self.templates = webhooks, customers, templates
        self.deliveries, self.reset = deliveries, reset

    async def answer(self, request: Request) -> Answer:
        """Answer a control call."""
        try:
            order = request.json()
        except (ValueError, RecursionError):
            return json_answer({"error": "The body is not valid JSON."}, 400)
        if not is_whole(request.body, order):
            return json_answer({"error": "The body is not valid UTF-8."}, 400)
        parts = request.path.strip("/").split("/")[1:]
        try:
            found = await self._route(request.method, parts, request.query, order)
        except (ControlRefused, FaultRefused) as error:
            return json_answer({"error": str(error)}, 400)
        if found is None:
            return json_answer({"error": f"There is no {request.method} {request.path}."}, 404)
        return json_answer(found)

    async def _route(self, method: str, parts: list[str], query: dict[str, str], order: Any) -> Any:
        match (method, *parts):
            case ("POST", "customers", phone, "messages"):
                return self.customers.write(phone, order)
            case ("GET", "customers", phone, "messages"):
                return self.customers.screen(phone, query.get("to"))
            case ("POST", "customers", phone, "read"):
                return self.customers.read(phone, order)
            case ("PATCH", "customers", phone):
                return self.customers.patch(phone, order)
            case ("GET", "customers", phone):
                return self.customers.show_customer(self.customers.customer(phone))
            case ("GET", "customers"):
                return {"data": [self.customers.show_customer(one) for one in self.world.customers.values()]}
            case ("PUT", "numbers", key):
                return self._put_number(key, order)
            case ("PATCH", "numbers", key):
                return self._patch_number(key, order)
            case ("GET", "numbers"):
                return {"data": [as_row(number) for number in self.world.numbers.values()]}
            case ("DELETE", "numbers", key):
                number = self._number(key)
                number.deleted = True
                self.world.save_number(number)
                return {"success": True}
            case ("POST", "accounts", waba_id, "updates"):
                return self._update_account(waba_id, order)
            case ("POST", "numbers", key, "verify"):
                number = self._number(key)
                return {"verified": await verify(number.webhook or "", number.verify_token)}
            case ("PUT" | "POST", "templates"):
                return self._put_template(order)
            case ("PATCH", "templates", key):
                return self._patch_template(key, order)
            case ("GET", "templates"):
                return {"data": [as_row(template) for template in self.world.templates.values()]}
            case ("POST", "faults"):
                check_effect(order)
                return self.faults.add(order).as_json()
            case ("GET", "faults"):
                return {"data": [fault.as_json() for fault in self.faults.open]}
            case ("DELETE", "faults"):
                self.faults.clear()
                return {"success": True}
            case ("GET", "journal"):
                return self._journal(query)
            case ("POST", "clock"):
                return self._set_clock(order)
            case ("GET", "clock"):
                return self._show_clock()
            case ("POST", "reset"):
                keep = order.get("keep", []) if isinstance(order, dict) else []
                if not isinstance(keep, list) or not all(one in KEPT for one in keep):
                    raise ControlRefused(f"keep is a list of: {', '.join(KEPT)}.")
                self.reset(frozenset(keep))
                return {"success": True}
            case ("GET", "health"):
                waiting = {"webhooks_open": self.webhooks.open_count(), "statuses_open": self.deliveries.open_count()}
                return {"ok": True, **waiting}
        return None

    def _number(self, key: str) -> Number:
        number = self.world.numbers.get(key)
        if number is None:
            raise ControlRefused(f"There is no number {key}.")
        return number

    def _put_number(self, key: str, order: Any) -> dict[str, Any]:
        """Insert, or change the given fields of a known one; no webhook goes out."""
        fields = _fields(order, FIELDS_OF_NUMBER, Number)
        known = self.world.numbers.get(key)
        if known is None and not (fields.get("waba_id") and fields.get("phone")):
            raise ControlRefused("A new number needs waba_id and phone.")
        if "phone" in fields:
            try:
                fields["phone"] = digits_of(str(fields["phone"]))
            except ValueError as error:
                raise ControlRefused(str(error)) from None
        row = (as_row(known) if known else {"id": key}) | {"deleted": False} | fields
        self.world.save_number(Number(**row))
        return as_row(self.world.numbers[key])

    def _patch_number(self, key: str, order: Any) -> dict[str, Any]:
        """The platform changes a number; the reference knows no webhook for its status alone."""
        number, fields = self._number(key), _fields(order, PATCH_NUMBER, Number)
        before = as_row(number)
        for name, value in fields.items():
            setattr(number, name, value)
        self.world.save_number(number)
        now = int(self.clock.now())
        if number.quality != before["quality"]:
            self._tell(
                number, payloads.number_event(number, "FLAGGED" if number.quality == "RED" else "UNFLAGGED", now)
            )
        if number.throughput != before["throughput"]:
            rising = number.throughput > before["throughput"]
            event = "THROUGHPUT_UPGRADE" if rising else "THROUGHPUT_DOWNGRADE"
            self._tell(number, payloads.number_event(number, event, now))
        if (number.name, number.name_status) != (before["name"], before["name_status"]):
            self._tell(number, payloads.number_name(number, now))
        if number.limit != before["limit"]:
            # The limit is the portfolio's: its numbers share it.
            for other in self.world.numbers_of(number.waba_id):
                other.limit = number.limit
                self.world.save_number(other)
            self._tell(number, payloads.capability(number, now))
        return as_row(number)

    def _tell(self, number: Number, payload: dict[str, Any]) -> None:
        facts = {"type": payload["entry"][0]["changes"][0]["field"], "path": "/webhook"}
        self.webhooks.send(number.id, "account", payload, facts)

    def _update_account(self, waba_id: str, order: Any) -> dict[str, Any]:
        """Any `account_update`: its `event` with its details, as they are given."""
        if not isinstance(order, dict) or not isinstance(order.get("event"), str):
            raise ControlRefused("An account update has an event, and its details beside it.")
        numbers = self.world.numbers_of(waba_id)
        if not numbers:
            raise ControlRefused(f"There is no account {waba_id}.")
        self._tell(numbers[0], payloads.account(waba_id, order, int(self.clock.now())))
        return {"success": True}

    def _put_template(self, order: Any) -> dict[str, Any]:
        """Insert, or change the known one of this account, name and language; no webhook goes out."""
        order = dict(order) if isinstance(order, dict) else order
        key = order.pop("id", None) if isinstance(order, dict) else None
        fields = _fields(order, FIELDS_OF_TEMPLATE, Template)
        if not all(fields.get(name) for name in ("waba_id", "name", "language")):
            raise ControlRefused("A template needs waba_id, name and language.")
        known = self.world.by_name.get((fields["waba_id"], fields["name"], fields["language"]))
        if key is not None and not str(key).isdigit():
            raise ControlRefused("A template's id has digits only.")
        row = (as_row(known) if known else {"id": str(key or self.world.new_template_id())}) | fields
        self.world.save_template(Template(**row))
        return as_row(self.world.templates[row["id"]])

    def _patch_template(self, key: str, order: Any) -> dict[str, Any]:
        template = self.world.templates.get(key)
        if template is None:
            raise ControlRefused(f"There is no template {key}.")
        self.templates.patch(template, _fields(order, PATCH_TEMPLATE, Template))
        return as_row(template)

    def _journal(self, query: dict[str, str]) -> dict[str, Any]:
        """`since` is the id of the last entry known, or an ISO time."""
        since, limit = query.get("since") or "0", query.get("limit")
        try:
            start = int(since) if since.isdigit() else self.store.first_entry_at(parse_time(since.replace(" ", "+")))
            entries = self.store.journal(start, int(limit) if limit else None)
        except ValueError:
            raise ControlRefused("since must be an entry's id or an ISO time, limit a number.") from None
        for entry in entries:
            entry["at"] = iso(entry["at"])
        return {"entries": entries, "last": entries[-1]["id"] if entries else start}

    def _set_clock(self, order: Any) -> dict[str, Any]:
        if not isinstance(order, dict) or "now" not in order:
            raise ControlRefused("Give `now`, an ISO time or null.")
        try:
            self.clock.set(order["now"])
        except (ValueError, TypeError):
            raise ControlRefused("`now` must be an ISO time or null.") from None
        return self._show_clock()

    def _show_clock(self) -> dict[str, Any]:
        return {"now": iso(self.clock.now()), "fixed": self.clock.fixed is not None}


def check_effect(order: Any) -> None:
    """What a fault does must be doable, or it would fail when it is due. Raises ControlRefused."""
    effect = order.get("effect") if isinstance(order, dict) else None
    if not isinstance(effect, dict):
        return
    for name in ("error", "fail_status"):
        code = effect.get(name)
        if isinstance(code, dict) and not isinstance(code.get("status", 400), int):
            raise ControlRefused("status must be an HTTP status.")
        code = code.get("code") if isinstance(code, dict) else code
        if name in effect and (not isinstance(code, int) or isinstance(code, bool)):
            raise ControlRefused(f"{name} must be a code, or an object with a code.")
    status = effect.get("http")
    status = status.get("status", 500) if isinstance(status, dict) else status
    if "http" in effect and (not isinstance(status, int) or not 100 <= status <= 599):
        raise ControlRefused("http must be a status, or an object with status and body.")
    batch = effect.get("batch_webhook", 2)
    if not isinstance(batch, int) or isinstance(batch, bool) or not 2 <= batch <= 1000:
        raise ControlRefused("batch_webhook must be the number of updates in one body, from 2 to 1000.")
    delay = effect.get("delay_ms", 0)
    if not isinstance(delay, int | float) or isinstance(delay, bool) or delay < 0:
        raise ControlRefused("delay_ms must be a number of milliseconds.")


def _fields(order: Any, allowed: frozenset[str], record: type[Number | Template]) -> dict[str, Any]:
    """The order's fields, of the record's types. `rejection_info` belongs to the event alone."""
    if not isinstance(order, dict) or set(order) - allowed:
        raise ControlRefused(f"The body must be an object with: {', '.join(sorted(allowed))}.")
    if wrong := misfit(record, {name: value for name, value in order.items() if name not in OF_THE_EVENT}):
        raise ControlRefused(f"{wrong} is of another type.")
    if not all(isinstance(order.get(name, ""), kind) for name, kind in OF_THE_EVENT.items()):
        raise ControlRefused("reason is a text, rejection_info an object.")
    if order.get("trouble") and order["trouble"] not in TROUBLES:
        raise ControlRefused(f"trouble is one of: {', '.join(sorted(TROUBLES))}.")
    return order
