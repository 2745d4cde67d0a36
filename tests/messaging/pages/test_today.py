"""Today: what to do first, and figures that do not cost more for more messages."""

from collections.abc import Callable
from datetime import timedelta

from django.core.cache import cache
from django.test import Client
from django.utils import translation

from messaging.models import Conversation, Sender
from messaging.views.chart import HEIGHT, TOP, chart_of
from messaging.views.figures import figures_of, usual_day
from messaging.views.sender_days import DAYS, days_of
from tests.messaging.pages.conftest import BASE, NOON, say
from workspaces.models import Notification, Workspace
from workspaces.services.notifications import notify_team


def test_a_new_workspace_is_told_its_first_step(browser: Client) -> None:
    page = browser.get(f"{BASE}/")
    assert page.status_code == 200
    assert page.context["steps_done"] == 0
    assert page.context["next_step"].url == f"{BASE}/senders/connect/"
    assert page.context["notices"] == []


def test_steps_tick_off_by_what_is_there(
    browser: Client, converse: Callable[..., Conversation], sender: Sender
) -> None:
    say(converse(), "Gern", is_out=True, cause_kind="person")
    done = [step.is_done for step in browser.get(f"{BASE}/").context["steps"]]
    assert done == [True, False, True, False, True]


def test_figures_count_what_left_and_what_came(
    browser: Client, workspace: Workspace, converse: Callable[..., Conversation]
) -> None:
    conversation = converse(hours_ago=2)
    say(conversation, "1", is_out=True, at=NOON - timedelta(hours=2, minutes=-3), status="read", cause_kind="run")
    say(conversation, "2", is_out=True, at=NOON - timedelta(hours=1), status="delivered", cause_kind="assistant")
    say(conversation, "3", is_out=True, status="failed", error_code="internal", cause_kind="run")
    say(conversation, "gestern", at=NOON - timedelta(days=1))
    figures = browser.get(f"{BASE}/").context["figures"]
    assert (figures.sent, figures.received, figures.delivered, figures.read, figures.failed) == (2, 1, 2, 1, 1)
    assert figures.response == timedelta(minutes=3)
    assert figures.by_cause == {"run": 1, "assistant": 1}
    assert browser.get(f"{BASE}/?span=7").context["figures"].received == 2
    assert len(browser.get(f"{BASE}/?span=30").context["figures"].bars) == 30
    assert browser.get(f"{BASE}/?span=quatsch").context["figures"].span == "today"


def test_hours_are_the_workspaces(workspace: Workspace, converse: Callable[..., Conversation]) -> None:
    converse(hours_ago=0)
    with translation.override("de"):
        bars = figures_of(workspace, "today", NOON).bars
    # 11:00 UTC is 12:00 in Graz in November.
    assert [bar.label for bar in bars if bar.received] == ["12:00"]


def test_the_chart_stays_in_its_frame(workspace: Workspace, converse: Callable[..., Conversation]) -> None:
    for number in range(9):
        converse(number)
    chart = chart_of(figures_of(workspace, "30", NOON).bars)
    assert all(TOP <= column.received_y <= TOP + HEIGHT for column in chart.columns)
    assert all(0 <= column.x < column.end <= 100 for column in chart.columns)
    assert max(number for _y, number in chart.lines) >= 9


def test_now_stands_at_the_end_of_its_hour_and_only_today(
    browser: Client, workspace: Workspace, converse: Callable[..., Conversation]
) -> None:
    converse(hours_ago=0)
    chart = browser.get(f"{BASE}/").context["chart"]
    # 12 o'clock in Graz is the sixth of twelve hours that begin at seven.
    assert [column.label for column in chart.columns][5] == "12:00"
    assert chart.now_x == round(100 / 12 * 6, 2)
    assert browser.get(f"{BASE}/?span=7").context["chart"].now_x is None


def test_a_usual_day_is_the_mean_of_days_of_that_name(
    browser: Client, workspace: Workspace, converse: Callable[..., Conversation]
) -> None:
    conversation = converse(hours_ago=0)
    assert usual_day(workspace, NOON) is None
    for weeks, count in ((1, 3), (2, 1)):
        for number in range(count):
            say(conversation, f"{weeks} {number}", is_out=True, at=NOON - timedelta(weeks=weeks), status="sent")
    assert usual_day(workspace, NOON) is None, "days that are over are counted once an hour"
    cache.clear()
    usual = usual_day(workspace, NOON)
    assert usual is not None
    assert (usual.is_weekday, dict(usual.by_hour)) == (True, {12: 2.0})
    drawn = browser.get(f"{BASE}/").context["chart"].columns
    assert [column.label for column in drawn if column.usual_y is not None] == ["12:00"]


