"""One attachment into a place given by the caller: sniffed, capped, hashed on the way, checked to its end.

Knows no archive: the caller hands in where the bytes go (``Incoming``) and what asks for them (``stream``).
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import urlsplit

from scraper import films
from scraper.capture import Access, Request
from scraper.contentid import promised_sha256
from scraper.errors import FetchError, Gone, MediaError, OtherBytes, RateLimited, TooLarge
from scraper.exif import clean
from scraper.fingerprint import fingerprint
from scraper.masking import shown
from scraper.model import Asset, Attachment, Fingerprint, MediaKind, MediaResult, MediaState
from scraper.pictures import HEAD, NotAPicture, examine, recognise
from scraper.settings import HttpSettings

if TYPE_CHECKING:
    from scraper.client import Sink, Streamed  # for its shape only: what streams is an argument

#: up to here a picture is held and checked in memory and written at once; a larger one is written as it comes
MAX_HELD = 4 * 2**20
_ENOUGH_TO_TELL = 512
_MAX_FOREIGN = 2**16  # bytes read of what is no picture, to say what it is
_LONGEST_WAIT = 30 * 86400.0  # seconds; a host that asks for more is asked again after this

#: kinds that are not taken, and why
UNWANTED = {
    MediaKind.VIDEO: "video is taken only where its source's configuration says so (video: {max_bytes: …})",
    MediaKind.AUDIO: "audio is not taken yet",
    MediaKind.UNKNOWN: "the platform does not say what kind of media this is, and only pictures are taken",
}
#: what a picture over a cap was told with, and how much of what it has (see ``scraper.delivery``, ``scraper.pictures``)
_ANNOUNCED = re.compile(r": announces (\d+) bytes, the cap is \d+ bytes \(")
_ENDLESS = re.compile(r": is too large, the cap is (\d+) bytes \(")
_PIXELS = re.compile(r", ([\d,]+) pixels, over the cap of [\d,]+\Z")
#: reasons that hold until films are wanted: the present one, and that of earlier versions
_NO_FILMS = (UNWANTED[MediaKind.VIDEO], "video is not taken yet")
#: behind the reason for a film that is over its cap
_OF_A_FILM = "; of a film it is video.max_bytes of its source"
#: of several reasons why nothing was stored, the one that is told: what another try may mend comes first
_TELLING = (MediaState.FAILED, MediaState.SKIPPED, MediaState.GONE)


#: of a film its poster has one
_FILM = Fingerprint(reason="it is a film, and nothing of it is decoded")


class Incoming(Protocol):
    """A place for the bytes of one file on its way in; ``storage.blobs`` has one."""

    def write(self, chunk: bytes) -> None:
        """Append ``chunk``."""
        ...

    def reset(self) -> None:
        """Drop what was written: the file begins again."""
        ...

    def open(self) -> BinaryIO:
        """What was written so far, to be read from its start."""
        ...

    def commit(self, sha256: str, extension: str) -> None:
        """Keep the file for good under its hash; if it is held already, this one is dropped."""
        ...

    def discard(self) -> None:
        """Drop the file; nothing happens if none was begun or it was kept."""
        ...


class Stream(Protocol):
    """What asks for the bytes: ``PoliteClient.stream``."""

    def __call__(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        """Write the answer's body into ``sink``.

        Raises:
            FetchError: there is no usable answer.
        """
        ...


def take(
    attachment: Attachment,
    *,
    stream: Stream,
    incoming: Callable[[], Incoming],
    settings: HttpSettings,
    access: Access,
    token: str | None = None,
    max_film_bytes: int | None = None,
    clock: Callable[[], float] = time.time,
) -> MediaResult:
    """Try to take one attachment, its alternatives after it in order.

    What is gone, refused or no picture leads to the next alternative. An outage or a rate limit does not: the
    largest rendition is asked for again later, rather than a smaller one kept for ever. Wrong bytes are asked for
    again at once, ``settings.attempts`` times in all, since a server in trouble answers with error pages. Where an
    address promises its content by a hash (``scraper.contentid``), a picture with another hash is a fault of its
    server like an outage: the one that was promised is asked for again later.

    Args:
        attachment: what the post points to.
        stream: asks for the bytes; its retries, budget and pauses are its own.
        incoming: gives a fresh place for a file.
        settings: the caps and the number of tries.
        access: which rules bind the request.
        token: sent to the host of the attachment's own address, not to that of an alternative elsewhere.
        max_film_bytes: the cap on a film; None: films are not taken.
        clock: seconds since the epoch.

    Returns:
        What became of it; no ScraperError is raised. STORED: the file was committed. FAILED: worth another try,
        not before ``not_before`` where the host said so.

    Raises:
        OSError: the disk is at fault (and likewise the errors of ``incoming``'s own room).
    """
    is_film = attachment.kind is MediaKind.VIDEO and max_film_bytes is not None
    if attachment.kind in UNWANTED and not is_film:
        return MediaResult(state=MediaState.SKIPPED, url=attachment.url, reason=UNWANTED[attachment.kind])
    if attachment.url is None:
        return MediaResult(state=MediaState.PENDING, reason="the platform has not made the file yet")
    results: list[MediaResult] = []
    for url in dict.fromkeys((attachment.url, *attachment.alternatives)):
        request = Request(
            url=url,
            access=access,
            accept=f"{'video' if is_film else 'image'}/*, */*;q=0.5",
            token=token if _origin(url) == _origin(attachment.url) else None,
        )
        is_settled = False
        try:
            result, is_settled = _take_one(request, stream, incoming, settings, max_film_bytes if is_film else None)
        except FetchError as error:
            result = _told(error, url, clock, _OF_A_FILM if is_film else "")
            is_settled = error.retriable
        if is_settled:
            return result
        results.append(result)
    return min(results, key=lambda result: _TELLING.index(result.state))


def fits(reason: str, settings: HttpSettings, max_film_bytes: int | None = None) -> bool:
    """Whether what was skipped for this reason is wanted and within the caps by now, as far as its size is known."""
    if reason in _NO_FILMS:
        return max_film_bytes is not None
    cap = (max_film_bytes or 0) if reason.endswith(_OF_A_FILM) else settings.max_media_bytes
    if found := _ANNOUNCED.search(reason):
        return int(found[1]) <= cap
    if found := _ENDLESS.search(reason):
        # nobody knows how large it is, only that it is larger than the cap of then
        return int(found[1]) < cap
    if found := _PIXELS.search(reason):
        return int(found[1].replace(",", "")) <= settings.max_pixels
    return False


def _take_one(
    request: Request,
    stream: Stream,
    incoming: Callable[[], Incoming],
    settings: HttpSettings,
    max_film_bytes: int | None,
) -> tuple[MediaResult, bool]:
    """Store what is at one address, or say what is wrong with it; and whether no other address is to be tried."""
    promised = promised_sha256(request.url)
    is_settled = False
    for tried in range(1, settings.attempts + 1):
        landing = _Landing(request.url, incoming, is_film=max_film_bytes is not None)
        answer: Streamed | None = None
        try:
            answer = stream(request, landing, max_bytes=max_film_bytes or settings.max_media_bytes)
            asset, look = landing.keep(settings.max_pixels, promised)
            state, reason, is_settled = MediaState.STORED, None, True
        except MediaError as error:
            if error.retriable and tried < settings.attempts:
                continue
            asset, look, reason = None, None, f"{error} ({tried} tries)" if tried > 1 else str(error)
            state = MediaState.FAILED if error.retriable else MediaState.SKIPPED
            is_settled = isinstance(error, OtherBytes)
        finally:
            landing.clear()
        result = MediaResult(
            state=state,
            asset=asset,
            fingerprint=look,
            reason=reason,
            url=answer.url if answer else landing.url,
            status=answer.status if answer else None,
            headers=tuple((answer.headers if answer else landing.headers).items()),
            fetched_at=answer.fetched_at if answer else None,
        )
        return result, is_settled
    raise AssertionError("settings allow no try at all")


def _told(error: FetchError, url: str, clock: Callable[[], float], whose_cap: str = "") -> MediaResult:
    """The result that an address without a usable answer has."""
    reason = str(error)
    not_before = None
    # a refusal or a blocked address stays FAILED: a token, robots.txt or allow_hosts may be mended by a person
    state = MediaState.FAILED
    if isinstance(error, Gone):
        state = MediaState.GONE
    elif isinstance(error, TooLarge):
        state, reason = MediaState.SKIPPED, f"{reason}{whose_cap}"
    if isinstance(error, RateLimited):
        wait = error.retry_after if 0 <= error.retry_after <= _LONGEST_WAIT else _LONGEST_WAIT
        not_before = datetime.fromtimestamp(clock() + wait, UTC)
    return MediaResult(state=state, url=url, reason=reason, status=error.status, not_before=not_before)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


class _Landing:
    """The sink of one answer: hashes as it comes, holds what is small, spills what is not."""

    def __init__(self, url: str, incoming: Callable[[], Incoming], *, is_film: bool = False) -> None:
        self.url = url
        self._is_film = is_film
        self.headers: Mapping[str, str] = {}
        self._incoming = incoming
        self._place: Incoming | None = None
        self._begin_again()

    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        """An answer starts, perhaps again: what came before is dropped."""
        self.url, self.headers = url, headers
        self._begin_again()

    def _begin_again(self) -> None:
        self._digest = hashlib.sha256(usedforsecurity=False)
        self._size = 0
        self._held: list[bytes] = []
        self._spilled = self._recognised = False
        if self._place is not None:
            self._place.reset()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            MediaError: enough has come to see that this is no picture.
        """
        self._digest.update(chunk)
        self._size += len(chunk)
        if self._spilled:
            self._target().write(chunk)
            return
        self._held.append(chunk)
        if not self._recognised and self._size >= _ENOUGH_TO_TELL:
            self._refuse_early()
        if self._size > MAX_HELD:
            self._spilled = True
            for held in self._held:
                self._target().write(held)
            self._held.clear()

    def _refuse_early(self) -> None:
        try:
            (films.recognise if self._is_film else recognise)(b"".join(self._held)[:HEAD])
            self._recognised = True
        except NotAPicture as error:
            # a video is not read to its end, a page only as far as its title
            if error.lasting or self._size > _MAX_FOREIGN:
                raise self._error(error) from error

    def keep(self, max_pixels: int, promised: str | None = None) -> tuple[Asset, Fingerprint]:
        """Check the whole file, see what it looks like, commit it; ``promised`` is the SHA-256 its address names.

        Raises:
            OtherBytes: it is a picture, and not the promised one.
            MediaError: it is not a picture, not whole, or over the cap.
        """
        sha256 = self._digest.hexdigest()
        body = b"".join(self._held)
        with self._target().open() if self._spilled else io.BytesIO(body) as file:
            try:
                film = films.examine(file, self._size) if self._is_film else None
                picture = film or examine(file, self._size, max_pixels=max_pixels)
            except NotAPicture as error:
                raise self._error(error) from error
            if promised not in (None, sha256):
                message = f"gave {self._size} bytes with the SHA-256 {sha256}, where its address promises {promised}"
                raise OtherBytes(f"{clean(shown(self.url), 300)} {message}", url=self.url, retriable=True)
            look = _FILM if film is not None else fingerprint(file, picture.width * picture.height)
        if not self._spilled:
            self._target().write(body)
        self._target().commit(sha256, picture.extension)
        asset = Asset(
            sha256=sha256,
            media_type=picture.media_type,
            extension=picture.extension,
            size=self._size,
            width=picture.width,
            height=picture.height,
            exif=picture.exif,
        )
        return asset, look

    def clear(self) -> None:
        """Leave nothing behind that was not committed."""
        self._held.clear()
        if self._place is not None:
            self._place.discard()

    def _target(self) -> Incoming:
        if self._place is None:
            self._place = self._incoming()
        return self._place

    def _error(self, error: NotAPicture) -> MediaError:
        return MediaError(f"{clean(shown(self.url), 300)} gave {error}", url=self.url, retriable=not error.lasting)
