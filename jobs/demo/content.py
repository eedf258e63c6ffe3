"""What the demo mission publishes, as values: a gallery's pictures, an account's statuses, and their planned faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from jobs.demo.pictures import Drawing


class Fault(StrEnum):
    """What the site does wrong with a picture, on purpose and for ever."""

    #: every size of the file ends too early: the picture cannot be had
    TRUNCATED = "truncated"
    #: the large file answers 404; the reduced one is there
    MISSING = "missing"
    #: the large file answers 200 with an HTML page; the reduced one is there
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A picture, or a video of which only the poster is drawn; ``alt`` is None where the author wrote none."""

    drawing: Drawing
    alt: str | None = None
    video: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPage:
    """The page that holds the gallery: a post itself; ``id`` is its content-object id, as in its cover's path."""

    id: str
    name: str
    address: str
    title: str
    day: date
    introduction: tuple[str, ...]
    metadata: tuple[tuple[str, str], ...]
    medium: Medium

    @property
    def native_id(self) -> str:
        """What a page is known by: its path."""
        return self.address.removeprefix("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPicture:
    """One picture of the gallery; ``id`` is the content-object id in its path, ``caption`` has a line a paragraph."""

    id: str
    name: str
    taken: date
    caption: str
    medium: Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Somebody else: the author of a boosted post, or the one who is answered; ``host`` None is the demo's own."""

    id: str
    username: str
    display_name: str = ""
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One post of the timeline, in plain text; the site writes it as Mastodon would.

    ``id`` is a snowflake made of ``at``. ``in_reply_to`` is a status id and ``answered`` its author, None where the
    author goes on from her own post. ``before`` is what it was before it was edited last. A boost has no text of its
    own but another ``Status`` by ``booster_of``.
    """

    id: str
    name: str
    at: datetime
    text: str = ""
    language: str | None = None
    media: tuple[Medium, ...] = ()
    warning: str = ""
    edited_at: datetime | None = None
    pinned: bool = False
    in_reply_to: str | None = None
    answered: Stranger | None = None
    before: Status | None = None
    boosted: Status | None = None
    boosted_author: Stranger | None = None

    @property
    def editions(self) -> tuple[Status, ...]:
        """All that it ever was, oldest first, and as it is now."""
        return (*(self.before.editions if self.before else ()), self)

    def edited(self, text: str, at: datetime) -> Status:
        """It with a new text since ``at`` (aware UTC), and with what it is now in its history."""
        return replace(self, text=text, edited_at=at, before=self)

    @property
    def by_others(self) -> bool:
        """Whether it is a boost or a reply to somebody else: left out of an archive by default."""
        return self.boosted is not None or self.answered is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What becomes of the timeline when some time has passed; statuses by their ids.

    ``tells`` says it in a sentence. An edit is the status with its new text and the time of the edit.
    """

    tells: str
    edited: tuple[Status, ...] = ()
    deleted: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of the timeline."""

    id: str
    username: str
    display_name: str
    note: str
    created: date
