"""Assistants, threads and turns."""

from assistants.models.conversation import Assistant, Thread, Turn

__all__ = ["Assistant", "Thread", "Turn"]
