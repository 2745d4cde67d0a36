"""How many template sends a second the emulator takes: `python -m tests.messaging.emulator.sends_per_second URL PID`.

PID is the emulator's process, for its CPU time; sends go over 8 kept connections to 2,000 customers each.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from messaging.emulator.client import EmulatorClient

SENDS, CONNECTIONS = 6000, 8


def cpu_seconds(pid: str) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def send(place: str, lane: int, count: int) -> None:
    """Send one after the other over one connection."""
    host, _, port = place.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    parameters = [{"type": "text", "text": "Eva"}, {"type": "text", "text": "Dr. Huber"}]
    template = {
        "name": "messung",
        "language": {"code": "de"},
        "components": [{"type": "body", "parameters": parameters}],
    }
    for index in range(count):
        message = {
            "messaging_product": "whatsapp",
            "to": f"+49151{lane:03}{index % 2000:05}",
            "type": "template",
            "template": template,
            "biz_opaque_callback_data": f"row-{lane}-{index}",
        }
        body = json.dumps(message).encode()
        head = f"POST /v26.0/1/messages HTTP/1.1\r\nauthorization: Bearer t\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer, answer
        await reader.readexactly(int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()


async def main(url: str, pid: str) -> None:
    """Seed, send, and wait until the statuses are out."""
    client = EmulatorClient(url)
    client.register_number("1", waba_id="1", phone="+4915112345678", token="t", throughput=100_000)
    components = [{"type": "BODY", "text": "Hallo {{1}}, {{2}} wartet."}]
    client.add_template(waba_id="1", name="messung", language="de", components=components)
    began, used = time.perf_counter(), cpu_seconds(pid)
    place = urlsplit(url).netloc
    await asyncio.gather(*(send(place, lane, SENDS // CONNECTIONS) for lane in range(CONNECTIONS)))
    took = time.perf_counter() - began
    await asyncio.sleep(0.5)
    while client.call("GET", "health")["webhooks_open"]:
        await asyncio.sleep(0.2)
    used = cpu_seconds(pid) - used
    print(f"{SENDS / took:.0f} sends/s; with their statuses {SENDS / used:.0f} sends a second of CPU")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
