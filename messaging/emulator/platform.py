"""The platform's side: `/v{N}.0/...`, bearer token checked, each call answered as Meta answers it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from messaging.emulator.clock import Clock
from messaging.emulator.fields import fielded, is_whole
from messaging.emulator.limits import Tally
from messaging.emulator.media import DOWNLOAD_PATH, Media
from messaging.emulator.payloads import TIERS
from messaging.emulator.records import MANAGEMENT, MESSAGING, SCOPES, Number
from messaging.emulator.refusals import Refusal, invalid, unknown_object
from messaging.emulator.registration import Registration
from messaging.emulator.sending import Sending, number_of_token
from messaging.emulator.standing import check_scope
from messaging.emulator.template_api import TemplateApi
from messaging.emulator.webhooks import Connections
from messaging.emulator.world import World, display_phone
from workspaces.embedded_server import Request

VERSIONED = re.compile(r"^/v\d+\.\d+/(?P<rest>.+?)/?$")
HOUR_SECONDS, MANAGEMENT_CALLS = 60 * 60, 5000  # an account with a number; Graph's own count
FIELDS = ("id", "verified_name", "code_verification_status", "display_phone_number", "quality_rating", "status")


class Platform:
    """Routes and answers the platform's calls. Raises Refusal for whatever the platform refuses."""

    def __init__(self, world: World, clock: Clock, sending: Sending, templates: TemplateApi, media: Media) -> None:
        self.world, self.clock, self.sending, self.templates, self.media = world, clock, sending, templates, media
        self.registration = Registration(world, clock)
        self.managed = Tally()

    async def answer(self, request: Request, faults: dict[str, Any]) -> Any:
        """The body of the answer (status 200), or an Answer where it is no JSON."""
        if request.path == DOWNLOAD_PATH and request.method == "GET":
            return self.media.download(request, self.world.tokens[self._token(request)])
        match = VERSIONED.match(request.path)
        if match is None:
            raise Refusal(100, f"Unknown path components: {request.path}", status=404)
        token = self._token(request)
        parts = match["rest"].split("/")
        if parts == ["debug_token"] and request.method == "GET":
            return self._debug_token(request.query.get("input_token", ""))
        mine = self.world.tokens[token]
        if len(parts) == 1:
            return self._object(parts[0], request, mine)
        if len(parts) != 2:
            raise unknown_object(match["rest"], request.method)
        if request.method == "POST" and parts[1] in ("messages", "media", "register", "deregister"):
            number = number_of_token(self.world, parts[0], mine, request.method)
            return self._of_number(number, parts[1], request, faults)
        route: Callable[[str, Request, set[str]], Any] = {
            "phone_numbers": self._phone_numbers,
            "message_templates": self._message_templates,
            "subscribed_apps": self._subscribed_apps,
        }.get(parts[1], self._unknown)
        answer = route(parts[0], request, mine)
        return await answer if isinstance(answer, Awaitable) else answer

    def _of_number(self, number: Number, edge: str, request: Request, faults: dict[str, Any]) -> Any:
        if edge in ("messages", "media"):
            check_scope([number], MESSAGING)
            if edge == "media":
                return self.media.upload(number.id, request)
            return self.sending.post(number, parameters(request), faults)
        check_scope([number], MANAGEMENT)
        if edge == "register":
            return self.registration.register(number, parameters(request))
        return self.registration.deregister(number)

    def _manage(self, waba_id: str, mine: set[str]) -> None:
        """A call of management: the permission for it, and the account's limit an hour. Raises Refusal."""
        check_scope([self.world.numbers[key] for key in mine], MANAGEMENT)
        if not self.managed.take(waba_id, now=self.clock.now(), seconds=HOUR_SECONDS, most=MANAGEMENT_CALLS):
            raise Refusal(80007, f"More than {MANAGEMENT_CALLS} calls to this business account within an hour.")

    def clear(self) -> None:
        """Forget what was counted."""
        self.managed.clear()

    def _token(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise Refusal(0, "We were unable to authenticate the app user.")
        token = token.strip() or request.query.get("access_token", "")
        if not token:
            raise Refusal(190, "An access token is required to request this resource.")
        if token not in self.world.tokens:
            raise Refusal(190, "Error validating access token: the token is unknown or has expired.", subcode=463)
        return token

    def _unknown(self, key: str, request: Request, mine: set[str]) -> Any:
        raise unknown_object(key, request.method)

    def _object(self, key: str, request: Request, mine: set[str]) -> Any:
        """A number, a template, a business account or a file by its id."""
        number, template = self.world.numbers.get(key), self.world.templates.get(key)
        if number is not None and number.deleted and key in mine:
            raise unknown_object(key, request.method)
        if number is not None and key in mine and request.method == "GET":
            self._manage(number.waba_id, mine)
            return show_number(number, request.query.get("fields"))
        if template is not None and template.waba_id in self._wabas(mine):
            self._manage(template.waba_id, mine)
            return self.templates.one(template, request, parameters(request))
        if key in self._wabas(mine) and request.method == "GET":
            self._manage(key, mine)
            return self._account(key, request.query.get("fields"))
        return self.media.object(key, request, mine)

    def _account(self, key: str, fields: str | None) -> dict[str, Any]:
        numbers = self.world.numbers_of(key)
        everything = {
            "id": key,
            "name": numbers[0].name if numbers else "",
            "currency": "EUR",
            "timezone_id": "57",
            "message_template_namespace": f"{int(key):032x}" if key.isdigit() else key,
            "account_review_status": "APPROVED",
            "business_verification_status": "verified",
            "country": "AT",
        }
        return fielded(everything, fields, ("id", "name", "currency", "timezone_id"), "WhatsAppBusinessAccount")

    def _wabas(self, mine: set[str]) -> set[str]:
        return {self.world.numbers[key].waba_id for key in mine}

    def _checked_waba(self, key: str, request: Request, mine: set[str]) -> str:
        if key not in self._wabas(mine):
            raise unknown_object(key, request.method)
        self._manage(key, mine)
        return key

    def _phone_numbers(self, key: str, request: Request, mine: set[str]) -> Any:
        if request.method != "GET":
            raise unknown_object(key, request.method)
        waba_id = self._checked_waba(key, request, mine)
        numbers = [show_number(number, request.query.get("fields")) for number in self.world.numbers_of(waba_id)]
        return page(numbers, request)

    def _message_templates(self, key: str, request: Request, mine: set[str]) -> Any:
        waba_id = self._checked_waba(key, request, mine)
        if request.method == "GET":
            return page(self.templates.listed(waba_id, request.query), request)
        if request.method == "POST":
            return self.templates.create(waba_id, parameters(request))
        if request.method == "DELETE":
            return self.templates.delete(waba_id, request.query)
        raise unknown_object(key, request.method)

    async def _subscribed_apps(self, key: str, request: Request, mine: set[str]) -> Any:
        waba_id = self._checked_waba(key, request, mine)
        numbers = self.world.numbers_of(waba_id)
        if request.method == "POST":
            given = parameters(request) or {}
            url = given.get("override_callback_uri")
            if url and not await verify(str(url), str(given.get("verify_token") or "")):
                raise Refusal(100, "Callback verification failed: the address did not answer with the challenge.")
            for number in numbers:
                number.subscribed = True
                if url:
                    number.webhook, number.verify_token = str(url), str(given.get("verify_token") or "")
                self.world.save_number(number)
            return {"success": True}
        if request.method == "DELETE":
            for number in numbers:
                number.subscribed = False
                self.world.save_number(number)
            return {"success": True}
        if request.method != "GET":
            raise unknown_object(key, request.method)
        app = {"id": "670843887433847", "name": "Botenwerk Emulator", "link": "http://127.0.0.1/"}
        data: dict[str, Any] = {"whatsapp_business_api_data": app}
        if not numbers:
            return {"data": []}
        if numbers[0].webhook:
            data["override_callback_uri"] = numbers[0].webhook
        return {"data": [data] if numbers[0].subscribed else []}

    def _debug_token(self, token: str) -> dict[str, Any]:
        """What a token is good for; an unknown one is told as not valid, not refused."""
        if not token:
            raise invalid("The parameter input_token is required.")
        mine = self.world.tokens.get(token)
        if mine is None:
            error = {"code": 190, "message": "Invalid OAuth access token.", "subcode": 463}
            return {"data": {"is_valid": False, "scopes": [], "error": error}}
        targets = sorted(self._wabas(mine))
        scopes = [one for one in SCOPES if any(one in self.world.numbers[key].scopes for key in mine)]
        return {
            "data": {
                "app_id": "670843887433847",
                "type": "SYSTEM_USER",
                "application": "Botenwerk Emulator",
                "data_access_expires_at": 0,
                "expires_at": 0,
                "is_valid": True,
                "issued_at": 1_760_000_000,
                "scopes": scopes,
                "granular_scopes": [{"scope": scope, "target_ids": targets} for scope in scopes],
                "user_id": "122100000000000001",
            }
        }


async def verify(url: str, token: str) -> bool:
    """The platform's handshake with a webhook address: the challenge must come back as plain text."""
    query = urlencode({"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token})
    connections = Connections()
    try:
        status, body = await connections.call("GET", f"{url}{'&' if '?' in url else '?'}{query}", {})
    except (OSError, TimeoutError, ValueError, IndexError):
        return False
    finally:
        connections.close()
    return status == 200 and body.decode("utf-8", "replace").strip() == "1158201444"


def parameters(request: Request) -> Any:
    """JSON, a form, or the query: the platform takes all three. Raises Refusal."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"))) | request.query
    try:
        data = request.json() if request.body.strip() else dict(request.query)
    except (ValueError, RecursionError):
        raise invalid("The body is not valid JSON.") from None
    if not is_whole(request.body, data):
        raise invalid("The body is not valid UTF-8.")
    return data


def show_number(number: Number, fields: str | None) -> dict[str, Any]:
    """A number's fields, those asked for or the usual ones."""
    tier = TIERS.get(number.limit, f"TIER_{number.limit}")
    everything: dict[str, Any] = {
        "verified_name": number.name,
        "code_verification_status": number.code_verification_status,
        "display_phone_number": display_phone(number.phone),
        "quality_rating": number.quality,
        "status": number.status,
        "name_status": number.name_status,
        "platform_type": "CLOUD_API",
        "throughput": {"level": "HIGH" if number.throughput >= 1000 else "STANDARD"},
        "account_mode": "LIVE",
        "whatsapp_business_manager_messaging_limit": tier,
        "messaging_limit_tier": tier,
        "is_official_business_account": False,
        "is_pin_enabled": bool(number.pin),
        "quality_score": {"score": number.quality},
        "last_onboarded_time": "2026-01-01T00:00:00+0000",
        "health_status": {"can_send_message": "AVAILABLE" if number.status == "CONNECTED" else "BLOCKED"},
        "id": number.id,
    }
    return fielded(everything, fields, FIELDS, "WhatsAppBusinessPhoneNumber")


def page(items: list[dict[str, Any]], request: Request) -> dict[str, Any]:
    """One page of a list with the platform's cursors; `limit` is 25 where none is given."""
    try:
        limit = max(1, min(int(request.query.get("limit") or 25), 1000))
        start = int(request.query.get("after") or 0) if "before" not in request.query else 0
        if "before" in request.query:
            start = max(int(request.query["before"]) - limit, 0)
    except ValueError:
        raise invalid("limit, after or before is not valid") from None
    shown = items[start : start + limit]
    if not shown:
        return {"data": []}
    end = start + len(shown)
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
    base = f"http://{request.headers.get('host', '127.0.0.1')}{request.path}"
    rest = {name: value for name, value in request.query.items() if name not in ("after", "before", "access_token")}
    if end < len(items):
        paging["next"] = f"{base}?{urlencode(rest | {'after': str(end)})}"
    if start > 0:
        paging["previous"] = f"{base}?{urlencode(rest | {'before': str(start)})}"
    return {"data": shown, "paging": paging}
