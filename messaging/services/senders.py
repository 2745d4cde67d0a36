"""Senders: connected with every part called for real, checked every five minutes, paused, resumed, retired."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from messaging.errors import ConnectionRefused, NumberTaken, SenderOffline, WhatsappUnavailable
from messaging.models import Sender
from messaging.providers import provider_of
from messaging.providers.base import OutcomeUnknown, ProviderError, SenderState
from workspaces.changes import announce
from workspaces.errors import BotenwerkError, stored_error
from workspaces.models import ApiKey, Membership, User, Workspace
from workspaces.services.audit import record
from workspaces.services.notifications import notify_team, solve

log = structlog.get_logger(__name__)

CHECK_EVERY = timedelta(minutes=5)
Actor = Membership | ApiKey | User | str

PART_LABELS = {
    "token": _("Access token"),
    "number": _("Phone number id"),
    "account": _("Business account id"),
    "webhook": _("Webhook"),
}
_FALLEN = {
    Sender.Quality.YELLOW: _("It is yellow now. Send less marketing on this number until it recovers."),
    Sender.Quality.RED: _("It is red now. Send no marketing on this number until it recovers."),
}
_CHECKED_FIELDS = [
    "phone",
    "display_name",
    "throughput",
    "messaging_limit",
    "last_checked_at",
    "check_findings",
    "wake_at",
]
_QUALITY_ORDER = [Sender.Quality.GREEN, Sender.Quality.YELLOW, Sender.Quality.RED]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One part of a sender that was called: well, or wrong with a named error."""

    part: str
    error: BotenwerkError | None = None

    @property
    def is_ok(self) -> bool:
        return self.error is None

    @property
    def label(self) -> str:
        """The part, in the active language."""
        return str(PART_LABELS.get(self.part, self.part))

    def as_json(self) -> dict[str, Any]:
        """As kept in `Sender.check_findings`, to be read in any language."""
        code, facts = (self.error.code, self.error.facts) if self.error else ("", {})
        return {"part": self.part, "is_ok": self.is_ok, "code": code, "facts": facts}


@dataclass(frozen=True, kw_only=True)
class NumberSettings:
    """What a person enters to connect a number."""

    provider_number_id: str
    business_account_id: str
    token: str
    app_secret: str
    verify_token: str
    address_key: str = "cloud_api"


def findings_of(sender: Sender) -> list[Finding]:
    """The findings of the last check."""
    return [
        Finding(part=item["part"], error=None if item["is_ok"] else stored_error(item["code"], item["facts"]))
        for item in sender.check_findings
    ]


def connect_sender(*, workspace: Workspace, number: NumberSettings, by: Actor, now: datetime) -> Sender:
    """Connect a number after calling each part of its settings.

    Raises NumberTaken if it is in use anywhere on this installation, ConnectionRefused (with `findings`) if the
    platform refuses the token, the number or the account; a missing webhook is only noted. The displayed number is
    the platform's and is not validated (traps.md P12).
    """
    sender = Sender(
        workspace=workspace,
        address_key=number.address_key,
        provider_number_id=number.provider_number_id.strip(),
        business_account_id=number.business_account_id.strip(),
        token=number.token.strip(),
        app_secret=number.app_secret.strip(),
        verify_token=number.verify_token.strip(),
    )
    state = _ask(sender)
    findings = [Finding(part=check.part, error=check.error) for check in state.checks]
    if any(not finding.is_ok and finding.part != "webhook" for finding in findings):
        raise ConnectionRefused(findings=[finding.as_json() for finding in findings])
    _take_over(sender, state, findings, now)
    sender.status_since = now
    try:
        with transaction.atomic():
            sender.save()
            record(by, "sender.connected", sender, phone=sender.phone)
            announce(workspace, "senders", now=now)
    except IntegrityError:
        raise NumberTaken(field="provider_number_id") from None
    return sender


def check_sender(sender: Sender, now: datetime) -> list[Finding]:
    """Call each part, take over what the platform says, and tell the team of a fall.

    Raises WhatsappUnavailable if the platform does not answer; nothing is changed then but the time of the next check.
    """
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk)
    rows.update(wake_at=now + CHECK_EVERY)
    state = _ask(sender)
    findings = [Finding(part=check.part, error=check.error) for check in state.checks]
    with transaction.atomic():
        fresh = rows.select_for_update().select_related("workspace").get()
        _take_over_quality(fresh, state, now)
        before = fresh.status
        _take_over(fresh, state, findings, now)
        after, fresh.status = fresh.status, before
        fresh.save(update_fields=_CHECKED_FIELDS)
        set_sender_status(fresh, after, reason=state.reason, now=now)
    sender.refresh_from_db()
    return findings


def check_in_background(sender: Sender, *, now: datetime) -> None:
    """The check that nobody waits for: if the platform does not answer, the next one is in five minutes."""
    if sender.retired_at is not None:
        return
    try:
        check_sender(sender, now)
    except BotenwerkError as error:
        log.warning("sender_not_checked", sender=str(sender.public_id), error=error.code)


def pause_sender(sender: Sender, *, by: Actor, now: datetime) -> bool:
    """Nothing goes out any more, everything still comes in. False if it was paused already."""
    return _switch(sender, is_paused=True, verb="sender.paused", by=by, now=now)


def resume_sender(sender: Sender, *, by: Actor, now: datetime) -> bool:
    """Undo a pause. False if it was not paused."""
    return _switch(sender, is_paused=False, verb="sender.resumed", by=by, now=now)


