"""The bytes of an answer on their way in: not slower than a floor, and unpacked under the reader's control."""

from __future__ import annotations

import http.client
import io
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any

#: bytes a second that an answer has to come in at, once its first byte is there and one timeout has passed
SLOWEST = 4096
#: bytes before the body: status lines (an endless row of "100 Continue" too) and headers
LARGEST_HEAD = 2**20
_PIECE = 2**18


class _Paced(io.RawIOBase):
    """A socket's reading end that gives up on a drip: each byte resets a socket's own timeout, so it never would."""

    def __init__(self, raw: io.RawIOBase, grace: float) -> None:
        self._raw = raw
        self._grace = grace
        self._began: float | None = None
        self._received = 0
        self.in_head = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        # real time in place of an injected clock: this guards a socket, which keeps real time too
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self._received += count or 0
        if now - self._began > self._grace + self._received / SLOWEST:
            raise TimeoutError(f"only {self._received} bytes came in {now - self._began:.1f} s")
        if self.in_head and self._received > LARGEST_HEAD:
            raise http.client.HTTPException(f"over {LARGEST_HEAD} bytes of headers")
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    """The standard library's response, read through the pace guard; its grace is the socket's timeout."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._paced = _Paced(self.fp.detach(), sock.gettimeout() or 60.0)
        self.fp = io.BufferedReader(self._paced)

    def begin(self) -> None:
        """Read the status line and the headers."""
        super().begin()
        self._paced.in_head = False


class NotAsEncoded(ValueError):
    """The body is not what its Content-Encoding says."""


class Unpacker:
    """Takes gzip or deflate off a body, a bounded piece at a time, so that a bomb is noticed before it is in memory.

    urllib3 could unpack too, but takes a gzip stream that ends early for a whole one, and an encoding that
    it does not know for none.
    """

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding in ("gzip", "x-gzip")
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS) if self._gzip else None
        self._head = b""
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The unpacked pieces that ``data`` gives, each of a quarter of a mebibyte at most.

        Raises:
            NotAsEncoded: the data is broken.
        """
        self._fed = True
        if self._stream is None:
            # "deflate" is zlib by RFC 9110 8.4.1.2, but some servers send it bare: the first two bytes tell
            self._head += data
            if len(self._head) < 2:
                return
            data, self._head = self._head, b""
            wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        try:
            more = bool(data)
            while more:
                if self._stream.eof:
                    if not (self._gzip and data.startswith(b"\x1f\x8b")):
                        return  # padding after the end, which every client lets pass
                    self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
                if piece := self._stream.decompress(data, _PIECE):
                    yield piece
                data = self._stream.unconsumed_tail or self._stream.unused_data
                more = bool(data) or (len(piece) == _PIECE and not self._stream.eof)
        except zlib.error as error:
            raise NotAsEncoded(str(error)) from error

    def finish(self) -> None:
        """The body has ended.

        Raises:
            NotAsEncoded: the packed stream has not.
        """
        if self._fed and (self._stream is None or not self._stream.eof):
            raise NotAsEncoded("the packed data ends early")