def test_with_one_day_of_that_name_every_day_of_four_weeks_counts(
    workspace: Workspace, converse: Callable[..., Conversation]
) -> None:
    conversation = converse(hours_ago=0)
    for days in (1, 2, 7):
        say(conversation, str(days), is_out=True, at=NOON - timedelta(days=days, hours=days % 2), status="sent")
    usual = usual_day(workspace, NOON)
    assert usual is not None
    assert usual.is_weekday is False
    assert usual.by_hour == {11: 2 / 3, 12: 1 / 3}
    assert usual.until(NOON) == 2 / 3


def test_a_day_with_a_fall_is_seen_among_fourteen(workspace: Workspace, sender: Sender) -> None:
    Sender.objects.in_workspace(workspace).update(created_at=NOON - timedelta(days=10))
    sender.refresh_from_db()
    fallen = f"sender_offline:{sender.public_id}"
    notify_team(workspace=workspace, code="sender_offline", title="x", digest_key=fallen, now=NOON)
    rows = Notification.objects.in_workspace(workspace)
    rows.update(created_at=NOON - timedelta(days=4), solved_at=NOON - timedelta(days=3))
    worse = f"sender_quality:{sender.public_id}"
    notify_team(workspace=workspace, code="sender_quality", title="x", digest_key=worse, now=NOON)
    rows.filter(digest_key=worse).update(created_at=NOON - timedelta(days=1))
    days = days_of(workspace, [sender], NOON)[sender.pk]
    assert len(days) == DAYS
    assert days == ["off"] * 3 + ["done"] * 6 + ["fail", "fail", "done", "att", "att"]


def test_runs_that_failed_for_one_reason_are_one_row(browser: Client, workspace: Workspace) -> None:
    def fail(flow: str, step: str) -> Notification:
        return notify_team(
            workspace=workspace,
            code="whatsapp_unavailable",
            title="“%(flow)s” failed at “%(step)s”",
            level="failure",
            digest_key=f"run:{flow}:{step}:whatsapp_unavailable",
            facts={"flow": flow, "step": step},
            now=NOON,
        )

    fail("Termin", "Vorlage")
    fail("Termin", "Vorlage")
    newest = fail("Nachfassen", "Text")
    (row,) = browser.get(f"{BASE}/").context["notices"]
    assert (row.count, sorted(row.places)) == (3, ["Nachfassen, Text", "Termin, Vorlage"])
    assert row.title.startswith("3 ")
    assert row.link == f"{BASE}/runs/?status=failed&code=whatsapp_unavailable"
    same = [str(one.public_id) for one in row.notices] + ["not an id"]
    browser.post(f"{BASE}/notices/{newest.public_id}/solve/", {"same": same})
    assert browser.get(f"{BASE}/").context["notices"] == []


def test_what_waits_stands_first_and_leaves_when_solved(browser: Client, workspace: Workspace) -> None:
    def tell(code: str, level: str) -> Notification:
        return notify_team(workspace=workspace, code=code, title=code, level=level, digest_key=code, now=NOON)

    tell("sender_quality", "attention")
    failure = tell("sender_offline", "failure")
    rows = browser.get(f"{BASE}/").context["notices"]
    assert [row.notice.code for row in rows] == ["sender_offline", "sender_quality"]
    assert rows[0].cause
    assert rows[0].cure
    browser.post(f"{BASE}/notices/{failure.public_id}/solve/")
    assert [row.notice.code for row in browser.get(f"{BASE}/").context["notices"]] == ["sender_quality"]


def test_today_costs_the_same_for_10_and_30_rows(
    workspace: Workspace, converse: Callable[..., Conversation], count_queries: Callable[[str], int]
) -> None:
    def fill(first: int, last: int) -> int:
        for number in range(first, last):
            say(converse(number), "Gern", is_out=True, cause_kind="run")
            notify_team(workspace=workspace, code="x", title="x", digest_key=str(number), now=NOON)
        return count_queries(f"{BASE}/?span=30")

    assert fill(0, 10) == fill(10, 30)


def test_a_number_that_is_off_is_said_on_every_page_but_its_own(browser: Client, sender: Sender) -> None:
    Sender.objects.in_workspace(sender.workspace).update(status="offline")
    assert browser.get(f"{BASE}/inbox/").context["banner"]["tone"] == "failure"
    assert not browser.get(f"{BASE}/senders/").context["banner"]


def test_the_demo_says_that_it_is_one(browser: Client, workspace: Workspace) -> None:
    assert not browser.get(f"{BASE}/").context["banner"]
    Workspace.objects.update(is_demo=True)
    assert browser.get(f"{BASE}/").context["banner"]["action_url"] == f"{BASE}/senders/connect/"
    assert not browser.get(f"{BASE}/senders/connect/").context["banner"]
