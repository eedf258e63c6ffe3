"""Writes WARC 1.1 records, each a gzip member of its own, into a file that can be cut; knows no archive.

A record's bytes depend on nothing but what is in it: no clock, no chance, no name of a file in the compressed data.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import zlib
from typing import BinaryIO
from uuid import NAMESPACE_URL, uuid5

#: a record's own headers, in order; ``Content-Length`` and the digest of the block are the writer's
Headers = dict[str, str]

_CHUNK = 2**20
# gzip's frame; with its header of ten bytes that tell neither time nor name
_GZIP = 31


def record_id(*names: str) -> str:
    """An id that is always the same for the same names (a UUID of version 5)."""
    text = "\0".join(("urn:cupola:export:warc", *names))
    return f"<{uuid5(NAMESPACE_URL, text.encode('utf-8', 'replace').decode()).urn}>"


class Writer:
    """Appends records to a file that is open to be written and read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def raw(self, member: bytes) -> None:
        """A record as it lies in another file."""
        self._file.write(member)

    def whole(self, headers: Headers, block: bytes) -> None:
        """A record whose block is in memory."""
        digest = base64.b32encode(hashlib.sha1(block, usedforsecurity=False).digest()).decode()
        told = _head(headers | {"WARC-Block-Digest": f"sha1:{digest}"}, len(block))
        pack = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        self._file.write(pack.compress(told + block + b"\r\n\r\n") + pack.flush())

    def checked(self, headers: Headers, head: bytes, body: BinaryIO, size: int, sha256: str) -> None:
        """A record whose block is ``head`` and a body that is read as it is written, and not held in memory.

        Args:
            headers: of the record.
            head: what its block begins with.
            body: the rest, to its end.
            size: of the rest, in bytes.
            sha256: of the rest.

        Raises:
            ValueError: the rest is another one; nothing of the record is left in the file.
            OSError: the file cannot be written.
        """
        start = self._file.tell()
        # pictures do not get smaller: they are stored, so each byte is copied and checked, and no more
        pack = zlib.compressobj(0, zlib.DEFLATED, _GZIP)
        digest, told = hashlib.sha256(), 0
        self._file.write(pack.compress(_head(headers, len(head) + size) + head))
        why = None
        try:
            while chunk := body.read(_CHUNK):
                digest.update(chunk)
                told += len(chunk)
                self._file.write(pack.compress(chunk))
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # a worn disk, on which the body is; were it the file's, the next write would fail, too
            why = f"it cannot be read ({error.strerror})"
        self._file.write(pack.compress(b"\r\n\r\n") + pack.flush())
        if why is None and (told != size or digest.hexdigest() != sha256):
            why = f"its bytes are not those of its name ({told} of {size})"
        if why is not None:
            self._file.seek(start)
            self._file.truncate()
            raise ValueError(why)


def _head(headers: Headers, length: int) -> bytes:
    lines = ["WARC/1.1", *(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {length}"]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "replace")
