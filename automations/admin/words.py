"""Codes of the engine in words, for staff: rules of the router, types of steps and triggers, how waits ended."""

from django.utils.translation import gettext_lazy as _

from automations.actions.base import NotARegisteredType
from automations.actions.registry import action
from automations.run_picture import reason_words
from automations.triggers.registry import trigger
from workspaces.errors import Text

RULES: dict[str, Text] = {
    "consent": _("Opt-out and opt-in"),
    "person": _("A person has taken over"),
    "waiting_run": _("The waiting run"),
    "busy_run": _("The busy run"),
    "keyword": _("Keyword"),
    "assistant": _("The sender's assistant"),
    "nothing": _("Nothing"),
}
RESOLUTIONS: dict[str, Text] = {
    "person": _("ended by a person"),
    "timeout": _("the time was over"),
    "news": _("news came"),
    "reply": _("the customer answered"),
    "signal": _("the customer had answered already"),
    "cancelled": _("the run was cancelled"),
}


def rule_word(rule: str) -> str:
    """The router's rule; that of a trigger by the trigger's name."""
    return str(RULES[rule]) if rule in RULES else trigger_word(rule)


def trigger_word(name: str) -> str:
    """A trigger type by its name for people; one that this installation does not have by its code."""
    try:
        return str(trigger(name).label) if name else "–"
    except NotARegisteredType:
        return name


def action_word(name: str) -> str:
    """A step type by its name for people."""
    try:
        return str(action(name).label)
    except NotARegisteredType:
        return name


def why_word(reason: str) -> str:
    """Why a flow did or did not start."""
    return reason_words(reason) if reason else "–"


def resolution_word(resolution: str) -> str:
    """How a wait ended."""
    return str(RESOLUTIONS.get(resolution, resolution)) or "–"
