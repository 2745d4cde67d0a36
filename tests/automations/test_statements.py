"""What a run costs the database: the statements of the hot path, webhook -> branch -> send, are bounded."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automations.models import Run
from automations.tasks import advance_run
from messaging.models import WebhookEvent
from messaging.tasks import process_webhook_event
from tests.house import EVA, House

# PostgreSQL locks rows by statements of their own where SQLite's write lock does.
PROCESSING, ADVANCING = (33, 33) if connection.vendor == "postgresql" else (31, 31)
pytestmark = pytest.mark.django_db(transaction=True)
BRANCH = {
    "type": "branch",
    "key": "zweig",
    "config": {
        "lanes": [
            {
                "key": "termin",
                "label": "Termin",
                "match": "all",
                "conditions": [{"left": "{{trigger.text}}", "operator": "contains", "right": "appointment"}],
            }
        ]
    },
    "lanes": {
        "termin": [{"type": "send_text", "key": "frei", "config": {"text": "slots"}}],
        "else": [{"type": "send_text", "key": "gruss", "config": {"text": "greeting"}}],
    },
}


# What carries nothing.
AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def counted(call: Any, *arguments: Any) -> int:
    with CaptureQueriesContext(connection) as found:
        call(*arguments)
    return sum(not query["sql"].startswith(AROUND) for query in found.captured_queries)


def test_a_run_costs_a_bounded_number_of_statements(house: House) -> None:
    """For a customer who is new; one more is a query that nobody may add unseen."""
    house.flow("message_received", [BRANCH])
    house.customer_writes("warm", phone="+436640000001")
    wamid = house.emulator.customer_writes(EVA, house.sender.provider_number_id, "I need an appointment")
    house.wait_for_webhook(wamid)
    house.take_tasks()
    event = WebhookEvent.objects.get(processed_at=None)
    processing = counted(process_webhook_event, event.pk)
    run = Run.objects.in_workspace(house.workspace).get(status=Run.Status.QUEUED)
    advancing = counted(advance_run, run.pk)
    assert house.screen() == ["slots"]
    assert processing <= PROCESSING
    assert advancing <= ADVANCING
