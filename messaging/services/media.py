"""Files of customers' messages: a row at once, the bytes by a task, again and again until they are here or gone.

The platform keeps a file for seven days and gives an address for five minutes, so it is fetched at once, an address
that is over is asked for anew, and after seven days the file is shown as expired.
"""

import hashlib
import tempfile
from datetime import datetime, timedelta
from typing import IO, Any

import structlog
from django.core.files import File
from django.db import transaction
from django.db.models import F

from messaging.media_errors import MediaDamaged, MediaExpired, MediaPending, MediaTooLarge, MediaUnavailable
from messaging.models import MediaFile, Message
from messaging.providers import provider_of
from messaging.providers.base import MediaFacts, OutcomeUnknown, ProviderError
from messaging.providers.cloud_media import hex_digest
from messaging.services.media_types import type_of
from workspaces.changes import announce
from workspaces.errors import BotenwerkError, error_class
from workspaces.queue import enqueue

log = structlog.get_logger(__name__)

TASK = "messaging.tasks.wake_media"
KEPT_BY_PLATFORM = timedelta(days=7)
MEGABYTE = 1024 * 1024
# The platform's own limits (reference, section 14), with room for how it counts.
MOST_BYTES = {
    "image": 10 * MEGABYTE,
    "sticker": MEGABYTE,
    "audio": 20 * MEGABYTE,
    "video": 20 * MEGABYTE,
    "document": 101 * MEGABYTE,
}
# While it is fetched the clock leaves it alone; a worker that dies loses it for so long.
BUSY_FOR = timedelta(seconds=90)
FIRST_LOOK = timedelta(seconds=5)
# 20 failed fetches in an hour have the platform block all for half an hour: five in the first hour, then one an hour.
WAITS = (5, 30, 180, 900, 2400)
LONGEST_WAIT = timedelta(hours=1)
DAMAGED_AT_MOST = 3
IN_MEMORY = MEGABYTE
# Refusals that stay: trying again brings the same.
_FINAL = frozenset({MediaExpired.code, MediaUnavailable.code, MediaTooLarge.code})


def keep_media(message: Message, media: dict[str, Any], *, now: datetime) -> MediaFile:
    """The row of a message's file, and a task for its bytes. Call it in the transaction that stores the message."""
    is_there = bool(media["id"])
    row = MediaFile.objects.create(
        workspace=message.workspace,
        message=message,
        kind=media["kind"],
        platform_id=media["id"],
        declared_type=media["mime_type"],
        name=media["filename"] or "",
        sha256=hex_digest(media["sha256"]),
        status=MediaFile.Status.PENDING if is_there else MediaFile.Status.FAILED,
        error_code="" if is_there else MediaUnavailable.code,
        expires_at=message.occurred_at + KEPT_BY_PLATFORM,
        wake_at=now + FIRST_LOOK if is_there else None,
        created_at=now,
    )
    if is_there:
        enqueue(TASK, row.pk, queue="bulk")
    return row


def fetch_file(media: MediaFile, *, now: datetime) -> None:
    """Fetch a file that is not here yet; what fails is tried again until the platform has let the file go.

    Doubled and late calls change nothing. Raises nothing that the platform or the disk does.
    """
    if now > media.expires_at:
        _end(media, MediaExpired.code, now=now)
        return
    if not _claimed(media, now):
        return
    most = MOST_BYTES.get(media.kind, MOST_BYTES["document"])
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as into:
        try:
            facts = provider_of(media.message.sender).fetch_media(
                media.message.sender, media.platform_id, into, most_bytes=most
            )
            _store(media, facts, into, now=now)
        except ProviderError as refusal:
            _refused(media, refusal, now=now)
        except MediaDamaged as error:
            _again(media, error.code, now=now, most_attempts=DAMAGED_AT_MOST)
        except (OutcomeUnknown, OSError) as error:
            # The platform is away, or our disk is full: both pass.
            log.warning("media_not_fetched", media=str(media.public_id), error=type(error).__name__)
            _again(media, "", now=now)


