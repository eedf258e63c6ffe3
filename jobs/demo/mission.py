"""The demo mission: read from its data, with what an archive of it must end with; serves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import yaml

from jobs.demo.content import Account, Edition, Fault, GalleryPage, GalleryPicture, Medium, Status, Stranger
from jobs.demo.pictures import Drawing
from scraper.model import MediaState, Mission

GALLERY_SOURCE, TIMELINE_SOURCE = "aurore-gallery", "aurore-mastodon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An attachment that will not be stored: the post's key, its place in the post, the state it ends in and why."""

    key: str
    position: int
    state: MediaState
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMission:
    """All that the demo's site publishes, and the editions that follow, one after the other."""

    mission: Mission
    account: Account
    page: GalleryPage
    gallery: tuple[GalleryPicture, ...]
    timeline: tuple[Status, ...]
    editions: tuple[Edition, ...] = ()

    def status(self, name: str) -> Status:
        """The status that the data calls ``name``."""
        return next(status for status in self.timeline if status.name == name)

    @property
    def expected_keys(self) -> frozenset[str]:
        """The keys of all posts that an archive of both sources ends with."""
        ids = (self.page.native_id, *(picture.id for picture in self.gallery))
        gallery = {f"{GALLERY_SOURCE}:{given}" for given in ids}
        return frozenset(gallery | {f"{TIMELINE_SOURCE}:{s.id}" for s in self.timeline if not s.by_others})

    @property
    def planned_failures(self) -> tuple[Planned, ...]:
        """The attachments that fail and stay failed: what the demo compares its outcome with."""
        return self._planned(MediaState.FAILED, lambda m: m.fault is Fault.TRUNCATED, "the file is cut short")

    @property
    def planned_skips(self) -> tuple[Planned, ...]:
        """The attachments that are not taken at all."""
        return self._planned(MediaState.SKIPPED, lambda m: m.video, "it is a video")

    def _planned(self, state: MediaState, chosen: Callable[[Medium], bool], why: str) -> tuple[Planned, ...]:
        posts: list[tuple[str, str, tuple[Medium, ...]]]
        posts = [(GALLERY_SOURCE, picture.id, (picture.medium,)) for picture in self.gallery]
        posts += [(TIMELINE_SOURCE, status.id, status.media) for status in self.timeline if not status.by_others]
        return tuple(
            Planned(key=f"{source}:{native_id}", position=position, state=state, why=why)
            for source, native_id, media in posts
            for position, medium in enumerate(media)
            if chosen(medium)
        )


def snowflake(at: datetime) -> str:
    """A status id as Mastodon makes them: milliseconds since 1970 and 16 bits, here zero."""
    return str(round(at.timestamp() * 1000) << 16)


def load() -> DemoMission:
    """The mission as written in ``posts.yaml``, which comes with the package."""
    text = files("jobs.demo").joinpath("posts.yaml").read_text(encoding="utf-8")
    given = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    who, page = given["account"], given["page"]
    account = Account(
        id=snowflake(_noon(who["created"])),
        username=who["username"],
        display_name=who["display_name"],
        note=who["note"],
        created=who["created"],
    )
    ids = {one["name"]: snowflake(one["at"]) for one in given["timeline"]}
    timeline = {one["name"]: _status(one, ids) for one in given["timeline"]}
    return DemoMission(
        mission=_mission(given["mission"]),
        account=account,
        page=GalleryPage(
            id=page["id"],
            name=page["name"],
            address=page["address"],
            title=page["title"],
            day=page["date"],
            introduction=tuple(page["introduction"]),
            metadata=tuple(page["metadata"].items()),
            medium=_medium({**page["picture"], "alt": page["alt"]}, _noon(page["date"])),
        ),
        gallery=tuple(
            GalleryPicture(
                id=one["id"],
                name=one["name"],
                taken=one["taken"],
                caption=one["caption"],
                medium=_medium(one["picture"], _noon(one["taken"])),
            )
            for one in given["gallery"]
        ),
        timeline=tuple(timeline.values()),
        editions=tuple(_edition(one, timeline) for one in given["editions"]),
    )


def _mission(given: dict[str, Any]) -> Mission:
    lists = {key: tuple(given[key]) for key in ("people", "hashtags")}
    return Mission(**{**given, **lists})


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def _medium(given: dict[str, Any], at: datetime, *, video: bool = False) -> Medium:
    size = tuple(given.get("size", (640, 427)))
    taken = at if given.get("exif") else None
    return Medium(
        drawing=Drawing(scene=given["scene"], seed=given["seed"], size=size, taken=taken),
        alt=given.get("alt") or None,
        video=video,
        fault=Fault(given["fault"]) if "fault" in given else None,
    )


def _status(given: dict[str, Any], ids: dict[str, str]) -> Status:
    at: datetime = given["at"]
    media = [_medium(one, at) for one in given.get("pictures", ())]
    if "video" in given:
        media.append(_medium(given["video"], at, video=True))
    other, boost = given.get("reply_to_other"), given.get("boost")
    status = Status(
        id=ids[given["name"]],
        name=given["name"],
        at=at,
        text=given.get("before", given.get("text", "")),
        language=given.get("language"),
        media=tuple(media),
        warning=given.get("warning", ""),
        pinned=given.get("pinned", False),
        in_reply_to=other["id"] if other else ids.get(given.get("reply_to", "")),
        answered=Stranger(id=other["account"], username=other["username"]) if other else None,
        boosted=_boosted(boost) if boost else None,
        boosted_author=Stranger(
            id=boost["account"], username=boost["username"], display_name=boost["display_name"], host=boost["host"]
        )
        if boost
        else None,
    )
    return status.edited(given["text"], given["edited"]) if "edited" in given else status


def _edition(given: dict[str, Any], timeline: dict[str, Status]) -> Edition:
    return Edition(
        tells=given["tells"],
        edited=tuple(timeline[one["name"]].edited(one["text"], one["edited"]) for one in given.get("edit", ())),
        deleted=tuple(timeline[name].id for name in given.get("delete", ())),
        restored=tuple(timeline[name].id for name in given.get("restore", ())),
    )


def _boosted(boost: dict[str, Any]) -> Status:
    media = (_medium(boost["picture"], boost["at"]),)
    return Status(id=boost["id"], name="boosted", at=boost["at"], text=boost["text"], language="fr", media=media)


def config_text(base_url: str, folder: str = ".") -> str:
    """The ``config.yaml`` of the demo's archive.

    Args:
        base_url: where the site is now, such as ``http://127.0.0.1:24080``; keys and ids do not depend on it.
        folder: the archive's folder, from the folder of the file.
    """
    demo = load()
    mission, place = demo.mission, urlsplit(base_url).netloc
    return f"""\
# The archive of Cupola's demo mission, written by `cupola demo`. Everything in it is invented.
# The site is gone when the command has ended; the archive is there to be asked, for example, in this folder:
#   cupola query
archive:
  folder: {folder}
http:
  contact: demo@example.org
  rate: none            # a site of one's own; never so for somebody else's
  allow_hosts: ["{place}"]
missions:
  {mission.id}:
    name: {mission.name}
    people: [{", ".join(mission.people)}]
    start: {mission.start}
    end: {mission.end}
    hashtags: [{", ".join(mission.hashtags)}]
sources:
  - id: {GALLERY_SOURCE}
    kind: esa_gallery
    mission: {mission.id}
    url: "{base_url}{demo.page.address}"
  - id: {TIMELINE_SOURCE}
    kind: mastodon
    mission: {mission.id}
    url: "{base_url}/@{demo.account.username}"
"""
