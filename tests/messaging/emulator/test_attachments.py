"""Files that go out: by the id of an upload or by a link, and what their kind allows (131053 by a status)."""

import pytest

from messaging.emulator.testing import run_emulator
from workspaces.embedded_server import Answer, served_in_thread

from .conftest import EVA, NUMBER, TOKEN, WABA, Platform, code_of
from .test_media import NOON, PNG, upload

JPEG, MP4 = b"\xff\xd8\xff\xe0" + bytes(40), b"\x00\x00\x00\x18ftypmp42" + bytes(40)
OGG, MP3, WEBP = b"OggS" + bytes(40), b"\xff\xfb\x90" + bytes(40), b"RIFF\x1a\x00\x00\x00WEBPVP8L" + bytes(20)
PDF = b"%PDF-1.4"


@pytest.fixture
def talking(emulator):
    emulator.customer_writes(EVA, NUMBER, "Hallo")


@pytest.mark.parametrize(
    ("kind", "mime_type", "data", "arrives"),
    [
        ("image", "image/png", PNG, True),
        ("image", "image/jpeg", JPEG, True),
        ("image", "image/webp", WEBP, False),
        ("image", "image/png", PDF, False),
        ("video", "video/mp4", MP4, True),
        ("video", "image/png", PNG, False),
        ("audio", "audio/ogg; codecs=opus", OGG, True),
        ("audio", "audio/mpeg", MP3, True),
        ("audio", "video/mp4", MP4, False),
        ("sticker", "image/webp", WEBP, True),
        ("sticker", "image/png", PNG, False),
        ("document", "application/pdf", PDF, True),
        ("document", "text/plain", b"Hallo", True),
    ],
)
def test_an_upload_is_delivered_as_what_it_is(platform, webhook, talking, kind, mime_type, data, arrives):
    key = upload(platform, data=data, mime_type=mime_type)[1]["id"]
    assert platform.send(type=kind, **{kind: {"id": key}})[0] == 200
    status = webhook.statuses(1)[0]
    assert status["status"] == ("sent" if arrives else "failed")
    assert arrives or status["errors"][0]["code"] == 131053


@pytest.mark.parametrize(("data", "goes"), [(WEBP + bytes(100 * 1024), False), (WEBP + b"ANIM" + bytes(101_000), True)])
def test_a_still_sticker_has_a_fifth_of_an_animated_ones_size(platform, data, goes):
    answer = upload(platform, data=data, mime_type="image/webp")
    assert answer[0] == 200 if goes else code_of(answer) == 131053


def test_an_upload_that_is_not_there(platform, emulator, webhook):
    emulator.set_clock(NOON)
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert code_of(platform.send(type="image", image={"id": "404"})) == 100
    emulator.register_number("555", waba_id="777", phone="+4915199999999", token="foreign")
    foreign = Platform(platform.url, token="foreign")
    body = upload(platform)[1]["id"]
    assert platform.send(type="image", image={"id": body})[0] == 200
    emulator.customer_writes(EVA, "555", "Hallo")
    message = {"messaging_product": "whatsapp", "to": EVA, "type": "image", "image": {"id": body}}
    assert code_of(foreign.call("POST", "555/messages", message)) == 100
    assert platform.call("DELETE", body)[0] == 200
    assert code_of(platform.send(type="image", image={"id": body})) == 100


@pytest.mark.parametrize("kind", ["image", "document"])
def test_a_header_takes_an_upload_too(platform, emulator, webhook, kind):
    emulator.add_template(
        waba_id=WABA,
        name="kopf",
        language="de",
        components=[{"type": "HEADER", "format": kind.upper()}, {"type": "BODY", "text": "Bitte sehr."}],
    )
    key = upload(platform)[1]["id"]
    header = {"type": "header", "parameters": [{"type": kind, kind: {"id": key}}]}
    platform.template(header, name="kopf")
    assert webhook.statuses(1)[0]["status"] == "sent"
    header["parameters"][0][kind] = {"id": "404"}
    assert code_of(platform.template(header, name="kopf")) == 100


def test_whose_upload_it_is_can_be_asked_for_uploads_only(platform, emulator, webhook):
    key = upload(platform)[1]["id"]
    assert platform.call("GET", f"{key}?phone_number_id={NUMBER}")[0] == 200
    assert code_of(platform.call("GET", f"{key}?phone_number_id=2")) == 100
    emulator.customer_sends(EVA, NUMBER, type="image")
    inbound = webhook.wait(1)[0].value["messages"][0]["image"]["id"]
    assert platform.call("GET", inbound)[0] == 200
    assert code_of(platform.call("GET", f"{inbound}?phone_number_id={NUMBER}")) == 100


def test_an_address_that_resolves_nowhere(platform, webhook, talking):
    platform.send(type="image", image={"link": "https://bilder.invalid/a.png"})
    assert webhook.statuses(1)[0]["errors"][0]["code"] == 131053


class Files:
    """A web server with one good picture, and things that are none."""

    async def start(self): ...

    async def stop(self): ...

    async def __call__(self, request):
        found = {
            "/good.png": ("image/png", PNG),
            "/page.png": ("text/html", b"<h1>Sorry</h1>"),
            "/fake.png": ("image/png", b"<h1>Sorry</h1>"),
            "/large.png": ("image/png", PNG + bytes(5 * 1024 * 1024)),
        }.get(request.path)
        return Answer(200, found[1], {"content-type": found[0]}) if found else Answer(404)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("good.png", ""),
        ("page.png", "mime type text/html"),
        ("fake.png", "content is not what"),
        ("large.png", "at most 5242880 bytes"),
        ("gone.png", "http code 404"),
    ],
)
def test_a_link_to_this_machine_is_fetched_before_the_message_goes_on(webhook, path, words):
    with (
        served_in_thread(Files()) as files,
        run_emulator(sent_ms=2, delivered_ms=6, webhook=webhook.url, fetches_links=True) as running,
    ):
        running.client.register_number(NUMBER, waba_id=WABA, phone="+4915112345678", token=TOKEN)
        running.client.customer_writes(EVA, NUMBER, "Hallo")
        Platform(running.url).send(type="image", image={"link": f"{files.url}/{path}"})
        status = webhook.statuses(1)[0]
    assert status["status"] == ("failed" if words else "sent")
    assert not words or (status["errors"][0]["code"], words in status["errors"][0]["error_data"]["details"]) == (
        131053,
        True,
    )
