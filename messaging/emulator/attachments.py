"""Files that messages carry: uploads must be there, and what is fetched or kept must be what its kind allows.

The platform accepts a message and looks at its file afterwards; what is wrong with it is told by a status (131053).
The emulator fetches links to this machine only. Elsewhere it has no way out, and takes the file for good.
"""

import base64
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from messaging.emulator.records import Number
from messaging.emulator.refusals import invalid
from messaging.emulator.world import World

MEGABYTE = 1024 * 1024
FETCH_SECONDS = 5.0
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
LIMITS = {"image": 5 * MEGABYTE, "video": 16 * MEGABYTE, "audio": 16 * MEGABYTE, "document": 100 * MEGABYTE}
STICKER_BYTES, ANIMATED_STICKER_BYTES = 100 * 1024, 500 * 1024
TYPES = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "video": frozenset({"video/mp4", "video/3gpp"}),
    "audio": frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    "sticker": frozenset({"image/webp"}),
}
# An MP3 or AAC file without a head begins with the sync bits of its first frame.
MPEG_FRAMES = tuple((0, bytes([0xFF, byte])) for byte in range(0xE0, 0x100))
# (offset, first bytes) by kind; a document is whatever it is.
SIGNS: dict[str, tuple[tuple[int, bytes], ...]] = {
    "image": ((0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n\x1a\n")),
    "video": ((4, b"ftyp"),),
    "audio": ((0, b"OggS"), (0, b"ID3"), (0, b"#!AMR"), (4, b"ftyp"), *MPEG_FRAMES),
    "sticker": ((8, b"WEBP"),),
}


def files_of(shown: Mapping[str, Any]) -> dict[str, Any] | None:
    """The file of a message: its media, or the media of its header."""
    for part in (shown.get("media"), shown.get("header")):
        if isinstance(part, dict) and (part.get("id") or part.get("link")):
            return part
    return None


def check_upload(world: World, shown: Mapping[str, Any], number: Number, now: float) -> None:
    """An upload that is sent by its id must be there, of this account, and not over. Raises Refusal."""
    file = files_of(shown)
    if file is None or not file.get("id"):
        return
    media = world.media.get(str(file["id"]))
    owner = world.numbers.get(media["number_id"]) if media else None
    if media is None or owner is None or owner.waba_id != number.waba_id or now > media["kept_until"]:
        raise invalid(f"Param {file['kind']}['id'] is not a valid whatsapp business account media attachment ID")


def upload_problem(world: World, shown: Mapping[str, Any]) -> str:
    """Why the upload that this message carries cannot be delivered as its kind; "" where it can."""
    file = files_of(shown)
    media = world.media.get(str(file.get("id"))) if file else None
    if file is None or media is None:
        return _host_problem(file)
    start = base64.b64decode(media["content"][:4096])
    return _problem(file["kind"], media["mime_type"], start, media["file_size"])


def local_link(shown: Mapping[str, Any]) -> tuple[str, str] | None:
    """Kind and address of a file on this machine, to be fetched before the message goes on."""
    file = files_of(shown)
    link = str(file.get("link") or "") if file else ""
    return (str(file["kind"]), link) if file and urlsplit(link).hostname in HERE else None


def fetch_problem(kind: str, link: str) -> str:
    """Fetch a file of this machine; why it cannot be delivered, or ""."""
    most = LIMITS.get(kind, ANIMATED_STICKER_BYTES)
    try:
        # S310: the scheme is http or https, and the host this machine.
        with urllib.request.urlopen(link, timeout=FETCH_SECONDS) as answer:  # noqa: S310
            data = answer.read(most + 1)
            return _problem(kind, answer.headers.get_content_type(), data, len(data))
    except urllib.error.HTTPError as error:
        return f"Downloading media from weblink failed with http code {error.code}, status message {error.reason}"
    except (OSError, ValueError) as error:
        return f"Downloading media from weblink failed: {error}"


def _host_problem(file: Mapping[str, Any] | None) -> str:
    host = urlsplit(str(file.get("link") or "")).hostname if file else None
    # RFC 2606: a name that never resolves.
    return "Downloading media from weblink failed: could not resolve host" if (host or "").endswith(".invalid") else ""


def _problem(kind: str, mime_type: str, data: bytes, size: int) -> str:
    base = mime_type.split(";")[0].strip().lower()
    allowed = TYPES.get(kind)
    if allowed is not None and base not in allowed:
        return f"Unsupported {kind} mime type {base}. Please use one of {', '.join(sorted(allowed))}"
    if allowed is not None and not any(data.startswith(sign, at) for at, sign in SIGNS[kind]):
        return f"The file's content is not what its type {base} says"
    most = LIMITS.get(kind) or (ANIMATED_STICKER_BYTES if b"ANIM" in data[:64] else STICKER_BYTES)
    return f"A {kind} has at most {most} bytes, this one has {size}" if size > most else ""
