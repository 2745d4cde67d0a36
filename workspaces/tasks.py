"""What the queue's workers run for workspaces: load one row, call its service."""

from django.utils import timezone

from workspaces.models import BulkJob, Notification
from workspaces.services.bulk import work_on_job
from workspaces.services.notifications import mail_notices


def send_notification_mail(notification_id: int) -> None:
    """Mail a notice and those that wait with it; a notice that is gone needs nothing."""
    notice = Notification.objects.across_workspaces().select_related("workspace").filter(pk=notification_id).first()
    if notice is not None:
        mail_notices(notice, now=timezone.now())


def work_on_bulk_job(job_id: int) -> None:
    """Go on with a job of staff's; one that has ended, or that another worker is at, is left alone."""
    job = BulkJob.objects.select_related("asked_by").filter(pk=job_id).first()
    if job is not None:
        work_on_job(job, clock=timezone.now)
