"""The body of an answer: unpacked no further than a limit, and decoded so that umlauts survive."""

import codecs
import re
import zlib


class BrokenPacking(ValueError):
    """The content is packed in a way we did not ask for, or is damaged."""


def decode_text(content: bytes, content_type: str = "") -> str:
    """The text of an answer: by its byte order mark, the declared charset, UTF-8, or else Windows' western letters."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    declared = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    for name in ([declared[1]] if declared else []) + ["utf-8"]:
        try:
            codec = codecs.lookup(name).name
            if codec not in _NO_CHARSETS:
                return content.decode("cp1252" if codec in {"iso8859-1", "ascii"} else codec)
        except (LookupError, UnicodeError):
            continue
    return content.decode("cp1252", "replace")


_MARKS = [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")]
# Python's codecs that no web page means.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"}


class Unpacker:
    """Unpacks an answer packet by packet. Raises BrokenPacking for what is not packed as it says."""

    def __init__(self, encoding: str) -> None:
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise BrokenPacking(encoding)
        self._encoding = encoding
        self._packed = encoding not in {"", "identity"}
        self._machine = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by the header
        self._started = False

    def __call__(self, packet: bytes, at_most: int) -> bytes:
        """Up to `at_most` bytes; more than that are not made."""
        if not self._packed:
            return packet
        unpacked = b""
        while packet and len(unpacked) < at_most:
            try:
                unpacked += self._step(packet, at_most - len(unpacked))
            except zlib.error as error:
                raise BrokenPacking(self._encoding) from error
            # What is left behind a finished member is another one: gzip files may be strung together.
            packet = self._machine.unused_data
            if packet:
                self._machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
        return unpacked

    def finish(self) -> None:
        """Raises BrokenPacking where the packed content ends in the middle."""
        if self._started and not self._machine.eof:
            raise BrokenPacking(self._encoding)

    def _step(self, packet: bytes, at_most: int) -> bytes:
        try:
            unpacked = self._machine.decompress(packet, at_most)
        except zlib.error:
            if self._started or self._encoding != "deflate":
                raise
            self._machine = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers send deflate without its wrapper
            unpacked = self._machine.decompress(packet, at_most)
        self._started = True
        return unpacked
