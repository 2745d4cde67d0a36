"""A phone call ended, as a phone system or another AI reports it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.expressions.values import read_yes_no
from automations.forms.fields import StepForm, WordsField
from automations.triggers.base import YES, Match, Source, Trigger, register
from workspaces.folding import same_text
from workspaces.models import Workspace

EVENT = "call.ended"
STATUSES = [
    ("answered", _("answered")),
    ("no_answer", _("no answer")),
    ("busy", _("busy")),
    ("voicemail", _("voicemail")),
    ("failed", _("failed")),
]
# What other systems call these fields (origin.md) -> our name.
ALIASES = {
    "id": "call_id",
    "duration": "duration_seconds",
    "extracted_variables": "variables",
    "created_at": "started_at",
    "finished_at": "ended_at",
}
KNOWN_STATUSES = {name for name, _label in STATUSES}
FOREIGN_STATUSES = {
    "no-answer": "no_answer",
    "noanswer": "no_answer",
    "missed": "no_answer",
    "unanswered": "no_answer",
    "cancelled": "no_answer",
    "canceled": "no_answer",
    "error": "failed",
    "machine": "voicemail",
}


class CallEndedForm(StepForm):
    """Which calls."""

    statuses = forms.MultipleChoiceField(
        label=_("Status"), choices=STATUSES, required=False, help_text=_("None chosen: every status.")
    )
    outcomes = WordsField(label=_("Outcomes"), required=False, help_text=_("One a line. Empty: every outcome."))
    direction = forms.ChoiceField(
        label=_("Direction"),
        choices=[("", _("both")), ("inbound", _("inbound")), ("outbound", _("outbound"))],
        required=False,
    )
    minimum_seconds = forms.IntegerField(label=_("At least seconds"), min_value=0, required=False, initial=0)
    assistant_phones = WordsField(
        label=_("Only these lines"), required=False, help_text=_("Numbers of your phone assistant or line, one a line.")
    )


@register("call_ended")
class CallEnded(Trigger):
    """The mission's own trigger: comes by the API event `call.ended`."""

    label = _("Call ended")
    icon = "phone-call"
    source = Source.EVENT
    form = CallEndedForm
    open_keys = frozenset({"variables", "input_variables", "lead", "campaign"})
    takes_any_key = True
    data = {
        "call_id": "call-8123",
        "customer_phone": "+436641234567",
        "customer_name": "Eva Novak",
        "assistant_phone": "+4315550101",
        "agent_name": "Anna",
        "direction": "inbound",
        "status": "answered",
        "outcome": "interested",
        "duration_seconds": 184,
        "started_at": "2027-04-03T09:20:00+02:00",
        "ended_at": "2027-04-03T09:23:04+02:00",
        "summary": "Möchte ein Angebot.",
        "transcript": "…",
        "recording_url": None,
        "variables": {},
        "input_variables": {},
        "lead": None,
        "campaign": None,
    }
    synonyms = (gettext_noop("phone"), gettext_noop("telephone"))

    def matches(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> Match:
        if config.get("statuses") and data["status"] not in config["statuses"]:
            return Match(False, "other_status", {"status": data["status"]})
        outcomes = config.get("outcomes") or []
        if outcomes and not any(same_text(str(data["outcome"] or ""), word) for word in outcomes):
            return Match(False, "other_outcome", {"outcome": data["outcome"]})
        if config.get("direction") and data["direction"] != config["direction"]:
            return Match(False, "other_direction")
        if (data["duration_seconds"] or 0) < (config.get("minimum_seconds") or 0):
            return Match(False, "too_short", {"seconds": data["duration_seconds"]})
        if config.get("assistant_phones") and data["assistant_phone"] not in config["assistant_phones"]:
            return Match(False, "other_line")
        return YES

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        return str(_("A call ends"))


def call_data(given: Mapping[str, Any]) -> dict[str, Any]:
    """The event's data under our names, every key present; what is not ours is kept beside.

    The outcome is the business result. Where it is missing, the extracted `outcome`, else `customer_interested`
    and `follow_up_needed` give it, else null: a technical status is never taken for it (traps.md E5).
    """
    data: dict[str, Any] = dict.fromkeys(CallEnded.data)
    for name, value in given.items():
        own = ALIASES.get(name, name)
        if own not in given or own == name:
            data[own] = value
    for name in ("variables", "input_variables"):
        data[name] = data[name] if isinstance(data[name], dict) else {}
    data["call_id"] = str(data["call_id"]) if data["call_id"] not in (None, "") else None
    data["duration_seconds"] = _whole(data["duration_seconds"])
    data["status"] = _status(data)
    data["outcome"] = _outcome(data)
    return data


def _status(data: Mapping[str, Any]) -> str | None:
    status = str(data["status"] or "").strip().lower().replace(" ", "_")
    if status == "completed":
        return "answered" if (data["duration_seconds"] or 0) > 0 else "no_answer"
    if status in KNOWN_STATUSES:
        return status
    return FOREIGN_STATUSES.get(status, status or None)


def _outcome(data: Mapping[str, Any]) -> str | None:
    if data["outcome"]:
        return str(data["outcome"])
    extracted = data["variables"]
    if extracted.get("outcome"):
        return str(extracted["outcome"])
    if _yes(extracted.get("customer_interested")):
        return "interested"
    if _yes(extracted.get("follow_up_needed")):
        return "follow_up"
    if "customer_interested" in extracted:
        return "not_interested"
    return None


def _yes(value: Any) -> bool:
    return read_yes_no(value) is True


def _whole(value: Any) -> int | None:
    try:
        return max(0, int(float(value)))
    except (TypeError, ValueError, OverflowError):
        return None
