"""What staff do to many messages and webhook events at once: sent again, processed again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.admin.words import body_words, kind_word, outcome_word, reason_word
from messaging.models import Message, WebhookEvent
from messaging.services.replay import WouldBe, preview_replay
from messaging.services.resending import not_to_be_sent_again, send_again_in_bulk
from messaging.services.webhook_processing import replay_event
from workspaces.admin.bulk_rows import BulkView, show_bulk_kind
from workspaces.errors import BotenwerkError, Text, stored_error
from workspaces.models import BulkItem, BulkJob
from workspaces.services.audit import Actor
from workspaces.services.bulk import BulkKind, register_bulk_kind

RETRY = "messages.retry"
REPLAY = "webhook_events.replay"
LINES_KEPT = 50


def _messages(ids: Sequence[int]) -> QuerySet[Message]:
    rows = Message.objects.across_workspaces().filter(pk__in=ids)
    return rows.select_related("workspace", "sender__workspace", "chat__contact", "chat__sender").order_by("pk")


def _send_again(message: Message, job: BulkJob, now: datetime) -> dict[str, Any] | None:
    assert job.asked_by is not None
    sent = send_again_in_bulk(message, by=job.asked_by, now=now)
    return None if sent is None else {"message": sent.pk, "status": sent.status}


def _why_it_failed(messages: Sequence[Message], now: datetime) -> Mapping[int, list[Text]]:
    return {message.pk: _failure(message) for message in messages}


def _failure(message: Message) -> list[Text]:
    error = stored_error(message.error_code, message.error_facts)
    told = _("Goes to %(contact)s again. It had failed: %(title)s: %(cause)s")
    facts = {"contact": str(message.chat.contact), "title": error.title_text(), "cause": error.cause_text()}
    return [told % facts]


def _sent_words(item: BulkItem) -> list[Text]:
    status = item.result.get("status")
    return [_("As it stood then: %(status)s") % {"status": Message.Status(status).label}] if status else []


register_bulk_kind(
    BulkKind(
        name=RETRY,
        label=gettext_lazy("Send failed messages again"),
        model=Message,
        permission="messaging.change_message",
        rows=_messages,
        sift=not_to_be_sent_again,
        act=_send_again,
    )
)
show_bulk_kind(
    BulkView(
        name=RETRY,
        promise=gettext_lazy(
            "Only what surely did not go out is sent again, each once, as a new message and behind replies. The failed "
            "ones stay as they are."
        ),
        rows=_messages,
        preview=_why_it_failed,
        told=_sent_words,
    )
)


def _events(ids: Sequence[int]) -> QuerySet[WebhookEvent]:
    rows = WebhookEvent.objects.filter(pk__in=ids).select_related("sender__workspace")
    return rows.order_by("received_at", "pk")


def _nothing_left_out(events: Sequence[WebhookEvent]) -> dict[int, BotenwerkError]:
    return {}


def _process_again(event: WebhookEvent, job: BulkJob, now: datetime) -> dict[str, Any]:
    by: Actor = job.asked_by or "staff"
    lines = replay_event(event, by=by, now=now)
    told = [{"kind": line.kind, "outcome": line.outcome, "reason": line.reason} for line in lines[:LINES_KEPT]]
    return {"lines": told, "count": len(lines)}


def _would_be(events: Sequence[WebhookEvent], now: datetime) -> Mapping[int, list[Text]]:
    ordered = sorted(events, key=lambda event: (event.received_at, event.pk))
    told = preview_replay(ordered, now=now)
    return {pk: [_in_words(one) for one in items] or [body_words()] for pk, items in told.items()}


def _in_words(one: WouldBe) -> str:
    facts = {"kind": kind_word(one.kind), "outcome": outcome_word(one.outcome)}
    sentences = [_("%(kind)s: %(outcome)s.") % facts]
    if one.reason and one.outcome != "stored":
        sentences.append(_("Why: %(reason)s.") % {"reason": reason_word(one.reason)})
    if one.text:
        sentences.append(_("“%(text)s”") % {"text": one.text})
    sentences += one.decisions
    if one.adds:
        sentences.append(_("Would add: %(things)s.") % {"things": ", ".join(one.adds)})
    if one.moves:
        sentences.append(_("Would change: %(things)s.") % {"things": "; ".join(one.moves)})
    elif one.changes:
        sentences.append(_("Would change: %(things)s.") % {"things": ", ".join(one.changes)})
    return " ".join(sentences)


def _told(item: BulkItem) -> list[Text]:
    lines = item.result.get("lines") or []
    words: list[Text] = []
    for line in lines:
        facts = {"kind": kind_word(line["kind"]), "outcome": outcome_word(line["outcome"])}
        said = _("%(kind)s: %(outcome)s.") % facts
        words.append(f"{said} {reason_word(line['reason'])}".strip() if line["reason"] else said)
    return words


register_bulk_kind(
    BulkKind(
        name=REPLAY,
        label=gettext_lazy("Process webhook events again"),
        model=WebhookEvent,
        permission="messaging.change_webhookevent",
        rows=_events,
        sift=_nothing_left_out,
        act=_process_again,
    )
)
show_bulk_kind(
    BulkView(
        name=REPLAY,
        promise=gettext_lazy(
            "What is known already stays as it is. Below stands what each event would do now: it was done, looked at "
            "and taken back."
        ),
        rows=_events,
        preview=_would_be,
        told=_told,
    )
)
