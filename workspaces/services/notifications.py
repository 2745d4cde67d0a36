"""Telling the team: one notice a cause, counted up while it stays, and one mail for what came together."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.functional import Promise

from workspaces.changes import announce
from workspaces.models import Membership, Notification, NotificationChannel, Role, Workspace
from workspaces.wakeups import CLAIM

log = structlog.get_logger(__name__)

# What comes within a minute goes into one mail.
QUIET = timedelta(seconds=60)
FIRST_RETRY = timedelta(minutes=2)
MAIL_ATTEMPTS = 6
TOPIC = "notifications"


def notify_team(
    *,
    workspace: Workspace,
    code: str,
    title: str | Promise,
    body: str | Promise = "",
    link: str = "",
    level: str = Notification.Level.ATTENTION,
    digest_key: str,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
) -> Notification:
    """Tell the team once a cause. While a notice with this `digest_key` is open, the same again only counts it up.

    `title` and `body` are best lazy gettext texts with %(name)s filled from `facts`: they are kept untranslated
    and shown in each reader's language. Without a body, a named error in `code` is shown with its cause and cure.
    `link` is a path on our pages. The mail is due a minute after the first time.
    """
    shown = {
        "code": code,
        "title": _untranslated(title)[:200],
        "body": _untranslated(body),
        "link": link,
        "level": level,
        "facts": dict(facts or {}),
    }
    announce(workspace, TOPIC, now=now)
    again = _count_up(workspace, digest_key, shown, now)
    if again is not None:
        return again
    try:
        with transaction.atomic():
            return Notification.objects.in_workspace(workspace).create(
                digest_key=digest_key, last_at=now, wake_at=now + QUIET, **shown
            )
    except IntegrityError:
        # Another worker met the same cause in the same moment, and was first.
        again = _count_up(workspace, digest_key, shown, now)
        if again is None:
            raise
        return again


def solve(workspace: Workspace, digest_key: str, now: datetime) -> bool:
    """Close the open notice of this cause. False where there was none; a mail not sent yet is not sent any more."""
    changed = _open(workspace, digest_key).update(solved_at=now, wake_at=None, updated_at=now)
    if changed:
        announce(workspace, TOPIC, now=now)
    return bool(changed)


def mail_notices(notice: Notification, *, now: datetime) -> int:
    """Mail a due notice together with all others of its workspace that wait. Returns how many the mail holds.

    Each notice is mailed once. It is claimed before the mail goes: a claim lost with its worker is due again
    two minutes later, doubling, six times in all. A mail that reached one address counts as sent.
    """
    claimed = _claim(notice, now)
    if not claimed:
        return 0
    rows = Notification.objects.in_workspace(notice.workspace).filter(pk__in=[row.pk for row in claimed])
    if _send(notice.workspace, claimed):
        rows.update(mailed_at=now, wake_at=None, updated_at=now)
        return len(claimed)
    rows.filter(mail_attempts__gte=MAIL_ATTEMPTS).update(wake_at=None, updated_at=now)
    return 0


def _count_up(workspace: Workspace, digest_key: str, shown: Mapping[str, Any], now: datetime) -> Notification | None:
    changed = _open(workspace, digest_key).update(count=F("count") + 1, last_at=now, updated_at=now, **shown)
    return _open(workspace, digest_key).first() if changed else None


def _open(workspace: Workspace, digest_key: str) -> QuerySet[Notification]:
    return Notification.objects.in_workspace(workspace).filter(digest_key=digest_key, solved_at=None)


def _untranslated(text: str | Promise) -> str:
    with translation.override(None):
        return str(text)


def _claim(notice: Notification, now: datetime) -> list[Notification]:
    """The notices that this mail is to hold, each taken by a conditional UPDATE; empty if `notice` is not due."""
    waiting = Notification.objects.in_workspace(notice.workspace).filter(mailed_at=None, solved_at=None)
    with transaction.atomic():
        # The clock's own claim has moved a due row on by CLAIM.
        if not waiting.filter(pk=notice.pk, wake_at__lte=now + CLAIM).exists():
            return []
        candidates = list(waiting.filter(wake_at__lte=now + QUIET).order_by("created_at"))
        return [row for row in candidates if _take(row, now)]


def _take(row: Notification, now: datetime) -> bool:
    again_at = now + FIRST_RETRY * 2**row.mail_attempts
    same = Notification.objects.in_workspace(row.workspace).filter(
        pk=row.pk, mail_attempts=row.mail_attempts, mailed_at=None
    )
    return same.update(mail_attempts=F("mail_attempts") + 1, wake_at=again_at, updated_at=now) == 1


def _send(workspace: Workspace, notices: list[Notification]) -> bool:
    """True if the mail went to at least one address, or if there is none."""
    recipients = _recipients(workspace)
    if not recipients:
        log.warning("nobody_to_notify", workspace=str(workspace.public_id))
        return True
    connection = get_connection()
    reached = 0
    for address, language in recipients.items():
        try:
            reached += _mail(workspace, notices, language, address, connection).send()
        except OSError as error:  # SMTP errors are OSErrors; the address stays out of the log.
            log.warning("notification_mail_failed", workspace=str(workspace.public_id), error=str(type(error)))
    return reached > 0


def _recipients(workspace: Workspace) -> dict[str, str]:
    """Address to language: the workspace's channels, else its admins and its owner."""
    channels = NotificationChannel.objects.in_workspace(workspace).filter(
        is_on=True, kind=NotificationChannel.Kind.EMAIL
    )
    found = {channel.address: workspace.language for channel in channels}
    if found:
        return found
    members = Membership.objects.filter(
        workspace=workspace, role__in=(Role.ADMIN, Role.OWNER), user__is_active=True
    ).select_related("user")
    return {member.user.email: member.user.language or workspace.language for member in members}


def _mail(
    workspace: Workspace, notices: list[Notification], language: str, address: str, connection: Any
) -> EmailMultiAlternatives:
    context = {"workspace": workspace, "notices": notices, "public_url": settings.PUBLIC_URL}
    with translation.override(language), timezone.override(workspace.zone):
        subject = render_to_string("workspaces/mail/notices_subject.txt", context)
        text = render_to_string("workspaces/mail/notices.txt", context)
        html = render_to_string("workspaces/mail/notices.html", context)
    mail = EmailMultiAlternatives(" ".join(subject.split()), text, to=[address], connection=connection)
    mail.attach_alternative(html, "text/html")
    return mail
