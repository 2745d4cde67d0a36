"""HTTP out: the one place that imports httpx. Pooled clients, the guard against private addresses, and a bounded fetch.

Providers take `provider_client`; whatever a tenant chooses the address of takes a guarded client or `fetch`.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import ClassVar
from urllib.parse import urljoin

import httpcore
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from httpx import (
    URL,
    Client,
    ConnectError,
    ConnectTimeout,
    HTTPError,
    HTTPTransport,
    InvalidURL,
    Limits,
    LocalProtocolError,
    PoolTimeout,
    Request,
    Response,
    Timeout,
    TimeoutException,
    UnsupportedProtocol,
    create_ssl_context,
)

from workspaces.address_guard import AddressRefused, GuardedBackend, time_limit
from workspaces.http_body import BrokenPacking, Unpacker, decode_text

__all__ = [
    "AddressForbidden",
    "AnswerLost",
    "AnswerTooLarge",
    "Client",
    "ConnectFailed",
    "FetchedResponse",
    "HTTPError",
    "HttpProblem",
    "Request",
    "Response",
    "TimedOut",
    "Timeout",
    "TimeoutException",
    "TooManyRedirects",
    "decode_text",
    "fetch",
    "guarded_client",
    "named_http_problems",
    "openai_http_client",
    "provider_client",
    "time_limit",
]

# httpx writes every address it calls into the log; addresses of HTTP steps may hold a tenant's secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

USER_AGENT = "Botenwerk/1"
_TIMEOUT = Timeout(10, connect=5, pool=5)
_LIMITS = Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30)
_REDIRECTS = {301, 302, 303, 307, 308}
# Across hosts only what carries no secret; a key may stand in a header of any name.
_HEADERS_FOR_STRANGERS = {"accept", "accept-language", "content-type", "user-agent"}


class HttpProblem(Exception):
    """A request without a usable answer. `sent` says whether it may have reached the other side."""

    reason: ClassVar[str] = "http_problem"
    sentence: ClassVar[str | Promise] = _("The request got no usable answer.")

    def __init__(self, host: str, *, sent: bool) -> None:
        self.host = host
        self.sent = sent
        super().__init__(f"{self.reason}: {host}")

    def explain(self) -> str:
        """What happened as one sentence in the active language."""
        return str(self.sentence) % {"host": self.host}


class AddressForbidden(HttpProblem):
    """The host is, or resolves to, an address that is not public; or a provider's client was sent elsewhere."""

    reason = "address_forbidden"
    sentence = _("%(host)s is not a public address; addresses of the own network may not be called.")


class ConnectFailed(HttpProblem):
    """No connection, no valid certificate, or a request that cannot be written: surely not sent."""

    reason = "connect_failed"
    sentence = _("No connection to %(host)s could be made.")


class TimedOut(HttpProblem):
    """Too slow; `sent` is false where the time went by before the request was written."""

    reason = "timed_out"
    sentence = _("%(host)s did not answer in time.")


class AnswerLost(HttpProblem):
    """The request was written and no whole answer came back: nobody knows whether it was carried out."""

    reason = "answer_lost"
    sentence = _("%(host)s took the request but its answer was lost.")


class AnswerTooLarge(HttpProblem):
    """The answer, unpacked, is larger than allowed. The rest was not read."""

    reason = "answer_too_large"
    sentence = _("The answer of %(host)s is too large.")


class TooManyRedirects(HttpProblem):
    """More redirects than allowed."""

    reason = "too_many_redirects"
    sentence = _("%(host)s redirects too often.")


@dataclass(frozen=True)
class FetchedResponse:
    """A whole answer: header names in lower case, content unpacked, text decoded, `url` the last one asked."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    text: str
    url: str


class _OwnTransport(HTTPTransport):
    """httpx's transport on a pool with our backend, where the addresses are judged and the time limit holds."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        super().__init__(verify=_ssl_context(), trust_env=False, limits=_LIMITS)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=backend,
        )

    def handle_request(self, request: Request) -> Response:
        try:
            return super().handle_request(request)
        except AddressRefused as refused:
            raise AddressForbidden(refused.host, sent=False) from None


class _ProviderTransport(_OwnTransport):
    """Goes to the platforms' addresses in the settings (calls, and files) and nowhere else."""

    def handle_request(self, request: Request) -> Response:
        files = (address for addresses in settings.PROVIDER_MEDIA_ADDRESSES.values() for address in addresses)
        if _origin(request.url) not in {_origin(URL(one)) for one in (*settings.PROVIDER_ADDRESSES.values(), *files)}:
            raise AddressForbidden(request.url.host, sent=False)
        return super().handle_request(request)


def provider_client() -> Client:
    """The pooled client for the platforms; calls to other addresses raise AddressForbidden."""
    return _pooled("provider", lambda: _ProviderTransport(_Everywhere()))


