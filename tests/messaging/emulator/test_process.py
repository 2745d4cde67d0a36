"""The emulator as a process of its own, and the client that outlives its restarts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from messaging.emulator.client import EmulatorClient
from messaging.emulator.testing import run_emulator

from .conftest import BODY, EVA, NUMBER, WABA, Platform, body_of, code_of, eventually

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("command", "word"), [("emulator", "Emulator at "), ("demo_model", "Demo model at ")])
def test_the_commands_serve_until_sigterm_without_our_database(tmp_path, command, word):
    environment = os.environ | {"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings.local"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", command, "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = next(line for line in process.stdout if line.startswith(word))
        url = line.removeprefix(word).strip().removesuffix("/v1")
        assert EmulatorClient(url).call("GET", "health")["ok"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert not (tmp_path / "botenwerk.sqlite3").exists()


def test_a_client_goes_on_after_a_restart(tmp_path):
    with run_emulator(tmp_path) as first:
        port = int(first.url.rpartition(":")[2])
        client = EmulatorClient(first.url)
        client.register_number(NUMBER, waba_id=WABA, phone="+4915112345678")
    with pytest.raises(ConnectionError):
        client.call("GET", "numbers")
    with run_emulator(tmp_path, port=port):
        assert client.call("GET", "numbers")["data"][0]["id"] == NUMBER
    with run_emulator(tmp_path, port=port):
        assert client.call("GET", "clock")["fixed"] is False
        client.close()


def test_a_failure_under_way_is_told_after_the_restart(tmp_path, webhook):
    with run_emulator(tmp_path, sent_ms=60_000) as first:
        _prepare(first, webhook)
        first.client.patch_customer(EVA, on_whatsapp=False)
        assert _platform(first).template(body_of("a", "b"))[0] == 200
    with run_emulator(tmp_path, sent_ms=2, delivered_ms=4):
        assert [one["status"] for one in webhook.statuses(1)] == ["failed"]


def test_a_message_on_its_way_arrives_after_the_restart(tmp_path, webhook):
    with run_emulator(tmp_path, sent_ms=60_000, delivered_ms=60_000) as first:
        _prepare(first, webhook)
        assert _platform(first).template(body_of("a", "b"))[0] == 200
    with run_emulator(tmp_path, sent_ms=2, delivered_ms=4) as second:
        assert [one["status"] for one in webhook.statuses(2)] == ["sent", "delivered"]
        assert eventually(lambda: second.client.customer_screen(EVA, NUMBER))[0]["text"] == "Hallo a, b wartet."


def _prepare(running, webhook):
    running.client.register_number(
        NUMBER, waba_id=WABA, phone="+4915112345678", token="token-huber", webhook=webhook.url
    )
    running.client.add_template(waba_id=WABA, name="termin", language="de", components=BODY)


def _platform(running):
    return Platform(running.url)


def test_lists_for_people(emulator):
    emulator.customer_writes(EVA, NUMBER, "Hallo")
    assert emulator.call("GET", "customers")["data"][0]["phone"] == EVA
    assert emulator.call("GET", "numbers")["data"][0]["name"] == "Praxis Huber"


def test_a_control_body_that_is_no_json(running, platform):
    status, answer = platform.raw("POST", "/_emulator/faults", b"{nope")
    assert (status, answer) == (400, {"error": "The body is not valid JSON."})


def test_a_fault_passes_by_a_body_that_is_no_json(platform, emulator):
    emulator.fault({"to": EVA}, {"error": 131000})
    assert code_of(platform.call("POST", f"{NUMBER}/messages", b"{nope")) == 100
