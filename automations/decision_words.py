"""The router's decisions in words, for staff who ask what a message or an event would do."""

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from automations.models import TriggerDecision
from automations.run_picture import reason_words
from workspaces.errors import Text
from workspaces.models import Workspace

Outcome = TriggerDecision.Outcome

SENTENCES: dict[str, Text] = {
    Outcome.STARTED: _("Starts the flow “%(flow)s”."),
    Outcome.RESUMED: _("Answers the waiting run of “%(flow)s”."),
    Outcome.KEPT: _("Is kept for the busy run of “%(flow)s”."),
    Outcome.LATE: _("Comes too late for the run of “%(flow)s”."),
    Outcome.ANSWERED: _("Is given to the assistant."),
    Outcome.HELD: _("Is left to the person who has taken over."),
    Outcome.CONSENT: _("Is an opt-out or opt-in: no flow gets it."),
    Outcome.LOST: _("Does not start the flow “%(flow)s”: %(why)s."),
    Outcome.NOTHING: _("Starts nothing: no flow wants it, and no assistant answers."),
}


def sentence_of(decision: TriggerDecision) -> str:
    """One decision as a sentence in the reader's language."""
    facts = {"flow": decision.flow.name if decision.flow else "–", "why": reason_words(decision.reason)}
    return str(SENTENCES[decision.outcome]) % facts


def decisions_since(workspace: Workspace, newest: int | None) -> tuple[int, list[str]]:
    """What was decided since that decision, in words, and which one is the newest now. None asks for that only."""
    rows = TriggerDecision.objects.in_workspace(workspace)
    if newest is None:
        return rows.aggregate(newest=Max("pk"))["newest"] or 0, []
    decided = list(rows.filter(pk__gt=newest).select_related("flow").order_by("pk"))
    return (decided[-1].pk if decided else newest), [sentence_of(decision) for decision in decided]
