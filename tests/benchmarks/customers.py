"""Customers who write at a rate, or as fast as they are answered; each event is of a customer of its own."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.house import ACCOUNT_ID, NUMBER_ID, SECRET

TEXTS = {"I need an appointment": "slots", "Hello there": "greeting"}


def body_of(phone: str, text: str) -> bytes:
    """An inbound message as the platform writes it."""
    message = {"from": phone, "id": f"wamid.{phone}", "timestamp": str(int(time.time())), "type": "text"}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
        "contacts": [{"profile": {"name": "Eva"}, "wa_id": phone}],
        "messages": [{**message, "text": {"body": text}}],
    }
    entry = {"id": ACCOUNT_ID, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


@dataclass
class Customers:
    """Keep-alive connections to the webhook; when each event was due and acknowledged, in monotonic nanoseconds."""

    webhook: str
    due: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    first: int = field(default_factory=lambda: random.randrange(10_000_000, 90_000_000))
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    def next_event(self) -> tuple[str, bytes]:
        """A new customer's number, and the request."""
        number = len(self.expected)
        phone, text = f"49151{self.first + number:08d}", list(TEXTS)[number % 2]
        self.expected[phone] = TEXTS[text]
        body = body_of(phone, text)
        url = urlsplit(self.webhook)
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-Hub-Signature-256: sha256={signature}\r\n\r\n"
        )
        return phone, head.encode() + body

    async def write(self, due: int | None = None) -> str:
        """Post one event; its time counts from when it was due, so a stall hides nothing."""
        phone, request = self.next_event()
        self.due[phone] = due or time.monotonic_ns()
        url = urlsplit(self.webhook)
        try:
            pair = self._idle.pop() if self._idle else await asyncio.open_connection(url.hostname, url.port)
            reader, writer = pair
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
            await reader.readexactly(length)
            if b" 200 " in head.split(b"\r\n", 1)[0]:
                self.acknowledged[phone] = time.monotonic_ns()
            else:
                self.refused += 1
            self._idle.append(pair)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.refused += 1
        return phone

    async def write_at(self, rate: float, seconds: float) -> None:
        """Poisson arrivals, as many customers write; the seed makes repeats alike."""
        dice, due, tasks = random.Random(7), time.monotonic_ns(), []
        for _number in range(int(rate * seconds)):
            due += int(dice.expovariate(rate) * 1e9)
            await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            tasks.append(asyncio.ensure_future(self.write(due)))
        await asyncio.gather(*tasks)
