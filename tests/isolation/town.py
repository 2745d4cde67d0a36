"""Two workspaces with a row of every model, and people of every role in the first; canaries tell their rows apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import transaction
from django.test import Client
from django.utils import timezone

from automations.models import Step
from automations.services.editing import add_step, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from messaging.models import Message, Sender, Template
from tests.cast import join, make_user, make_workspace
from tests.staff import make_world
from workspaces.models import Membership, Notification, Role, Workspace

OURS, THEIRS = 1, 2
# What tests.staff calls the rows of a world, by its number; each is shown on some page.
CANARIES = (
    "Eva {}",
    "Praxis {}",
    "Ablauf {}",
    "termin_{}",
    "Empfang {}",
    "+43664123456{}",
    "+4331655501{}",
    "wamid.{}",
)
ROWS = {
    "conversation": "messaging.Conversation",
    "message": "messaging.Message",
    "media": "messaging.MediaFile",
    "contact": "messaging.Contact",
    "sender": "messaging.Sender",
    "template": "messaging.Template",
    "flow": "automations.Flow",
    "run": "automations.Run",
    "assistant": "assistants.Assistant",
}


class Town:
    """Our workspace, theirs, and everybody who comes to the door."""

    def __init__(self) -> None:
        self.ours = make_workspace("praxis-graz", name="Unsere Praxis")
        self.theirs = make_workspace("autohaus-linz", name="Fremdes Autohaus")
        self.members = {role: join(self.ours, make_user(role.value), role) for role in Role}
        self.stranger = join(self.theirs, make_user("Charlie"), Role.OWNER)
        self.worlds = {
            OURS: self._world(self.members[Role.OWNER], OURS),
            THEIRS: self._world(self.stranger, THEIRS),
        }

    def _world(self, owner: Membership, number: int) -> dict[str, Any]:
        world = make_world(owner, number)
        flow, now = world["flow"], timezone.now()
        set_trigger(flow=flow, type="manual", config={"inputs": {}}, by=owner)
        add_step(flow=flow, type="stop", key="ende")
        publish_flow(flow=flow, by=owner, now=now)
        flow.refresh_from_db()
        switch_flow(flow=flow, is_on=True, by=owner, now=now)
        # A number of the emulator's, so that the phone simulator is there.
        Sender.objects.in_workspace(owner.workspace).update(address_key="emulator")
        # Delivered: sending it again is refused before the platform is called, which needs a transaction of its own.
        Message.objects.in_workspace(owner.workspace).update(status=Message.Status.DELIVERED)
        world["template"] = Template.objects.in_workspace(owner.workspace).get()
        world["step"] = Step.objects.in_workspace(owner.workspace).get(version=flow.draft)
        return world

    def values(self, number: int) -> dict[str, Any]:
        """What fills in the parts of an address: rows of one workspace below our slug."""
        workspace = self.workspace(number)
        world = self.worlds[number]
        found = {f"{name}_id": public_id(label, workspace) for name, label in ROWS.items()}
        found["notice_id"] = Notification.objects.in_workspace(workspace).latest("id").public_id
        found["message_id"] = world["message"].public_id
        return {**found, "slug": self.ours.slug, "key": "ende", "number": 2}

    def workspace(self, number: int) -> Workspace:
        """Ours or theirs."""
        return self.ours if number == OURS else self.theirs


def public_id(label: str, workspace: Workspace) -> Any:
    """The id in addresses of the workspace's newest row of a model."""
    return apps.get_model(label).objects.in_workspace(workspace).latest("id").public_id


def browser(membership: Membership | None) -> Client:
    """A browser of this member, or of nobody."""
    client = Client()
    if membership is not None:
        client.force_login(membership.user)
    return client


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside did not happen: each answer is asked for in the same town."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def canaries_in(body: str, number: int) -> list[str]:
    """The canaries of one workspace that a text shows."""
    return [canary for planted in CANARIES if (canary := planted.format(number)) in body]
