"""Staff pages of automations: flows are built, runs are looked into and set going again."""

from automations.admin import bulk, flow, overview, run, version

__all__ = ["bulk", "flow", "overview", "run", "version"]
