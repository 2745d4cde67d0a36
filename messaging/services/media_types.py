"""What a file is, by its bytes: the type that a customer's app declares is never trusted.

Signatures: the formats' own specifications. What is not recognised is a plain file, to be saved and not shown.
"""

import zipfile
from typing import IO

UNKNOWN = "application/octet-stream"
HEAD_BYTES = 4096
# What a browser may show inside our pages: none of these can hold a script.
SHOWN = frozenset(
    {
        *("image/jpeg", "image/png", "image/webp", "image/gif"),
        *("audio/ogg", "audio/mpeg", "audio/mp4", "audio/aac"),
        *("video/mp4", "video/3gpp"),
    }
)
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
)
# The brands of ISO media files (ftyp) that are sound or another picture's.
_BRANDS = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"3gp": "video/3gpp", b"heic": UNKNOWN, b"avif": UNKNOWN}
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
ENTRIES_READ = 200
# What a file of a type is called.
ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}


def type_of(file: IO[bytes]) -> str:
    """The mime type of the bytes; the file is read from its start and left there."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return next((name for start, name in _BRANDS.items() if brand.startswith(start)), "video/mp4")
    if head.startswith(b"PK\x03\x04"):
        return _packed(file)
    return "text/plain" if _is_text(head) else UNKNOWN


def is_shown(content_type: str) -> bool:
    """Whether a browser may show it in place; all else is offered to be saved."""
    return content_type in SHOWN


def fits(kind: str, content_type: str) -> bool:
    """Whether bytes of this type are what a message of this kind holds; a document may be anything."""
    if kind == "document":
        return True
    family = content_type.split("/")[0]
    if kind == "sticker":
        return content_type == "image/webp"
    return family == {"voice": "audio"}.get(kind, kind)


def _packed(file: IO[bytes]) -> str:
    """A zip, or one of the office formats that are zips; only its list of names is read, nothing is unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()[:ENTRIES_READ]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        names = []
    file.seek(0)
    if "[Content_Types].xml" in names:
        return next((name for folder, name in _OFFICE.items() if any(n.startswith(folder) for n in names)), UNKNOWN)
    return "application/zip"


def _is_text(head: bytes) -> bool:
    if not head or b"\x00" in head:
        return False
    try:
        # The cut may go through a letter of up to four bytes.
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
