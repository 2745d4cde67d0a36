"""Fields: the texts, titles and files that messages are made of, and the fields that a read call asks for."""

import json
from typing import Any

from messaging.emulator.refusals import Refusal, invalid


def units(text: str) -> int:
    """UTF-16 units: an emoji counts two. The stricter of the two readings of Meta's limits; ours counts the same."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_whole(body: bytes, data: Any) -> bool:
    """False where the JSON body has what Python reads and no platform keeps: half a surrogate pair, or NaN."""
    if not any(sign in body for sign in (b"\\u", b"NaN", b"Infinity")):
        return True
    try:
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def limited(where: str, text: Any, limit: int, *, needed: bool = True) -> str:
    """The text, checked against its limit; (#100) with the platform's words where it does not hold."""
    if text is None or text == "":
        if needed:
            raise invalid(f"The parameter {where} is required.")
        return ""
    if not isinstance(text, str):
        raise invalid(f"Param {where} must be a string")
    if units(text) > limit:
        raise invalid(f"Param {where} must be at most {limit} characters long.")
    return text


def titled(what: str, text: Any, limit: int) -> str:
    """A title of something to tap on: what is wrong with one is (#131009)."""
    if not isinstance(text, str) or not text.strip() or units(text) > limit:
        raise Refusal(131009, f"{what} length invalid. Min length: 1, Max length: {limit}")
    return text


def checked_source(where: str, value: dict[str, Any]) -> None:
    """A file is given by the id of an upload or by a web address, not by both. Raises Refusal."""
    key, link = value.get("id"), value.get("link")
    if bool(key) is bool(link):
        raise invalid(f"Param {where} must have either an id or a link")
    if key is not None and not isinstance(key, str | int):
        raise invalid(f"Param {where}['id'] must be a string")
    if link is not None and not str(link).startswith(("http://", "https://")):
        raise Refusal(131009, f"Param {where}['link'] is no valid address")


def fielded(everything: dict[str, Any], fields: str | None, usual: tuple[str, ...], node: str) -> dict[str, Any]:
    """The fields asked for, or the usual ones, and always the id. Raises Refusal for one that the node has not."""
    wanted = [name.strip() for name in fields.split(",")] if fields else list(usual)
    for name in wanted:
        if name.split("{")[0] not in everything:
            raise invalid(f"Tried accessing nonexisting field ({name}) on node type ({node})")
    return {name.split("{")[0]: everything[name.split("{")[0]] for name in wanted} | {"id": everything["id"]}
