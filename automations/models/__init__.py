"""When and why: flows, versions, steps, events, runs, waits and decisions."""

from automations.models.flow import Flow, FlowVersion, Step
from automations.models.run import Event, Run, Signal, StepRun, TriggerDecision, Wait

__all__ = ["Event", "Flow", "FlowVersion", "Run", "Signal", "Step", "StepRun", "TriggerDecision", "Wait"]
