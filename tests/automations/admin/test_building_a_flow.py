"""A whole flow is built in the admin, by forms alone: trigger, steps, a lane, validate, publish, switch on, test."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from automations.models import Flow, Run, Step
from tests.house import EVA, House
from tests.staff import make_staff
from workspaces.models import AuditEntry


@pytest.fixture
def staff(house: House, client: Client) -> Client:
    client.force_login(make_staff("Rita", is_superuser=True, language="en"))
    return client


def complaints(response: Any) -> list[str]:
    """The lines of a page that say what is wrong."""
    lines = response.content.decode().splitlines()
    return [line.strip() for line in lines if "errornote" in line or "errorlist" in line]


class Builder:
    """What a member of staff does on the flow's pages."""

    def __init__(self, client: Client, house: House) -> None:
        self.client, self.house = client, house
        address = reverse("admin:automations_flow_add")
        assert self.client.get(address).status_code == 200
        made = self.client.post(
            address, {"workspace": house.workspace.slug, "name": "Terminbestätigung", "leads": "on"}
        )
        assert made.status_code == 302, complaints(made)
        self.flow = Flow.objects.in_workspace(house.workspace).get()
        assert made.url == self.address("change")

    def address(self, page: str, *args: Any, **query: Any) -> str:
        address = reverse(f"admin:automations_flow_{page}", args=[self.flow.pk, *args])
        return f"{address}?{urlencode(query)}" if query else address

    def page(self) -> str:
        response = self.client.get(self.address("change"))
        assert response.status_code == 200
        return response.content.decode()

    def set_trigger(self, type: str, config: dict[str, Any]) -> None:
        chooser = self.client.get(self.address("trigger")).content.decode()
        assert f"?type={type}" in chooser
        saved = self.client.post(self.address("trigger", type=type), prefixed(config))
        assert saved.status_code == 302, complaints(saved)

    def add(
        self, type: str, config: dict[str, Any], *, name: str, parent: Step | None = None, lane: str = "", **more: Any
    ) -> Step:
        where = {"parent": parent.pk, "lane": lane} if parent else {}
        chooser = self.client.get(self.address("add_step", **where)).content.decode()
        assert f"type={type}" in chooser
        address = self.address("add_step", **where, type=type)
        assert self.client.get(address).status_code == 200
        saved = self.client.post(address, step_data(config, name=name, **more))
        assert saved.status_code == 302, complaints(saved)
        return self.flow.draft.steps.get(name=name)

    def edit(self, step: Step, config: dict[str, Any], **more: Any) -> Any:
        return self.client.post(self.address("step", step.pk), step_data(config, name=step.name, **more))

    def publish(self, note: str = "") -> Any:
        return self.client.post(self.address("publish"), {"note": note})


def prefixed(config: dict[str, Any]) -> dict[str, Any]:
    return {f"config-{name}": value for name, value in config.items()}


def step_data(config: dict[str, Any], *, name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "note": "", "is_on": "on", "on_failure": "stop", **more, **prefixed(config)}


def mapping(**rows: str) -> dict[str, list[str]]:
    """Rows of a mapping as the browser sends them."""
    return {"variables__name": [name.strip("_") for name in rows], "variables__value": list(rows.values())}


@pytest.fixture
def builder(staff: Client, house: House) -> Builder:
    house.template("termin", "Hallo {{1}}, Ihr Termin ist am {{2}}.")
    return Builder(staff, house)


def inputs(*names: str) -> dict[str, list[str]]:
    return {"inputs__name": [*names], "inputs__value": ["Eva"] * len(names)}


def confirmation(house: House, **rows: str) -> dict[str, Any]:
    return {
        "sender": str(house.sender.public_id),
        "template": "termin",
        "to": "{{trigger.customer_phone}}",
        **mapping(**rows),
    }


