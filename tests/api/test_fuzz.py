"""The API's own description, fuzzed: no 5xx, and every answer is one that the description declares."""

from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.utils import timezone
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assistants.models import Assistant
from automations.services.runs import start_manually
from messaging.models import Chat, Contact, Message, Sender, Template
from tests.api.test_flows import make_flow
from tests.cast import make_key
from workspaces.api import rate_limit
from workspaces.models import Membership

# Outside of a test's transaction: the handler closes the connection after each request, as a server does.
pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def document(alice: Membership) -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", WSGIHandler())


@pytest.fixture
def known(alice: Membership) -> dict[str, str]:
    """One row of each kind, so that more than 404 is answered; nothing in it reaches another server."""
    workspace = alice.workspace
    assistant = Assistant.objects.in_workspace(workspace).create(
        name="Empfang", endpoint="http://127.0.0.1:9/v1", model="m", instructions="-", is_on=False
    )
    sender = Sender.objects.in_workspace(workspace).create(
        provider_number_id="1", business_account_id="2", is_paused=True
    )
    contact = Contact.objects.in_workspace(workspace).create(phone="+4915112345678")
    chat = Chat.objects.in_workspace(workspace).create(contact=contact, sender=sender)
    message = Message.objects.in_workspace(workspace).create(
        sender=sender,
        chat=chat,
        direction="in",
        kind="text",
        body="Hallo",
        status="received",
        occurred_at=timezone.now(),
    )
    template = Template.objects.in_workspace(workspace).create(
        business_account_id="2", name="t", language="de", category="utility", components=[{"type": "BODY", "text": "x"}]
    )
    flow = make_flow(alice, "manual")
    run, _was_created = start_manually(flow=flow, data={}, key="k", by=alice, now=timezone.now())
    return {
        "/api/v1/assistants/": str(assistant.public_id),
        "/api/v1/senders/": str(sender.public_id),
        "/api/v1/messages/": str(message.public_id),
        "/api/v1/templates/": str(template.public_id),
        "/api/v1/flows/": str(flow.public_id),
        "/api/v1/runs/": str(run.public_id),
    }


def test_no_call_breaks_the_api_or_its_description(
    document: Any, alice: Membership, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "TOLERANCE", timedelta(days=1))
    _key, secret = make_key(alice)
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 20
    for operation in operations:

        @seed(7)
        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def fuzz(case: Any) -> None:
            for prefix, public_id in known.items():
                if case.path.startswith(prefix) and case.path_parameters:
                    case.path_parameters["id"] = public_id
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)

        fuzz()
