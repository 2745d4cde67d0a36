"""A person takes a conversation over and hands it back: what becomes of the runs that wait in it."""

from automations.engine.commits import kept_signals
from automations.engine.waits import run_on, stand_still
from automations.models import Run, TriggerDecision, Wait
from automations.services.runs import cancel_run
from messaging.events import ConversationHandedBack, ConversationTaken
from messaging.models import Conversation, Message
from messaging.services.receiving import route_again


def let_waits_stand(event: ConversationTaken) -> None:
    """Subscriber to ConversationTaken: no wait for the customer's answer runs out while a person answers."""
    for wait in _open_waits(event.conversation):
        # An earlier hold whose hours ran out by themselves is made up for first.
        run_on(wait, until=event.held_until or event.now)
        stand_still(wait, now=event.now)


def go_on_as_wished(event: ConversationHandedBack) -> None:
    """Subscriber to ConversationHandedBack: with the customer's last message, waiting for the next one, or not at all.

    What was kept for these runs before is dropped: the person has dealt with it.
    """
    waits = _open_waits(event.conversation)
    last = _last_held(event.conversation)
    for wait in waits:
        kept = list(kept_signals(wait.run))
        if event.go_on == "last" and last is None and kept:
            last = kept[-1].message
        kept_signals(wait.run).update(consumed_at=event.now)
        if event.go_on == "end":
            cancel_run(run=wait.run, by=event.by, now=event.now)
        else:
            run_on(wait, until=event.now)
    if event.go_on == "last" and last is not None:
        route_again(last, now=event.now)


def _open_waits(conversation: Conversation) -> list[Wait]:
    found = (
        Wait.objects.in_workspace(conversation.workspace)
        .select_related("run__workspace", "run__contact", "run__flow", "workspace")
        .filter(chat=conversation.chat, kind=Wait.Kind.REPLY, resolved_at=None, run__status=Run.Status.WAITING)
    )
    return list(found.order_by("id"))


def _last_held(conversation: Conversation) -> Message | None:
    """The customer's last message, if it was left to the person."""
    rows = Message.objects.in_workspace(conversation.workspace)
    written = rows.filter(conversation=conversation, direction=Message.Direction.IN)
    last = written.order_by("-occurred_at", "-id").first()
    if last is None:
        return None
    decisions = TriggerDecision.objects.in_workspace(conversation.workspace).filter(message=last)
    return last if decisions.filter(outcome=TriggerDecision.Outcome.HELD).exists() else None
