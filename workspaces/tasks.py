"""What the queue's workers run for workspaces: load one row, call its service."""

from django.utils import timezone

from workspaces.models import Notification
from workspaces.services.notifications import mail_notices


def send_notification_mail(notification_id: int) -> None:
    """Mail a notice and those that wait with it; a notice that is gone needs nothing."""
    notice = Notification.objects.across_workspaces().select_related("workspace").filter(pk=notification_id).first()
    if notice is not None:
        mail_notices(notice, now=timezone.now())
