"""Files: upload, address, download, delete, and when they end."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import EVA, NUMBER, code_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def form(data=PNG, mime_type="image/png", **fields):
    """A multipart body and its content type."""
    fields = {"messaging_product": "whatsapp"} | fields
    parts = [f'--x\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    if data is not None:
        head = f'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\ncontent-type: {mime_type}\r\n\r\n'
        parts.append(head.encode() + data + b"\r\n")
    return b"".join(parts) + b"--x--\r\n", "multipart/form-data; boundary=x"


def upload(platform, *args, **kwargs):
    body, content_type = form(*args, **kwargs)
    return platform.call("POST", f"{NUMBER}/media", body, **{"content-type": content_type})


def test_an_uploaded_file_is_sent_found_and_deleted(platform, emulator):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    status, answer = upload(platform)
    assert status == 200
    key = answer["id"]
    assert platform.send(type="image", image={"id": key})[0] == 200
    media = platform.call("GET", key)[1]
    assert media["file_size"] == len(PNG)
    assert media["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert platform.call("DELETE", key) == (200, {"success": True})
    assert code_of(platform.call("GET", key)) == 100
    entry = next(entry for entry in emulator.journal() if entry.get("path", "").endswith("/media"))
    assert entry["body"].endswith(" bytes")


def test_a_customers_file_is_fetched_with_the_token(running, platform, emulator, webhook):
    content = base64.b64encode(b"Inhalt").decode()
    emulator.set_clock(NOON)
    emulator.customer_sends(EVA, NUMBER, type="document", content=content, mime_type="text/plain", filename="a.txt")
    document = webhook.wait(1)[0].value["messages"][0]["document"]
    assert document["filename"] == "a.txt"
    assert document["sha256"] == base64.b64encode(hashlib.sha256(b"Inhalt").digest()).decode()
    address = platform.call("GET", document["id"])[1]["url"]
    assert address.startswith(running.url)
    path = address.removeprefix(running.url)
    assert platform.raw("GET", path) == (200, "Inhalt")
    emulator.set_clock(NOON + timedelta(minutes=6))
    assert code_of(platform.raw("GET", path)) == 131052
    platform.token = "dead"
    assert code_of(platform.raw("GET", path)) == 190


@pytest.mark.parametrize(("inbound", "days"), [(True, 7), (False, 30)])
def test_files_end_after_7_or_30_days(platform, emulator, webhook, inbound, days):
    emulator.set_clock(NOON)
    if inbound:
        emulator.customer_sends(EVA, NUMBER, type="image")
        key = webhook.wait(1)[0].value["messages"][0]["image"]["id"]
    else:
        key = upload(platform)[1]["id"]
    emulator.set_clock(NOON + timedelta(days=days))
    assert platform.call("GET", key)[0] == 200
    emulator.set_clock(NOON + timedelta(days=days, seconds=1))
    assert code_of(platform.call("GET", key)) == 100


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"mime_type": "application/x-msdownload"}, 100),
        ({"data": None}, 100),
        ({"messaging_product": "sms"}, 100),
        ({"data": b""}, 131053),
        ({"data": bytes(5 * 1024 * 1024 + 1)}, 131053),
    ],
)
def test_files_that_are_refused(platform, given, code):
    assert code_of(upload(platform, **given)) == code


def test_an_upload_that_is_no_form(platform):
    assert code_of(platform.call("POST", f"{NUMBER}/media", {"file": "x"})) == 100
    answer = platform.call("POST", f"{NUMBER}/media", b"nothing", **{"content-type": "multipart/form-data"})
    assert code_of(answer) == 100
