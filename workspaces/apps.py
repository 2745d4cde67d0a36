"""The workspaces app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkspacesConfig(AppConfig):
    """Registers the app, its wake-ups and the login of the admin."""

    name = "workspaces"
    verbose_name = _("People and workspaces")

    def ready(self) -> None:
        from workspaces.accounts import guard_admin_login
        from workspaces.models import BulkJob, Notification
        from workspaces.wakeups import register_wakeup

        guard_admin_login()
        register_wakeup(Notification, "workspaces.tasks.send_notification_mail")
        register_wakeup(BulkJob, "workspaces.tasks.work_on_bulk_job", queue="bulk")
