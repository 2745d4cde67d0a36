"""The router: one visible order that decides who gets an inbound message, and what an event starts.

1. opt-out and opt-in words; 2. a person who has taken over; 3. the run that waits for this customer, or is busy
with them (in_line.py); 4. keyword flows; 5. conversation started; 6. message received; 7. the sender's assistant.
Flows that run alongside are started besides. Every decision is written down, with the rules that lost and why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from automations.actions.base import NotARegisteredType
from automations.engine.waits import answer_wait, keep_signal, resolve_wait
from automations.errors import RunLimitReached
from automations.models import Event, Flow, Run, TriggerDecision, Wait
from automations.services.in_line import place_in_line
from automations.services.starting import start_run
from automations.taps import choice_of
from automations.triggers.base import Match, Source, Trigger
from automations.triggers.call_ended import EVENT as CALL_ENDED
from automations.triggers.message_received import CONTENT
from automations.triggers.registry import trigger
from messaging.events import MessageReceived, MessageStatusChanged
from messaging.models import Chat, Contact, Conversation, Message
from messaging.services.assistant_answers import ask_assistant
from workspaces.errors import BotenwerkError
from workspaces.models import Workspace
from workspaces.services.notifications import notify_team

Outcome = TriggerDecision.Outcome
RULES = ("keyword", "conversation_started", "message_received")
LOOPS = {
    "runs": _("More than %(limit)s runs in one minute look like two bots talking. A person can go on."),
    "messages": _("More than %(limit)s messages in one minute look like two bots talking. A person can go on."),
}
# The source of events that happened on WhatsApp itself.
WHATSAPP = "whatsapp"


@dataclass(frozen=True)
class Candidate:
    """A flow that is on, with its trigger."""

    flow: Flow
    trigger: Trigger
    rule: str

    def matches(self, data: dict[str, Any]) -> Match:
        """Whether the published trigger wants this data."""
        assert self.flow.published is not None
        return self.trigger.matches(self.flow.published.trigger_config, data)


def route_message(event: MessageReceived) -> None:
    """Subscriber to MessageReceived: runs inside the transaction that stores the message, under the contact's lock."""
    _Routing(event).decide()


