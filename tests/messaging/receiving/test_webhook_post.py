"""manage.py webhook_post: captured payloads, signed and posted over real HTTP, one line each."""

import json
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from messaging.models import InboundLog, Message, Sender, WebhookEvent
from messaging.tasks import process_webhook_event
from tests.messaging.receiving.conftest import envelope, person, text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker() -> Iterator[None]:
    """Works off what is stored until the test is through."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.02):
            for pk in WebhookEvent.objects.filter(processed_at=None).values_list("pk", flat=True):
                process_webhook_event(pk)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_over.set()
    thread.join()


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("webhook_post", *arguments, stdout=out)
    return out.getvalue().strip()


def capture(folder: Path) -> Path:
    path = folder / "hallo.json"
    path.write_text(json.dumps(envelope({"contacts": [person()], "messages": [text()]}, number="999")))
    return path


def test_a_file_is_posted_as_if_it_were_the_senders(
    sender: Sender, worker: None, live_server: Any, tmp_path: Path
) -> None:
    line = run(capture(tmp_path), "--url", live_server.url)
    assert line == "hallo.json: 200 text: stored; rows: 1"
    assert Message.objects.across_workspaces().get().sender == sender


def test_a_file_as_it_is_may_be_about_a_number_nobody_has(
    sender: Sender, worker: None, live_server: Any, tmp_path: Path
) -> None:
    line = run(capture(tmp_path), "--url", live_server.url, "--as-is", "--sender", str(sender.public_id))
    assert line == "hallo.json: 200 text: unknown_sender (unknown_number); rows: 0"
    assert InboundLog.objects.get().detail == "999"


def test_a_broken_capture_is_posted_as_it_stands(
    sender: Sender, worker: None, live_server: Any, tmp_path: Path
) -> None:
    path = tmp_path / "kaputt.json"
    path.write_text('{"entry": [7, {"changes": [{"field": "messages", "value": "x"}]}]}')
    assert run(path, "--url", live_server.url) == (
        "kaputt.json: 200 entry: not_understood (broken_item); messages: not_understood (broken_item); rows: 0"
    )


def test_a_sender_that_is_not_there_is_said(live_server: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such sender"):
        run(capture(tmp_path), "--url", live_server.url)


def test_a_file_that_cannot_be_read_is_said(sender: Sender, live_server: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run(tmp_path / "fehlt.json", "--url", live_server.url)
