"""WhatsApp's Cloud API over HTTP: send, list templates, check a number, mark as read.

Which failures are clear (the message surely did not go out) and which are not: the platform's error body, 429, 500
and 503 without one, and a connection never made are clear; cut off after writing, 502 and 504 are not.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Any

import structlog
from django.conf import settings

from messaging import errors
from messaging.media_errors import MediaUnavailable
from messaging.models import Sender
from messaging.providers import cloud_media
from messaging.providers import cloud_payloads as payloads
from messaging.providers.base import (
    Accepted,
    Effect,
    MediaFacts,
    Outbound,
    OutcomeUnknown,
    PartCheck,
    ProviderError,
    SenderState,
    TemplateData,
)
from messaging.providers.cloud_codes import error_of, meaning_of
from workspaces.http import HttpProblem, Response, named_http_problems, provider_client

log = structlog.get_logger(__name__)

_NUMBER_FIELDS = (
    "display_phone_number,verified_name,quality_rating,status,name_status,code_verification_status,throughput,"
    "whatsapp_business_manager_messaging_limit"
)
_NEEDED_SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
_CLEAR_WITHOUT_BODY = {429, 500, 503}
# `throughput.level`: the default, and what Meta raises a number to by itself.
_THROUGHPUT = {"STANDARD": 80, "HIGH": 1000}
_PAGES_AT_MOST = 200
_BAD_PARAMETER, _GONE = 100, 33


class CloudApi:
    """The provider for Meta's Cloud API, and for anything that speaks it at another address."""

    def send(self, sender: Sender, outbound: Outbound) -> Accepted:
        """Hand the message over. Raises ProviderError (surely not sent) or OutcomeUnknown."""
        answer = self._call(
            sender, "POST", f"{sender.provider_number_id}/messages", json=payloads.send_payload(outbound)
        )
        try:
            provider_id = str(answer["messages"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise OutcomeUnknown("The answer names no message.") from None
        # `wa_id` may be missing where a user id was given.
        contacts = answer.get("contacts")
        first = contacts[0] if isinstance(contacts, list) and contacts else {}
        return Accepted(provider_id=provider_id, recipient_wa_id=str(first.get("wa_id") or ""))

    def list_templates(self, sender: Sender) -> Iterator[TemplateData]:
        """Every template of the sender's business account, page by page."""
        params = {
            "limit": "100",
            "fields": "id,name,language,status,category,quality_score,parameter_format,rejected_reason,components",
        }
        for _page in range(_PAGES_AT_MOST):
            answer = self._call(sender, "GET", f"{sender.business_account_id}/message_templates", params=params)
            for item in answer.get("data") or []:
                yield payloads.read_template(item)
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            # Not `paging.next`: the token never goes to an address taken from an answer.
            if not after or "next" not in paging:
                return
            params = {**params, "after": str(after)}

    def mark_read(self, sender: Sender, provider_id: str, *, with_typing: bool = False) -> None:
        """Blue ticks for the customer, with the typing bubble if wanted (it stops on our answer or after 25 s)."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": provider_id}
        if with_typing:
            body["typing_indicator"] = {"type": "text"}
        self._call(sender, "POST", f"{sender.provider_number_id}/messages", json=body)

    def fetch_media(self, sender: Sender, media_id: str, into: IO[bytes], *, most_bytes: int) -> MediaFacts:
        """Write a customer's file into `into`. Refused as media_expired, media_too_large or media_unavailable."""
        if not cloud_media.is_media_id(media_id):
            raise ProviderError(MediaUnavailable(detail="no id"))
        try:
            facts = cloud_media.media_facts(self._call(sender, "GET", media_id))
        except ProviderError as refusal:
            raise cloud_media.gone(refusal) from None
        cloud_media.download(sender, facts, into, most_bytes=most_bytes)
        return facts

    def check_sender(self, sender: Sender) -> SenderState:
        """Call each part of the settings. A wrong part is a finding; only an unreachable platform raises."""
        token = self._checked(sender, "debug_token", params={"input_token": sender.token})
        number = self._checked(sender, sender.provider_number_id, params={"fields": _NUMBER_FIELDS})
        account = self._checked(sender, f"{sender.business_account_id}/phone_numbers", params={"limit": "100"})
        webhook = self._checked(sender, f"{sender.business_account_id}/subscribed_apps")
        checks = (
            PartCheck(part="token", error=_token_problem(sender, token)),
            PartCheck(part="number", error=number if isinstance(number, errors.MessagingError) else None),
            PartCheck(part="account", error=_account_problem(sender, account)),
            PartCheck(part="webhook", error=_webhook_problem(sender, webhook)),
        )
        if isinstance(number, errors.MessagingError):
            return SenderState(checks=checks, status=Sender.Status.FAILED, reason=number.code)
        return _state(number, checks)

    def _checked(
        self, sender: Sender, path: str, *, params: Mapping[str, str] | None = None
    ) -> dict[str, Any] | errors.MessagingError:
        try:
            return self._call(sender, "GET", path, params=params)
        except ProviderError as refusal:
            if refusal.effect is Effect.OUTAGE or isinstance(refusal.error, errors.RateLimited):
                raise
            assert isinstance(refusal.error, errors.MessagingError)
            return refusal.error

    def _call(
        self,
        sender: Sender,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        if not sender.base_url:
            raise ProviderError(errors.SenderOffline(sender=str(sender), reason="no_address"))
        url = f"{sender.base_url}/{settings.WHATSAPP_GRAPH_VERSION}/{path}"
        try:
            with named_http_problems(url):
                response = provider_client().request(
                    method, url, json=json, params=params, headers={"Authorization": f"Bearer {sender.token}"}
                )
        except HttpProblem as problem:
            if problem.sent:
                raise OutcomeUnknown(str(problem)) from None
            raise _outage(str(problem)) from None
        return _read(sender, response.status_code, _json(response), response.headers.get("Retry-After", ""))


def _json(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _read(sender: Sender, status: int, body: Any, retry_after: str) -> dict[str, Any]:
    """The body of a good answer. Raises ProviderError or OutcomeUnknown for any other."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        raise _refusal(sender, status, error, _seconds(retry_after))
    if status < 300 and isinstance(body, dict):
        return body
    if status == 429:
        raise ProviderError(
            errors.RateLimited(limit="platform"),
            is_retryable=True,
            retry_after=_seconds(retry_after),
            effect=Effect.SLOW_SENDER,
        )
    if status in _CLEAR_WITHOUT_BODY:
        raise _outage(f"HTTP {status}", retry_after=_seconds(retry_after))
    if status >= 500 or status < 300:
        raise OutcomeUnknown(f"HTTP {status}")
    raise ProviderError(
        errors.UnexpectedPlatformError(platform_code=f"HTTP {status}", detail=""),
        detail=f"HTTP {status}",
        effect=Effect.ALERT,
    )


def _outage(detail: str, *, retry_after: float | None = None) -> ProviderError:
    return ProviderError(
        errors.WhatsappUnavailable(detail=detail),
        is_retryable=True,
        retry_after=retry_after,
        detail=detail,
        effect=Effect.OUTAGE,
    )


def _refusal(sender: Sender, status: int, error: Mapping[str, Any], retry_after: float | None) -> ProviderError:
    """The platform's error body, decided by its code; a 5xx with a body we cannot read counts as an outage."""
    code = _code(error)
    meaning = meaning_of(code) if code is not None else None
    is_unexplained = meaning is None or meaning.error is errors.UnexpectedPlatformError
    if is_unexplained:
        log.error("platform_code_without_row", platform_code=code, fbtrace_id=error.get("fbtrace_id"))
    if code is None or meaning is None or (is_unexplained and status >= 500):
        return _outage(f"HTTP {status}, {code}", retry_after=retry_after)
    data = error.get("error_data")
    # Sometimes `error_data` is a plain string.
    detail = str(data.get("details") if isinstance(data, Mapping) else data or "") or str(error.get("message", ""))
    detail = _without(sender.token, detail)
    effect = meaning.effect
    if status >= 500 and meaning.error is errors.WhatsappUnavailable:
        effect = Effect.OUTAGE
    pause = meaning.pause.total_seconds() if meaning.pause else None
    return ProviderError(
        error_of(code, detail=detail, sender=str(sender)),
        platform_code=code,
        is_retryable=meaning.error.retryable,
        retry_after=retry_after if retry_after is not None else pause,
        detail=detail,
        effect=effect,
    )


def _code(error: Mapping[str, Any]) -> int | None:
    """The code that decides. For an id that is gone or not ours the platform says 100 with the subcode 33."""
    code = error.get("code")
    if code == _BAD_PARAMETER and error.get("error_subcode") == _GONE:
        return _GONE
    return code if isinstance(code, int) else None


def _without(token: str, text: str) -> str:
    """Error texts go into rows and logs; the token must not, even where the platform repeats it."""
    return text.replace(token, "***") if token else text


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds; its other form, a date, is not used by this platform."""
    try:
        return max(float(retry_after), 0.0)
    except ValueError:
        return None


def _token_problem(sender: Sender, answer: dict[str, Any] | errors.MessagingError) -> errors.MessagingError | None:
    if isinstance(answer, errors.MessagingError):
        return answer
    data = answer.get("data") or {}
    if not data.get("is_valid"):
        return errors.CredentialsInvalid(sender=str(sender), detail="is_valid: false")
    missing = [scope for scope in _NEEDED_SCOPES if "scopes" in data and scope not in data["scopes"]]
    if missing:
        return errors.CredentialsInvalid(sender=str(sender), detail=", ".join(missing))
    return None


def _account_problem(sender: Sender, answer: dict[str, Any] | errors.MessagingError) -> errors.MessagingError | None:
    if isinstance(answer, errors.MessagingError):
        return answer
    numbers = answer.get("data") or []
    if numbers and sender.provider_number_id not in {str(number.get("id")) for number in numbers}:
        return errors.NumberNotInAccount(account=sender.business_account_id)
    return None


def _webhook_problem(sender: Sender, answer: dict[str, Any] | errors.MessagingError) -> errors.MessagingError | None:
    if isinstance(answer, errors.MessagingError):
        return answer
    return None if answer.get("data") else errors.WebhookNotSubscribed(account=sender.business_account_id)


def _state(number: Mapping[str, Any], checks: tuple[PartCheck, ...]) -> SenderState:
    throughput = number.get("throughput") or {}
    level = str(throughput.get("level", "")).upper()
    raw_status = str(number.get("status", ""))
    status = payloads.number_status(raw_status)
    return SenderState(
        checks=checks,
        status=status,
        reason="" if status == Sender.Status.ONLINE else raw_status,
        # As the platform writes it: test numbers are no valid numbers for phone libraries (traps.md P12).
        phone=str(number.get("display_phone_number") or ""),
        display_name=str(number.get("verified_name") or ""),
        quality=payloads.quality(number.get("quality_rating")),
        throughput=_THROUGHPUT.get(level),
        messaging_limit=_limit(number.get("whatsapp_business_manager_messaging_limit")),
        raw=number,
    )


def _limit(raw: object) -> int | None:
    """Tiers are read by their number (TIER_250, TIER_1K, TIER_100K); unlimited and unknown ones are None."""
    digits = str(raw or "").upper().removeprefix("TIER_")
    factor = 1000 if digits.endswith("K") else 1
    digits = digits.removesuffix("K")
    return int(digits) * factor if digits.isascii() and digits.isdigit() else None