class _Routing:
    def __init__(self, event: MessageReceived) -> None:
        self.event = event
        self.message = event.message
        self.workspace: Workspace = event.message.workspace
        self.data = message_data(event)
        self.candidates = list(_candidates(self.workspace, Source.MESSAGE))

    def decide(self) -> None:
        self.start_alongside()
        if self.event.consent_word:
            self.note(Outcome.CONSENT, rule="consent", reason=self.event.consent_word)
        elif self.event.conversation.is_taken_over(self.event.now):
            self.note(Outcome.HELD, rule="person", reason="taken_over")
        elif not (self.continue_a_run() or self.start_a_leading_flow()):
            self.hand_to_the_assistant()

    def continue_a_run(self) -> bool:
        """Give the message to the run it is for, by waiting or by being busy. True where nothing else may start."""
        place = place_in_line(self.message, self.event.chat, is_new=self.event.is_new_contact)
        if place.late_for is not None:
            self.data["is_late"] = True
            self.note(Outcome.LATE, rule="waiting_run", run=place.late_for, flow=place.late_for.flow, reason=place.why)
        for wait in place.waits:
            if answer_wait(wait, self.message, now=self.event.now):
                self.note(Outcome.RESUMED, rule="waiting_run", run=wait.run, flow=wait.run.flow)
                return True
        if place.busy is not None:
            keep_signal(place.busy, self.message)
            self.note(Outcome.KEPT, rule="busy_run", run=place.busy, flow=place.busy.flow)
        return place.busy is not None or place.is_taken

    def start_a_leading_flow(self) -> bool:
        """By rule, then priority, then the older flow. The first that matches wins, the others are noted."""
        leading = [candidate for candidate in self.candidates if candidate.flow.leads]
        leading.sort(key=lambda one: (RULES.index(one.rule), -one.flow.priority, one.flow.pk))
        winner: Candidate | None = None
        for candidate in leading:
            match = candidate.matches(self.data)
            if not match.matches:
                self.note(
                    Outcome.LOST, rule=candidate.rule, flow=candidate.flow, reason=match.reason, facts=match.facts
                )
            elif winner is not None:
                facts = {"winner": winner.flow.name}
                self.note(Outcome.LOST, rule=candidate.rule, flow=candidate.flow, reason="another_leads", facts=facts)
            elif self.start(candidate):
                winner = candidate
        return winner is not None

    def start_alongside(self) -> None:
        """Flows that log and notify, for every matching message, whoever leads."""
        for candidate in self.candidates:
            if not candidate.flow.leads and candidate.matches(self.data).matches:
                self.start(candidate)

    def start(self, candidate: Candidate) -> bool:
        """Start the candidate's flow for this message; a guard's refusal is noted and told to the team once."""
        flow = candidate.flow
        assert flow.published is not None
        event = self.event
        try:
            run, _was_created = start_run(
                flow=flow,
                version=flow.published,
                start_key=f"message:{self.message.public_id}",
                trigger_data=self.data,
                now=event.now,
                chat=event.chat,
                contact=event.contact,
                conversation=event.conversation,
                started_by=str(candidate.trigger.type),
            )
        except RunLimitReached as error:
            self.note(Outcome.LOST, rule=candidate.rule, flow=flow, reason="loop_guard", facts=error.facts)
            _tell_of_loop(self.workspace, event.contact, error, now=event.now)
            return False
        self.note(Outcome.STARTED, rule=candidate.rule, flow=flow, run=run)
        return True

    def hand_to_the_assistant(self) -> None:
        """The sender's assistant answers what no flow wants, where that is switched on."""
        sender = self.event.sender
        if sender.ai_answers and sender.assistant_id:
            ask_assistant(self.message, now=self.event.now)
            self.note(Outcome.ANSWERED, rule="assistant")
        else:
            self.note(Outcome.NOTHING, rule="nothing")

    def note(
        self,
        outcome: Outcome,
        *,
        rule: str,
        flow: Flow | None = None,
        run: Run | None = None,
        reason: str = "",
        facts: dict[str, Any] | None = None,
    ) -> None:
        TriggerDecision.objects.create(
            workspace=self.workspace,
            source_kind="message",
            source_id=str(self.message.public_id),
            message=self.message,
            flow=flow,
            run=run,
            rule=rule,
            outcome=outcome,
            reason=reason,
            facts=facts or {},
            decided_at=self.event.now,
        )


def message_data(event: MessageReceived) -> dict[str, Any]:
    """The data of both message triggers: flat, every key always there."""
    message, contact, sender = event.message, event.contact, event.sender
    written_at = message.occurred_at.astimezone(message.workspace.zone).isoformat()
    return {
        "customer_phone": contact.phone,
        "customer_name": contact.name or contact.profile_name or None,
        "text": message.body,
        "first_text": message.body,
        "kind": message.kind,
        "sender_id": str(sender.public_id),
        "sender_phone": sender.phone,
        "sender": {"id": str(sender.public_id), "phone": sender.phone, "name": sender.display_name},
        "timestamp": written_at,
        "conversation_id": str(event.conversation.public_id),
        "message_id": str(message.public_id),
        "button_id": choice_of(message.payload.get("button_id")),
        "media": message.payload.get("media"),
        "referral": message.payload.get("referral"),
        **dict.fromkeys(CONTENT),
        **{name: value for name, value in (message.payload.get("content") or {}).items() if name in CONTENT},
        "is_new_contact": event.is_new_contact,
        "opened_conversation": event.opened_conversation,
        "is_late": False,
    }


def wake_run_of_message(event: MessageStatusChanged) -> None:
    """Subscriber to MessageStatusChanged: a run that waits for news of its message goes on."""
    message = event.message
    if message.status in (Message.Status.QUEUED, Message.Status.SENDING, Message.Status.UNKNOWN):
        return
    # Whoever waits for an accepted message waits for its arrival: that it is on its way is no news.
    if (event.previous, message.status) == (Message.Status.ACCEPTED, Message.Status.SENT):
        return
    waits = (
        Wait.objects.in_workspace(message.workspace)
        .select_related("run__workspace")
        .filter(message=message, kind=Wait.Kind.DELIVERY, resolved_at=None)
    )
    for wait in waits:
        resolve_wait(wait, resolution="news", now=event.now)


