"""One attachment out of a file that lies beside: the same checks as for one from the web, and no web."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO

from scraper.capture import SAVED, Access, Request
from scraper.delivery import Sink, Streamed
from scraper.errors import TooLarge
from scraper.media import Incoming, take
from scraper.model import Attachment, MediaResult
from scraper.settings import HttpSettings

_CHUNK = 2**18
#: stands for the address of a file that has none; nothing is ever asked there, and nothing of it is kept
_NOWHERE = "https://import.invalid/"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def take_file(
    attachment: Attachment,
    name: str,
    file: IO[bytes],
    *,
    incoming: Callable[[], Incoming],
    settings: HttpSettings,
) -> MediaResult:
    """Try to take an attachment's bytes out of ``file``.

    Args:
        attachment: what the post points to; its own address is not asked.
        name: of the file, for what is told.
        file: at its start.
        incoming: gives a fresh place for a file.
        settings: the caps.

    Returns:
        What became of it; it has the address of no answer, since there was none.

    Raises:
        OSError: the disk is at fault (and likewise the errors of ``incoming``'s own room).
    """

    def stream(request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        sink.begin(name, {})
        size = 0
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                message = f"{name}: is too large, the cap is {max_bytes} bytes (http.max_media_bytes)"
                raise TooLarge(message, url=request.url, limit=max_bytes)
            sink.write(chunk)
        return Streamed(url=name, status=SAVED, headers={}, size=size, fetched_at=_NEVER)

    once = settings.model_copy(update={"attempts": 1})
    alone = replace(attachment, url=attachment.url or _NOWHERE, alternatives=())
    result = take(alone, stream=stream, incoming=incoming, settings=once, access=Access.PAGE)
    return replace(result, url=None, status=None, headers=(), fetched_at=None)
