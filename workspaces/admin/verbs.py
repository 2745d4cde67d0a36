"""The audit log's verbs and kinds in words. A verb is made of its thing and what was done to it: flow.published."""

from django.apps import apps
from django.utils.translation import pgettext_lazy

from workspaces.errors import Text

DONE: dict[str, Text] = {
    "account_updated": pgettext_lazy("done to something", "account changed by the platform"),
    "ai_answers_switched": pgettext_lazy("done to something", "AI answers switched"),
    "cancelled": pgettext_lazy("done to something", "cancelled"),
    "changed": pgettext_lazy("done to something", "changed"),
    "checked": pgettext_lazy("done to something", "checked"),
    "closed": pgettext_lazy("done to something", "closed"),
    "connected": pgettext_lazy("done to something", "connected"),
    "created": pgettext_lazy("done to something", "created"),
    "handed_back": pgettext_lazy("done to something", "handed back"),
    "installed": pgettext_lazy("done to something", "installed"),
    "marked_as_arrived": pgettext_lazy("done to something", "marked as arrived"),
    "merged": pgettext_lazy("done to something", "merged"),
    "moved": pgettext_lazy("done to something", "moved to a new number"),
    "paused": pgettext_lazy("done to something", "paused"),
    "published": pgettext_lazy("done to something", "published"),
    "replayed": pgettext_lazy("done to something", "processed again"),
    "respelled": pgettext_lazy("done to something", "other spelling chosen"),
    "resumed": pgettext_lazy("done to something", "resumed"),
    "retired": pgettext_lazy("done to something", "disconnected for good"),
    "retried": pgettext_lazy("done to something", "retried"),
    "revoked": pgettext_lazy("done to something", "revoked"),
    "sent_again": pgettext_lazy("done to something", "sent again"),
    "solved": pgettext_lazy("done to something", "settled"),
    "started_again": pgettext_lazy("done to something", "started again"),
    "step_added": pgettext_lazy("done to something", "step added"),
    "step_changed": pgettext_lazy("done to something", "step changed"),
    "step_moved": pgettext_lazy("done to something", "step moved"),
    "step_removed": pgettext_lazy("done to something", "step removed"),
    "switched_off": pgettext_lazy("done to something", "switched off"),
    "switched_on": pgettext_lazy("done to something", "switched on"),
    "synced": pgettext_lazy("done to something", "synced"),
    "taken_over": pgettext_lazy("done to something", "taken over"),
    "tested": pgettext_lazy("done to something", "tested"),
    "trigger_set": pgettext_lazy("done to something", "trigger set"),
    "unknown_policy_set": pgettext_lazy("done to something", "rule for lost answers set"),
}


def verb_word(verb: str) -> str:
    """What was done to what; a verb that no table knows stays as it is."""
    thing, _dot, done = verb.partition(".")
    return f"{kind_word(thing.replace('_', ''))}: {DONE[done]}" if done in DONE else verb


def kind_word(name: str) -> str:
    """A model by its name for people."""
    for app in apps.get_app_configs():
        for singular in (name, name.removesuffix("s")):
            if singular in app.models:
                return str(app.models[singular]._meta.verbose_name)
    return name
