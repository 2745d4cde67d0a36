"""Posts captured payloads to the running webhook, signed as the platform would, and says what became of each."""

import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from messaging.models import InboundLog, Sender, WebhookEvent
from messaging.services.webhook_intake import digest_of, endpoint_of
from messaging.webhooks.cloud_api import sign

PATIENCE_SECONDS = 10.0


class Command(BaseCommand):
    """manage.py webhook_post FILE... [--sender ID] [--as-is]"""

    help = "Signs each JSON file as the platform would and posts it to the running webhook; one line each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--sender", help="The sender's id; the first one in use unless given.")
        parser.add_argument("--as-is", action="store_true", help="Keep the account and number ids of the file.")
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="Where Botenwerk runs.")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a file: HTTP status, how it was understood, rows made."""
        sender = _sender(options["sender"])
        for path in options["files"]:
            body = _body(path, sender, as_is=options["as_is"])
            status = _post(options["url"], sender, body)
            self.stdout.write(f"{path.name}: {status} {_outcome(sender, body) if status == 200 else ''}".rstrip())


def _sender(public_id: str | None) -> Sender:
    senders = Sender.objects.across_workspaces().filter(retired_at=None).order_by("id")
    found = senders.filter(public_id=public_id).first() if public_id else senders.first()
    if found is None:
        raise CommandError("There is no such sender in use.")
    return found


def _body(path: Path, sender: Sender, *, as_is: bool) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    if as_is:
        return raw
    try:
        payload = json.loads(raw)
    except ValueError as error:
        raise CommandError(f"{path} holds no JSON: {error}") from None
    for entry in _objects(payload, "entry"):
        entry["id"] = sender.business_account_id
        for change in _objects(entry, "changes"):
            value = change.get("value")
            metadata = value.get("metadata") if isinstance(value, dict) else None
            if isinstance(metadata, dict):
                metadata["phone_number_id"] = sender.provider_number_id
    return json.dumps(payload, ensure_ascii=False).encode()


def _objects(holder: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list, of whatever shape the capture is: a broken one is posted as it stands."""
    found = holder.get(name) if isinstance(holder, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _post(url: str, sender: Sender, body: bytes) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=PATIENCE_SECONDS)
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, sender.app_secret)}
    try:
        connection.request("POST", reverse("sender_webhook", args=[sender.public_id]), body, headers)
        return connection.getresponse().status
    except OSError as error:
        raise CommandError(f"{url} does not answer: {error}") from None
    finally:
        connection.close()


def _outcome(sender: Sender, body: bytes) -> str:
    """Wait until a worker is through, then say what its lines in the inbound log say."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    events = WebhookEvent.objects.filter(endpoint=endpoint_of(sender), digest=digest_of(body))
    while time.monotonic() < deadline:
        event = events.first()
        if event is not None and (event.processed_at is not None or event.error):
            lines = InboundLog.objects.filter(event=event).order_by("id")
            told = [f"{line.kind}: {line.outcome}{f' ({line.reason})' if line.reason else ''}" for line in lines]
            rows = lines.exclude(message=None).values("message").distinct().count()
            return f"{'; '.join(told)}; rows: {rows}"
        time.sleep(0.05)
    return "stored, not processed yet"
