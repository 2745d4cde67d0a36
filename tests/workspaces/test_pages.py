"""Which workspace, who, in which language: decided once a request."""

import re

import pytest
from django.core import mail
from django.http import HttpRequest
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from tests.cast import PASSWORD, join, make_user, make_workspace
from workspaces.context_processors import frame
from workspaces.models import Membership, Notification, Role, User, Workspace
from workspaces.navigation import rail, register_banner, register_section
from workspaces.permissions import SCOPES, VERBS, may, requires

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.workspaces.pages")]


@pytest.fixture
def as_alice(client: Client, alice: Membership) -> Client:
    client.force_login(alice.user)
    return client


def test_a_member_gets_the_page_with_the_workspace(as_alice: Client) -> None:
    page = as_alice.get("/w/praxis-graz/")
    assert page.status_code == 200
    assert page.json()["workspace"] == "Praxis Graz"
    assert page.json()["role"] == "owner"


def test_a_stranger_gets_404(client: Client, alice: Membership, charlie: User) -> None:
    client.force_login(charlie)
    assert client.get("/w/praxis-graz/").status_code == 404
    assert client.get("/w/no-such-workspace/").status_code == 404


def test_a_paused_workspace_is_gone(as_alice: Client, workspace: Workspace) -> None:
    Workspace.objects.update(is_paused=True)
    assert as_alice.get("/w/praxis-graz/").status_code == 404


def test_nobody_logged_in_is_sent_to_the_login_and_back(client: Client, workspace: Workspace) -> None:
    page = client.get("/w/praxis-graz/?tab=2")
    assert page.status_code == 302
    assert page["Location"] == "/accounts/login/?next=%2Fw%2Fpraxis-graz%2F%3Ftab%3D2"


def test_htmx_is_told_to_leave_the_page_when_the_session_is_over(client: Client, workspace: Workspace) -> None:
    page = client.get(
        "/w/praxis-graz/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/w/praxis-graz/flows/"}
    )
    assert page.status_code == 204
    assert page["HX-Redirect"] == "/accounts/login/?next=%2Fw%2Fpraxis-graz%2Fflows%2F"


@pytest.mark.parametrize(("role", "expected"), [(Role.VIEWER, 403), (Role.AGENT, 403), (Role.EDITOR, 200)])
def test_a_role_below_the_needed_one_is_refused(
    client: Client, workspace: Workspace, role: Role, expected: int
) -> None:
    client.force_login(join(workspace, make_user("Dora"), role).user)
    assert client.get("/w/praxis-graz/edit/").status_code == expected


def test_a_role_may_do_all_that_stands_before_it(alice: Membership, vera: Membership) -> None:
    assert all(may(alice, verb) for verb in VERBS)
    assert [verb for verb in VERBS if may(vera, verb)] == ["workspace.read"]


def test_an_unknown_verb_fails_where_it_is_written() -> None:
    with pytest.raises(KeyError):
        requires("flow.pubish")


def test_every_scope_has_its_role() -> None:
    from workspaces.models import ApiKey

    assert set(SCOPES) == set(ApiKey.KNOWN_SCOPES)


# --- Language and time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("users", "workspaces", "header", "shown"),
    [
        ("en", "de", "de", "en"),
        ("", "de", "en", "de"),
        ("", "en", "de", "en"),
    ],
)
def test_the_users_language_comes_before_the_workspaces(
    as_alice: Client, alice: Membership, users: str, workspaces: str, header: str, shown: str
) -> None:
    User.objects.filter(pk=alice.user.pk).update(language=users)
    Workspace.objects.update(language=workspaces)
    page = as_alice.get("/w/praxis-graz/", headers={"Accept-Language": header})
    assert page.json()["language"] == shown
    assert page["Content-Language"] == shown


@pytest.mark.parametrize(
    ("header", "shown"), [("en-GB,en;q=0.9", "en"), ("fr,en;q=0.5", "en"), ("fr", "de"), ("*", "de"), ("", "de")]
)
def test_without_a_workspace_the_browser_decides_and_else_it_is_german(client: Client, header: str, shown: str) -> None:
    assert client.get("/public/", headers={"Accept-Language": header}).json()["language"] == shown


def test_times_are_shown_in_the_workspaces_zone(as_alice: Client) -> None:
    Workspace.objects.update(time_zone="America/New_York")
    assert as_alice.get("/w/praxis-graz/").json()["zone"] == "America/New_York"