def has_waiting_run(chat: Chat) -> bool:
    """Whether a run waits for this customer; the quiet time does not close their conversation then."""
    waits = Wait.objects.in_workspace(chat.workspace)
    return waits.filter(chat=chat, kind=Wait.Kind.REPLY, resolved_at=None).exists()


def route_event(event: Event, *, now: datetime) -> list[Run]:
    """Start every flow that wants the event; routed twice it starts nothing more. Returns the event's runs."""
    with transaction.atomic():
        locked = Event.objects.in_workspace(event.workspace).select_for_update().get(pk=event.pk)
        offers = [_offer(locked, candidate, now) for candidate in _candidates(event.workspace, Source.EVENT)]
        Event.objects.in_workspace(event.workspace).filter(pk=event.pk, routed_at=None).update(routed_at=now)
    return [run for run in offers if run is not None]


def _offer(event: Event, candidate: Candidate, now: datetime) -> Run | None:
    flow = candidate.flow
    assert flow.published is not None
    if not _listens_to(candidate, event.name):
        return None
    match = candidate.matches(event.data)
    run: Run | None = None
    reason, facts = match.reason, match.facts
    if match.matches:
        try:
            conversation = _conversation_of(event)
            run, _was_created = start_run(
                flow=flow,
                version=flow.published,
                start_key=f"event:{event.public_id}",
                trigger_data=event.data,
                now=now,
                contact=conversation.chat.contact if conversation else _contact_of(event),
                chat=conversation.chat if conversation else None,
                conversation=conversation,
                started_by=event.name,
            )
        except BotenwerkError as error:
            reason, facts = error.code, error.facts
    if event.routed_at is None:
        TriggerDecision.objects.create(
            workspace=event.workspace,
            source_kind="event",
            source_id=str(event.public_id),
            event=event,
            flow=flow,
            run=run,
            rule=candidate.rule,
            outcome=Outcome.STARTED if run else Outcome.LOST,
            reason="" if run else reason,
            facts={} if run else facts,
            decided_at=now,
        )
    return run


def _listens_to(candidate: Candidate, name: str) -> bool:
    if candidate.trigger.type == "call_ended":
        return name == CALL_ENDED
    assert candidate.flow.published is not None
    return bool(candidate.flow.published.trigger_config.get("event") == name)


def _conversation_of(event: Event) -> Conversation | None:
    """Where the event took place, if that was on WhatsApp: a call."""
    if event.source != WHATSAPP or not event.data.get("conversation_id"):
        return None
    rows = Conversation.objects.in_workspace(event.workspace).select_related("chat__contact", "chat__sender")
    return rows.filter(public_id=event.data["conversation_id"]).first()


def _contact_of(event: Event) -> Contact | None:
    phone = event.data.get("customer_phone")
    if not isinstance(phone, str):
        return None
    return Contact.objects.in_workspace(event.workspace).filter(phone=phone).first()


def _candidates(workspace: Workspace, source: Source) -> Iterator[Candidate]:
    flows = (
        Flow.objects.in_workspace(workspace)
        .select_related("published", "workspace")
        .filter(is_on=True, published__isnull=False)
        .order_by("-priority", "id")
    )
    for flow in flows:
        assert flow.published is not None
        try:
            known = trigger(flow.published.trigger_type)
        except NotARegisteredType:
            continue
        if known.source is source:
            yield Candidate(flow, known, known.rule(flow.published.trigger_config))


def _tell_of_loop(workspace: Workspace, contact: Contact, error: BotenwerkError, *, now: datetime) -> None:
    notify_team(
        workspace=workspace,
        code="loop_guard",
        title=_("No more automatic answers for %(contact)s"),
        body=LOOPS[error.facts["what"]],
        level="attention",
        digest_key=f"loop:{contact.public_id}",
        facts={"contact": str(contact), "limit": error.facts["limit"]},
        now=now,
    )
