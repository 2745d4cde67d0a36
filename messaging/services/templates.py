"""Templates: synced from the platform, found by name and language, stopped when the platform says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from messaging.errors import TemplateNotFound, TemplatePaused, WhatsappUnavailable
from messaging.models import Sender, Template
from messaging.providers import provider_of
from messaging.providers.base import OutcomeUnknown, ProviderError, TemplateData
from messaging.services.template_parameters import Parameter, RenderedTemplate, parameters_of, render_preview
from workspaces.changes import announce
from workspaces.errors import BotenwerkError
from workspaces.models import Workspace
from workspaces.services.notifications import notify_team, solve

__all__ = [
    "Parameter",
    "RenderedTemplate",
    "SyncResult",
    "choose_template",
    "demand_sendable",
    "find_template",
    "is_public_id",
    "language_variant",
    "parameters_of",
    "render_preview",
    "set_template_status",
    "sync_in_background",
    "sync_templates",
]

log = structlog.get_logger(__name__)

SYNC_EVERY = timedelta(hours=1)
_STOPPED = (Template.Status.PAUSED, Template.Status.DISABLED)


@dataclass(frozen=True, kw_only=True)
class SyncResult:
    """How many templates a sync has added, changed and marked as deleted."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: "SyncResult") -> "SyncResult":
        return SyncResult(
            added=self.added + other.added, changed=self.changed + other.changed, removed=self.removed + other.removed
        )


def sync_templates(of: Sender | Workspace, now: datetime) -> SyncResult:
    """Make our copies the platform's, for one sender's business account or all of a workspace.

    Raises the platform's refusal as a named error; what was synced until then stays.
    """
    if isinstance(of, Sender):
        return _sync_account(of, now)
    result = SyncResult()
    done: set[tuple[str, str]] = set()
    for sender in Sender.objects.in_workspace(of).filter(retired_at=None).order_by("pk"):
        account = (sender.address_key, sender.business_account_id)
        if account not in done:
            result += _sync_account(sender, now)
            done.add(account)
    return result


def sync_in_background(sender: Sender, *, now: datetime) -> None:
    """The sync that nobody waits for, an hour after the account's last one; a refusal is met again at the next."""
    last = sender.templates_synced_at
    if sender.retired_at is not None or (last is not None and now < last + SYNC_EVERY):
        return
    try:
        sync_templates(sender, now)
    except BotenwerkError as error:
        log.warning("templates_not_synced", sender=str(sender.public_id), error=error.code)


def find_template(workspace: Workspace, business_account_id: str, name_or_id: str, language: str) -> Template:
    """The template in exactly this language, byte for byte; by name or by public id (which fixes the language).

    Raises TemplateNotFound, with the languages there are.
    """
    rows = Template.objects.in_workspace(workspace).filter(business_account_id=business_account_id)
    by_id = rows.filter(public_id=name_or_id) if is_public_id(name_or_id) else rows.none()
    found = by_id.first() or rows.filter(name=name_or_id, language=language).first()
    if found is None or found.status == Template.Status.DELETED:
        available = sorted(_sendable_languages(rows.filter(name=name_or_id)))
        raise TemplateNotFound(field="template", template=name_or_id, language=language, available=", ".join(available))
    return found


def choose_template(
    workspace: Workspace, business_account_id: str, name: str, wanted_languages: Iterable[str]
) -> Template:
    """The variant for the first of these languages that there is one for, in the order of `language_variant`.

    A template with one approved language is taken whatever was wanted. Raises TemplateNotFound.
    """
    rows = Template.objects.in_workspace(workspace).filter(business_account_id=business_account_id, name=name)
    available = sorted(_sendable_languages(rows))
    wanted = [language for language in wanted_languages if language]
    for language in wanted:
        variant = language_variant(available, language)
        if variant is not None:
            return rows.get(language=variant)
    if len(available) == 1:
        return rows.get(language=available[0])
    # One that is only paused is named as paused, not as missing.
    stopped = rows.filter(status__in=_STOPPED).first() if not available else None
    if stopped is not None:
        return stopped
    raise TemplateNotFound(
        field="template", template=name, language=", ".join(wanted) or "–", available=", ".join(available)
    )


def is_public_id(name_or_id: str) -> bool:
    """Whether it reads as a public id; names of templates hold no hyphens."""
    try:
        UUID(name_or_id)
    except ValueError:
        return False
    return "-" in name_or_id