def test_from_nothing_to_a_test_run(builder: Builder, house: House) -> None:
    page = builder.page()
    assert "Choose what starts the flow." in page
    assert "The flow has no step yet" in page

    builder.set_trigger("manual", inputs("customer_phone", "customer_name", "date"))
    send = builder.add("send_template", confirmation(house, _1="{{trigger.customer_name}}"), name="Bestätigung")
    wait = builder.add(
        "wait_for_reply", {"timeout__amount": "2", "timeout__unit": "hours", "after_timeout": "end"}, name="Antwort"
    )
    notify = builder.add(
        "set_variables", {"values__name": ["stumm"], "values__value": ["ja"]}, name="Stumm", parent=wait, lane="timeout"
    )
    assert (notify.parent, notify.lane) == (wait, "timeout")

    # The missing placeholder is found, named with its step and field, and keeps the flow from being published.
    validated = builder.client.post(builder.address("validate"), follow=True).content.decode()
    assert "1 finding has to be settled." in validated
    assert "The placeholder {{2}} is not filled." in validated
    assert "variables.2" in validated
    refused = builder.publish(note="Erste Fassung")
    assert refused.status_code == 422
    html = refused.content.decode()
    assert "flow_invalid" in html
    assert "The placeholder {{2}} is not filled." in html
    assert 'value="Erste Fassung"' in html
    assert Flow.objects.in_workspace(house.workspace).get().published is None

    # The step's page has a row for each placeholder of the template, also for the one that is empty.
    step_page = builder.client.get(builder.address("step", send.pk)).content.decode()
    assert 'name="config-variables__name" value="2"' in step_page
    assert "The placeholder {{2}} is not filled." in step_page
    assert "{{trigger.date}}" in step_page
    fixed = builder.edit(send, confirmation(house, _1="{{trigger.customer_name}}", _2="{{trigger.date}}"))
    assert fixed.status_code == 302

    assert builder.publish(note="Erste Fassung").status_code == 302
    assert builder.client.post(builder.address("switch"), {"is_on": "1"}).status_code == 302
    flow = Flow.objects.in_workspace(house.workspace).get()
    assert flow.is_on
    assert (flow.published.number, flow.published.note) == (1, "Erste Fassung")
    assert "Nothing is left to settle." in builder.page()

    data = '{"customer_name": "Eva Novak", "date": "3. April"}'
    started = builder.client.post(builder.address("try"), {"recipient": EVA, "data": data})
    run = Run.objects.in_workspace(house.workspace).get()
    assert started.status_code == 302
    assert started.url == reverse("admin:automations_run_change", args=[run.pk])
    house.settle()
    assert house.screen() == ["Hallo Eva Novak, Ihr Termin ist am 3. April."]
    run.refresh_from_db()
    assert (run.status, run.only_recipient) == (Run.Status.WAITING, EVA)
    shown = builder.client.get(started.url).content.decode()
    assert send.key in shown

    verbs = AuditEntry.objects.in_workspace(house.workspace).values_list("verb", flat=True)
    assert {
        "flow.created",
        "flow.trigger_set",
        "flow.step_added",
        "flow.published",
        "flow.switched_on",
        "flow.tested",
    } <= {*verbs}


def test_what_was_typed_is_kept_when_a_step_is_refused(builder: Builder) -> None:
    address = builder.address("add_step", type="set_variables")
    refused = builder.client.post(
        address, step_data({"values__name": ["not a name"], "values__value": ["42 Äpfel"]}, name="Werte", attempts="0")
    )
    html = refused.content.decode()
    assert refused.status_code == 422
    assert "42 Äpfel" in html
    assert 'value="Werte"' in html
    assert "not a name" in html
    assert builder.flow.draft.steps.count() == 0


