"""A flow is built from nothing by the forms alone: no script, no JSON."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from automations.models import Flow, Run, Step
from automations.services.publishing import check_draft
from messaging.models import Sender, Template
from workspaces.models import Workspace

BASE = "/w/praxis-graz/flows"
HTMX = {"HX-Request": "true"}


class Builder:
    """What a person does on the flow's page."""

    def __init__(self, page: Client, flow: Flow) -> None:
        self.page, self.flow = page, flow
        self.address = f"{BASE}/{flow.public_id}/"

    def add(self, type_name: str, *, parent: str = "", lane: str = "", position: str = "") -> Step:
        """Choose a type behind a “+”."""
        place = {"parent": parent, "lane": lane, "position": position}
        assert self.page.get(f"{self.address}?add", place).status_code == 200
        answer = self.page.post(f"{self.address}steps/add/", {**place, "type": type_name})
        key = answer["Location"].split("step=")[1]
        return self.flow.draft.steps.get(key=key)

    def save(self, step: Step, **config: Any) -> Any:
        """Send the form of a card, as the page has it, with these settings."""
        general = {
            name: config.pop(name)
            for name in ("name", "on_failure", "attempts", "first_wait_seconds")
            if name in config
        }
        fixed = {"is_on": "on", "on_failure": "stop", "attempts": "2", "first_wait_seconds": "60"}
        settings = {f"config-{name}": value for name, value in config.items()}
        return self.page.post(f"{self.address}steps/{step.key}/save/", {**fixed, **general, **settings})


@pytest.fixture
def new_flow(page: Client, workspace: Workspace) -> Flow:
    answer = page.post(f"{BASE}/new/", {"name": "Termin bestätigen", "leads": "on"})
    flow = Flow.objects.in_workspace(workspace).get()
    assert answer["Location"] == f"{BASE}/{flow.public_id}/?step=trigger"
    return flow


@pytest.fixture
def builder(page: Client, new_flow: Flow) -> Builder:
    return Builder(page, new_flow)


def test_a_flow_is_built_published_switched_on_and_started(
    page: Client, builder: Builder, workspace: Workspace, sender: Sender, template: Template
) -> None:
    flow, address = builder.flow, builder.address
    names = {"config-inputs__name": ["customer_phone", "day"], "config-inputs__value": ["+436641234567", "3. Mai"]}
    assert page.post(f"{address}trigger/", {"type": "manual", **names}).status_code == 302

    branch = builder.add("branch")
    lanes = {
        "lanes__count": "1",
        "lanes__0__label": "Mai",
        "lanes__0__match": "all",
        "lanes__0__left": ["{{trigger.day}}"],
        "lanes__0__operator": ["contains"],
        "lanes__0__right": ["Mai"],
    }
    assert builder.save(branch, name="Nach dem Tag", **lanes).status_code == 302
    branch.refresh_from_db()
    lane = branch.config["lanes"][0]["key"]

    step = builder.add("send_template", parent=branch.key, lane=lane, position="0")
    variables = {
        "variables__name": ["1", "2"],
        "variables__value": ["{{contact.name | default: 'dort'}}", "{{trigger.day}}"],
    }
    settings = {"sender": str(sender.public_id), "template": "termin", "to": "{{trigger.customer_phone}}", **variables}
    assert builder.save(step, on_failure="lane", attempts="3", first_wait_seconds="30", **settings).status_code == 302
    step.refresh_from_db()
    assert step.retry == {"attempts": 3, "first_wait_seconds": 30}

    note = builder.add("notify_team", parent=step.key, lane="failure")
    assert builder.save(note, title="Bestätigung ging nicht hinaus", level="attention").status_code == 302
    builder.add("stop")
    assert [finding for finding in check_draft(flow) if finding.severity == "error"] == []

    assert page.post(f"{address}publish/", {"note": "Der erste Wurf"}).status_code == 302
    assert page.post(f"{address}switch/", {"is_on": "1", "back": "flow"}).status_code == 302
    flow.refresh_from_db()
    assert flow.is_on and flow.published is not None and flow.published.note == "Der erste Wurf"
    nodes = flow.published.program["nodes"]
    assert sorted(nodes, key=lambda key: nodes[key]["number"]) == [branch.key, step.key, note.key, "stop"]

    answer = page.post(f"{address}start/", {"data_customer_phone": "+436641234567", "data_day": "4. Mai"})
    run = Run.objects.in_workspace(workspace).get()
    assert answer["Location"] == f"/w/praxis-graz/runs/{run.public_id}/"
    assert run.trigger == {"customer_phone": "+436641234567", "day": "4. Mai"}


