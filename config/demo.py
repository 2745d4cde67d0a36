"""The demo's facts, for the supervisor."""

from automations.demo.facts import demo_facts

__all__ = ["demo_facts"]
