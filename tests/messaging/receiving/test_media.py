"""Files of customers: fetched in the background off the platform, typed by their bytes, served to members only."""

import base64
import errno
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.urls import reverse

from messaging.media_errors import MediaExpired, MediaPending
from messaging.models import MediaFile, Sender
from messaging.services.media import fetch_file, open_file
from messaging.services.media_types import fits, is_shown, type_of
from messaging.tasks import process_webhook_event
from tests.automations.conftest import clock, emulator_server, house
from tests.house import House
from tests.messaging.receiving.conftest import NOON, envelope, person, text
from tests.messaging.sending.wire import Wire, serve

__all__ = ["clock", "emulator_server", "house"]
pytestmark = pytest.mark.django_db(transaction=True)


def png(size: int = 8) -> bytes:
    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = (b"\x00" + bytes(3 * size)) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


PAGE = b"<html><script>alert(document.cookie)</script></html>"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def only_file(house: House) -> MediaFile:
    rows = MediaFile.objects.in_workspace(house.workspace).select_related("workspace", "message__sender__workspace")
    return rows.get()


def content_of(media: MediaFile) -> bytes:
    with open_file(media) as content:
        return content.read()


# --- fetching -----------------------------------------------------------------------------------------


def test_a_picture_is_fetched_and_is_what_its_bytes_are(house: House) -> None:
    house.customer_writes("Das Röntgenbild", type="image", content=encoded(png()), mime_type="image/png")
    media = only_file(house)
    assert (media.status, media.content_type, media.size) == ("stored", "image/png", len(png()))
    assert content_of(media) == png()
    assert media.message.payload["media"]["file"] == str(media.public_id)


def test_a_page_that_calls_itself_a_picture_is_no_picture(house: House) -> None:
    house.customer_writes("x", type="image", content=encoded(PAGE), mime_type="image/jpeg")
    media = only_file(house)
    assert (media.declared_type, media.content_type, media.status) == ("image/jpeg", "text/plain", "stored")
    assert not fits(media.kind, media.content_type)


def test_a_platform_that_is_away_is_asked_again(house: House) -> None:
    house.emulator.fault({"path": "/v"}, {"http": {"status": 503, "body": ""}}, times=2)
    house.customer_writes("x", type="document")
    media = only_file(house)
    assert (media.status, media.attempts) == ("pending", 1)
    with pytest.raises(MediaPending) as refused:
        open_file(media)
    assert refused.value.retryable
    house.advance(seconds=5)
    house.advance(seconds=30)
    assert (only_file(house).status, only_file(house).attempts) == ("stored", 3)


def test_an_address_that_is_over_is_asked_for_anew(house: House) -> None:
    house.emulator.fault({"path": "/whatsapp_business/"}, {"http": {"status": 404, "body": ""}}, times=1)
    house.customer_writes("x", type="document")
    assert only_file(house).status == "pending"
    house.advance(seconds=5)
    assert only_file(house).status == "stored"


def test_what_could_not_be_fetched_for_seven_days_has_expired(house: House) -> None:
    house.emulator.fault({"path": "/v"}, {"http": {"status": 500, "body": ""}}, times=None)
    house.customer_writes("x", type="audio")
    house.advance(days=6, hours=23)
    assert only_file(house).status == "pending"
    house.advance(hours=2)
    media = only_file(house)
    assert (media.status, media.error_code, media.wake_at) == ("expired", "media_expired", None)
    with pytest.raises(MediaExpired):
        open_file(media)


def test_tries_are_few_so_that_the_platform_does_not_block_us(house: House) -> None:
    """Twenty failed fetches in an hour have all of them blocked for half an hour (Meta, "Media")."""
    house.emulator.fault({"path": "/v"}, {"http": {"status": 500, "body": ""}}, times=None)
    house.customer_writes("x", type="audio")
    for _minute in range(60):
        house.advance(minutes=1)
    assert only_file(house).attempts <= 6


def test_a_file_that_the_platform_does_not_have_has_expired_at_once(house: House) -> None:
    error = {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}
    house.emulator.fault({"path": "/v"}, {"http": {"status": 400, "body": json.dumps(error)}}, times=1)
    house.customer_writes("x", type="audio")
    assert (only_file(house).status, only_file(house).attempts) == ("expired", 1)


def test_a_file_over_the_limit_of_its_kind_is_refused_by_name(house: House) -> None:
    house.customer_writes("x", type="sticker", content=encoded(b"RIFF" + bytes(1_100_000)))
    assert (only_file(house).status, only_file(house).error_code) == ("failed", "media_too_large")


def test_a_disk_that_is_full_costs_a_try_and_no_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    save, refused = FileSystemStorage.save, []

    def full_once(self: Any, name: str, content: Any, **options: Any) -> str:
        if not refused:
            refused.append(name)
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(self, name, content, **options)

    monkeypatch.setattr(FileSystemStorage, "save", full_once)
    house.customer_writes("x", type="document")
    assert only_file(house).status == "pending"
    house.advance(seconds=5)
    assert only_file(house).status == "stored"


def test_a_lost_task_costs_seconds(house: House) -> None:
    """The clock finds what is not fetched."""
    wamid = house.emulator.customer_writes("+436641234567", house.sender.provider_number_id, "x", type="document")
    house.wait_for_webhook(wamid)
    for name, arguments in house.take_tasks():
        if name.endswith("process_webhook_event"):
            process_webhook_event(*arguments)
    house.take_tasks()
    assert only_file(house).status == "pending"
    house.advance(seconds=5)
    assert only_file(house).status == "stored"


# --- a platform that answers oddly ----------------------------------------------------------------------


