"""Roles on the pages of flows and runs: a viewer reads, an editor acts, a stranger finds nothing."""

from typing import Any

import pytest
from django.test import Client

from automations.models import Flow
from automations.urls import urlpatterns
from messaging.models import Contact, Template
from tests.cast import join, make_user
from workspaces.models import Role, User, Workspace

BASE = "/w/praxis-graz"

# Name of the address, method, and what is sent. A viewer may do the first list, the second needs an editor.
READ = {
    "flows": "/flows/",
    "recipes": "/flows/recipes/",
    "flow": "/flows/{flow}/",
    "flow_versions": "/flows/{flow}/versions/",
    "flow_version": "/flows/{flow}/versions/1/",
    "runs": "/runs/",
    "run": "/runs/{run}/",
    "run_picture": "/runs/{run}/picture/",
    "runs_summary": "/parts/runs/",
    "contact_runs": "/parts/contacts/{contact}/runs/",
    "template_usage": "/parts/templates/{template}/flows/",
}
ACT: dict[str, tuple[str, dict[str, str]]] = {
    "flow_new": ("/flows/new/", {"name": "Neu"}),
    "recipe_install": ("/flows/recipes/first_answer/install/", {"edition": "plain"}),
    "flow_settings": ("/flows/{flow}/settings/", {"name": "Neu", "priority": "0"}),
    "flow_trigger": ("/flows/{flow}/trigger/", {"type": "conversation_started"}),
    "step_add": ("/flows/{flow}/steps/add/", {"type": "stop"}),
    "step_save": ("/flows/{flow}/steps/zweig/save/", {}),
    "step_show": ("/flows/{flow}/steps/vorlage/show/", {}),
    "step_move": ("/flows/{flow}/steps/zweig/move/", {"to": "up"}),
    "step_remove": ("/flows/{flow}/steps/zweig/remove/", {}),
    "flow_switch": ("/flows/{flow}/switch/", {"is_on": "0"}),
    "flow_publish": ("/flows/{flow}/publish/", {}),
    "flow_try": ("/flows/{flow}/try/", {"recipient": ""}),
    "flow_start": ("/flows/{flow}/start/", {}),
    "runs_retry": ("/runs/retry/", {}),
    "run_cancel": ("/runs/{run}/cancel/", {}),
    "run_resume": ("/runs/{run}/resume/", {}),
    "run_retry": ("/runs/{run}/retry/", {}),
    "run_again": ("/runs/{run}/again/", {}),
}
WORKED = {200, 302, 422}


def test_every_address_stands_in_the_table() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(READ) | set(ACT)


@pytest.fixture
def ids(published: Flow, make_runs: Any, template: Template) -> dict[str, str]:
    (run,) = make_runs(published, 1, "failed")
    contact = Contact.objects.in_workspace(published.workspace).create(phone="+436649998877", name="Ida")
    rows = {"flow": published, "run": run, "contact": contact, "template": template}
    return {name: str(row.public_id) for name, row in rows.items()}


@pytest.mark.parametrize("name", READ)
def test_a_viewer_reads_and_gets_no_buttons(
    client: Client, workspace: Workspace, ids: dict[str, str], name: str
) -> None:
    client.force_login(join(workspace, make_user("Vera", language="en"), Role.VIEWER).user)
    answer = client.get(BASE + READ[name].format(**ids))
    assert answer.status_code == 200
    main = answer.content.decode().split("<main", 1)[-1].split("</main>", 1)[0]
    assert 'method="post"' not in main


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
@pytest.mark.parametrize("name", ACT)
def test_below_the_editor_nobody_acts(
    client: Client, workspace: Workspace, ids: dict[str, str], name: str, role: Role
) -> None:
    client.force_login(join(workspace, make_user("Vera"), role).user)
    address, data = ACT[name]
    assert client.post(BASE + address.format(**ids), data).status_code == 403


@pytest.mark.parametrize("name", ACT)
def test_an_editor_acts(page: Client, ids: dict[str, str], name: str) -> None:
    address, data = ACT[name]
    assert page.post(BASE + address.format(**ids), data).status_code in WORKED


@pytest.mark.parametrize("name", [*READ, *ACT])
def test_a_stranger_finds_nothing(client: Client, charlie: User, ids: dict[str, str], name: str) -> None:
    client.force_login(charlie)
    address, data = ACT[name] if name in ACT else (READ[name], None)
    answer = (
        client.get(BASE + address.format(**ids)) if data is None else client.post(BASE + address.format(**ids), data)
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "name", [name for name in ACT if name not in ("flow_new", "flow_publish", "flow_try", "flow_start")]
)
def test_what_acts_is_never_a_get(page: Client, ids: dict[str, str], name: str) -> None:
    assert page.get(BASE + ACT[name][0].format(**ids)).status_code == 405


def test_a_post_without_the_token_is_refused(published: Flow, editor: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(editor.user)
    assert browser.post(f"{BASE}/flows/{published.public_id}/switch/", {"is_on": "0"}).status_code == 403