def test_a_draft_with_errors_says_all_of_them_and_stays_a_draft(page: Client, builder: Builder) -> None:
    step = builder.add("send_text")
    answer = page.post(f"{builder.address}publish/", {"note": "zu früh"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose what starts the flow." in shown
    assert f"?step={step.key}#field_config-text" in shown
    assert "Message: This field is required." in shown
    assert "zu früh" in shown
    builder.flow.refresh_from_db()
    assert builder.flow.published is None


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_what_was_typed_stays_when_it_is_refused(page: Client, builder: Builder, headers: dict[str, str]) -> None:
    step = builder.add("delay")
    typed = {
        "name": "Kurz warten",
        "config-mode": "for",
        "config-duration__amount": "fünf",
        "config-duration__unit": "hours",
        "attempts": "99",
        "first_wait_seconds": "60",
        "on_failure": "stop",
    }
    answer = page.post(f"{builder.address}steps/{step.key}/save/", typed, headers=headers)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert answer["HX-Push-Url"] == "false"
    for kept in ("Kurz warten", "fünf", "99", "Enter a whole number."):
        assert kept in shown
    step.refresh_from_db()
    assert step.name == ""


def test_a_refused_trigger_keeps_its_words(page: Client, builder: Builder) -> None:
    typed = {"type": "message_received", "config-keyword_match": "regex", "config-keywords": "(offen"}
    answer = page.post(f"{builder.address}trigger/", typed)
    assert answer.status_code == 422
    assert "(offen" in answer.content.decode()
    assert builder.flow.draft.trigger_type == ""


def test_a_chosen_template_brings_its_placeholders_and_keeps_what_is_typed(
    page: Client, builder: Builder, sender: Sender, template: Template
) -> None:
    step = builder.add("send_template")
    typed = {"name": "Noch nicht gespeichert", "attempts": "4", "config-template": "termin"}
    answer = page.post(f"{builder.address}steps/{step.key}/show/", typed)
    shown = answer.content.decode()
    assert answer.context["forms"].settings["variables"] == {"1": "", "2": ""}
    assert "Hallo Eva Novak, Ihr Termin ist am 3. Mai." in shown
    assert "Noch nicht gespeichert" in shown
    step.refresh_from_db()
    assert step.config.get("template", "") == ""


def test_data_at_hand_is_what_has_run_before(page: Client, flow: Flow) -> None:
    def expressions(step: str) -> set[str]:
        context = page.get(f"{BASE}/{flow.public_id}/?step={step}").context
        return {datum.expression for source in context["sources"] for datum in source.data}

    assert "{{trigger.day}}" in expressions("vorlage")
    assert "{{steps.vorlage.status}}" not in expressions("vorlage")
    assert "{{steps.vorlage.status}}" in expressions("zweig")
    assert "{{steps.vorlage.error}}" in expressions("melden")
    assert "{{steps.zweig.lane}}" in expressions("pause")
    assert "{{steps.pause.waited_until}}" not in expressions("zweig")


def test_a_step_is_moved_and_removed_after_a_question_that_names_it(page: Client, flow: Flow) -> None:
    address = f"{BASE}/{flow.public_id}/steps/zweig"
    page.post(f"{address}/move/", {"to": "up"})
    assert list(flow.draft.steps.filter(parent=None).values_list("key", flat=True)) == ["zweig", "vorlage"]
    asked = page.post(f"{address}/remove/")
    assert "Delete “Branch”?" in asked.content.decode()
    assert "1 step in its lanes goes with it." in asked.content.decode()
    assert flow.draft.steps.filter(key="zweig").exists()
    page.post(f"{address}/remove/", {"sure": "1"})
    assert set(flow.draft.steps.values_list("key", flat=True)) == {"vorlage", "melden"}


def test_a_step_is_put_between_two_others(page: Client, flow: Flow) -> None:
    step = Builder(page, flow).add("stop", position="1")
    assert list(flow.draft.steps.filter(parent=None).values_list("key", flat=True)) == ["vorlage", step.key, "zweig"]


def test_the_switch_works_with_htmx_and_says_why_it_refuses(page: Client, new_flow: Flow, published: Flow) -> None:
    answer = page.post(f"{BASE}/{published.public_id}/switch/", {"is_on": "0"}, headers=HTMX)
    shown = answer.content.decode()
    assert answer.status_code == 200 and shown.lstrip().startswith('<div id="flow-rows"')
    # The part fetches itself anew from the list, not from the switch's address.
    assert f'hx-get="{BASE}/?"' in shown
    published.refresh_from_db()
    assert not published.is_on
    refused = page.post(f"{BASE}/{new_flow.public_id}/switch/", {"is_on": "1"}, headers=HTMX)
    assert refused.status_code == 422
    assert "Publish the flow and switch it on." in refused.content.decode()


def test_a_test_goes_to_one_recipient_and_shows_its_run(page: Client, flow: Flow, workspace: Workspace) -> None:
    typed = {"recipient": "+436641234567", "data_day": "5. Mai"}
    answer = page.post(f"{BASE}/{flow.public_id}/try/", typed)
    run = Run.objects.in_workspace(workspace).get()
    assert answer["Location"] == f"/w/praxis-graz/runs/{run.public_id}/"
    assert run.only_recipient == "+436641234567"
    assert run.trigger == {"day": "5. Mai", "customer_phone": "+436641234567"}


def test_a_wrong_number_is_said_at_the_number_and_kept(page: Client, flow: Flow, workspace: Workspace) -> None:
    answer = page.post(f"{BASE}/{flow.public_id}/try/", {"recipient": "0151/12345678", "data_day": "5. Mai"})
    assert answer.status_code == 422
    assert "recipient" in answer.context["try_form"].errors
    assert "0151/12345678" in answer.content.decode() and "5. Mai" in answer.content.decode()
    assert not Run.objects.in_workspace(workspace).exists()


def test_settings_of_the_flow_are_saved(page: Client, flow: Flow) -> None:
    page.post(f"{BASE}/{flow.public_id}/settings/", {"name": "Neuer Name", "priority": "5"})
    flow.refresh_from_db()
    assert (flow.name, flow.leads, flow.priority) == ("Neuer Name", False, 5)
    refused = page.post(f"{BASE}/{flow.public_id}/settings/", {"name": "", "priority": "5"})
    assert refused.status_code == 422


def test_a_recipe_says_what_is_missing_and_makes_nothing(page: Client, workspace: Workspace) -> None:
    answer = page.post(f"{BASE}/recipes/call_follow_up/install/", {"edition": "plain"})
    assert answer.status_code == 422
    assert "anruf_interesse" in answer.content.decode()
    assert "The recipe cannot be installed yet." in answer.content.decode()
    assert not Flow.objects.in_workspace(workspace).exists()


def test_a_recipe_is_set_up_switched_off(page: Client, workspace: Workspace, template: Template) -> None:
    for name in ("anruf_interesse", "anruf_rueckfrage"):
        Template.objects.in_workspace(workspace).create(
            business_account_id="900",
            platform_id=name,
            name=name,
            language="de",
            status=Template.Status.APPROVED,
            category="utility",
            parameter_format="positional",
            components=[{"type": "BODY", "text": "Hallo {{1}}, {{2}}!"}],
        )
    assert page.post(f"{BASE}/recipes/call_follow_up/install/", {"edition": "plain"}).status_code == 302
    flow = Flow.objects.in_workspace(workspace).get()
    assert flow.published is not None and not flow.is_on


def test_figures_are_those_of_seven_days(page: Client, published: Flow, make_runs: Any) -> None:
    make_runs(published, 2)
    make_runs(published, 1, "failed")
    Run.objects.in_workspace(published.workspace).filter(status="failed").update(
        started_at=timezone.now() - timedelta(days=2)
    )
    (old,) = make_runs(published, 1)
    Run.objects.in_workspace(published.workspace).filter(pk=old.pk).update(
        started_at=timezone.now() - timedelta(days=9)
    )
    (line,) = page.get(f"{BASE}/").context["lines"]
    assert (line.figures.runs, line.figures.failed) == (3, 1)
    assert line.figures.days == [0, 0, 0, 0, 1, 0, 2]


MADE_UP: list[tuple[str, dict[str, str]]] = [
    ("steps/vorlage/show/", {"config-template": "a\x00b", "config-variables": "no rows"}),
    ("steps/vorlage/show/", {"config-template": "termin", "config-variables": "no rows"}),
    ("steps/vorlage/save/", {"config-template": "termin", "config-variables": "no rows"}),
    ("steps/zweig/save/", {"config-lanes__count": "many"}),
    ("steps/zweig/show/", {"config-lanes__count": "1", "config-lanes__0__label": "x"}),
    ("trigger/", {"type": "manual", "config-inputs": "["}),
]


@pytest.mark.parametrize(("address", "data"), MADE_UP)
def test_input_that_no_form_of_ours_sends_is_refused_and_breaks_nothing(
    page: Client, flow: Flow, address: str, data: dict[str, str]
) -> None:
    assert page.post(f"{BASE}/{flow.public_id}/{address}", data).status_code in (200, 422)


@pytest.mark.parametrize("step", ["a\x00b", "ü", "-" * 70])
def test_a_made_up_step_is_not_found(page: Client, flow: Flow, step: str) -> None:
    assert page.get(f"{BASE}/{flow.public_id}/", {"step": step}).status_code == 404
    assert page.post(f"{BASE}/{flow.public_id}/steps/add/", {"type": "stop", "parent": step}).status_code == 404


def test_what_few_need_is_folded_away_until_it_is_used(page: Client, builder: Builder, sender: Sender) -> None:
    step = builder.add("send_text")
    panel = f"{builder.address}?step={step.key}"
    assert '<details class="fold" id="folded-settings">' in page.get(panel).content.decode()
    builder.save(step, text="Guten Tag", wait_for_delivery="on")
    step.refresh_from_db()
    assert step.config["wait_for_delivery"] is True
    assert '<details class="fold" id="folded-settings" open>' in page.get(panel).content.decode()
