"""The pages before and after the login, and the pages that say no."""

import pytest
from django.test import Client

from workspaces.models import Membership


@pytest.mark.parametrize(
    "path", ["login/", "password/reset/", "password/reset/done/", "password/reset/key/done/", "inactive/"]
)
def test_pages_of_the_account_wear_our_look(client: Client, transactional_db: None, path: str) -> None:
    page = client.get(f"/accounts/{path}")
    assert page.status_code == 200
    shown = page.content.decode()
    assert 'class="bare' in shown
    assert "<style" not in shown
    assert "style=" not in shown


def test_a_wrong_password_keeps_the_address(client: Client, alice: Membership) -> None:
    page = client.post("/accounts/login/", {"login": "alice@example.org", "password": "falsch"})
    shown = page.content.decode()
    assert 'value="alice@example.org"' in shown
    assert "falsch" not in shown
    assert 'role="alert"' in shown


def test_the_login_leads_on_to_where_one_wanted_to_go(client: Client, alice: Membership) -> None:
    page = client.get("/accounts/login/?next=/w/praxis-graz/inbox/")
    assert 'value="/w/praxis-graz/inbox/"' in page.content.decode()


def test_a_used_reset_link_offers_a_new_one(client: Client, transactional_db: None) -> None:
    page = client.get("/accounts/password/reset/key/1-abc/", follow=True)
    assert "/accounts/password/reset/" in page.content.decode()


def test_logging_out_asks_first(browser: Client) -> None:
    page = browser.get("/accounts/logout/")
    assert page.status_code == 200
    assert 'class="bare' in page.content.decode()


def test_a_form_without_its_token_is_refused_on_our_page(alice: Membership) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice.user)
    page = careful.post("/w/praxis-graz/templates/sync/")
    assert page.status_code == 403
    assert 'class="bare' in page.content.decode()
