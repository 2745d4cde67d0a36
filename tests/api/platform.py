"""A sender of the workspace whose platform is the emulator, and customers of the emulator."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from messaging.emulator.testing import RunningEmulator
from messaging.models import Chat, Contact, ContactIdentity, Sender, Template
from workspaces.models import Workspace

NUMBER = "100200300"
ACCOUNT = "900800700"
EVA = "+4915112345678"


@dataclass
class Platform:
    """What a test of the sending endpoints looks at."""

    emulator: RunningEmulator
    workspace: Workspace
    sender: Sender

    @property
    def sends(self) -> list[dict[str, Any]]:
        """The bodies of accepted messages."""
        return [entry["body"] for entry in self.emulator.client.sends()]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every send call that reached the platform, accepted or not."""
        entries = self.emulator.client.journal()
        return [entry for entry in entries if entry["kind"] == "call" and entry["path"].endswith("/messages")]

    def add_template(self, name: str, body: str, *, category: str = "utility", **fields: Any) -> Template:
        """A template that the platform and we know alike."""
        parameters = fields.pop("parameter_format", "positional")
        components = [{"type": "BODY", "text": body, **fields.pop("example", {})}]
        known = self.emulator.client.add_template(
            waba_id=ACCOUNT,
            name=name,
            language="de",
            category=category.upper(),
            status="APPROVED",
            parameter_format=parameters.upper(),
            components=components,
        )
        return Template.objects.in_workspace(self.workspace).create(
            business_account_id=ACCOUNT,
            platform_id=str(known["id"]),
            name=name,
            language="de",
            category=category,
            components=components,
            parameter_format=parameters,
            **{"status": Template.Status.APPROVED, **fields},
        )

    def wrote(self, phone: str, *, at: datetime, name: str = "Eva Adler") -> Chat:
        """The customer wrote at this time, as the platform and we have it."""
        self.emulator.client.customer_writes(phone, NUMBER, "Hallo", name=name, at=at.isoformat())
        contact = Contact.objects.in_workspace(self.workspace).create(phone=phone, name=name)
        ContactIdentity.objects.in_workspace(self.workspace).create(
            contact=contact, kind=ContactIdentity.Kind.PHONE, value=phone
        )
        return Chat.objects.in_workspace(self.workspace).create(
            contact=contact,
            sender=self.sender,
            address=phone.removeprefix("+"),
            last_inbound_at=at,
            window_expires_at=at + timedelta(hours=24),
        )


def connect(emulator: RunningEmulator, workspace: Workspace) -> Platform:
    """A sender that is online on both sides."""
    emulator.client.register_number(
        NUMBER, waba_id=ACCOUNT, phone="+436641112233", name="Praxis Graz", token="EAAG-canary", status="CONNECTED"
    )
    sender = Sender.objects.in_workspace(workspace).create(
        address_key="emulator",
        provider_number_id=NUMBER,
        business_account_id=ACCOUNT,
        phone="+436641112233",
        display_name="Praxis Graz",
        status=Sender.Status.ONLINE,
        token="EAAG-canary",
    )
    return Platform(emulator, workspace, sender)
