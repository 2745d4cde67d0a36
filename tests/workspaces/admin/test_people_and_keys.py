"""Users, memberships, workspaces and keys are managed; nobody gives themselves more rights than they have."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assistants.models import Assistant
from tests.cast import join, make_user
from tests.staff import MODEL_KEY, make_staff, make_world
from workspaces.admin.fields import SecretField
from workspaces.models import ApiKey, AuditEntry, Membership, Role, User, Workspace
from workspaces.models.access import hash_secret


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(make_staff("Rita", is_superuser=True, language="en"))
    return client


def test_a_user_is_made_with_djangos_form_and_logs_in(staff: Client) -> None:
    word = "ein-langes-9-wort"
    data = {"email": "Neu@Example.org", "name": "Neu", "usable_password": "true", "password1": word, "password2": word}
    made = staff.post(reverse("admin:workspaces_user_add"), data)
    assert made.status_code == 302
    user = User.objects.get(email="neu@example.org")
    assert user.check_password("ein-langes-9-wort")
    page = staff.get(reverse("admin:auth_user_password_change", args=[user.pk]))
    assert page.status_code == 200


def test_who_is_no_superuser_makes_no_staff_and_touches_none(alice: Membership) -> None:
    helper = make_staff("Hans", "workspaces.change_user", "workspaces.view_user")
    client = Client()
    client.force_login(helper)
    page = reverse("admin:workspaces_user_change", args=[helper.pk])
    client.post(page, {"email": helper.email, "name": "Hans", "is_superuser": "on", "is_staff": "on"})
    helper.refresh_from_db()
    assert not helper.is_superuser
    root = make_staff("Rita", is_superuser=True)
    assert client.post(reverse("admin:workspaces_user_change", args=[root.pk]), {"email": "x@y.at"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[root.pk])).status_code == 403


def test_a_member_is_added_and_leaves_but_the_owner_stays(staff: Client, alice: Membership) -> None:
    user = make_user("Dora")
    data = {"workspace": alice.workspace.slug, "user": user.email, "role": "agent"}
    assert staff.post(reverse("admin:workspaces_membership_add"), data).status_code == 302
    dora = Membership.objects.get(user=user)
    assert dora.role == Role.AGENT
    assert (
        staff.post(reverse("admin:workspaces_membership_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403
    )
    assert staff.post(reverse("admin:workspaces_membership_delete", args=[dora.pk]), {"post": "yes"}).status_code == 302
    assert not Membership.objects.filter(user=user).exists()


def test_a_second_owner_is_refused_at_the_form(staff: Client, alice: Membership) -> None:
    data = {"workspace": alice.workspace.slug, "user": make_user("Dora").email, "role": "owner"}
    answer = staff.post(reverse("admin:workspaces_membership_add"), data)
    assert answer.status_code == 200
    assert answer.context["errors"]


def test_pausing_a_tenant_is_written_down(staff: Client, workspace: Workspace) -> None:
    page = reverse("admin:workspaces_workspace_change", args=[workspace.pk])
    data = typed_form(staff, page)
    assert staff.post(page, {**data, "is_paused": "on"}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.is_paused
    entry = AuditEntry.objects.in_workspace(workspace).get()
    assert (entry.verb, entry.facts) == ("workspace.changed", {"fields": ["is_paused"]})


def test_an_issued_key_is_shown_once_and_kept_as_a_hash(staff: Client, alice: Membership) -> None:
    data = {"workspace": alice.workspace.slug, "user": alice.user.email, "name": "CRM", "scopes": ["messages:write"]}
    answer = staff.post(reverse("admin:workspaces_apikey_add"), data)
    key = ApiKey.objects.in_workspace(alice.workspace).get()
    html = answer.content.decode()
    secret = html.split('class="secret-once">')[1].split("<")[0]
    assert hash_secret(secret) == key.secret_hash
    assert "no-store" in answer.headers["Cache-Control"]
    later = staff.get(reverse("admin:workspaces_apikey_change", args=[key.pk])).content.decode()
    assert secret not in later
    assert key.prefix in later


def test_a_key_never_does_more_than_its_member(staff: Client, workspace: Workspace, vera: Membership) -> None:
    data = {
        "workspace": workspace.slug,
        "user": vera.user.email,
        "name": "CRM",
        "scopes": ["messages:read", "messages:write"],
    }
    answer = staff.post(reverse("admin:workspaces_apikey_add"), data)
    assert answer.status_code == 422
    assert "messages:write" in answer.context["form"].errors["scopes"][0]
    assert ApiKey.objects.in_workspace(workspace).count() == 0


def test_a_key_is_revoked_once(staff: Client, alice: Membership) -> None:
    key, _secret = ApiKey.objects.issue(membership=alice, name="CRM", scopes=["messages:read"])
    data = {"action": "revoke", "_selected_action": key.pk, "index": "0"}
    staff.post(reverse("admin:workspaces_apikey_changelist"), data)
    html = staff.post(reverse("admin:workspaces_apikey_changelist"), data, follow=True).content.decode()
    assert "1 row was so already." in html
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert AuditEntry.objects.in_workspace(alice.workspace).filter(verb="api_key.revoked").count() == 1


def test_an_assistants_key_is_only_written(staff: Client, alice: Membership) -> None:
    assistant = make_world(alice)["assistant"]
    page = reverse("admin:assistants_assistant_change", args=[assistant.pk])
    data = typed_form(staff, page)
    assert MODEL_KEY not in staff.get(page).content.decode()
    staff.post(page, {**data, "model": "anderes"})
    kept = Assistant.objects.in_workspace(alice.workspace).get()
    assert (kept.model, kept.api_key) == ("anderes", MODEL_KEY)


def test_a_row_points_only_into_its_own_workspace(staff: Client, alice: Membership, charlie: User) -> None:
    sender = make_world(alice)["sender"]
    theirs = make_world(charlie.memberships.get(), 2)["assistant"]
    page = reverse("admin:messaging_sender_change", args=[sender.pk])
    data = typed_form(staff, page)
    answer = staff.post(page, {**data, "address_key": "cloud_api", "assistant": theirs.pk})
    assert "assistant" in answer.context["adminform"].form.errors
    offered = staff.get(page).context["adminform"].form.fields["assistant"].queryset
    assert [assistant.name for assistant in offered] == ["Empfang 1"]


def test_the_first_page_shows_how_the_installation_is(staff: Client, alice: Membership) -> None:
    make_world(alice)
    html = staff.get("/admin/").content.decode()
    figures = (
        "Tasks waiting, fast queue",
        "Clock behind, seconds",
        "Runs failed today",
        "Webhook events not processed",
    )
    for figure in figures:
        assert figure in html
    nora = Client()
    nora.force_login(make_staff("Nora", "messaging.view_contact", language="en"))
    assert "Tasks waiting" not in nora.get("/admin/").content.decode()


def test_joining_is_by_membership_not_by_staff(staff: Client, workspace: Workspace) -> None:
    join(workspace, make_user("Emil"), Role.VIEWER)
    assert staff.get(f"/w/{workspace.slug}/").status_code == 404


def typed_form(client: Client, page: str) -> dict[str, Any]:
    """What a browser would send back if nothing was changed: no secret, because none is in the page."""
    form = client.get(page).context["adminform"].form
    return {
        name: "" if isinstance(field, SecretField) or form[name].value() in (None, False) else form[name].value()
        for name, field in form.fields.items()
    }
