"""`python -m tests.benchmarks.platform PORT`: the platform's send call, as light as Python gets.

Any POST is a send, noted by `to` with CLOCK_MONOTONIC; `GET /seen` gives what was noted since it was asked last,
`GET /delay/MS` has later answers take so long.
"""

import asyncio
import json
import sys
import time

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


class Platform:
    """What was sent, and how long an answer takes."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.seen: list[tuple[str, int, str]] = []
        self.count = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One keep-alive connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = time.monotonic_ns()
                first, *lines = head.decode("latin-1").split("\r\n")
                length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                answer = json.dumps(await self.answer(first.split(" "), body, at)).encode()
                writer.write(HEAD.format(len(answer)).encode() + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, request: list[str], body: bytes, at: int) -> object:
        """What is said to one request."""
        if request[0] == "POST":
            return await self.send(json.loads(body), at)
        if request[1] == "/seen":
            seen, self.seen = self.seen, []
            return seen
        if request[1].startswith("/delay/"):
            self.delay_seconds = int(request[1].removeprefix("/delay/")) / 1000
        return {}

    async def send(self, message: dict[str, object], at: int) -> object:
        """Accept a message."""
        to = str(message.get("to", ""))
        text = message.get("text")
        self.seen.append((to.lstrip("+"), at, str(text.get("body", "")) if isinstance(text, dict) else ""))
        self.count += 1
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        contact = {"input": to, "wa_id": to.lstrip("+")}
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": f"wamid.B{self.count}"}]}


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Platform().serve, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
