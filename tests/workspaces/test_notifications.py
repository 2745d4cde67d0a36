"""The team is told once a cause, and gets one mail for what comes together."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from tests.cast import join, make_user
from workspaces.models import Change, Membership, Notification, NotificationChannel, Role, Workspace
from workspaces.services.notifications import MAIL_ATTEMPTS, mail_notices, notify_team, solve
from workspaces.tasks import send_notification_mail
from workspaces.wakeups import claim_due, wakeups

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def tell(workspace: Workspace, key: str = "flow:1", *, now: datetime = NOON, **fields: object) -> Notification:
    return notify_team(
        workspace=workspace, code="run_failed", title="Ein Ablauf ist gescheitert", digest_key=key, now=now, **fields
    )


def run_the_clock(now: datetime) -> None:
    """What the clock does with notices that are due: claim, then the task."""
    wakeup = next(wakeup for wakeup in wakeups() if wakeup.model is Notification)
    with time_machine.travel(now, tick=False):
        for notice_id in claim_due(wakeup, now=now):
            send_notification_mail(notice_id)


def test_the_same_cause_counts_up_instead_of_adding_a_row(workspace: Workspace) -> None:
    first = tell(workspace)
    again = tell(workspace, now=NOON + timedelta(seconds=30))
    assert again.pk == first.pk
    assert again.count == 2
    assert again.last_at == NOON + timedelta(seconds=30)


def test_a_solved_cause_that_comes_back_is_told_again(workspace: Workspace) -> None:
    first = tell(workspace)
    assert solve(workspace, "flow:1", NOON)
    assert not solve(workspace, "flow:1", NOON)
    assert tell(workspace, now=NOON + timedelta(hours=1)).pk != first.pk


def test_open_pages_hear_of_it(workspace: Workspace) -> None:
    tell(workspace)
    assert Change.objects.get().topic == "notifications"


def test_a_minute_later_the_owner_gets_one_mail(alice: Membership, workspace: Workspace) -> None:
    tell(workspace, link="/w/praxis-graz/runs/7/")
    run_the_clock(NOON + timedelta(seconds=59))
    assert mail.outbox == []
    run_the_clock(NOON + timedelta(seconds=60))
    run_the_clock(NOON + timedelta(seconds=70))
    assert [message.to for message in mail.outbox] == [["alice@example.org"]]
    assert "/w/praxis-graz/runs/7/" in mail.outbox[0].body
    assert "Ein Ablauf ist gescheitert" in mail.outbox[0].subject


def test_what_comes_together_goes_into_one_mail(alice: Membership, workspace: Workspace) -> None:
    for number in range(5):
        tell(workspace, f"flow:{number}", now=NOON + timedelta(seconds=number * 10))
    run_the_clock(NOON + timedelta(seconds=60))
    run_the_clock(NOON + timedelta(seconds=120))
    assert len(mail.outbox) == 1
    assert mail.outbox[0].body.count("Ein Ablauf ist gescheitert") == 5


def test_a_hundred_failures_of_one_kind_are_one_mail_that_says_how_many(
    alice: Membership, workspace: Workspace
) -> None:
    for _number in range(100):
        tell(workspace)
    run_the_clock(NOON + timedelta(seconds=60))
    assert len(mail.outbox) == 1
    assert "100" in mail.outbox[0].body


def test_what_was_solved_within_the_minute_is_not_mailed(alice: Membership, workspace: Workspace) -> None:
    tell(workspace)
    solve(workspace, "flow:1", NOON + timedelta(seconds=30))
    run_the_clock(NOON + timedelta(seconds=60))
    assert mail.outbox == []


def test_a_doubled_task_mails_once(alice: Membership, workspace: Workspace) -> None:
    notice = tell(workspace)
    due = NOON + timedelta(seconds=60)
    assert mail_notices(notice, now=due) == 1
    assert mail_notices(notice, now=due) == 0
    assert len(mail.outbox) == 1


def test_a_mail_that_failed_is_tried_again_and_given_up_after_six_times(
    alice: Membership, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: EmailMultiAlternatives, fail_silently: bool = False) -> int:
        raise ConnectionRefusedError

    notice = tell(workspace)
    with monkeypatch.context() as patched:
        patched.setattr(EmailMultiAlternatives, "send", refuse)
        due = NOON + timedelta(seconds=60)
        assert mail_notices(notice, now=due) == 0
        notice.refresh_from_db()
        assert notice.wake_at == due + timedelta(minutes=2)
    run_the_clock(NOON + timedelta(seconds=60, minutes=2))
    assert len(mail.outbox) == 1

    hopeless = tell(workspace, "flow:2")
    Notification.objects.in_workspace(workspace).filter(pk=hopeless.pk).update(mail_attempts=MAIL_ATTEMPTS - 1)
    hopeless.refresh_from_db()
    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    mail_notices(hopeless, now=NOON + timedelta(seconds=60))
    hopeless.refresh_from_db()
    assert (hopeless.wake_at, hopeless.mailed_at) == (None, None)


def test_channels_come_before_admins_and_viewers_are_left_in_peace(
    alice: Membership, vera: Membership, workspace: Workspace
) -> None:
    NotificationChannel.objects.in_workspace(workspace).create(address="team@praxis.example")
    NotificationChannel.objects.in_workspace(workspace).create(address="aus@praxis.example", is_on=False)
    tell(workspace)
    run_the_clock(NOON + timedelta(seconds=60))
    assert [message.to for message in mail.outbox] == [["team@praxis.example"]]


def test_everyone_reads_a_notice_in_their_own_language(alice: Membership, workspace: Workspace) -> None:
    join(workspace, make_user("Dora", language="en"), Role.ADMIN)
    notice = notify_team(
        workspace=workspace,
        code="internal",
        title=_("Internal error"),
        digest_key="x",
        now=NOON,
        facts={"run": "7"},
    )
    assert notice.title == "Internal error"
    with translation.override("en"):
        assert notice.title_text() == "Internal error"
        assert notice.body_text().startswith("Botenwerk itself has failed here.")
    run_the_clock(NOON + timedelta(seconds=60))
    english = next(message for message in mail.outbox if message.to == ["dora@example.org"])
    assert "Botenwerk has something for the team of Praxis Graz." in english.body


def test_facts_fill_the_text_and_a_per_cent_sign_does_no_harm(workspace: Workspace) -> None:
    named = notify_team(
        workspace=workspace,
        code="x",
        title="Flow %(flow)s",
        body="100 % voll",
        digest_key="a",
        now=NOON,
        facts={"flow": "Termin"},
    )
    assert named.title_text() == "Flow Termin"
    assert named.body_text() == "100 % voll"


def test_one_workspace_never_hears_of_another(
    alice: Membership, workspace: Workspace, other_workspace: Workspace
) -> None:
    join(other_workspace, make_user("Charlie"), Role.OWNER)
    tell(workspace)
    tell(other_workspace)
    assert Notification.objects.in_workspace(workspace).count() == 1
    run_the_clock(NOON + timedelta(seconds=60))
    assert sorted(message.to[0] for message in mail.outbox) == ["alice@example.org", "charlie@example.org"]
    assert all(len(message.to) == 1 for message in mail.outbox)