def language_variant(available: Iterable[str], wanted: str) -> str | None:
    """The code among `available` to use for a wanted language, or None. The order, as shown to people:

    exactly this code; the language without a region (de_AT: de); the language with a region, by the alphabet
    (en: en_GB, then en_US). Another language never stands in.
    """
    codes = list(available)
    code = wanted.replace("-", "_")
    if code in codes:
        return code
    base = code.split("_")[0]
    if base in codes:
        return base
    return min((candidate for candidate in codes if candidate.split("_")[0] == base), default=None)


def demand_sendable(template: Template) -> None:
    """Raises TemplatePaused or TemplateNotFound unless the platform has approved it."""
    if template.status in _STOPPED:
        raise TemplatePaused(
            field="template",
            template=template.name,
            language=template.language,
            status=template.status,
            since_at=template.status_since,
        )
    if template.status != Template.Status.APPROVED:
        raise TemplateNotFound(
            field="template", template=template.name, language=template.language, status=template.status
        )


def set_template_status(template: Template, status: str, *, reason: str = "", now: datetime) -> bool:
    """Take over what the platform says (sync, webhook, refused send). True if it was news; the team hears of a stop."""
    rows = Template.objects.in_workspace(template.workspace).filter(pk=template.pk)
    with transaction.atomic():
        changed = rows.exclude(status=status).update(
            status=status, status_reason=reason[:300], status_since=now, updated_at=now
        )
        if not changed:
            return False
        template.refresh_from_db(fields=["status", "status_reason", "status_since"])
        announce(template.workspace, "templates", now=now)
        if status in _STOPPED or status == Template.Status.REJECTED:
            notify_team(
                workspace=template.workspace,
                code=TemplatePaused.code,
                title=_("WhatsApp has stopped the template “%(template)s”"),
                body=_("Flows that use it cannot send it until it is approved again."),
                facts={"template": str(template)},
                level="failure" if status == Template.Status.DISABLED else "attention",
                digest_key=f"template_stopped:{template.public_id}",
                now=now,
            )
        elif status == Template.Status.APPROVED:
            solve(template.workspace, f"template_stopped:{template.public_id}", now)
    return True


def _sync_account(sender: Sender, now: datetime) -> SyncResult:
    try:
        listed = list(provider_of(sender).list_templates(sender))
    except ProviderError as refusal:
        raise refusal.error from None
    except OutcomeUnknown as failure:
        raise WhatsappUnavailable(detail=str(failure)) from None
    result = SyncResult()
    rows = Template.objects.in_workspace(sender.workspace).filter(business_account_id=sender.business_account_id)
    with transaction.atomic():
        known = {(template.name, template.language): template for template in rows.select_for_update()}
        for data in listed:
            template = known.pop((data.name, data.language), None)
            result += _store(sender, template, data, now)
        for template in known.values():
            if template.status not in (Template.Status.DRAFT, Template.Status.DELETED):
                set_template_status(template, Template.Status.DELETED, now=now)
                result += SyncResult(removed=1)
        Sender.objects.in_workspace(sender.workspace).filter(
            address_key=sender.address_key, business_account_id=sender.business_account_id
        ).update(templates_synced_at=now)
        if result != SyncResult():
            announce(sender.workspace, "templates", now=now)
    return result


def _store(sender: Sender, template: Template | None, data: TemplateData, now: datetime) -> SyncResult:
    fields: dict[str, Any] = {
        "platform_id": data.platform_id,
        "category": data.category if data.category in Template.Category.values else Template.Category.MARKETING,
        "quality": data.quality,
        "parameter_format": data.parameter_format,
        "components": data.components,
    }
    if template is None:
        Template.objects.in_workspace(sender.workspace).create(
            business_account_id=sender.business_account_id,
            name=data.name,
            language=data.language,
            status=data.status,
            status_reason=data.reason,
            status_since=now,
            last_synced_at=now,
            **fields,
        )
        return SyncResult(added=1)
    is_changed = any(getattr(template, name) != value for name, value in fields.items())
    is_changed |= set_template_status(template, data.status, reason=data.reason, now=now)
    for name, value in fields.items():
        setattr(template, name, value)
    template.last_synced_at = now
    template.save(update_fields=[*fields, "last_synced_at"])
    return SyncResult(changed=int(is_changed))


def _sendable_languages(rows: Any) -> set[str]:
    return set(rows.filter(status=Template.Status.APPROVED).values_list("language", flat=True))
