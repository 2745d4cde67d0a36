"""Named errors of files: what a person or a step is told when a customer's file is not there."""

from django.utils.translation import gettext_lazy as _

from messaging.errors import MessagingError


class MediaPending(MessagingError):
    """The file is still being fetched. Facts: name."""

    code = "media_pending"
    title = _("File is not here yet")
    cause = _("“%(name)s” is still being fetched from WhatsApp.")
    cure = _("Try again in a minute.")
    retryable = True
    http_status = 409


class MediaExpired(MessagingError):
    """The platform keeps a customer's file for seven days and has let it go. Facts: name."""

    code = "media_expired"
    title = _("File has expired")
    cause = _("WhatsApp keeps a customer's file for seven days. It could not be fetched in that time.")
    cure = _("Ask the customer to send it again.")
    http_status = 409


class MediaTooLarge(MessagingError):
    """More bytes than WhatsApp allows for this kind. Facts: limit_mb."""

    code = "media_too_large"
    title = _("File is too large")
    cause = _("The file is larger than the %(limit_mb)s MB that are kept of its kind.")
    cure = _("Ask the customer for a smaller file, or for a link to it.")
    http_status = 409


class MediaDamaged(MessagingError):
    """What came is not what the platform has announced: its checksum differs, every time."""

    code = "media_damaged"
    title = _("File is damaged")
    cause = _("What WhatsApp delivers is not the file that it announced.")
    cure = _("Ask the customer to send it again.")
    http_status = 409


class MediaUnavailable(MessagingError):
    """The platform never had the file (Cloud API error 131052). Facts: detail."""

    code = "media_unavailable"
    title = _("File did not arrive")
    cause = _("WhatsApp itself could not get the file from the customer's phone.")
    cure = _("Ask the customer to send it again.")
    http_status = 409
