"""How a stored value is shown to staff: linked rows, readable JSON, named errors, and never a secret."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from django.contrib.admin.utils import display_for_field
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from workspaces.errors import BotenwerkError, Text, stored_error
from workspaces.fields import EncryptedTextField, Unreadable

EMPTY = "–"
BODY_SHOWN = 20_000

_lazy_error = gettext_lazy("error")
# Columns that the models leave unnamed, because nobody but staff reads them.
LABELS: dict[str, Text] = {
    "accepted_at": gettext_lazy("accepted at"),
    "attempt": gettext_lazy("attempt"),
    "body": gettext_lazy("answer"),
    "callback_data": gettext_lazy("our id at the platform"),
    "cause_id": gettext_lazy("id of the cause"),
    "cause_label": gettext_lazy("cause"),
    "check_findings": gettext_lazy("findings of the last check"),
    "consumed_at": gettext_lazy("taken at"),
    "crash_count": gettext_lazy("times claimed since the last step"),
    "created_at": gettext_lazy("created at"),
    "cursor": gettext_lazy("next step"),
    "depth": gettext_lazy("depth"),
    "digest": gettext_lazy("digest"),
    "digest_key": gettext_lazy("cause"),
    "error_facts": gettext_lazy("details of the error"),
    "error_step": gettext_lazy("failed step"),
    "facts": gettext_lazy("details"),
    "id": gettext_lazy("number"),
    "idempotency_key": gettext_lazy("idempotency key"),
    "iteration": gettext_lazy("iteration"),
    "key": gettext_lazy("key"),
    "last_message_direction": gettext_lazy("direction of the last message"),
    "leads": gettext_lazy("leads the conversation"),
    "lease_token": gettext_lazy("lease"),
    "lease_until": gettext_lazy("lease until"),
    "mail_attempts": gettext_lazy("attempts to mail"),
    "paced_until": gettext_lazy("calls counted up to"),
    "parent": gettext_lazy("stands in a lane of"),
    "payload": gettext_lazy("task"),
    "pricing": gettext_lazy("price"),
    "program": gettext_lazy("program"),
    "public_id": gettext_lazy("public id"),
    "published_by": gettext_lazy("published by"),
    "reply_to_provider_id": gettext_lazy("answers the message"),
    "request_digest": gettext_lazy("digest of the request"),
    "resumed_wait": gettext_lazy("last wait"),
    "routed_at": gettext_lazy("routed at"),
    "routing_attempts": gettext_lazy("attempts to route"),
    "source": gettext_lazy("source"),
    "status": gettext_lazy("status"),
    "step_key": gettext_lazy("step"),
    "steps_taken": gettext_lazy("steps taken"),
    "token": gettext_lazy("token"),
    "topic": gettext_lazy("topic"),
    "updated_at": gettext_lazy("changed at"),
    "version": pgettext_lazy("of a flow", "version"),
    "wake_at": gettext_lazy("wakes at"),
    "wake_tries": gettext_lazy("times woken"),
}


def label_of(field: models.Field) -> Text:
    """The field's name for people: the model's own, else that of the row it points at, else the table above."""
    own = field._verbose_name  # type: ignore[attr-defined]
    if isinstance(own, Promise):
        return own
    if field.name in LABELS:
        return LABELS[field.name]
    if isinstance(field.related_model, type):
        return field.related_model._meta.verbose_name or field.name
    return field.verbose_name


def error_column() -> Callable[[models.Model], str]:
    """The column of a stored error in a list."""

    def error_code(row: models.Model) -> str:
        return error_word(row)

    error_code.short_description = _lazy_error  # type: ignore[attr-defined]
    error_code.admin_order_field = "error_code"  # type: ignore[attr-defined]
    return error_code


@lru_cache(maxsize=2000)
def shown(model: type[models.Model], name: str) -> Callable[[models.Model], str]:
    """A column for a read-only field, to stand in `fields`, `readonly_fields` or `list_display`."""
    field = model._meta.get_field(name)

    def column(row: models.Model) -> str:
        return render_value(row, field)

    column.__name__ = name
    column.short_description = label_of(field)  # type: ignore[attr-defined, arg-type]
    if not isinstance(field, models.JSONField | models.BinaryField | EncryptedTextField):
        column.admin_order_field = name  # type: ignore[attr-defined]
    return column


def render_value(row: models.Model, field: Any) -> str:
    """The value of a stored field as (escaped) HTML."""
    if isinstance(field, EncryptedTextField):
        return secret_state(getattr(row, field.name))
    if field.name == "error_code":
        return render_error(row)
    if field.is_relation:
        return link_to(getattr(row, field.name))
    value = getattr(row, field.name)
    if isinstance(field, models.JSONField):
        return render_json(value)
    if isinstance(field, models.BinaryField):
        return format_html('<pre class="raw">{}</pre>', bytes(value or b"")[:BODY_SHOWN].decode(errors="replace"))
    if isinstance(field, models.TextField):
        return format_html('<div class="text">{}</div>', value) if value else EMPTY
    if isinstance(field, models.UUIDField) or field.name in ("digest", "provider_id"):
        return format_html("<code>{}</code>", value) if value else EMPTY
    return display_for_field(value, field, EMPTY)


def secret_state(value: str | None) -> str:
    """Whether a secret is stored; what it is, nobody is told."""
    if isinstance(value, Unreadable):
        return _("Stored, but the key to read it is gone. Enter it again.")
    return _("Is set") if value else _("Not set")


def render_json(value: Any) -> str:
    """JSON over several lines, umlauts as they are."""
    if value in (None, "", [], {}):
        return EMPTY
    # Reached by keyboard, since it scrolls sideways on a phone.
    return format_html(
        '<pre class="json" tabindex="0">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2, default=str)
    )


def render_error(row: Any) -> str:
    """A stored error with its title, cause and cure in the reader's language."""
    if not row.error_code:
        return EMPTY
    return error_html(stored_error(row.error_code, getattr(row, "error_facts", None)), code=row.error_code)


def error_word(row: Any) -> str:
    """A stored error in a list: its title, and its code to search by. Cause and cure stand on the row's page."""
    if not row.error_code:
        return EMPTY
    title = stored_error(row.error_code, getattr(row, "error_facts", None)).title_text()
    return format_html("{} <code>{}</code>", title, row.error_code)


def error_html(error: BotenwerkError, *, code: str = "") -> str:
    """Code, title, cause and cure of a named error."""
    return format_html(
        "<strong>{}</strong> <code>{}</code><br>{}<br>{}",
        error.title_text(),
        code or error.code,
        error.cause_text(),
        error.cure_text(),
    )


def link_to(row: models.Model | None, text: str = "") -> str:
    """The row's name as a link to its page."""
    if row is None:
        return EMPTY
    try:
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return str(row)
    return format_html('<a href="{}">{}</a>', address, text or str(row) or row.pk)


def lines_html(lines: Sequence[str]) -> str:
    """Texts as lines of their own."""
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines)) if lines else EMPTY
