"""What runs through the storm: a workspace with one number, and a flow of three sends, a delay, a branch and a wait."""

from django.conf import settings
from django.db import connection
from django.utils import timezone

from messaging.emulator.client import EmulatorClient
from messaging.models import Sender
from tests.cast import join, make_user, make_workspace
from tests.house import ACCOUNT_ID, NUMBER_ID, SECRET, TOKEN, House
from workspaces.models import Role, Workspace

PHONE = "+43316555010"
# A refusal that may pass (a 500, say) is tried again soon: the storm is short.
RETRY = {"attempts": 12, "first_wait_seconds": 1, "factor": 1.5, "ceiling_seconds": 5}
ODD = {"left": "{{trigger.text}}", "operator": "contains", "right": "ungerade"}
STEPS = (
    {"type": "send_text", "key": "eins", "config": {"text": "eins {{trigger.text}}"}, "retry": RETRY},
    {"type": "delay", "key": "pause", "config": {"mode": "for", "duration": {"amount": 2, "unit": "seconds"}}},
    {
        "type": "branch",
        "key": "weg",
        "config": {"lanes": [{"key": "odd", "label": "ungerade", "match": "all", "conditions": [ODD]}]},
        "lanes": {
            "odd": [
                {"type": "send_text", "key": "links", "config": {"text": "zwei-u {{trigger.text}}"}, "retry": RETRY}
            ],
            "else": [
                {"type": "send_text", "key": "rechts", "config": {"text": "zwei-g {{trigger.text}}"}, "retry": RETRY}
            ],
        },
    },
    {"type": "wait_for_reply", "key": "warten", "config": {"timeout": {"amount": 1, "unit": "hours"}}},
    {
        "type": "send_text",
        "key": "drei",
        "config": {"text": "drei {{trigger.text}}: {{steps.warten.reply}}"},
        "retry": RETRY,
    },
)


def found(emulator: EmulatorClient, *, host: str = "") -> House:
    """Make the workspace, its number here and on the platform, and the flow; all through the services."""
    workspace = Workspace.objects.get(pk=make_workspace("chaos", name="Chaos").pk)
    owner = join(workspace, make_user("Alice"), Role.OWNER)
    sender = Sender.objects.in_workspace(workspace).create(
        address_key="emulator",
        provider_number_id=NUMBER_ID,
        business_account_id=ACCOUNT_ID,
        phone=PHONE,
        display_name="Chaos",
        status=Sender.Status.ONLINE,
        status_since=timezone.now(),
        token=TOKEN,
        app_secret=SECRET,
        verify_token="verify",
    )
    emulator.register_number(
        NUMBER_ID,
        waba_id=ACCOUNT_ID,
        phone=PHONE,
        name="Chaos",
        app_secret=SECRET,
        token=TOKEN,
        verify_token="verify",
        webhook=f"{settings.PUBLIC_URL}/webhooks/whatsapp/{sender.public_id}/",
    )
    house = House(workspace=workspace, owner=owner, sender=sender, emulator=emulator, traveller=None)
    house.flow("message_received", list(STEPS), trigger_config={"keyword_match": "starts_with", "keywords": ["Start"]})
    # The storm's processes and this one share nothing but the file or server.
    connection.close()
    return house
