"""Our copies of the platform's templates, and how they read with values in them."""

from datetime import timedelta

import pytest

from messaging.errors import CredentialsInvalid
from messaging.models import Template
from messaging.services.template_parameters import parameters_of, render_preview, sample_values
from messaging.services.templates import SyncResult, sync_in_background, sync_templates
from workspaces.models import Notification

LISTED = {
    "id": "77",
    "name": "termin",
    "language": "de",
    "status": "APPROVED",
    "category": "UTILITY",
    "quality_score": {"score": "GREEN", "date": 1},
    "parameter_format": "POSITIONAL",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Termin {{1}}", "example": {"header_text": ["Montag"]}},
        {"type": "BODY", "text": "Hallo {{1}},\nbis {{2}}.", "example": {"body_text": [["Eva", "10 Uhr"]]}},
        {"type": "FOOTER", "text": "Praxis Graz"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Ja"}]},
    ],
}


def listing(*items, after=None):
    paging = {"cursors": {"after": after}, "next": "https://elsewhere.example/?access_token=x"} if after else {}
    return {"data": list(items), "paging": paging}


def test_every_page_is_read_and_no_address_of_an_answer_is_called(sender, wire, workspace, now):
    wire.answer(200, listing(LISTED, after="p2"))
    wire.answer(200, listing({**LISTED, "id": "78", "language": "en_US"}))
    assert sync_templates(sender, now) == SyncResult(added=2)
    assert "after=p2" in wire.calls[1].path
    template = Template.objects.in_workspace(workspace).get(language="de")
    assert (template.status, template.category, template.quality) == ("approved", "utility", "green")
    assert template.components == LISTED["components"]


def test_changes_and_deletions_are_counted_and_told(sender, wire, workspace, now):
    wire.answer(200, listing(LISTED, {**LISTED, "id": "79", "name": "alt"}))
    sync_templates(sender, now)
    wire.answer(200, listing({**LISTED, "status": "PAUSED"}))
    assert sync_templates(sender, now) == SyncResult(changed=1, removed=1)
    assert Template.objects.in_workspace(workspace).get(name="termin").status == "paused"
    assert Template.objects.in_workspace(workspace).get(name="alt").status == "deleted"
    assert Notification.objects.in_workspace(workspace).get().code == "template_paused"
    wire.answer(200, listing(LISTED))
    assert sync_templates(sender, now) == SyncResult(changed=1)
    assert Notification.objects.in_workspace(workspace).get().solved_at == now


def test_a_workspace_syncs_each_account_once(sender, wire, workspace, now):
    type(sender).objects.in_workspace(workspace).create(
        provider_number_id="1002", business_account_id="2001", status="online", token="t"
    )
    wire.answer(200, listing(LISTED))
    assert sync_templates(workspace, now) == SyncResult(added=1)
    assert len(wire.calls) == 1


def test_a_new_word_of_the_platform_is_not_sendable_and_no_error(sender, wire, workspace, now):
    wire.answer(200, listing({**LISTED, "status": "SOMETHING_NEW", "category": "NOVEL", "surprise": 1}))
    sync_templates(sender, now)
    template = Template.objects.in_workspace(workspace).get()
    assert (template.status, template.category) == ("pending", "marketing")


def test_a_refused_sync_is_named(sender, wire, now):
    wire.refuse(190, status=401)
    with pytest.raises(CredentialsInvalid):
        sync_templates(sender, now)


def test_parameters_and_samples(make_template):
    template = make_template(components=LISTED["components"])
    assert [(parameter.component, parameter.key, parameter.sample) for parameter in parameters_of(template)] == [
        ("header", "header.1", "Montag"),
        ("body", "1", "Eva"),
        ("body", "2", "10 Uhr"),
        ("button", "button.0", ""),
    ]


def test_named_samples(make_template):
    example = {"body_text_named_params": [{"param_name": "customer_name", "example": "Eva"}]}
    template = make_template(
        parameter_format="named",
        components=[{"type": "BODY", "text": "Hallo {{customer_name}}!", "example": example}],
    )
    assert sample_values(template) == {"customer_name": "Eva"}


def test_a_preview_shows_values_and_open_places(make_template):
    template = make_template(components=LISTED["components"])
    rendered = render_preview(template, {"1": "Eva", "header.1": "Montag"})
    assert rendered.header == {"kind": "text", "text": "Termin Montag"}
    assert rendered.body == "Hallo Eva,\nbis {{2}}."
    assert rendered.footer == "Praxis Graz"
    assert rendered.buttons == [{"type": "quick_reply", "text": "Ja"}]


def test_an_account_is_synced_by_itself_an_hour_after_its_last_time(sender, wire, workspace, now):
    """(product.md, Templates) on demand, hourly, by webhook; a second number of the account asks for nothing more."""
    other = (
        type(sender)
        .objects.in_workspace(workspace)
        .create(provider_number_id="1002", business_account_id="2001", status="online", token="t")
    )
    wire.answer(200, listing(LISTED))
    sync_templates(sender, now)
    for each in (sender, other):
        each.refresh_from_db()
        sync_in_background(each, now=now + timedelta(minutes=59, seconds=59))
    assert len(wire.calls) == 1
    wire.answer(200, listing({**LISTED, "status": "PAUSED"}))
    sync_in_background(other, now=now + timedelta(hours=1))
    assert Template.objects.in_workspace(workspace).get().status == "paused"
    sender.refresh_from_db()
    sync_in_background(sender, now=now + timedelta(hours=1, minutes=5))
    assert len(wire.calls) == 2


def test_a_refusal_in_the_background_is_met_again_by_the_next_check(sender, wire, now):
    wire.answer(401, {"error": {"code": 190, "message": "expired", "type": "OAuthException"}})
    sync_in_background(sender, now=now)
    sender.refresh_from_db()
    assert sender.templates_synced_at is None
    wire.answer(200, listing(LISTED))
    sync_in_background(sender, now=now + timedelta(minutes=5))
    sender.refresh_from_db()
    assert sender.templates_synced_at == now + timedelta(minutes=5)
