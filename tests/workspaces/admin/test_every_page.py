"""Every list and page of the admin: it renders, shows no secret, and costs the same however many rows there are."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.staff import OUR_APPS, SECRETS, make_staff, make_world
from workspaces.models import Membership, User

MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in OUR_APPS), key=lambda model: model._meta.label
)
HISTORY = {
    "messaging.Message", "messaging.MessageStatus", "messaging.MediaFile", "messaging.MessageChange",
    "messaging.WebhookEvent", "messaging.InboundLog",
    "messaging.ConsentEvent", "automations.Run", "automations.StepRun", "automations.Wait", "automations.Signal",
    "automations.TriggerDecision", "automations.Event", "automations.FlowVersion", "automations.Step",
    "assistants.Thread", "assistants.Turn", "workspaces.AuditEntry", "workspaces.IdempotentCall",
}  # fmt: skip
INLINE = re.compile(r"<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=", re.IGNORECASE)


def address(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def first_pk(model: type) -> int:
    return model._base_manager.order_by("pk").values_list("pk", flat=True)[0]


@pytest.fixture
def root(db: None) -> User:
    return make_staff("Rita", is_superuser=True)


@pytest.fixture
def staff(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


@pytest.fixture
def watcher(alice: Membership) -> Client:
    """May look at everything and change nothing."""
    client = Client()
    names = [f"{model._meta.app_label}.view_{model._meta.model_name}" for model in MODELS]
    client.force_login(make_staff("Walter", *names))
    return client


def test_every_model_of_the_four_apps_has_its_page() -> None:
    from django.apps import apps

    ours = {model for app in OUR_APPS for model in apps.get_app_config(app).get_models()}
    assert ours - set(admin.site._registry) == set()


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_list_and_page_renders_without_a_secret(alice: Membership, staff: Client, language: str) -> None:
    world = make_world(alice)
    for model in MODELS:
        for page in (
            address(model, "changelist"),
            address(model, "changelist") + "?q=eva",
            address(model, "changelist") + f"?q={world['run'].public_id}",
            address(model, "change", first_pk(model)),
            address(model, "history", first_pk(model)),
        ):
            response = staff.get(page, headers={"accept-language": language}, follow=True)
            assert response.status_code == 200, page
            html = response.content.decode()
            assert not [secret for secret in SECRETS if secret in html], page
            assert INLINE.findall(html) == [], page
            assert world["key"].secret_hash not in html, page


def test_who_may_only_look_sees_no_secret_and_nothing_to_change(alice: Membership, watcher: Client) -> None:
    make_world(alice)
    for model in MODELS:
        assert watcher.get(address(model, "changelist")).status_code == 200
        response = watcher.get(address(model, "change", first_pk(model)))
        html = response.content.decode()
        assert response.status_code == 200, model
        assert not [secret for secret in SECRETS if secret in html], model
        assert 'name="_save"' not in html, model


def test_every_filter_of_a_list_can_be_used(alice: Membership, staff: Client) -> None:
    make_world(alice)
    for model in MODELS:
        page = staff.get(address(model, "changelist"))
        for spec in page.context["cl"].filter_specs:
            for choice in spec.choices(page.context["cl"]):
                link = address(model, "changelist") + choice["query_string"]
                assert staff.get(link).status_code == 200, link


def test_the_lists_that_belong_to_a_row_open(alice: Membership, staff: Client) -> None:
    make_world(alice)
    followed = 0
    for model in MODELS:
        page = staff.get(address(model, "change", first_pk(model)))
        for related in page.context.get("related_lists") or []:
            response = staff.get(related["address"])
            assert response.status_code == 200, related
            followed += 1
    assert followed > 30


def test_lists_cost_the_same_with_more_rows(alice: Membership, staff: Client) -> None:
    make_world(alice, 1)
    before = {model: _queries(staff, model) for model in MODELS}
    for number in range(2, 6):
        make_world(alice, number)
    grown = {
        model._meta.label: (before[model], after)
        for model in MODELS
        if (after := _queries(staff, model)) > before[model]
    }
    assert grown == {}


@pytest.mark.parametrize("label", sorted(HISTORY))
def test_history_cannot_be_changed_added_to_or_deleted(alice: Membership, staff: Client, label: str) -> None:
    make_world(alice)
    model = next(model for model in MODELS if model._meta.label == label)
    pk = first_pk(model)
    before = model._base_manager.filter(pk=pk).values().get()
    assert staff.post(address(model, "change", pk), {}).status_code == 403
    assert staff.get(address(model, "add")).status_code == 403
    assert staff.post(address(model, "delete", pk), {"post": "yes"}).status_code == 403
    assert model._base_manager.filter(pk=pk).values().get() == before


def test_staff_without_a_permission_do_not_see_a_model(alice: Membership) -> None:
    make_world(alice)
    client = Client()
    client.force_login(make_staff("Nora", "messaging.view_contact"))
    for model in MODELS:
        expected = 200 if model._meta.label == "messaging.Contact" else 403
        assert client.get(address(model, "changelist")).status_code == expected, model
        assert client.get(address(model, "change", first_pk(model))).status_code == expected, model


def test_who_is_not_staff_does_not_get_in(alice: Membership, client: Client) -> None:
    assert client.get("/admin/").status_code == 302
    client.force_login(alice.user)
    assert client.get("/admin/", follow=True).status_code == 403


def _queries(client: Client, model: type) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address(model, "changelist")).status_code == 200
    return len(captured)
