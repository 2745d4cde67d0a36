"""The demo's things: people, senders, templates, assistant and flows. Made once, brought up to date at each start."""

from datetime import datetime
from typing import Any

from django.conf import settings

from assistants.models import Assistant
from automations.demo.cast import (
    ACCOUNT_ID,
    FALLBACK,
    INSTRUCTIONS,
    NUMBERS,
    OWNER_EMAIL,
    SLUG,
    STAFF_EMAIL,
    TEMPLATES,
)
from automations.models import Flow
from automations.recipes import load_recipes
from automations.services.recipes import install_recipe
from messaging.emulator.client import EmulatorClient
from messaging.models import Sender
from messaging.services.templates import sync_templates
from workspaces.models import ApiKey, Membership, Role, User, Workspace

EDITIONS = (("first_answer", "plain", True), ("call_follow_up", "plain", True), ("call_follow_up", "full", False))


def demo_people(password: str) -> Membership:
    """The owner of the demo workspace, a member of staff, and an agent and a viewer beside them."""
    owner = _user(OWNER_EMAIL, "Anna Weber", password)
    _user(STAFF_EMAIL, "Staff", password, is_staff=True, is_superuser=True)
    workspace, _created = Workspace.objects.get_or_create(
        slug=SLUG,
        defaults={
            "name": "Praxis Dr. Weber",
            "time_zone": "Europe/Vienna",
            "language": "de",
            "region": "AT",
            "is_demo": True,
        },
    )
    membership, _created = Membership.objects.get_or_create(
        workspace=workspace, user=owner, defaults={"role": Role.OWNER}
    )
    for email, name, role in (
        ("lukas.berger@botenwerk.example", "Lukas Berger", Role.AGENT),
        ("mia.hofer@botenwerk.example", "Mia Hofer", Role.VIEWER),
    ):
        Membership.objects.get_or_create(
            workspace=workspace, user=_user(email, name, password), defaults={"role": role}
        )
    return membership


def demo_key(owner: Membership, secret: str) -> ApiKey:
    """The key that `demo.json` shows; the secret is kept in DATA_DIR like the passwords."""
    return ApiKey.objects.adopt(membership=owner, name="Vorführung", secret=secret, scopes=list(ApiKey.KNOWN_SCOPES))


def demo_senders(owner: Membership, *, secret: str, token: str, now: datetime) -> list[Sender]:
    """Two senders whose base address is the emulator's."""
    senders = []
    for number in NUMBERS:
        sender, _created = Sender.objects.in_workspace(owner.workspace).get_or_create(
            provider_number_id=number.number_id,
            defaults={
                "workspace": owner.workspace,
                "address_key": "emulator",
                "business_account_id": ACCOUNT_ID,
                "phone": number.phone.replace(" ", ""),
                "display_name": number.name,
                "status": Sender.Status.ONLINE,
                "status_since": now,
                "quality": Sender.Quality.GREEN,
                "messaging_limit": number.limit,
                "token": token,
                "app_secret": secret,
                "verify_token": f"verify-{number.number_id}",
                "last_checked_at": now,
                "wake_at": now,
            },
        )
        senders.append(sender)
    return senders


def register_on_emulator(client: EmulatorClient, senders: list[Sender], *, with_webhook: bool) -> None:
    """The platform's side of the same numbers and templates. Said again at each start, since the port may differ."""
    for number, sender in zip(NUMBERS, senders, strict=True):
        client.register_number(
            number.number_id,
            waba_id=ACCOUNT_ID,
            phone=number.phone.replace(" ", ""),
            name=number.name,
            app_secret=sender.app_secret,
            token=sender.token,
            verify_token=sender.verify_token,
            webhook=webhook_of(sender) if with_webhook else "",
            limit=number.limit,
        )


def templates_on_emulator(client: EmulatorClient) -> None:
    """The account's templates: the demo's own, and what the recipes need."""
    for template in TEMPLATES:
        client.add_template(
            waba_id=ACCOUNT_ID,
            name=template.name,
            language=template.language,
            category=template.category,
            status=template.status,
            parameter_format=template.parameter_format,
            components=template.components,
        )
    for recipe in load_recipes().values():
        for need in recipe.needs.values():
            if need["kind"] != "template":
                continue
            for language, components in need["components"].items():
                client.add_template(
                    waba_id=ACCOUNT_ID,
                    name=need["name"],
                    language=language,
                    category=need["category"].upper(),
                    status="APPROVED",
                    parameter_format="POSITIONAL",
                    components=components,
                )


def demo_assistant(owner: Membership) -> Assistant:
    """The reception: answers by the demo model, whose port may differ at each start."""
    endpoint = f"http://127.0.0.1:{settings.PORT + 2}/v1"
    assistant, created = Assistant.objects.in_workspace(owner.workspace).get_or_create(
        name="Empfang",
        defaults={
            "workspace": owner.workspace,
            "endpoint": endpoint,
            "model": "Demo-Modell",
            "instructions": INSTRUCTIONS,
            "fallback_text": FALLBACK,
        },
    )
    if not created and assistant.endpoint.startswith("http://127.0.0.1:") and assistant.endpoint != endpoint:
        assistant.endpoint = endpoint
        assistant.save(update_fields=["endpoint"])
    return assistant


def demo_flows(owner: Membership, senders: list[Sender], assistant: Assistant, *, now: datetime) -> None:
    """The recipes, of two editions only the plain one switched on; and the assistant behind them."""
    sync_templates(senders[0], now)
    flows = Flow.objects.in_workspace(owner.workspace)
    for key, edition, is_on in EDITIONS:
        if flows.filter(recipe=f"{key}:{edition}").exists():
            continue
        chosen: dict[str, Any] = {"sender": senders[0], "assistant": assistant}
        install_recipe(
            workspace=owner.workspace,
            key=key,
            edition=edition,
            chosen=chosen,
            switch_on=is_on,
            by=owner,
            now=now,
        )
    for sender in senders:
        sender.assistant, sender.ai_answers = assistant, True
        sender.save(update_fields=["assistant", "ai_answers"])


def webhook_of(sender: Sender) -> str:
    """The sender's webhook address on this machine."""
    return f"http://127.0.0.1:{settings.PORT}/webhooks/whatsapp/{sender.public_id}/"


def _user(email: str, name: str, password: str, **fields: Any) -> User:
    user = User.objects.filter(email=email).first()
    return user or User.objects.create_user(email, password, name=name, **fields)
