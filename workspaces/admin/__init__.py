"""Staff pages of workspaces: people, keys, what was done, and what the team was told."""

from workspaces.admin import access, overview, people, record, site

__all__ = ["access", "overview", "people", "record", "site"]
