"""What a source has to know of the requests before one; it travels with the request as text."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """How far a visit has come.

    ``root`` and ``feed`` are where the site answers, ``scope`` is the folder that posts must be in. ``author``,
    ``category`` and ``tag`` are numbers that were looked up. ``before`` names the posts of the page before, ``size`` is
    how many the first page of the feed had, ``taken`` whether a post was taken; ``wishes`` are opt-outs of the site.
    """

    step: str = ""
    root: str = ""
    home: str = ""
    feed: str = ""
    scope: str = ""
    author: str = ""
    category: str = ""
    tag: str = ""
    before: str = ""
    size: str = ""
    taken: str = ""
    wishes: str = ""

    @classmethod
    def of(cls, carry: str | None) -> Trail:
        """What a request carried; an empty one for text of anybody else's."""
        given = dict(parse_qsl(carry or ""))
        return cls(**{name: value for name, value in given.items() if name in cls.__dataclass_fields__})

    def __str__(self) -> str:
        return urlencode({name: value for name in self.__dataclass_fields__ if (value := getattr(self, name))})
