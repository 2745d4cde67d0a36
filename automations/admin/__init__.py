"""Staff pages of automations: flows are built, runs are looked into and set going again."""

from automations.admin import flow, overview, run, version

__all__ = ["flow", "overview", "run", "version"]
