"""Media RSS in its nesting: a part for feedparser, which by itself forgets whose description is whose.

feedparser hands ``media:description``, the alternative text of one picture in a Mastodon feed, on as the text of the
post. The specification: https://www.rssboard.org/media-rss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: where an entry's root is kept among what feedparser found of it
KEY = "cupola_media"
#: media, and thumbnails, of one entry that are looked at
MOST = 2_000


@dataclass(slots=True, eq=False)
class Holder:
    """An element that media metadata belongs to: an entry, a ``media:group`` or a ``media:content``.

    ``texts`` are title, description, credit and copyright: as written, and the type that the feed gives (html, plain).
    """

    element: str
    attributes: dict[str, str] = field(default_factory=dict)
    base: str = ""
    inside: list[Holder] = field(default_factory=list)
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    thumbnails: list[dict[str, str]] = field(default_factory=list)
    license: tuple[str, str] = ("", "")

    def walk(self) -> Iterator[Holder]:
        """Itself and all within it."""
        yield self
        for holder in self.inside:
            yield from holder.walk()


class MediaRss:
    """To be put in front of a parser class of feedparser: its handlers are found by their names."""

    _holders: list[Holder] | None = None

    def _start_item(self: Any, attributes: dict[str, str]) -> None:
        super()._start_item(attributes)  # type: ignore[misc]
        self._holders = [Holder("item", base=self.baseuri)]
        self.entries[-1][KEY] = self._holders[0]

    _start_entry = _start_item

    def _start_media_group(self: Any, attributes: dict[str, str]) -> None:
        self._close("group")  # they do not nest: one without an end ends here
        self._open("group", attributes)

    def _end_media_group(self: Any) -> None:
        self._close("group")

    def _start_media_content(self: Any, attributes: dict[str, str]) -> None:
        self._close("content")
        self._open("content", attributes)

    def _end_media_content(self: Any) -> None:
        self._close("content")

    def _start_media_thumbnail(self: Any, attributes: dict[str, str]) -> None:
        if len(self._holder().thumbnails) < MOST:
            self._holder().thumbnails.append(attributes | {"base": self.baseuri})
        self.push("media_text", 1)

    def _end_media_thumbnail(self: Any) -> None:
        address = self.pop("media_text")
        if address and self._holder().thumbnails:
            self._holder().thumbnails[-1].setdefault("url", address)

    def _start_media_license(self: Any, attributes: dict[str, str]) -> None:
        self._holder().license = (attributes.get("href", ""), "")
        self.push("media_text", 1)

    def _end_media_license(self: Any) -> None:
        self._holder().license = (self._holder().license[0], self.pop("media_text") or "")

    def _begin_text(self: Any, attributes: dict[str, str]) -> None:
        self._media_type = attributes.get("type", "plain")
        self.push("media_text", 1)

    def _end_media_title(self: Any) -> None:
        self._keep("title")

    def _end_media_description(self: Any) -> None:
        self._keep("description")

    def _end_media_credit(self: Any) -> None:
        self._keep("credit")

    def _end_media_copyright(self: Any) -> None:
        self._keep("copyright")

    _start_media_title = _start_media_description = _start_media_credit = _start_media_copyright = _begin_text

    def _keep(self: Any, name: str) -> None:
        value = self.pop("media_text")
        if value:
            self._holder().texts.setdefault(name, (value, self._media_type))

    def _holder(self: Any) -> Holder:
        # outside of entries, where a feed describes itself, nothing is kept
        return self._holders[-1] if self._holders and self.inentry else Holder("feed")

    def _open(self: Any, element: str, attributes: dict[str, str]) -> None:
        holder = Holder(element, attributes, self.baseuri)
        if len(self._holder().inside) < MOST:
            self._holder().inside.append(holder)
        if self._holders and self.inentry:
            self._holders.append(holder)

    def _close(self: Any, element: str) -> None:
        if self._holders and any(holder.element == element for holder in self._holders):
            while self._holders.pop().element != element:
                pass
