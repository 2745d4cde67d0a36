"""Staff of the tests: one who may do everything, one who may look, and a world with a row of every model."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile

from assistants.models import Assistant, Thread, Turn
from automations.models import Event, Flow, FlowVersion, Run, Signal, Step, StepRun, TriggerDecision, Wait
from messaging.models import (
    AutomaticAnswer,
    Chat,
    ConsentEvent,
    Contact,
    ContactIdentity,
    Conversation,
    InboundLog,
    MediaFile,
    Message,
    MessageChange,
    MessageStatus,
    Pace,
    Sender,
    Template,
    WebhookEvent,
)
from tests.cast import make_user
from workspaces.models import (
    ApiKey,
    BulkItem,
    BulkJob,
    Change,
    IdempotentCall,
    Membership,
    NotificationChannel,
    QueuedTask,
    User,
    Workspace,
)
from workspaces.services.audit import record
from workspaces.services.notifications import notify_team

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
TOKEN = "geheimes-token-7a1"
APP_SECRET = "geheimes-app-secret-7a2"
VERIFY_TOKEN = "geheimes-verify-7a3"
MODEL_KEY = "geheimer-modell-schluessel-7a4"
SECRETS = (TOKEN, APP_SECRET, VERIFY_TOKEN, MODEL_KEY)
OUR_APPS = ("workspaces", "assistants", "messaging", "automations")


def make_staff(name: str, *permissions: str, **fields: Any) -> User:
    """A member of staff with these permissions (app.codename) and no others."""
    user = make_user(name, is_staff=True, **fields)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_world(membership: Membership, number: int = 1) -> dict[str, Any]:
    """One row of every model of the four apps, in the member's workspace."""
    workspace: Workspace = membership.workspace
    assistant = Assistant.objects.in_workspace(workspace).create(
        name=f"Empfang {number}",
        endpoint="https://model.example/v1",
        api_key=MODEL_KEY,
        model="demo",
        instructions="Kurz.",
    )
    thread = Thread.objects.in_workspace(workspace).create(assistant=assistant, customer_identifier=f"crm-{number}")
    asked = Turn.objects.in_workspace(workspace).create(
        thread=thread, role="customer", content="Wann?", status="answered", key=f"k{number}"
    )
    Turn.objects.in_workspace(workspace).create(
        thread=thread, role="assistant", content="Um acht.", status="said", answers=asked
    )
    sender = Sender.objects.in_workspace(workspace).create(
        provider_number_id=f"1000{number}",
        business_account_id="2001",
        phone=f"+4331655501{number}",
        display_name=f"Praxis {number}",
        status="online",
        token=TOKEN,
        app_secret=APP_SECRET,
        verify_token=VERIFY_TOKEN,
        assistant=assistant,
        check_findings=[{"part": "token", "is_ok": True, "code": "", "facts": {}}],
    )
    Template.objects.in_workspace(workspace).create(
        business_account_id="2001",
        name=f"termin_{number}",
        language="de",
        category="utility",
        status="approved",
        components=[{"type": "BODY", "text": "Hallo {{1}}, bis {{2}}."}],
    )
    contact = Contact.objects.in_workspace(workspace).create(phone=f"+43664123456{number}", name=f"Eva {number}")
    ContactIdentity.objects.in_workspace(workspace).create(
        contact=contact, kind="whatsapp_id", value=f"4366412345{number}"
    )
    ConsentEvent.objects.in_workspace(workspace).create(
        contact=contact, purpose="marketing", state="opted_in", source="form"
    )
    chat = Chat.objects.in_workspace(workspace).create(contact=contact, sender=sender, last_inbound_at=NOON)
    conversation = Conversation.objects.in_workspace(workspace).create(
        chat=chat, opened_at=NOON, opened_by="customer", taken_over_until=NOON + timedelta(hours=1)
    )
    flow = Flow.objects.in_workspace(workspace).create(name=f"Ablauf {number}")
    FlowVersion.objects.in_workspace(workspace).create(flow=flow, state="draft", trigger_type="manual")
    version = FlowVersion.objects.in_workspace(workspace).create(
        flow=flow, state="published", number=1, program={"format": 1, "start": None, "nodes": {}}, published_at=NOON
    )
    flow.published = version
    flow.save(update_fields=["published"])
    Step.objects.in_workspace(workspace).create(version=version, key="ende", type="stop", name="Ende")
    run = Run.objects.in_workspace(workspace).create(
        flow=flow,
        version=version,
        start_key=f"s{number}",
        status="failed",
        contact=contact,
        chat=chat,
        conversation=conversation,
        started_at=NOON,
        ended_at=NOON,
        error_code="sender_offline",
        error_facts={"sender": "Praxis", "reason": "paused"},
        error_step="ende",
    )
    StepRun.objects.in_workspace(workspace).create(
        run=run,
        step_key="ende",
        status="failed",
        input={"to": "+43"},
        error_code="sender_offline",
        error_facts={"sender": "Praxis", "reason": "paused"},
        started_at=NOON,
    )
    message = Message.objects.in_workspace(workspace).create(
        sender=sender,
        chat=chat,
        conversation=conversation,
        direction="out",
        kind="text",
        body="Guten Tag",
        provider_id=f"wamid.{number}",
        status="failed",
        error_code="sender_offline",
        error_facts={"sender": "Praxis", "reason": "paused"},
        cause_kind="run",
        cause_id=str(run.public_id),
        cause_label=flow.name,
        occurred_at=NOON,
    )
    MessageStatus.objects.in_workspace(workspace).create(
        sender=sender, message=message, provider_id=f"wamid.{number}", status="failed", occurred_at=NOON
    )
    AutomaticAnswer.objects.in_workspace(workspace).create(message=message, kind="assistant", status="done")
    media = MediaFile(
        workspace=workspace, message=message, kind="image", platform_id=f"70{number}", status="stored",
        content_type="image/png", size=3, expires_at=NOON + timedelta(days=7),
    )  # fmt: skip
    media.file.save("", ContentFile(b"png"))
    MessageChange.objects.in_workspace(workspace).create(
        sender=sender, message=message, provider_id=f"wamid.r{number}", target_provider_id=message.provider_id,
        kind="reaction", by="customer", content={"emoji": "👍"}, occurred_at=NOON,
    )  # fmt: skip
    Wait.objects.in_workspace(workspace).create(run=run, step_key="ende", kind="reply", chat=chat)
    Signal.objects.in_workspace(workspace).create(run=run, kind="reply", source=f"m{number}", message=message)
    event = Event.objects.in_workspace(workspace).create(
        name="call_ended", deduplication_id=f"d{number}", data={"outcome": "interested"}, occurred_at=NOON
    )
    TriggerDecision.objects.in_workspace(workspace).create(
        source_kind="event",
        source_id=str(event.public_id),
        event=event,
        message=message,
        flow=flow,
        run=run,
        rule="call_ended",
        outcome="started",
        decided_at=NOON,
    )
    body = b'{"object": "whatsapp_business_account", "entry": []}'
    webhook = WebhookEvent.objects.create(
        sender=sender, endpoint=f"sender:{sender.public_id}"[:60], body=body, digest=uuid4().hex
    )
    InboundLog.objects.create(
        workspace=workspace, sender=sender, event=webhook, message=message, kind="text", outcome="stored"
    )
    Pace.objects.in_workspace(workspace).create(key=f"sender:{sender.pk}", next_at=NOON)
    key, _secret = ApiKey.objects.issue(membership=membership, name=f"CRM {number}", scopes=["messages:read"])
    IdempotentCall.objects.in_workspace(workspace).create(
        api_key=key, key=f"call-{number}", request_digest="0" * 64, status=201, body={"id": "1"}
    )
    NotificationChannel.objects.in_workspace(workspace).create(address=f"team{number}@example.org")
    notify_team(
        workspace=workspace, code="sender_offline", title="Offline", digest_key=f"offline:{number}", now=NOON,
        facts={"sender": "Praxis", "reason": "paused"},
    )  # fmt: skip
    record(membership, "flow.published", flow)
    Change.objects.create(workspace=workspace, topic="flows")
    QueuedTask.objects.create(queue="fast", payload="x")
    job = BulkJob.objects.create(kind="messages.retry", asked_by=membership.user)
    BulkItem.objects.create(job=job, row_id=message.pk)
    return {"sender": sender, "contact": contact, "run": run, "message": message, "flow": flow, "webhook": webhook,
            "job": job,
            "conversation": conversation, "key": key, "assistant": assistant, "chat": chat, "media": media}  # fmt: skip
