"""Where a failed run is put right: for each named error the page, or the verb, that its cure speaks of."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from automations.models import Run
from workspaces.errors import BotenwerkError, Text
from workspaces.permissions import may
from workspaces.request import WorkspaceRequest

# What the error is about decides the page. Whatever is not named here is put right in the step.
OF_TEMPLATES = frozenset({"template_not_found", "template_paused", "template_parameters_mismatch"})
OF_SENDERS = frozenset(
    {
        "sender_offline",
        "credentials_invalid",
        "account_restricted",
        "spend_or_payment_problem",
        "quality_blocked",
        "country_not_allowed",
    }
)
OF_THE_CONVERSATION = frozenset({"outside_window", "conversation_taken_over", "delivery_unknown"})
# Time alone may have cured these; the step is right as it is.
OF_TIME = frozenset(
    {
        "rate_limited",
        "whatsapp_unavailable",
        "unexpected_platform_error",
        "assistant_unavailable",
        "assistant_off",
        "budget_exhausted",
        "http_failed",
        "step_crashed",
        "recipient_locked",
    }
)


@dataclass(frozen=True)
class CureAction:
    """A button of an error box: a page to open, or (`is_verb`) something done at once."""

    label: Text
    url: str
    icon: str = ""
    is_verb: bool = False


def cures_of(error: BotenwerkError, *, run: Run, step: str, request: WorkspaceRequest) -> list[CureAction]:
    """The buttons for whoever reads, the likeliest cure first; nobody is offered what their role refuses."""
    slug = run.workspace.slug
    code, is_editor = error.code, may(request.membership, "flow.edit")
    found = []
    if code in OF_TEMPLATES:
        found.append(CureAction(_("Open templates"), reverse("templates", args=[slug]), "layout-template"))
    if code in OF_SENDERS:
        found.append(CureAction(_("Check the sender"), reverse("senders", args=[slug]), "smartphone"))
    if code in OF_THE_CONVERSATION and run.conversation is not None:
        address = reverse("conversation", args=[slug, run.conversation.public_id])
        found.append(CureAction(_("Open the conversation"), address, "inbox"))
    if is_editor and step and code not in OF_SENDERS | OF_TIME:
        address = f"{reverse('flow', args=[slug, run.flow.public_id])}?step={step}"
        change = CureAction(_("Change the step"), address, "pencil")
        found = [change, *found] if code == "outside_window" else [*found, change]
    if code in OF_SENDERS | OF_TIME and run.status == Run.Status.FAILED and may(request.membership, "run.retry"):
        address = reverse("run_retry", args=[slug, run.public_id])
        retry = CureAction(_("Retry the step"), address, "repeat", is_verb=True)
        found = [retry, *found] if code in OF_TIME else [*found, retry]
    return found
