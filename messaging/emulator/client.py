"""The control calls as Python methods, for tests, the demo and the phone simulator."""

import http.client
import json
import threading
from typing import Any
from urllib.parse import quote, urlencode, urlsplit


class EmulatorRefused(Exception):
    """A control call was refused; `status` and the emulator's words."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        super().__init__(f"{status}: {words}")


class EmulatorClient:
    """Talks to one emulator; safe to share between threads. Raises EmulatorRefused or OSError."""

    def __init__(self, url: str, *, timeout_seconds: float = 30.0) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._timeout, self._local = timeout_seconds, threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One control call below `/_emulator/`; the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        for last in (False, True):
            kept = getattr(self._local, "connection", None)
            connection = kept or self._connect()
            self._local.connection = None
            try:
                connection.request(method, f"/_emulator/{path}", data, {"content-type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
            except (ConnectionError, http.client.HTTPException):
                # A kept connection that the emulator's restart has closed: once more with a new one.
                connection.close()
                if kept is None or last:
                    raise
                continue
            except BaseException:
                connection.close()
                raise
            self._local.connection = connection
            break
        found = json.loads(text) if text else None
        if answer.status >= 400:
            raise EmulatorRefused(answer.status, (found or {}).get("error", "") if isinstance(found, dict) else "")
        return found

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self._place, timeout=self._timeout)
        self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Close the kept connections of all threads; a later call opens new ones."""
        while self._opened:
            self._opened.pop().close()

    # --- what there is -----------------------------------------------------------------------------
    def register_number(self, phone_number_id: str, **fields: Any) -> dict[str, Any]:
        """Insert or change a number: waba_id, phone, name, app_secret, token, webhook, verify_token, status, quality,
        limit, throughput. No webhook goes out.
        """
        return self.call("PUT", f"numbers/{phone_number_id}", fields)

    def add_template(self, **fields: Any) -> dict[str, Any]:
        """Insert or change a template: waba_id, name, language, category, status, parameter_format, components, id.

        The answer's `id` is the template's.
        """
        return self.call("PUT", "templates", fields)

    # --- customers ---------------------------------------------------------------------------------
    def customer_writes(
        self, phone: str, to: str, text: str, name: str | None = None, at: str | None = None, **more: Any
    ) -> str:
        """A customer writes to a phone_number_id; the wamid. `more`: type, context, referral, forwarded, group_id, and
        the type's own.
        """
        return self.customer_sends(phone, to, text=text, name=name, at=at, **more)

    def customer_taps(
        self, phone: str, to: str, text: str | None = None, *, context: str | None = None, **more: Any
    ) -> str:
        """A customer taps a button by its text (or `index`, `payload`), of `context` or the newest with buttons."""
        return self.customer_sends(phone, to, type="button", text=text, context=context, **more)

    def customer_chooses(
        self, phone: str, to: str, title: str | None = None, *, context: str | None = None, **more: Any
    ) -> str:
        """A customer chooses a list's row by its title (or `id`)."""
        return self.customer_sends(phone, to, type="list_reply", text=title, context=context, **more)

    def customer_sends(self, phone: str, to: str, **order: Any) -> str:
        """Any kind of message: `type` and its fields; the wamid."""
        body = {"to": to} | {name: value for name, value in order.items() if value is not None}
        return self.call("POST", f"customers/{quote(phone)}/messages", body)["wamid"]

    def customer_screen(self, phone: str, to: str | None = None) -> list[dict[str, Any]]:
        """What is on the customer's screen, oldest first, with ticks."""
        query = f"?{urlencode({'to': to})}" if to else ""
        return self.call("GET", f"customers/{quote(phone)}/messages{query}")["messages"]

    def customer_reads(self, phone: str, to: str | None = None, *, plays: bool = False) -> list[str]:
        """The customer opens the chat (and plays the voice messages); ids of the messages read now."""
        return self.call("POST", f"customers/{quote(phone)}/read", {"to": to, "plays": plays})["read"]

    def patch_customer(self, phone: str, **changes: Any) -> dict[str, Any]:
        """What the customer is: on_whatsapp, blocked, marketing_stopped, phone_off, user_id, username, phone_hidden,
        name, number; parent_user_id, chat_open, receipts_off, in_experiment, marketing_a_day.
        """
        return self.call("PATCH", f"customers/{quote(phone)}", changes)

    # --- the platform ------------------------------------------------------------------------------
    def patch_number(self, phone_number_id: str, **changes: Any) -> dict[str, Any]:
        """What the platform changes: status, quality, limit, throughput, name, name_status; the matching webhook goes
        out. And what it refuses for: trouble (a key of `standing.TROUBLES`), allowed, limit_checked, scopes.
        """
        return self.call("PATCH", f"numbers/{phone_number_id}", changes)

    def delete_number(self, phone_number_id: str) -> None:
        """The number is gone from the platform: each call for it is refused (33)."""
        self.call("DELETE", f"numbers/{phone_number_id}")

    def update_account(self, waba_id: str, event: str, **details: Any) -> None:
        """Something has happened to the business account: an `account_update` with this event goes out."""
        self.call("POST", f"accounts/{waba_id}/updates", {"event": event} | details)

    def patch_template(self, template_id: str, **changes: Any) -> dict[str, Any]:
        """status, quality, category (reason, rejection_info); the matching webhook goes out."""
        return self.call("PATCH", f"templates/{template_id}", changes)

    def fault(self, match: dict[str, str] | None, effect: dict[str, Any], times: int | None = 1) -> dict[str, Any]:
        """Order a fault; `times` None is until `reset` or `clear_faults`.

        Effects: error, http, delay_ms, accept_then_hang, accept_then_close; drop_status, double_status, reverse_status,
        fail_status; double_webhook, batch_webhook, bad_signature.
        """
        return self.call("POST", "faults", {"match": match or {}, "effect": effect, "times": times})

    def clear_faults(self) -> None:
        """Forget all faults."""
        self.call("DELETE", "faults")

    def set_clock(self, now: Any) -> dict[str, Any]:
        """An ISO time, a datetime, or None for the machine's time."""
        return self.call("POST", "clock", {"now": now.isoformat() if hasattr(now, "isoformat") else now})

    def reset(self, *, keep: tuple[str, ...] = ()) -> None:
        """Forget all, or all but `keep` ("numbers", "templates")."""
        self.call("POST", "reset", {"keep": list(keep)})

    def is_busy(self) -> bool:
        """True while a status is still to come by itself, or a webhook is not taken yet."""
        health = self.call("GET", "health")
        return bool(health["webhooks_open"] or health["statuses_open"])

    # --- what was ----------------------------------------------------------------------------------
    def journal(self, since: int | str = 0) -> list[dict[str, Any]]:
        """Calls received (`kind` "call") and webhooks sent ("webhook") after entry `since`, in order."""
        return self.call("GET", f"journal?{urlencode({'since': since})}")["entries"]

    def sends(self, since: int | str = 0) -> list[dict[str, Any]]:
        """Accepted messages only: `{wamid, number, to, type, body, at, entry}`, in order."""
        found = []
        for entry in self.journal(since):
            answer = entry.get("answer")
            if entry["kind"] != "call" or not (isinstance(answer, dict) and answer.get("messages")):
                continue
            body = entry["body"]
            found.append(
                {
                    "wamid": answer["messages"][0]["id"],
                    "number": entry["path"].rstrip("/").split("/")[-2],
                    "to": str(body.get("to") or body.get("recipient")).lstrip("+"),
                    "type": body.get("type", "text"),
                    "body": body,
                    "at": entry["at"],
                    "entry": entry["id"],
                }
            )
        return found

    def webhooks(self, since: int | str = 0) -> list[dict[str, Any]]:
        """Webhook attempts only: url, body, signature, attempt, status, answer."""
        return [entry for entry in self.journal(since) if entry["kind"] == "webhook"]
