"""The running demo as scripts read it from DATA_DIR/demo.json; a contract (design/emulator.md)."""

import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings

from automations.demo.cast import ACCOUNT_ID, OWNER_EMAIL, SLUG, STAFF_EMAIL
from automations.demo.things import webhook_of
from messaging.models import Sender
from workspaces.models import Workspace
from workspaces.secret_files import read_or_create


def demo_password() -> str:
    """The demo logins' password: made on the first run, kept for the owner of DATA_DIR only."""
    return _kept("demo_password", lambda: secrets.token_urlsafe(9))


def demo_api_secret() -> str:
    """The demo's API key."""
    return _kept("demo_api_key", lambda: f"bw_{secrets.token_urlsafe(32)}")


def demo_app_secret() -> str:
    """What the emulator signs with."""
    return _kept("demo_app_secret", lambda: secrets.token_hex(16))


def demo_token() -> str:
    """What our calls to the emulator carry."""
    return _kept("demo_token", lambda: f"EAA{secrets.token_hex(24)}")


def demo_facts() -> dict[str, Any]:
    """All but the addresses of emulator and model, which the supervisor adds. Raises Workspace.DoesNotExist."""
    workspace = Workspace.objects.get(slug=SLUG)
    senders = Sender.objects.in_workspace(workspace).filter(business_account_id=ACCOUNT_ID).order_by("id")
    return {
        "login": {"email": OWNER_EMAIL, "password": demo_password()},
        "staff": {"email": STAFF_EMAIL, "password": demo_password()},
        "workspace": workspace.slug,
        "api_key": demo_api_secret(),
        "senders": [
            {
                "id": str(sender.public_id),
                "phone_number_id": sender.provider_number_id,
                "phone": sender.phone,
                "waba_id": sender.business_account_id,
                "app_secret": sender.app_secret,
                "webhook": webhook_of(sender),
            }
            for sender in senders
        ],
    }


def _kept(name: str, make: Callable[[], str]) -> str:
    return read_or_create(settings.SECRETS_DIR, name, make)