def open_file(media: MediaFile) -> File:
    """The bytes. Raises MediaPending (retryable) while they are fetched, else the reason why there are none."""
    if media.status == MediaFile.Status.PENDING:
        raise MediaPending(name=str(media))
    if media.status != MediaFile.Status.STORED:
        raise error_of(media)
    return media.file.open("rb")


def error_of(media: MediaFile) -> BotenwerkError:
    """Why there is no file, with cause and cure."""
    return error_class(media.error_code)(name=str(media), limit_mb=MOST_BYTES.get(media.kind, 0) // MEGABYTE)


def _claimed(media: MediaFile, now: datetime) -> bool:
    rows = MediaFile.objects.in_workspace(media.workspace).filter(
        pk=media.pk, status=MediaFile.Status.PENDING, attempts=media.attempts
    )
    if rows.update(attempts=F("attempts") + 1, wake_at=now + BUSY_FOR, updated_at=now) != 1:
        return False
    media.attempts += 1
    return True


def _store(media: MediaFile, facts: MediaFacts, into: IO[bytes], *, now: datetime) -> None:
    """Raises MediaDamaged where the bytes are not those announced, OSError where the disk does not take them."""
    size = into.seek(0, 2)
    promised = {digest for digest in (facts.sha256, media.sha256) if digest}
    if promised and _sha256(into) not in promised:
        raise MediaDamaged
    content_type = type_of(into)
    storage, name = media.file.storage, media.file.field.generate_filename(media, "file")
    if storage.exists(name):
        # A worker died between the file and its row.
        storage.delete(name)
    saved = storage.save(name, File(into))
    rows = MediaFile.objects.in_workspace(media.workspace).filter(pk=media.pk, status=MediaFile.Status.PENDING)
    with transaction.atomic():
        rows.update(
            status=MediaFile.Status.STORED,
            file=saved,
            size=size,
            content_type=content_type,
            declared_type=media.declared_type or facts.declared_type,
            error_code="",
            fetched_at=now,
            wake_at=None,
            updated_at=now,
        )
        _announce(media, now)
    media.refresh_from_db()


def _sha256(content: IO[bytes]) -> str:
    content.seek(0)
    digest = hashlib.sha256()
    while piece := content.read(MEGABYTE):
        digest.update(piece)
    return digest.hexdigest()


def _refused(media: MediaFile, refusal: ProviderError, *, now: datetime) -> None:
    code = refusal.error.code
    # A dead token is mended by a person, and the file is still there then.
    if refusal.is_retryable or code not in _FINAL:
        log.warning("media_not_fetched", media=str(media.public_id), error=code)
        _again(media, code, now=now)
    else:
        _end(media, code, now=now)


def _again(media: MediaFile, code: str, *, now: datetime, most_attempts: int | None = None) -> None:
    if most_attempts is not None and media.attempts >= most_attempts:
        _end(media, code, now=now)
        return
    wait = timedelta(seconds=WAITS[media.attempts - 1]) if media.attempts <= len(WAITS) else LONGEST_WAIT
    rows = MediaFile.objects.in_workspace(media.workspace).filter(pk=media.pk, status=MediaFile.Status.PENDING)
    rows.update(wake_at=now + wait, error_code=code, updated_at=now)


def _end(media: MediaFile, code: str, *, now: datetime) -> None:
    rows = MediaFile.objects.in_workspace(media.workspace).filter(pk=media.pk, status=MediaFile.Status.PENDING)
    status = MediaFile.Status.EXPIRED if code == MediaExpired.code else MediaFile.Status.FAILED
    with transaction.atomic():
        if rows.update(status=status, error_code=code, wake_at=None, updated_at=now):
            _announce(media, now)
    media.refresh_from_db()


def _announce(media: MediaFile, now: datetime) -> None:
    conversation = media.message.conversation
    if conversation is not None:
        announce(media.workspace, f"conversation:{conversation.public_id}", now=now)
