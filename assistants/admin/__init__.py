"""Staff pages of assistants: who answers, and what was said."""

from assistants.admin import conversation

__all__ = ["conversation"]
