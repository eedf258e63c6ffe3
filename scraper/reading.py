"""All that a post's own text says, read once: its split, credit line, date, hashtags and mission.

Pure: a post and the configured missions in, a `Reading` out; the archive keeps it, and may read again any time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from scraper.feeds.licences import licence_of
from scraper.model import CreditLine, DateOrigin, Mission, Post, Published, Reading
from scraper.text.captions import split
from scraper.text.credit import best_credit, find_credits
from scraper.text.days import resolve_day
from scraper.text.hashtags import find_hashtags, once_each
from scraper.text.licences import license_in, license_link_at


def read(post: Post, missions: Sequence[Mission], default_mission: str | None) -> Reading:
    """What ``post`` says of itself.

    Args:
        post: as its source states it.
        missions: the configured ones; where two fit equally well the first is taken.
        default_mission: the id that the source is configured with; used when nothing else tells.

    Returns:
        The split of body and title; the credit line of the body, else of the title, else the one stated beside the
        text; the post's own date, else the credit line's (day precision, origin ``CAPTION``, the mission's days
        deciding between 3 December and 12 March); hashtags in the written case; the mission.
    """
    credit = _credit(post)
    hashtags = once_each(find_hashtags(post.body), post.hashtags)
    mission = (
        _by_name(credit, missions)
        or _by_hashtag(hashtags, missions)
        or _by_date(post, credit, missions)
        or next((m for m in missions if m.id == default_mission), None)
    )
    published = post.published
    if published is None and (day := resolve_day(credit, mission)) is not None:
        published = Published.on_day(day, DateOrigin.CAPTION)
    return Reading(
        split=split(post.body),
        title_split=split(post.title) if post.title else None,
        credit=credit,
        mission=mission.id if mission else default_mission,
        published=published,
        hashtags=hashtags,
    )


def licensed(post: Post) -> Post:
    """``post`` with the licence that one of its credit lines states, where its source states none.

    In the line's own words, with an address of Creative Commons that stands behind them; never inferred from whom the
    line names.
    """
    if post.license or post.license_url:
        return post
    for text in (post.body, post.title or "", post.credit or ""):
        for line in find_credits(text):
            stated = license_in(line.text) or "", license_link_at(text, line.start + len(line.text)) or ""
            if any(stated):
                name, address = licence_of(*stated)
                return replace(post, license=name, license_url=address or None)
    return post


def _credit(post: Post) -> CreditLine | None:
    texts = (text for text in (post.body, post.title, post.credit) if text)
    return next((found for text in texts if (found := best_credit(find_credits(text)))), None)


def _by_name(credit: CreditLine | None, missions: Sequence[Mission]) -> Mission | None:
    """The mission that the credit line names: «Proxima mission image»."""
    if credit is None or not credit.mission:
        return None
    name = _plain(credit.mission)
    return next((m for m in missions if name in (_plain(m.name), _plain(m.id))), None)


def _by_hashtag(hashtags: Sequence[str], missions: Sequence[Mission]) -> Mission | None:
    """The mission of the first hashtag that is a mission's."""
    of_tag = {_plain(tag.lstrip("#")): m for m in reversed(missions) for tag in reversed(m.hashtags)}
    return next((of_tag[tag] for tag in map(_plain, hashtags) if tag in of_tag), None)


def _by_date(post: Post, credit: CreditLine | None, missions: Sequence[Mission]) -> Mission | None:
    """The mission within whose days the post falls, of those whose people include its author."""
    people = [_plain(name) for name in (post.author, credit.person if credit else None) if name]
    for day in _days(post, credit):
        for mission in missions:
            bounded = mission.start is not None or mission.end is not None
            if bounded and mission.covers(day) and any(_is_one_of(name, mission) for name in people):
                return mission
    return None


def _days(post: Post, credit: CreditLine | None) -> Iterator[date]:
    """The days that the post may be of, the likeliest first."""
    if post.published is not None:
        yield post.published.at.date()
    elif credit is not None:
        yield from (day for day in (credit.day, credit.other_reading) if day is not None)


def _is_one_of(name: str, mission: Mission) -> bool:
    """Whether ``name`` is a person of ``mission``: «thomas pesquet», «t pesquet», «thomas pesquet esa»."""
    for person in map(_plain, mission.people):
        given, _, family = person.rpartition(" ")
        if f" {person} " in f" {name} " or (given and name == f"{given[0]} {family}"):
            return True
    return False


def _plain(text: str) -> str:
    """``text`` for comparing names: no case, accents, punctuation or emoji."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(kept.split())
