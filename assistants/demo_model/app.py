"""The demo model's server: OpenAI's chat completions, and control calls for faults and a journal."""

import asyncio
import json
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from assistants.demo_model.answering import answer_of, read_prompt, text_of
from assistants.demo_model.schema_filling import fill_schema, tool_call
from workspaces.embedded_faults import FaultRefused, Faults
from workspaces.embedded_server import Answer, Request, json_answer

MODEL = "demo-model"
EFFECTS = frozenset({"error", "http", "retry_after", "malformed", "empty", "answer", "hang", "close", "delay_ms"})
MATCHES = frozenset({"path", "model", "text", "stream"})
JOURNAL_LENGTH = 10_000
WORD_SECONDS = 0.01
ERRORS = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "forbidden", "You are not allowed to use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    408: ("timeout", "request_timeout", "Request timed out."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", "overloaded", "The engine is currently overloaded, please try again later."),
}


class DemoModel:
    """An `App` for the embedded server; the journal is in memory and bounded."""

    def __init__(self) -> None:
        self.faults = Faults(matches=MATCHES, effects=EFFECTS)
        self.journal: deque[dict[str, Any]] = deque(maxlen=JOURNAL_LENGTH)
        self._last = 0

    async def start(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing to keep."""

    async def __call__(self, request: Request) -> Answer:
        if request.path.startswith(("/_emulator/", "/_demo/")):
            return self._control(request)
        if request.method == "GET" and request.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 1_760_000_000, "owned_by": "botenwerk"}
            return json_answer({"object": "list", "data": [model]})
        if request.method == "POST" and request.path == "/v1/chat/completions":
            return await self._completions(request)
        return _error(404, f"Unknown request URL: {request.method} {request.path}.")

    # --- chat completions --------------------------------------------------------------------------
    async def _completions(self, request: Request) -> Answer:
        try:
            order = request.json()
        except ValueError:
            order = None
        answer = await self._answer(request, order)
        shown = "(stream)" if answer.stream else answer.body.decode("utf-8", "replace")
        self._last += 1
        self.journal.append(
            {
                "id": self._last,
                "at": time.time(),
                "kind": "call",
                "path": request.path,
                "has_key": bool(request.headers.get("authorization")),
                "body": order,
                "status": answer.status,
                "answer": shown,
            }
        )
        return answer

    async def _answer(self, request: Request, order: Any) -> Answer:
        if not isinstance(order, dict) or not isinstance(order.get("messages"), list) or not order["messages"]:
            return _error(400, "'messages' must be a list that is not empty.")
        if not all(isinstance(one, dict) and one.get("role") for one in order["messages"]):
            return _error(400, "Each message needs a role.")
        faults = self.faults.take(_facts(request, order), *EFFECTS)
        if faults.get("delay_ms"):
            await asyncio.sleep(float(faults["delay_ms"]) / 1000)
        if "hang" in faults or "close" in faults:
            return Answer(fate="hang" if "hang" in faults else "close")
        headers = {"retry-after": str(faults["retry_after"])} if "retry_after" in faults else {}
        if "http" in faults:
            effect = faults["http"] if isinstance(faults["http"], dict) else {"status": faults["http"]}
            return Answer(int(effect["status"]), str(effect.get("body", "")).encode(), headers)
        if "error" in faults:
            status = int(faults["error"])
            return _error(status, headers=headers or ({"retry-after": "1"} if status == 429 else {}))
        if "malformed" in faults:
            return Answer(200, b'{"id": "chatcmpl-', {"content-type": "application/json"})
        message, reason = _message(order)
        if "answer" in faults or "empty" in faults:
            message, reason = {"role": "assistant", "content": faults.get("answer", "")}, "stop"
        if order.get("stream"):
            stream = _stream(order, message, reason)
            return Answer(
                200, headers={"content-type": "text/event-stream", "cache-control": "no-cache"}, stream=stream
            )
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        body = _head(order, "chat.completion") | {"choices": [choice], "usage": _usage(order, message)}
        return json_answer(body)

    # --- control -----------------------------------------------------------------------------------
    def _control(self, request: Request) -> Answer:
        what = request.path.split("/", 2)[2].rstrip("/")
        try:
            if (request.method, what) == ("POST", "faults"):
                return json_answer(self.faults.add(request.json()).as_json())
            if (request.method, what) == ("GET", "faults"):
                return json_answer({"data": [fault.as_json() for fault in self.faults.open]})
            if (request.method, what) == ("GET", "journal"):
                since = int(request.query.get("since") or 0)
                entries = [entry for entry in self.journal if entry["id"] > since]
                return json_answer({"entries": entries, "last": entries[-1]["id"] if entries else since})
        except (FaultRefused, ValueError) as error:
            return json_answer({"error": str(error)}, 400)
        if (request.method, what) == ("DELETE", "faults"):
            self.faults.clear()
            return json_answer({"success": True})
        if (request.method, what) == ("POST", "reset"):
            self.faults.clear()
            self.journal.clear()
            return json_answer({"success": True})
        if (request.method, what) == ("GET", "health"):
            return json_answer({"ok": True})
        return json_answer({"error": f"There is no {request.method} {request.path}."}, 404)


def _facts(request: Request, order: dict[str, Any]) -> dict[str, str]:
    users = [text_of(one) for one in order["messages"] if one.get("role") == "user"]
    return {
        "path": request.path,
        "model": str(order.get("model", "")),
        "text": users[-1] if users else "",
        "stream": str(bool(order.get("stream"))).lower(),
    }


def _message(order: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The assistant's message and the finish reason."""
    prompt, last = read_prompt(order["messages"]), order["messages"][-1]
    tools, form = order.get("tools") or [], order.get("response_format") or {}
    if last.get("role") == "tool":
        return {"role": "assistant", "content": text_of(last).strip() or answer_of(prompt)}, "stop"
    call = tool_call(tools, order.get("tool_choice"), prompt.question) if tools else None
    if call is not None:
        calls = [{"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": call}]
        return {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"
    if form.get("type") == "json_schema":
        schema = (form.get("json_schema") or {}).get("schema") or {}
        content = json.dumps(fill_schema(schema, prompt.question), ensure_ascii=False)
    elif form.get("type") == "json_object":
        content = json.dumps({"answer": answer_of(prompt)}, ensure_ascii=False)
    else:
        content = answer_of(prompt)
    return {"role": "assistant", "content": content, "refusal": None}, "stop"


def _head(order: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": str(order.get("model") or MODEL),
    }


def _usage(order: dict[str, Any], message: dict[str, Any]) -> dict[str, int]:
    """Tokens by the usual rule of thumb: four bytes one token."""
    asked = sum(len(text_of(one).encode()) // 4 + 4 for one in order["messages"])
    content = str(message.get("content") or "") or json.dumps(message.get("tool_calls") or "")
    said = len(content.encode()) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


async def _stream(order: dict[str, Any], message: dict[str, Any], reason: str) -> AsyncIterator[bytes]:
    """Server-sent events: the role, then word by word, then the reason, usage where wanted, and the end."""
    head = _head(order, "chat.completion.chunk")

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(head | {"choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    for index, call in enumerate(message.get("tool_calls") or []):
        yield event({"tool_calls": [{"index": index, **call}]})
    for piece in re.findall(r"\S+\s*|\s+", str(message.get("content") or "")):
        yield event({"content": piece})
        await asyncio.sleep(WORD_SECONDS)
    yield event({}, reason)
    if (order.get("stream_options") or {}).get("include_usage"):
        yield _event(head | {"choices": [], "usage": _usage(order, message)})
    yield b"data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def _error(status: int, words: str = "", headers: dict[str, str] | None = None) -> Answer:
    kind, code, usual = ERRORS.get(
        status, ("server_error" if status >= 500 else "invalid_request_error", None, "Error.")
    )
    return json_answer(
        {"error": {"message": words or usual, "type": kind, "param": None, "code": code}}, status, headers
    )