@pytest.fixture
def wire(settings: Any) -> Iterator[Wire]:
    wire = Wire()
    server = serve(wire)
    settings.PROVIDER_ADDRESSES = {"cloud_api": wire.url}
    yield wire
    server.shutdown()
    server.server_close()


@pytest.fixture
def waiting(sender: Sender, receive: Callable[..., Any], wire: Wire) -> MediaFile:
    """A file that nobody has fetched yet."""
    sender.token = "geheim"
    sender.save()
    picture = text() | {"type": "image", "image": {"id": "700", "mime_type": "image/png", "sha256": "00" * 32}}
    receive(envelope({"contacts": [person()], "messages": [picture]}))
    return MediaFile.objects.across_workspaces().select_related("workspace", "message__sender__workspace").get()


def test_the_token_goes_to_no_address_of_a_stranger(waiting: MediaFile, wire: Wire) -> None:
    stranger = Wire()
    server = serve(stranger)
    wire.answer(200, {"url": f"{stranger.url}/bild", "mime_type": "image/png"})
    fetch_file(waiting, now=NOON)
    server.shutdown()
    server.server_close()
    assert stranger.calls == []
    assert (waiting.status, waiting.error_code) == ("failed", "media_unavailable")


def test_bytes_that_are_not_those_announced_are_fetched_again_and_then_refused(waiting: MediaFile, wire: Wire) -> None:
    now = NOON
    for _attempt in range(3):
        wire.answer(200, {"url": f"{wire.url}/bild", "mime_type": "image/png", "sha256": "11" * 32})
        wire.answer(200, {"not": "the picture"})
        now += timedelta(hours=1)
        waiting.refresh_from_db()
        fetch_file(waiting, now=now)
    assert (waiting.status, waiting.error_code, waiting.attempts) == ("failed", "media_damaged", 3)


@pytest.mark.parametrize("media_id", ["../100200300", "700/../x", "7 00", "ü"])
def test_an_id_that_would_lead_elsewhere_is_not_asked_for(waiting: MediaFile, wire: Wire, media_id: str) -> None:
    MediaFile.objects.across_workspaces().update(platform_id=media_id)
    waiting.refresh_from_db()
    fetch_file(waiting, now=NOON)
    assert (wire.calls, waiting.error_code) == ([], "media_unavailable")


# --- types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (png(), "image/png"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"ID3\x03", "audio/mpeg"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x18ftyp3gp4", "video/3gpp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain"),
        (b"MZ\x90\x00\x03", "application/octet-stream"),
        (b"PK\x03\x04", "application/zip"),
        (b"", "application/octet-stream"),
        ("Grüße".encode(), "text/plain"),
    ],
)
def test_a_type_is_told_by_the_bytes(content: bytes, expected: str, tmp_path: Any) -> None:
    (tmp_path / "x").write_bytes(content)
    with (tmp_path / "x").open("rb") as file:
        assert type_of(file) == expected


def test_nothing_that_could_run_is_shown() -> None:
    assert not any(is_shown(name) for name in ("text/html", "image/svg+xml", "text/plain", "application/pdf", ""))


# --- serving ------------------------------------------------------------------------------------------


@pytest.fixture
def browser(house: House, client: Client) -> Client:
    client.force_login(house.owner.user)
    return client


def address(house: House, media: MediaFile) -> str:
    return reverse("media_file", args=[house.workspace.slug, media.public_id])


def test_a_picture_is_shown_in_place(house: House, browser: Client) -> None:
    house.customer_writes("x", type="image", content=encoded(png()), mime_type="image/png")
    answer = browser.get(address(house, only_file(house)))
    assert b"".join(answer) == png()
    told = {name: answer[name] for name in ("Content-Type", "Content-Disposition", "X-Content-Type-Options")}
    assert told == {
        "Content-Type": "image/png",
        "Content-Disposition": 'inline; filename="image.png"',
        "X-Content-Type-Options": "nosniff",
    }
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, max-age=86400, immutable"


def test_what_could_run_is_only_saved(house: House, browser: Client) -> None:
    house.customer_writes(
        "x", type="document", content=encoded(PAGE), mime_type="text/html", filename='../../"böse".html'
    )
    answer = browser.get(address(house, only_file(house)))
    assert b"".join(answer) == PAGE
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''%22b%C3%B6se%22.html.txt")


def test_a_recording_can_be_listened_to_from_its_middle(house: House, browser: Client) -> None:
    house.customer_writes("x", type="audio", content=encoded(b"OggS" + bytes(range(96))))
    where = address(house, only_file(house))
    part = browser.get(where, headers={"range": "bytes=4-7"})
    assert (part.status_code, b"".join(part), part["Content-Range"]) == (206, b"\x00\x01\x02\x03", "bytes 4-7/100")
    assert b"".join(browser.get(where, headers={"range": "bytes=-2"})) == b"\x5e\x5f"
    assert browser.get(where, headers={"range": "bytes=200-"}).status_code == 416
    assert browser.get(where, headers={"range": "Zeilen=1-2"}).status_code == 416


def test_a_file_of_a_deleted_message_is_not_there_any_more(house: House, browser: Client) -> None:
    wamid = house.customer_writes("x", type="image", content=encoded(png()), mime_type="image/png")
    media = only_file(house)
    house.customer_writes("", type="revoke", context=wamid)
    assert browser.get(address(house, media)).status_code == 404


def test_a_file_that_is_on_its_way_is_not_there_yet(house: House, browser: Client) -> None:
    house.emulator.fault({"path": "/v"}, {"http": {"status": 503, "body": ""}}, times=1)
    house.customer_writes("x", type="document")
    assert browser.get(address(house, only_file(house))).status_code == 404
