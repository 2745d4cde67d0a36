"""A WhatsApp call that has ended is the event `call.ended`, as if a phone system had reported it."""

from typing import Any

from automations.services.events import accept_event
from automations.services.routing import WHATSAPP
from automations.triggers.call_ended import EVENT
from messaging.events import CallEnded


def start_flows_of_call(ended: CallEnded) -> None:
    """Subscriber to CallEnded: stores the event and starts the flows that want it. The same call twice is one event."""
    accept_event(workspace=ended.message.workspace, name=EVENT, data=event_data(ended), source=WHATSAPP, now=ended.now)


def event_data(ended: CallEnded) -> dict[str, Any]:
    """The call under the trigger's names. WhatsApp knows no outcome, no summary and no transcript."""
    call, contact, conversation = ended.facts, ended.contact, ended.message.conversation
    seconds = call.get("seconds") or 0
    return {
        "call_id": call["call_id"],
        "customer_phone": contact.phone,
        "customer_name": contact.name or contact.profile_name or None,
        "assistant_phone": ended.sender.phone,
        "direction": "outbound" if call["is_outbound"] else "inbound",
        # Taken is a call in which somebody talked (traps.md E3), whatever the platform calls its end.
        "status": "answered" if seconds else "no_answer",
        "duration_seconds": seconds,
        "started_at": call.get("started_at"),
        "ended_at": call.get("ended_at"),
        # Where the flow can answer, also a customer without a phone number.
        "conversation_id": str(conversation.public_id) if conversation is not None else None,
    }
