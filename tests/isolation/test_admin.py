"""Every address of the admin as nobody, as a member of a workspace, as staff without rights and with all."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

from tests.isolation.addresses import admin_addresses, filled_in
from tests.isolation.admin_table import CATCH_ALL, DJANGOS, DOORS, FOREIGN_MODELS, OF_A_MODEL, OURS, REDIRECTS
from tests.isolation.town import Town, undone
from tests.staff import make_staff
from workspaces.models import Role

OUR_APPS = ("workspaces", "assistants", "messaging", "automations")
REGISTERED = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
MODEL_PAGES = [f"{model}_{page}" for model in REGISTERED for page in OF_A_MODEL]


def is_redirect(name: str) -> bool:
    return name.startswith("admin/") and name.endswith(REDIRECTS) and name.count("/") == 4


def model_of(name: str) -> Any:
    """The model that a page belongs to."""
    return next((model for prefix, model in REGISTERED.items() if name.startswith(f"{prefix}_")), None)


def address_of(name: str, town: Town) -> str:
    route, pattern = admin_addresses()[name]
    if name == "app_list":
        return "/admin/messaging/"
    if name == CATCH_ALL:
        return "/admin/gibt-es-nicht/"
    world = town.worlds[1]
    model = model_of(name) if not name.startswith("admin/") else apps.get_model(*name.split("/")[1:3])
    first = model._base_manager.order_by("pk").values_list("pk", flat=True).first() if model else None
    values = {
        "object_id": first or 1,
        "id": town.stranger.user.pk,
        "content_type_id": 1,
        "flow_id": world["flow"].pk,
        "sender_id": world["sender"].pk,
        "step_id": world["step"].pk,
        "job_id": world["job"].pk,
    }
    return filled_in(route, pattern, values)


def ask(client: Client, method: str, address: str) -> tuple[int, str]:
    with undone():
        answer = getattr(client, method)(address)
        return answer.status_code, answer.headers.get("Location", "")


def test_every_address_of_the_admin_stands_in_a_table_and_no_other() -> None:
    found = {name for name in admin_addresses() if not is_redirect(name)}
    known = {*MODEL_PAGES, *OURS, *DJANGOS, *DOORS, CATCH_ALL}
    assert found - known == set(), "in the admin, not in the table"
    assert known - found == set(), "in the table, not in the admin"


def test_pages_of_other_packages_are_those_that_we_know() -> None:
    foreign = {name for name, model in REGISTERED.items() if model._meta.app_label not in OUR_APPS}
    assert foreign == FOREIGN_MODELS


@pytest.mark.parametrize("role", [None, Role.OWNER])
def test_nobody_but_staff_comes_in(town: Town, role: Role | None) -> None:
    client = Client()
    if role:
        client.force_login(town.members[role].user)
    wrong = {}
    for name in admin_addresses():
        for method in ("get", "post"):
            status, where = ask(client, method, address_of(name, town))
            # The redirect of an old address leads to the page that has the door.
            is_sent_off = status == 302 and ("/login/" in where or is_redirect(name) or name in DOORS)
            if not is_sent_off and not (status == 403 and name == "login") and not (status == 405 and name in DOORS):
                wrong[name, method] = (status, where)
    assert wrong == {}


def test_staff_without_a_permission_see_no_row(town: Town) -> None:
    client = Client()
    client.force_login(make_staff("Nora"))
    wrong = {}
    for name in [*MODEL_PAGES, *OURS, *DJANGOS]:
        page = OURS.get(name) or DJANGOS.get(name)
        for method in ("get", "post"):
            status, where = ask(client, method, address_of(name, town))
            if page is not None and not page.is_guarded:
                continue
            # Of a model that has no row, its history says so at the index; there is nothing to see.
            if name.endswith("_history") and where == "/admin/" and name.removesuffix("_history") in FOREIGN_MODELS:
                continue
            # An app that holds nothing for a member of staff is not there for them.
            if status not in ({403, 404} if name == "app_list" else {403, 405}):
                wrong[name, method] = status
    assert wrong == {}


def test_staff_with_every_permission_get_what_the_table_says(town: Town) -> None:
    client = Client()
    client.force_login(make_staff("Rita", is_superuser=True))
    wrong = {}
    for name, page in {**OURS, **DJANGOS}.items():
        told = tuple(ask(client, method, address_of(name, town))[0] for method in ("get", "post"))
        if told != (page.get, page.post):
            wrong[name] = told
    assert wrong == {}


def test_no_page_of_a_model_breaks_for_staff_with_every_permission(town: Town) -> None:
    """What each model offers is its own page's test; here nothing may fail."""
    client = Client()
    client.force_login(make_staff("Rita", is_superuser=True))
    found = {name: ask(client, "get", address_of(name, town))[0] for name in MODEL_PAGES}
    assert {name: status for name, status in found.items() if status not in (200, 302, 403)} == {}
