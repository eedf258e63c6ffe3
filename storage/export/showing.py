"""Whether a recorded answer shows a post that may not leave: a page or an answer of an API holds many posts.

A post shows itself in answers by its id or an address of its own, and by its words. Its row tells of one answer only,
the one that its present state came with; every other that it stands in has to be found by reading. So that this takes
the time of one reading of the answer, however many posts may not leave, ids and addresses are looked up as names, and a
post's words by twelve letters out of their middle; only where these stand the words are compared whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import Connection, func, select

from storage.export.items import Item
from storage.portions import portions
from storage.tombstones import TELLING
from storage.traces import LINE, WHOLE, Traces, letters_in, names_in, pieces
from storage.views import attachments, posts


@dataclass(slots=True)
class _Kept:
    """The posts of one source that may not leave: what they are found by."""

    #: answers that the present state of one came with
    answers: set[int] = field(default_factory=set)
    #: their ids and addresses
    names: set[str] = field(default_factory=set)
    #: by twelve letters of a text, the rows of the posts that say it
    words: dict[str, set[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.answers or self.names or self.words)


class Showing:
    """Judges the answers of one export. Memory grows by about 1 kB for each post that may not leave.

    Args:
        connection: the transaction of the export.
        kept_back: gives the rows of the posts of a source that may not leave.
    """

    def __init__(self, connection: Connection, kept_back: Callable[[str], Iterable[int]]) -> None:
        self._connection, self._kept_back = connection, kept_back
        self._known: dict[str, _Kept] = {}

    def shows(self, source: str, capture_id: int, body: bytes, own: Sequence[Item]) -> bool:
        """Whether an answer of a source shows a post that may not leave; in doubt it does.

        What is also said by one of the posts that came with this answer and may leave, ``own``, does not count: what
        was taken away and published again has the same words.
        """
        kept = self._known.get(source)
        if kept is None:
            kept = self._known[source] = self._read(source)
        if not kept:
            return False
        if capture_id in kept.answers:
            return True
        theirs = {name for item in own for name in _names(item.native_id, item.url, _addresses(item))}
        if any(name in kept.names and name not in theirs for name in names_in(body)):
            return True
        found: set[int] = set()
        for letters in letters_in(body) if kept.words else ():
            for at in range(len(letters) - WHOLE + 1):
                if letters[at : at + WHOLE] in kept.words:
                    found |= kept.words[letters[at : at + WHOLE]]
        if not found:
            return False
        said = {text for item in own for text in (item.text, item.title, item.caption_fr, item.caption_en) if text}
        texts = {text for some in portions(sorted(found)) for text in self._texts(some)}
        return Traces(texts - said, ()).are_in(body)

    def _read(self, source: str) -> _Kept:
        kept = _Kept()
        for some in portions(list(self._kept_back(source))):
            urls: dict[int, list[str | None]] = {}
            for medium in self._connection.execute(_ATTACHMENTS.where(attachments.c.post_id.in_(some))):
                urls.setdefault(medium.post_id, []).extend((medium.url, medium.fetched_url))
                _learn(kept, medium.post_id, medium.alt)
            for row in self._connection.execute(_POSTS.where(posts.c.id.in_(some))):
                kept.answers |= {row.capture_id} - {None}
                kept.names |= set(_names(row.native_id, row.url, urls.get(row.id, ())))
                _learn(kept, row.id, row.body)
                _learn(kept, row.id, row.title)
        # the address of a page is not the address of one of its posts
        shared: set[str] = set()
        for names in portions(sorted(kept.names)):
            pages = select(posts.c.url).where(posts.c.url.in_(names)).group_by(posts.c.url).having(func.count() > 1)
            shared |= {url for url in self._connection.scalars(pages) if url}
        kept.names -= shared
        return kept

    def _texts(self, ids: Sequence[int]) -> Iterable[str]:
        for row in self._connection.execute(_POSTS.where(posts.c.id.in_(ids))):
            yield from (text for text in (row.body, row.title) if text)
        for medium in self._connection.execute(_ATTACHMENTS.where(attachments.c.post_id.in_(ids))):
            if medium.alt:
                yield medium.alt


def _learn(kept: _Kept, post_id: int, text: str | None) -> None:
    for piece in pieces(text or ""):
        start = (len(piece) - WHOLE) // 2
        kept.words.setdefault(piece[start : start + WHOLE], set()).add(post_id)


def _names(native_id: str, url: str | None, others: Iterable[str | None]) -> Iterable[str]:
    """By what a post is named in an answer, as ``names_in`` gives it; not by what may stand anywhere."""
    if len(native_id) >= TELLING:
        yield " ".join(native_id.split())
    for address in (url, *others):
        if address:
            yield address
    for address in others:
        path = urlsplit(address).path if address and address.isprintable() else ""
        if len(path) >= LINE:
            # as pages of the same host write it
            yield path


def _addresses(item: Item) -> list[str | None]:
    return [picture.source_url for picture in item.media]


_POSTS = select(posts.c.id, posts.c.native_id, posts.c.url, posts.c.title, posts.c.body, posts.c.capture_id)
_ATTACHMENTS = select(attachments.c.post_id, attachments.c.url, attachments.c.fetched_url, attachments.c.alt)
