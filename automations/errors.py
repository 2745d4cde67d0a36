"""Named errors of flows and runs."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from automations.expressions import ExpressionError, explain
from automations.findings import Finding, Severity
from workspaces.errors import BotenwerkError, Text, fill


class HttpFailed(BotenwerkError):
    """An HTTP step got no usable answer. Facts: method, host, reason, and status where there was one."""

    code = "http_failed"
    title = _("The other system did not answer as hoped.")
    cure = _("Check the address and the other system, then run the step again.")
    http_status = 502
    reasons: ClassVar[dict[str, Text]] = {
        "answer_lost": _("%(method)s %(host)s: the answer was lost, so it is not known whether the call got through."),
        "bad_json": _("%(method)s %(host)s: the body is no valid JSON once its data is filled in."),
        "broke_off": _("%(method)s %(host)s: the connection broke off."),
        "no_answer": _("%(method)s %(host)s: no answer in time."),
        "no_connection": _("%(method)s %(host)s: no connection could be made."),
        "private": _("%(method)s %(host)s: the address lies in a private network and is not called."),
        "redirects": _("%(method)s %(host)s: it redirects without end."),
        "status": _("%(method)s %(host)s: it answered %(status)s."),
        "too_large": _("%(method)s %(host)s: the answer is too large."),
    }

    def __init__(self, *, is_retryable: bool = False, **facts: Any) -> None:
        super().__init__(**facts)
        self.retryable = is_retryable

    def cause_text(self) -> str:
        return fill(self.reasons.get(str(self.facts.get("reason")), self.reasons["no_answer"]), self.facts)


class ExpressionInvalid(BotenwerkError):
    """A text with data in it could not be worked out."""

    code = "expression_invalid"
    title = _("A value could not be worked out.")
    cause = _("%(detail)s")
    cure = _("Open the step and correct the field.")
    http_status = 422

    @classmethod
    def of(cls, error: ExpressionError, *, field: str, step: str) -> "ExpressionInvalid":
        """From what the expression said; kept as reason and facts, so that it reads in any language."""
        return cls(field=field, step=step, reason=error.reason, details=dict(error.facts))

    def cause_text(self) -> str:
        return explain(str(self.facts.get("reason", "")), self.facts.get("details") or {})


class ConfigInvalid(BotenwerkError):
    """A step's settings do not hold any more. Facts: what (sender, assistant, chat, settings)."""

    code = "step_settings_invalid"
    title = _("The step's settings do not fit.")
    cure = _("Open the step and correct its settings, then publish the flow.")
    http_status = 422
    reasons: ClassVar[dict[str, Text]] = {
        "sender": _("There is no sender to speak with: the one that was chosen is gone, or none was chosen."),
        "assistant": _("The assistant that was chosen is gone."),
        "chat": _("The run has nobody to wait for: no message was exchanged before this step."),
        "settings": _("A field is missing or no longer valid."),
    }

    def cause_text(self) -> str:
        return fill(self.reasons.get(str(self.facts.get("what")), self.reasons["settings"]), self.facts)


class FlowInvalid(BotenwerkError):
    """A draft cannot be published. `findings` holds every finding, not the first."""

    code = "flow_invalid"
    title = _("The flow cannot be published yet.")
    cause = _("%(count)s findings have to be settled first.")
    cure = _("Each finding names its step and field.")
    http_status = 422
    findings: "list[Finding]" = []

    @classmethod
    def with_findings(cls, findings: "list[Finding]") -> "FlowInvalid":
        """The error of a draft with these findings."""
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        error = cls(count=len(errors), findings=[finding.as_json() for finding in errors])
        error.findings = findings
        return error


class FlowNotStartable(BotenwerkError):
    """A run was asked for, and the flow has no published version or is off."""

    code = "flow_not_startable"
    title = _("The flow cannot be started.")
    cause = _("“%(flow)s” has no published version or is switched off.")
    cure = _("Publish the flow and switch it on.")
    http_status = 409


class RunHasEnded(BotenwerkError):
    """What was asked for needs a run that is under way (or one that has failed)."""

    code = "run_has_ended"
    title = _("The run is in another state.")
    cause = _("The run is %(status)s.")
    cure = _("Start a new run.")
    http_status = 409


class RunLimitReached(BotenwerkError):
    """A run went past a limit that keeps one flow from using up the house. Facts: limit, what (see reasons)."""

    code = "run_limit_reached"
    title = _("The run was stopped at a limit.")
    cure = _("Check the flow for a circle, or split it up.")
    http_status = 409
    reasons: ClassVar[dict[str, Text]] = {
        "steps": _("A run has at most %(limit)s steps."),
        "runs": _("A contact starts at most %(limit)s runs a minute."),
        "messages": _("A contact gets at most %(limit)s automatic messages a minute."),
    }

    def cause_text(self) -> str:
        return fill(self.reasons.get(str(self.facts.get("what")), self.reasons["steps"]), self.facts)


class StepCrashed(BotenwerkError):
    """A step took its worker down, three times."""

    code = "step_crashed"
    title = _("The step was stopped.")
    cause = _("The step “%(step)s” broke off its worker %(count)s times.")
    cure = _("Tell the operator the id of this run.")
    http_status = 500


class InputTooLarge(BotenwerkError):
    """Trigger data or a step's result is larger than a run may carry."""

    code = "data_too_large"
    title = _("Too much data.")
    cause = _("%(kilobytes)s KiB; a run carries at most %(limit)s KiB.")
    cure = _("Send or pick only the fields that the flow needs.")
    http_status = 413


Explained = tuple[Text, Text]


class AnswerLost(BotenwerkError):
    """The worker died after the step had begun, and doing it twice could do harm."""

    code = "answer_lost"
    title = _("It is not known whether the step got through.")
    cause = _("“%(step)s” broke off while it was under way.")
    cure = _("Look on the other side whether it has happened, then run the step again.")
    http_status = 502


class RecipeNeedsMore(BotenwerkError):
    """A recipe cannot be installed yet. Facts: missing (names of senders, templates, assistants)."""

    code = "recipe_needs_more"
    title = _("The recipe cannot be installed yet.")
    cause = _("There is nothing yet for: %(missing)s.")
    cure = _("Connect a sender, have the templates approved or make the assistant, then install the recipe again.")
    http_status = 409