def guarded_client(allow: frozenset[str] = frozenset()) -> Client:
    """The pooled client for addresses that tenants choose. `allow` lists `host:port` of the own network.

    Raises AddressForbidden instead of connecting to an address that is not public.
    """
    return _pooled(allow, lambda: _OwnTransport(GuardedBackend(allow)))


def openai_http_client(base_url: str, allow: frozenset[str] = frozenset()) -> Client:
    """The guarded client for `openai.OpenAI(http_client=...)`; its errors have AddressForbidden as their cause.

    Raises AddressForbidden at once for an address without a host or of another scheme. Do not close it: it is pooled.
    """
    _checked_url(base_url)
    return guarded_client(allow)


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | str | None = None,
    timeout_seconds: float = 30,
    max_bytes: int = 2_000_000,
    max_redirects: int = 0,
    allow: frozenset[str] = frozenset(),
) -> FetchedResponse:
    """Ask an address that a tenant chose, within a total time and a size counted after unpacking.

    With `max_redirects` 0 a redirect is the answer. Each hop is guarded like the first; other hosts get no credentials.
    Raises an HttpProblem, never anything of the library's.
    """
    sent_headers = {name.lower(): value for name, value in (headers or {}).items()}
    with time_limit(timeout_seconds):
        for _hop in range(max_redirects + 1):
            answer = _ask(method, url, sent_headers, content, max_bytes, allow)
            target = answer.headers.get("location")
            if not max_redirects or answer.status not in _REDIRECTS or not target:
                return answer
            following = urljoin(answer.url, target)
            if _origin(_checked_url(following)) != _origin(URL(url)):
                sent_headers = {name: sent_headers[name] for name in _HEADERS_FOR_STRANGERS & sent_headers.keys()}
            if answer.status == 303 or (answer.status in {301, 302} and method.upper() == "POST"):
                method, content = "GET", None
                sent_headers.pop("content-type", None)
            url = following
    raise TooManyRedirects(URL(url).host, sent=True)


@contextmanager
def named_http_problems(url: str) -> Iterator[None]:
    """Turn the library's exceptions into HttpProblem: what surely was not sent, and what may have been."""
    host = _host(url)
    try:
        yield
    except (ConnectTimeout, PoolTimeout) as error:
        raise TimedOut(host, sent=False) from error
    except (ConnectError, UnsupportedProtocol, LocalProtocolError, InvalidURL, UnicodeError) as error:
        raise ConnectFailed(host, sent=False) from error
    except TimeoutException as error:
        raise TimedOut(host, sent=True) from error
    except HTTPError as error:
        raise AnswerLost(host, sent=True) from error


def _ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | str | None,
    max_bytes: int,
    allow: frozenset[str],
) -> FetchedResponse:
    client = guarded_client(allow)
    with named_http_problems(url):
        _checked_url(url)
        encodings = {"accept-encoding": "gzip, deflate"}
        request = client.build_request(method.upper(), url, headers={**headers, **encodings}, content=content)
        response = client.send(request, stream=True)
        try:
            body = _read(response, max_bytes)
        finally:
            response.close()
    names = {name.lower(): value for name, value in response.headers.items()}
    text = decode_text(body, names.get("content-type", ""))
    return FetchedResponse(response.status_code, names, body, text, str(response.url))


def _read(response: Response, max_bytes: int) -> bytes:
    """The unpacked body. Unpacks no further than the limit: one small packet may hold gigabytes."""
    host = response.url.host
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    body = bytearray()
    received = 0
    try:
        unpack = Unpacker(encoding)
        for packet in response.iter_raw():
            received += len(packet)
            body += unpack(packet, max_bytes - len(body) + 1)
            if len(body) > max_bytes or received > max_bytes:
                raise AnswerTooLarge(host, sent=True)
        unpack.finish()
    except BrokenPacking as error:
        raise AnswerLost(host, sent=True) from error
    return bytes(body)


class _Everywhere(GuardedBackend):
    """The guarded backend without its judgement, for addresses of the installation."""

    def judge(self, host: str, port: int, addresses: list[str]) -> None:
        return


# One client a process and purpose. A forked child must not use its parent's connections.
_clients: dict[object, Client] = {}
os.register_at_fork(after_in_child=_clients.clear)


def _pooled(purpose: object, transport: Callable[[], HTTPTransport]) -> Client:
    client = _clients.get(purpose)
    if client is None or client.is_closed:
        client = _clients[purpose] = Client(
            transport=transport(),
            timeout=_TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": USER_AGENT},
            # Tenants share the client: a cookie that one of them got must not go out for another.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )
    return client


@lru_cache(maxsize=1)
def _ssl_context() -> SSLContext:
    return create_ssl_context(trust_env=False)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _checked_url(url: str) -> URL:
    with named_http_problems(url):
        parsed = URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise AddressForbidden(parsed.host or url[:60], sent=False)
    return parsed


def _host(url: str) -> str:
    try:
        return URL(url).host or url[:60]
    except (InvalidURL, UnicodeError):
        return url[:60]