def switch_ai_answers(sender: Sender, *, is_on: bool, by: Actor, now: datetime) -> bool:
    """Have the assistant answer what no flow answers, or not. False where it was so, or there is no assistant."""
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk, ai_answers=not is_on)
    if is_on:
        rows = rows.filter(assistant__isnull=False)
    with transaction.atomic():
        if not rows.update(ai_answers=is_on, updated_at=now):
            return False
        record(by, "sender.ai_answers_switched", sender, is_on=is_on)
        announce(sender.workspace, "senders", now=now)
    sender.ai_answers = is_on
    return True


def set_unknown_policy(sender: Sender, policy: str, *, by: Actor, now: datetime) -> bool:
    """What becomes of a message whose answer was lost and that no status settles. False where it was so."""
    policy = Sender.UnknownPolicy(policy)
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk).exclude(unknown_policy=policy)
    with transaction.atomic():
        if not rows.update(unknown_policy=policy, updated_at=now):
            return False
        record(by, "sender.unknown_policy_set", sender, policy=policy.value)
        announce(sender.workspace, "senders", now=now)
    sender.unknown_policy = policy
    return True


def retire_sender(sender: Sender, *, by: Actor, now: datetime) -> bool:
    """Disconnect the number: its history stays, its secrets go, and it may be connected again elsewhere."""
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk, retired_at=None)
    with transaction.atomic():
        if not rows.update(
            retired_at=now, token="", app_secret="", verify_token="", wake_at=None, updated_at=now, status_since=now
        ):
            return False
        record(by, "sender.retired", sender)
        announce(sender.workspace, "senders", now=now)
    sender.refresh_from_db()
    return True


def set_sender_status(sender: Sender, status: str, *, reason: str = "", now: datetime) -> bool:
    """Take over a state that the platform has shown (check, webhook, refused send). True if it was news.

    The team hears when a number goes off, and the notice is closed when it is back.
    """
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk, retired_at=None)
    with transaction.atomic():
        previous = rows.values_list("status", flat=True).first()
        changed = rows.exclude(status=status).update(
            status=status, status_reason=reason[:300], status_since=now, updated_at=now
        )
        if not changed:
            return False
        sender.refresh_from_db(fields=["status", "status_reason", "status_since"])
        announce(sender.workspace, "senders", now=now)
        digest_key = f"sender_offline:{sender.public_id}"
        if status == Sender.Status.ONLINE:
            solve(sender.workspace, digest_key, now)
        elif previous == Sender.Status.ONLINE:
            notify_team(
                workspace=sender.workspace,
                code=SenderOffline.code,
                title=_("%(sender)s is offline"),
                facts={"sender": str(sender), "reason": status, "detail": reason},
                level="failure",
                digest_key=digest_key,
                now=now,
            )
    return True


def set_sender_quality(sender: Sender, quality: str, *, now: datetime) -> bool:
    """Take over a quality rating. True if it was news; the team hears of a fall."""
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk)
    with transaction.atomic():
        previous = rows.values_list("quality", flat=True).first()
        if not rows.exclude(quality=quality).update(quality=quality, updated_at=now):
            return False
        sender.quality = quality
        announce(sender.workspace, "senders", now=now)
        if _has_fallen(str(previous), quality):
            notify_team(
                workspace=sender.workspace,
                code="sender_quality",
                title=_("The quality of %(sender)s has fallen"),
                body=_FALLEN[Sender.Quality(quality)],
                facts={"sender": str(sender)},
                digest_key=f"sender_quality:{sender.public_id}",
                now=now,
            )
        elif quality == Sender.Quality.GREEN:
            solve(sender.workspace, f"sender_quality:{sender.public_id}", now)
    return True


def _has_fallen(previous: str, quality: str) -> bool:
    if quality not in (Sender.Quality.YELLOW, Sender.Quality.RED):
        return False
    return previous not in _QUALITY_ORDER or _QUALITY_ORDER.index(quality) > _QUALITY_ORDER.index(previous)  # type: ignore[arg-type]


def _ask(sender: Sender) -> SenderState:
    try:
        return provider_of(sender).check_sender(sender)
    except ProviderError as refusal:
        raise refusal.error from None
    except OutcomeUnknown as failure:
        raise WhatsappUnavailable(detail=str(failure)) from None


def _take_over(sender: Sender, state: SenderState, findings: list[Finding], now: datetime) -> None:
    sender.status = state.status
    sender.status_reason = state.reason[:300]
    sender.phone = state.phone[:32] or sender.phone
    sender.display_name = state.display_name[:120] or sender.display_name
    sender.quality = state.quality or sender.quality
    sender.throughput = state.throughput or sender.throughput
    sender.messaging_limit = state.messaging_limit
    sender.last_checked_at = now
    sender.check_findings = [finding.as_json() for finding in findings]
    sender.wake_at = now + CHECK_EVERY


def _take_over_quality(sender: Sender, state: SenderState, now: datetime) -> None:
    if state.quality:
        set_sender_quality(sender, state.quality, now=now)


def _switch(sender: Sender, *, is_paused: bool, verb: str, by: Actor, now: datetime) -> bool:
    rows = Sender.objects.in_workspace(sender.workspace).filter(pk=sender.pk, is_paused=not is_paused)
    with transaction.atomic():
        if not rows.update(is_paused=is_paused, updated_at=now):
            return False
        record(by, verb, sender)
        announce(sender.workspace, "senders", now=now)
    sender.is_paused = is_paused
    return True
