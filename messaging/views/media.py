"""Files of customers' messages, for members of the workspace only.

Bytes of strangers: the type is ours, found by content; what a browser could run is only ever saved, never shown.
"""

from collections.abc import Iterator
from uuid import UUID

from django.core.files import File
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.request import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from messaging.models import MediaFile
from messaging.services.media import open_file
from messaging.services.media_types import ENDINGS, UNKNOWN, is_shown
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

# Should a browser show it after all: nothing in it is fetched, run or framed.
POLICY = "default-src 'none'; sandbox"
PIECE = 64 * 1024


@require_safe
@requires("workspace.read")
def media_file(request: WorkspaceRequest, media_id: UUID) -> HttpResponseBase:
    """The bytes: shown in place where that is safe, else saved; `?save` always saves. 404 for what is not here."""
    rows = MediaFile.objects.in_workspace(request.workspace).select_related("message", "workspace")
    media = get_object_or_404(rows, public_id=media_id, status=MediaFile.Status.STORED)
    if media.message.is_revoked:
        raise Http404
    try:
        content = open_file(media)
    except FileNotFoundError:
        raise Http404 from None
    is_inline = is_shown(media.content_type) and "save" not in request.GET
    response = _whole_or_part(request, content, media)
    response["Content-Type"] = media.content_type if is_inline else UNKNOWN
    response["Content-Disposition"] = content_disposition_header(not is_inline, file_name(media)) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def file_name(media: MediaFile) -> str:
    """What it is saved as: the customer's name for it without its folders, else its kind; the ending fits the bytes."""
    given = media.name.replace("\\", "/").rsplit("/", 1)[-1].strip(". ")
    name = "".join(letter for letter in given if letter.isprintable()) or media.kind
    ending = ENDINGS.get(media.content_type, "")
    if media.content_type == "image/jpeg" and name.lower().endswith(".jpeg"):
        return name
    return name if name.lower().endswith(ending) else f"{name}{ending}"


def _whole_or_part(request: HttpRequest, content: File, media: MediaFile) -> HttpResponseBase:
    """One range is answered with 206, so that a recording can be listened to from its middle."""
    size = media.size or 0
    asked = request.headers.get("Range", "")
    part = _range(asked, size) if asked else None
    if asked and part is None:
        content.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    if part is None:
        whole = FileResponse(content)
        whole["Content-Length"] = size
        whole["Accept-Ranges"] = "bytes"
        return whole
    start, end = part
    response = StreamingHttpResponse(_pieces(content, start, end - start + 1), status=206)
    response["Content-Range"] = f"bytes {start}-{end}/{size}"
    response["Content-Length"] = end - start + 1
    response["Accept-Ranges"] = "bytes"
    return response


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None for what is none, or lies outside."""
    unit, _, span = asked.partition("=")
    first, dash, last = span.partition("-")
    first, last = first.strip(), last.strip()
    if unit.strip() != "bytes" or not dash or not all(part == "" or part.isdecimal() for part in (first, last)):
        return None
    if not first:
        return (max(size - int(last), 0), size - 1) if last and int(last) and size else None
    start, end = int(first), min(int(last) if last else size - 1, size - 1)
    return (start, end) if start <= end else None


def _pieces(content: File, start: int, length: int) -> Iterator[bytes]:
    with content:
        content.seek(start)
        while length > 0 and (piece := content.read(min(PIECE, length))):
            length -= len(piece)
            yield piece
