"""Media as the platform keeps them: upload, address, download, delete, and an end to each (Meta, "Media")."""

import base64
import email.parser
import email.policy
import hashlib
import secrets
from typing import Any

from messaging.emulator.attachments import ANIMATED_STICKER_BYTES, MEGABYTE, STICKER_BYTES
from messaging.emulator.clock import Clock
from messaging.emulator.refusals import Refusal, invalid, unknown_object
from messaging.emulator.world import World
from workspaces.embedded_server import Answer, Request

DAY_SECONDS = 24 * 60 * 60
KEPT_UPLOAD_SECONDS, KEPT_INBOUND_SECONDS, ADDRESS_SECONDS = 30 * DAY_SECONDS, 7 * DAY_SECONDS, 300
DOWNLOAD_PATH = "/whatsapp_business/attachments/"
# By mime type: the largest size. What is not here is taken as a document where it is plain enough.
LIMITS = {
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * MEGABYTE),
    **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MEGABYTE),
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MEGABYTE),
    "image/webp": ANIMATED_STICKER_BYTES,
    **dict.fromkeys(("application/pdf", "text/plain", "application/msword"), 100 * MEGABYTE),
}
DOCUMENTS = ("application/vnd.openxmlformats-officedocument.", "application/vnd.ms-")


class Media:
    """Files of customers and uploads of ours; a business sees those of its own numbers."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world, self.clock = world, clock

    def keep(self, number_id: str, data: bytes, mime_type: str, *, inbound: bool) -> dict[str, Any]:
        """Store a file; its record."""
        digest = hashlib.sha256(data).digest()
        media = {
            "id": str(secrets.randbelow(9 * 10**15) + 10**15),
            "number_id": number_id,
            "inbound": inbound,
            "mime_type": mime_type,
            "sha256": base64.b64encode(digest).decode(),
            "file_size": len(data),
            "kept_until": self.clock.now() + (KEPT_INBOUND_SECONDS if inbound else KEPT_UPLOAD_SECONDS),
            "content": base64.b64encode(data).decode(),
        }
        self.world.save_media(media)
        return media

    def upload(self, number_id: str, request: Request) -> dict[str, str]:
        """`POST /{phone_number_id}/media`. Raises Refusal."""
        parts = _form(request)
        if parts.get("messaging_product", ("", b""))[1] != b"whatsapp":
            raise invalid("The parameter messaging_product is required.")
        if "file" not in parts:
            raise invalid("The parameter file is required.")
        declared, data = parts["file"]
        mime_type = parts["type"][1].decode("utf-8", "replace") if parts.get("type") else declared
        kind = mime_type.split(";")[0].strip().lower()
        limit = LIMITS.get(kind, 100 * MEGABYTE if kind.startswith(DOCUMENTS) else None)
        if limit is None:
            raise invalid(f"Param file must be a file with one of the supported types, received {kind}.")
        if kind == "image/webp" and b"ANIM" not in data[:64]:
            limit = STICKER_BYTES
        if not data or len(data) > limit:
            raise Refusal(131053, f"A file of type {kind} has 1 to {limit} bytes, this one has {len(data)}.")
        return {"id": self.keep(number_id, data, mime_type, inbound=False)["id"]}

    def object(self, key: str, request: Request, mine: set[str]) -> dict[str, Any]:
        """`GET` (an address for five minutes) and `DELETE /{media_id}`. Raises Refusal."""
        media = self._known(key, mine, request.method)
        uploader = request.query.get("phone_number_id")
        if uploader and (uploader != media["number_id"] or media.get("inbound")):
            # A customer's file was uploaded by the customer: the check of the number then always fails.
            raise invalid("Param phone_number_id is not a valid whatsapp business phone number id ID")
        if request.method == "DELETE":
            self.world.delete_media(key)
            return {"success": True}
        if request.method != "GET":
            raise unknown_object(key, request.method)
        until = int(self.clock.now()) + ADDRESS_SECONDS
        return {
            "messaging_product": "whatsapp",
            "url": f"http://{request.headers.get('host', '127.0.0.1')}{DOWNLOAD_PATH}?mid={key}&ext={until}",
            "mime_type": media["mime_type"],
            "sha256": base64.b64decode(media["sha256"]).hex(),
            "file_size": media["file_size"],
            "id": key,
        }

    def download(self, request: Request, mine: set[str]) -> Answer:
        """The bytes, by an address that is not over. Raises Refusal."""
        media = self._known(request.query.get("mid", ""), mine, request.method)
        until = request.query.get("ext", "")
        if not until.isdigit() or self.clock.now() > int(until):
            raise Refusal(131052, "This address has expired; ask for the media again.", status=404)
        headers = {"content-type": media["mime_type"]}
        return Answer(200, base64.b64decode(media["content"]), headers)

    def _known(self, key: str, mine: set[str], method: str) -> dict[str, Any]:
        media = self.world.media.get(key)
        if media is None or media["number_id"] not in mine or self.clock.now() > media["kept_until"]:
            raise unknown_object(key, method)
        return media


def _form(request: Request) -> dict[str, tuple[str, bytes]]:
    """The parts of a multipart body: name to (content type, bytes)."""
    content_type = request.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        raise invalid("The body must be multipart/form-data.")
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    parts: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        parts[str(name)] = (part.get_content_type(), data if isinstance(data, bytes) else b"")
    return parts
