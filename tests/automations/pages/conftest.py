"""A workspace with a sender and a template, somebody of each role, and what the pages show of a flow."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from automations.models import Flow, Run, StepRun
from automations.services.editing import add_step, create_flow, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from messaging.models import Sender, Template
from tests.cast import join, make_user, make_workspace
from workspaces.models import Membership, Role, User, Workspace
from workspaces.services.notifications import notify_team

BODY = "Hallo {{1}}, Ihr Termin ist am {{2}}."


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace("praxis-graz", name="Praxis Graz")


@pytest.fixture
def sender(workspace: Workspace) -> Sender:
    return Sender.objects.in_workspace(workspace).create(
        provider_number_id="100",
        business_account_id="900",
        phone="+43316555010",
        display_name="Praxis Graz",
        status=Sender.Status.ONLINE,
    )


@pytest.fixture
def template(workspace: Workspace, sender: Sender) -> Template:
    return Template.objects.in_workspace(workspace).create(
        business_account_id="900",
        platform_id="1",
        name="termin",
        language="de",
        status=Template.Status.APPROVED,
        category="utility",
        parameter_format="positional",
        components=[{"type": "BODY", "text": BODY, "example": {"body_text": [["Eva Novak", "3. Mai"]]}}],
    )


@pytest.fixture
def editor(workspace: Workspace) -> Membership:
    return join(workspace, make_user("Erna", language="en"), Role.EDITOR)


@pytest.fixture
def page(client: Client, editor: Membership) -> Client:
    """The browser of an editor who reads English."""
    client.force_login(editor.user)
    return client


@pytest.fixture
def flow(workspace: Workspace, editor: Membership, template: Template) -> Flow:
    """Every step that the pages know: a branch with a lane, a wait, a failure lane. Published and on."""
    flow = create_flow(workspace=workspace, name="Termin-Erinnerung", by=editor, now=timezone.now())
    set_trigger(
        flow=flow, type="manual", config={"inputs": {"customer_phone": "+436641234567", "day": "3. Mai"}}, by=editor
    )
    sender_id = str(Sender.objects.in_workspace(workspace).get().public_id)
    config = {"sender": sender_id, "template": "termin", "to": "{{trigger.customer_phone}}"}
    variables = {"1": "{{contact.name | default: 'dort'}}", "2": "{{trigger.day}}"}
    first = add_step(
        flow=flow, type="send_template", key="vorlage", config={**config, "variables": variables}, on_failure="lane"
    )
    add_step(
        flow=flow, type="notify_team", key="melden", config={"title": "Bitte ansehen"}, parent=first, lane="failure"
    )
    condition = {"left": "{{trigger.day}}", "operator": "equals", "right": "3. Mai"}
    lanes = [{"key": "ja", "label": "bestätigt", "match": "all", "conditions": [condition]}]
    branch = add_step(flow=flow, type="branch", key="zweig", config={"lanes": lanes})
    length = {"mode": "for", "duration": {"amount": 5, "unit": "minutes"}}
    add_step(flow=flow, type="delay", key="pause", config=length, parent=branch, lane="ja")
    return flow


@pytest.fixture
def published(flow: Flow, editor: Membership) -> Flow:
    publish_flow(flow=flow, by=editor, now=timezone.now())
    flow.refresh_from_db()
    return switch_flow(flow=flow, is_on=True, by=editor, now=timezone.now())


MakeRuns = Callable[..., list[Run]]


@pytest.fixture
def make_runs(workspace: Workspace) -> MakeRuns:
    """Runs of a flow, each with one step run; failed ones with a named error."""

    def make(flow: Flow, count: int, status: str = "done", **more: Any) -> list[Run]:
        now = timezone.now()
        made = []
        for _index in range(count):
            has_failed = status == "failed"
            fields = {"error_code": "sender_offline", "error_step": "vorlage"} if has_failed else {}
            run = Run.objects.in_workspace(workspace).create(
                flow=flow,
                version=flow.published,
                start_key=f"test:{Run.objects.in_workspace(workspace).count()}",
                trigger={"customer_phone": "+436641234567", "day": "3. Mai"},
                status=status,
                started_at=now,
                ended_at=now if status in Run.ENDED else None,
                **{**fields, **more},
            )
            StepRun.objects.in_workspace(workspace).create(
                run=run,
                step_key="vorlage",
                status="failed" if has_failed else "done",
                input={"to": "+436641234567", "variables": {"1": "Eva"}},
                output={} if has_failed else {"status": "accepted"},
                error_code="sender_offline" if has_failed else "",
                started_at=now,
                ended_at=now,
            )
            made.append(run)
        return made

    return make


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger."""
    return make_user("Charlie")


@pytest.fixture
def notice(workspace: Workspace, published: Flow) -> None:
    """What the team was told of the runs that `make_runs` lets fail."""
    notify_team(
        workspace=workspace,
        code="sender_offline",
        title="“%(flow)s” failed at “%(step)s”",
        digest_key=f"run:{published.pk}:vorlage:sender_offline",
        now=timezone.now(),
    )
