"""Staff pages of workspaces: people, keys, what was done, jobs over many rows, and what the team was told."""

from workspaces.admin import access, bulk, overview, people, record, site

__all__ = ["access", "bulk", "overview", "people", "record", "site"]