def test_language_and_zone_do_not_leak_into_the_next_request(as_alice: Client, alice: Membership) -> None:
    User.objects.filter(pk=alice.user.pk).update(language="en")
    Workspace.objects.update(time_zone="America/New_York")
    before = (translation.get_language(), timezone.get_current_timezone_name())
    as_alice.get("/w/praxis-graz/")
    assert (translation.get_language(), timezone.get_current_timezone_name()) == before


def test_a_reader_switches_language_and_appearance(as_alice: Client, alice: Membership) -> None:
    page = as_alice.post("/i18n/preferences/", {"language": "en", "theme": "dark", "next": "/w/praxis-graz/"})
    assert page["Location"] == "/w/praxis-graz/"
    alice.user.refresh_from_db()
    assert (alice.user.language, alice.user.theme) == ("en", "dark")


def test_before_the_login_the_choice_stays_on_the_device(client: Client) -> None:
    client.post("/i18n/preferences/", {"language": "en", "theme": "dark"})
    page = client.get("/public/", headers={"Accept-Language": "de"}).json()
    assert (page["language"], page["theme"]) == ("en", "dark")


def test_a_choice_leads_to_no_other_site(as_alice: Client) -> None:
    assert as_alice.post("/i18n/preferences/", {"next": "https://evil.example/"})["Location"] == "/"


def test_an_unknown_choice_changes_nothing(as_alice: Client, alice: Membership) -> None:
    as_alice.post("/i18n/preferences/", {"language": "xx", "theme": "pink"})
    alice.user.refresh_from_db()
    assert (alice.user.language, alice.user.theme) == ("", "auto")


# --- The front door ------------------------------------------------------------------------------


def test_the_front_door_leads_to_the_first_workspace(as_alice: Client) -> None:
    assert as_alice.get("/")["Location"] == "/w/praxis-graz/"


def test_the_front_door_asks_a_stranger_to_log_in(client: Client) -> None:
    assert client.get("/")["Location"] == "/accounts/login/?next=/"


@pytest.mark.urls("config.urls")
def test_sign_up_is_closed(client: Client) -> None:
    assert client.get("/accounts/signup/").status_code == 404


