"""A customer's file off the Cloud API: its address is asked for anew each time, and the token goes to Meta only.

An address is good for five minutes, a file for seven days (Meta, "Media").
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings

from messaging import errors
from messaging.media_errors import MediaExpired, MediaTooLarge, MediaUnavailable
from messaging.models import Sender
from messaging.providers.base import Effect, MediaFacts, OutcomeUnknown, ProviderError
from workspaces.http import HttpProblem, Response, named_http_problems, provider_client, time_limit

# Below the queue's own limit of a task: who is cut off by that one has learned nothing.
SECONDS = 45
MEGABYTE = 1024 * 1024
# What the platform says of an object that it does not have (any more).
GONE = frozenset({33, 100})


def is_media_id(media_id: str) -> bool:
    """Ids are digits today; nothing that could change the path of the call is taken for one."""
    return bool(media_id) and media_id.replace("-", "").replace("_", "").isalnum() and media_id.isascii()


def media_facts(told: Mapping[str, Any]) -> MediaFacts:
    """What the platform says of a file. Raises ProviderError where it names no address."""
    url = str(told.get("url") or "")
    if not url:
        raise _again("no address")
    size = told.get("file_size")
    return MediaFacts(
        url=url,
        declared_type=str(told.get("mime_type") or "")[:120],
        sha256=hex_digest(told.get("sha256")),
        size=size if isinstance(size, int) else None,
    )


def hex_digest(raw: object) -> str:
    """A SHA-256 in hex, given in hex or base64; empty for what is neither."""
    text = str(raw or "").strip()
    if len(text) == 64 and all(letter in "0123456789abcdefABCDEF" for letter in text):
        return text.lower()
    try:
        digest = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return digest.hex() if len(digest) == 32 else ""


def gone(refusal: ProviderError) -> ProviderError:
    """The refusal of a file's id: one that is unknown has expired, all else stays what it is."""
    if refusal.platform_code in GONE:
        return ProviderError(MediaExpired(), platform_code=refusal.platform_code, detail=refusal.detail)
    return refusal


def download(sender: Sender, facts: MediaFacts, into: IO[bytes], *, most_bytes: int) -> int:
    """Write the bytes at the file's address into `into`; how many. Raises ProviderError, or OutcomeUnknown."""
    if facts.size is not None and facts.size > most_bytes:
        raise _too_large(most_bytes)
    _demand_known_host(sender, facts.url)
    headers = {"Authorization": f"Bearer {sender.token}", "accept-encoding": "identity"}
    try:
        with time_limit(SECONDS), named_http_problems(facts.url):
            client = provider_client()
            response = client.send(client.build_request("GET", facts.url, headers=headers), stream=True)
            try:
                return _written(response, into, most_bytes)
            finally:
                response.close()
    except HttpProblem as problem:
        raise OutcomeUnknown(str(problem)) from None


def _written(response: Response, into: IO[bytes], most_bytes: int) -> int:
    if response.status_code != 200:
        # 404 is an address that is over: the next try asks for another.
        raise _again(f"HTTP {response.status_code}")
    received = 0
    for packet in response.iter_raw():
        received += len(packet)
        if received > most_bytes:
            raise _too_large(most_bytes)
        into.write(packet)
    return received


def _demand_known_host(sender: Sender, url: str) -> None:
    """Raises ProviderError for an address that is not the platform's: it is taken from an answer."""
    allowed = [sender.base_url, *settings.PROVIDER_MEDIA_ADDRESSES.get(sender.address_key, [])]
    try:
        known = _origin(url) in {_origin(address) for address in allowed if address}
    except ValueError:
        known = False
    if not known:
        raise ProviderError(MediaUnavailable(detail="address"), detail="address of a stranger", effect=Effect.ALERT)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _too_large(most_bytes: int) -> ProviderError:
    return ProviderError(MediaTooLarge(limit_mb=most_bytes // MEGABYTE))


def _again(detail: str) -> ProviderError:
    return ProviderError(errors.WhatsappUnavailable(detail=detail), is_retryable=True, detail=detail)
