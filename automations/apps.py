"""The automations app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AutomationsConfig(AppConfig):
    """Registers the types, the subscribers and the rows that the clock wakes."""

    name = "automations"
    verbose_name = _("Flows and runs")

    def ready(self) -> None:
        """Find action and trigger types; listen to messaging."""
        from automations.actions.registry import load_actions
        from automations.decision_words import decisions_since
        from automations.engine.commits import ADVANCE_TASK
        from automations.models import Run
        from automations.run_list import failing_causes
        from automations.services.alterations import note_alteration
        from automations.services.bulk_retry import runs_at_it
        from automations.services.calls import start_flows_of_call
        from automations.services.message_news import note_late_news, wake_runs_of_sender
        from automations.services.routing import has_waiting_run, route_message, wake_run_of_message
        from automations.services.taking_over import go_on_as_wished, let_waits_stand
        from automations.tasks import advance_now
        from automations.triggers.registry import load_triggers
        from messaging.events import (
            CallEnded,
            ConversationHandedBack,
            ConversationTaken,
            MessageAltered,
            MessageReceived,
            MessageStatusChanged,
            SenderAnswersAgain,
        )
        from messaging.services.conversations import keep_open_while
        from messaging.services.replay import tell_decisions_by
        from messaging.services.resending import keep_back_by
        from workspaces.crew import do_by_crew
        from workspaces.events import subscribe
        from workspaces.navigation import register_section
        from workspaces.wakeups import register_wakeup

        load_actions()
        load_triggers()
        subscribe(MessageReceived, route_message)
        subscribe(ConversationTaken, let_waits_stand)
        subscribe(ConversationHandedBack, go_on_as_wished)
        subscribe(MessageStatusChanged, wake_run_of_message)
        subscribe(MessageStatusChanged, note_late_news)
        subscribe(SenderAnswersAgain, wake_runs_of_sender)
        subscribe(MessageAltered, note_alteration)
        subscribe(CallEnded, start_flows_of_call)
        keep_open_while(has_waiting_run)
        keep_back_by(runs_at_it)
        tell_decisions_by(decisions_since)
        register_wakeup(Run, ADVANCE_TASK)
        do_by_crew(ADVANCE_TASK, advance_now)
        register_section(30, _("Flows"), "workflow", "flows")
        register_section(40, _("Runs"), "list-checks", "runs", counter=failing_causes, count_kind="failure")