@pytest.mark.urls("config.urls")
def test_the_sixth_guess_is_locked_out_even_with_the_right_password(client: Client, alice: Membership) -> None:
    for _ in range(5):
        client.post("/accounts/login/", {"login": "alice@example.org", "password": "falsch"})
    client.post("/accounts/login/", {"login": "alice@example.org", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


@pytest.mark.urls("config.urls")
def test_the_right_password_logs_in_by_e_mail_in_any_case(client: Client, alice: Membership) -> None:
    page = client.post("/accounts/login/", {"login": "Alice@Example.org", "password": PASSWORD})
    assert page.status_code == 302
    assert client.session["_auth_user_id"] == str(alice.user.pk)


@pytest.mark.urls("config.urls")
def test_the_admin_has_no_login_of_its_own(client: Client) -> None:
    page = client.post("/admin/login/", {"username": "alice@example.org", "password": PASSWORD})
    assert page.status_code == 302
    assert page["Location"].startswith("/accounts/login/?next=")


# --- The frame -----------------------------------------------------------------------------------


def _frame_of(membership: Membership, address: str = "/w/praxis-graz/") -> dict[str, object]:
    request = RequestFactory().get(address)
    request.user, request.workspace, request.membership = membership.user, membership.workspace, membership
    return frame(request)


def test_the_rail_marks_where_the_reader_is(workspace: Workspace) -> None:
    register_section(1, "Seite eins", "sun", "test_front")
    register_section(2, "Seite zwei", "inbox", "test_edit", lambda workspace: 3, "attention")
    register_section(3, "Gibt es nicht", "x", "no_such_page")
    ours = [item for item in rail(workspace, "/w/praxis-graz/edit/5/") if item["label"].startswith("Seite")]
    assert [(item["label"], item["url"], item["active"], item["count"]) for item in ours] == [
        ("Seite eins", "/w/praxis-graz/", False, 0),
        ("Seite zwei", "/w/praxis-graz/edit/", True, 3),
    ]
    assert "Gibt es nicht" not in [item["label"] for item in rail(workspace, "/")]


def test_the_frame_counts_what_waits_for_someone(alice: Membership, workspace: Workspace) -> None:
    rows = Notification.objects.in_workspace(workspace)
    rows.create(code="x", title="Offen", digest_key="1")
    rows.create(code="x", title="Gelöst", digest_key="2", solved_at=timezone.now())
    rows.create(code="x", title="Nur zur Kenntnis", digest_key="3", level="info")
    shown = _frame_of(alice)
    assert shown["attention_count"] == 1
    assert [notice.title for notice in shown["attention_items"]] == ["Offen"]
    assert [row.name for row in shown["workspaces"]] == ["Praxis Graz"]


def test_a_partial_without_the_frame_costs_no_query(alice: Membership, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        _frame_of(alice)


def test_the_frame_costs_the_same_however_much_waits(
    alice: Membership, workspace: Workspace, django_assert_num_queries
) -> None:
    template = Template(
        "{{ attention_count }}{% for n in attention_items %}{{ n.title_text }}{% endfor %}"
        "{% for w in workspaces %}{{ w.name }}{% endfor %}"
    )
    for number in range(30):
        Notification.objects.in_workspace(workspace).create(code="x", title="T", digest_key=str(number))
        if number % 10 == 0:
            join(make_workspace(f"w{number}"), alice.user, Role.VIEWER)
    request = RequestFactory().get("/w/praxis-graz/")
    request.user, request.workspace, request.membership = alice.user, workspace, alice
    with django_assert_num_queries(3):
        template.render(RequestContext(request))


def test_the_first_banner_offered_is_shown(alice: Membership) -> None:
    def offline(request: HttpRequest) -> dict[str, str] | None:
        if request.path.startswith("/w/praxis-graz/banner/"):
            return {"tone": "failure", "title": "Offline", "text": "-", "action_url": "", "action_label": ""}
        return None

    register_banner(offline, order=-1)
    assert _frame_of(alice, "/w/praxis-graz/banner/")["banner"]["title"] == "Offline"


def test_outside_a_workspace_the_frame_knows_the_theme_only(db: None) -> None:
    request = RequestFactory().get("/")
    assert frame(request) == {"theme": "auto"}


# --- A forgotten password ------------------------------------------------------------------------


@pytest.mark.urls("config.urls")
def test_a_forgotten_password_is_set_anew_by_a_link_that_works_once(client: Client, alice: Membership) -> None:
    client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    assert mail.outbox[0].to == ["alice@example.org"]
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mail.outbox[0].body)
    assert link is not None
    form_address = client.get(link[1])["Location"]
    answer = client.post(form_address, {"password1": "ganz-neues-passwort-9", "password2": "ganz-neues-passwort-9"})
    assert answer["Location"] == "/accounts/password/reset/key/done/"
    alice.user.refresh_from_db()
    assert alice.user.check_password("ganz-neues-passwort-9")
    other = Client()
    assert other.get(link[1]).status_code == 200
    assert other.get(link[1]).context["token_fail"]


@pytest.mark.urls("config.urls")
def test_an_unknown_address_gets_no_mail_and_the_page_does_not_tell(client: Client, alice: Membership) -> None:
    unknown = client.post("/accounts/password/reset/", {"email": "niemand@example.org"})
    known = client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    assert (unknown.status_code, unknown["Location"]) == (known.status_code, known["Location"])
    assert [message.to for message in mail.outbox] == [["alice@example.org"]]


@pytest.mark.urls("config.urls")
def test_an_account_that_is_switched_off_does_not_get_in(client: Client, alice: Membership) -> None:
    User.objects.update(is_active=False)
    client.post("/accounts/login/", {"login": "alice@example.org", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


# --- Pages that say no ---------------------------------------------------------------------------


def test_a_refusal_is_a_page_that_names_the_role(client: Client, vera: Membership) -> None:
    User.objects.update(language="en")
    client.force_login(vera.user)
    page = client.get("/w/praxis-graz/edit/")
    assert page.status_code == 403
    assert "This needs the role “Editor” or a higher one." in page.content.decode()
    assert "Praxis Graz" in page.content.decode()


def test_what_is_not_there_is_a_page_too(client: Client, vera: Membership, charlie: User) -> None:
    User.objects.update(language="en")
    for user, address in ((vera.user, "/w/praxis-graz/no-such-page/"), (charlie, "/w/praxis-graz/")):
        client.force_login(user)
        page = client.get(address)
        assert page.status_code == 404
        assert "There is nothing here" in page.content.decode()
    assert "Praxis Graz" not in page.content.decode()


def test_who_has_no_workspace_is_told_what_to_do(client: Client, db: None) -> None:
    client.force_login(make_user("Nora", language="en"))
    page = client.get("/")
    assert page.status_code == 200
    assert "nora@example.org" in page.content.decode()
