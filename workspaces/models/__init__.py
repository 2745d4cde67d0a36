"""Who: users, workspaces, memberships, API keys; and what the team is told."""

from workspaces.models.access import ApiKey, IdempotentCall
from workspaces.models.bulk import BulkItem, BulkJob
from workspaces.models.people import Membership, Role, User, Workspace
from workspaces.models.queue import QueuedTask
from workspaces.models.record import AuditEntry, Change, Notification, NotificationChannel

__all__ = [
    "ApiKey",
    "AuditEntry",
    "BulkItem",
    "BulkJob",
    "Change",
    "IdempotentCall",
    "Membership",
    "Notification",
    "NotificationChannel",
    "QueuedTask",
    "Role",
    "User",
    "Workspace",
]