def test_steps_are_put_between_moved_and_removed_with_their_lanes(builder: Builder, house: House) -> None:
    values = {"values__name": ["a"], "values__value": ["1"]}
    first = builder.add("set_variables", values, name="Eins")
    second = builder.add("set_variables", values, name="Zwei")
    builder.client.post(
        builder.address("add_step", type="set_variables", position=second.position),
        step_data(values, name="Dazwischen"),
    )
    assert _row(builder) == ["Eins", "Dazwischen", "Zwei"]
    builder.client.post(builder.address("move_step", second.pk), {"to": "up"})
    assert _row(builder) == ["Eins", "Zwei", "Dazwischen"]
    assert builder.client.get(builder.address("move_step", first.pk)).status_code == 405

    lane_of = builder.add(
        "wait_for_reply", {"timeout__amount": "1", "timeout__unit": "days", "after_timeout": "continue"}, name="Warten"
    )
    builder.add("stop", {"outcome": "done"}, name="Schluss", parent=lane_of, lane="timeout")
    asked = builder.client.get(builder.address("remove_step", lane_of.pk)).content.decode()
    assert "1 step in its lanes goes with it." in asked
    builder.client.post(builder.address("remove_step", lane_of.pk))
    assert _row(builder) == ["Eins", "Zwei", "Dazwischen"]
    assert not builder.flow.draft.steps.filter(name="Schluss").exists()


def test_branches_have_their_lanes_and_a_failure_rule(builder: Builder) -> None:
    branch = builder.add(
        "branch",
        {
            "lanes__count": "1",
            "lanes__0__label": "interessiert",
            "lanes__0__match": "all",
            "lanes__0__left": ["{{trigger.customer_name}}"],
            "lanes__0__operator": ["equals"],
            "lanes__0__right": ["Eva"],
        },
        name="Ergebnis",
        on_failure="lane",
        attempts="3",
        first_wait_seconds="10",
    )
    assert branch.retry == {"attempts": 3, "first_wait_seconds": 10}
    page = builder.page()
    for lane in ("interessiert", "otherwise", "on failure"):
        assert f"<h3>{lane}" in page
    builder.add("stop", {"outcome": "done"}, name="Ende", parent=branch, lane="failure")
    assert "Ende" in builder.page()


def test_a_lane_that_a_step_does_not_have_is_not_found(builder: Builder) -> None:
    stop = builder.add("stop", {"outcome": "done"}, name="Ende")
    assert builder.client.get(builder.address("add_step", parent=stop.pk, lane="nowhere")).status_code == 404


def test_the_test_recipient_must_be_e164(builder: Builder) -> None:
    refused = builder.client.post(builder.address("try"), {"recipient": "0151/12345678", "data": "{}"})
    assert refused.status_code == 422
    html = refused.content.decode()
    assert "invalid_phone_number" in html
    assert 'value="0151/12345678"' in html


def test_a_flow_without_a_version_cannot_be_switched_on(builder: Builder, house: House) -> None:
    refused = builder.client.post(builder.address("switch"), {"is_on": "1"})
    assert refused.status_code == 422
    assert "flow_not_startable" in refused.content.decode()
    assert not Flow.objects.in_workspace(house.workspace).get().is_on


def test_who_may_only_look_sees_the_flow_and_changes_nothing(builder: Builder, house: House) -> None:
    stop = builder.add("stop", {"outcome": "done"}, name="Ende")
    client = Client()
    client.force_login(make_staff("Walter", "automations.view_flow"))
    page = client.get(builder.address("change"))
    assert page.status_code == 200
    assert '<form method="post"' not in page.content.decode().split('id="content-main"')[1]
    for address in (
        builder.address("change"), builder.address("trigger"), builder.address("publish"), builder.address("switch"),
        builder.address("try"), builder.address("add_step"), builder.address("step", stop.pk),
        builder.address("move_step", stop.pk), builder.address("remove_step", stop.pk), builder.address("validate"),
    ):  # fmt: skip
        assert client.post(address, {}).status_code == 403, address
    assert client.get(reverse("admin:automations_flow_add")).status_code == 403


def _row(builder: Builder) -> list[str]:
    return list(builder.flow.draft.steps.filter(parent=None).order_by("position").values_list("name", flat=True))
