"""What a fresh post means for the one that is held: a table of cases, and laws."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.model import Attachment, DateOrigin, Lang, MediaKind, Post, Published, Reading, Segment, Split
from storage.changes import Change, Entry, content_hash, contradicts, decide, match

ROOT = Path(__file__).parents[2]
DAY = Published.on_day(date(2016, 12, 3), DateOrigin.API)
LATER = Published.on_day(date(2016, 12, 4), DateOrigin.API)


def entry(body: str = "Bonjour", /, *, mission: str | None = None, **stated: Any) -> Entry:
    post = Post(source_id="iss", native_id="1", **{"body": body, "published": DAY} | stated)
    segments = (Segment(lang=Lang.FR, text=body, start=0, end=len(body)),) if body else ()
    reading = Reading(split=Split(segments=segments), published=post.published, hashtags=post.hashtags, mission=mission)
    return post, reading


def picture(number: int, **stated: Any) -> Attachment:
    return Attachment(**{"url": f"https://media.example/{number}.jpg"} | stated)


CASES: list[tuple[str, Entry | None, Entry, Change, tuple[str, ...]]] = [
    ("a post not held is added", None, entry(), Change.ADDED, ()),
    ("the same again is unchanged", entry(), entry(), Change.UNCHANGED, ()),
    ("an edited body", entry(), entry("Bonsoir"), Change.UPDATED, ("body", "split")),
    ("a body that turns empty stays", entry(), entry(""), Change.UNCHANGED, ()),
    (
        "a beginning, cut off, of what is held whole changes nothing",
        entry("« Seize levers\nde Soleil par jour, et\n\nautant de couchers. »"),
        entry("« Seize levers de Soleil par jour, et […]"),
        Change.UNCHANGED,
        (),
    ),
    (
        "what is cut off and another text is an edit",
        entry("« Seize levers de Soleil par jour, et autant de couchers. »"),
        entry("Un texte tout à fait différent […]"),
        Change.UPDATED,
        ("body", "split"),
    ),
    (
        "a few words that people end so",
        entry("Bonjour à tous !"),
        entry("Bonjour […]"),
        Change.UPDATED,
        ("body", "split"),
    ),
    ("a title that comes", entry(), entry(title="Paris"), Change.UPDATED, ("title",)),
    ("a title that turns empty stays", entry(title="Paris"), entry(title=""), Change.UNCHANGED, ()),
    ("an author who is no more said stays", entry(author="T."), entry(), Change.UNCHANGED, ()),
    ("a licence that is no more said stays", entry(license="CC"), entry(), Change.UNCHANGED, ()),
    (
        "another licence without an address does not keep the old one's",
        entry(license="CC BY", license_url="https://by.example"),
        entry(license="All rights reserved"),
        Change.UPDATED,
        ("license", "license_url"),
    ),
    (
        "an author's address that is no more said stays with the author",
        entry(author="T.", author_url="https://t.example"),
        entry(author="T."),
        Change.UNCHANGED,
        (),
    ),
    ("a date that is no more said stays", entry(), entry(published=None), Change.UNCHANGED, ()),
    ("a date that changes", entry(), entry(published=LATER), Change.UPDATED, ("published",)),
    ("hashtags that vanish stay", entry(hashtags=("A",)), entry(), Change.UNCHANGED, ()),
    ("hashtags that change", entry(hashtags=("A",)), entry(hashtags=("B",)), Change.UPDATED, ("hashtags",)),
    ("a mission that is no more known stays", entry(mission="proxima"), entry(), Change.UNCHANGED, ()),
    ("a pin that is taken off", entry(pinned=True), entry(), Change.UPDATED, ("pinned",)),
    ("an opt-out that is withdrawn counts", entry(opt_outs=("noindex",)), entry(), Change.UPDATED, ("opt_outs",)),
    ("a warning that vanishes stays", entry(content_warning="flash"), entry(), Change.UNCHANGED, ()),
    (
        "an attachment that is taken away is a change",
        entry(attachments=(picture(1), picture(2))),
        entry(attachments=(picture(2),)),
        Change.UPDATED,
        ("attachments",),
    ),
    (
        "an alt text that vanishes stays",
        entry(attachments=(picture(1, alt="Paris"),)),
        entry(attachments=(picture(1),)),
        Change.UNCHANGED,
        (),
    ),
    (
        "an address that is no more given stays",
        entry(attachments=(picture(1, native_id="m1"),)),
        entry(attachments=(picture(1, native_id="m1", url=None),)),
        Change.UNCHANGED,
        (),
    ),
]


@pytest.mark.parametrize(("case", "stored", "fresh", "change", "why"), CASES, ids=[case[0] for case in CASES])
def test_decisions(case: str, stored: Entry | None, fresh: Entry, change: Change, why: tuple[str, ...]) -> None:
    """Each case of the table is decided as it says, and names the fields that differ."""
    decision = decide(stored, fresh)
    assert (decision.change, decision.why) == (change, why), case


def test_a_body_that_is_kept_keeps_its_split_and_credit(full_entry: Entry) -> None:
    """When a body or title turns empty, what was read in it stays with it, so that offsets stay true."""
    post, _ = full_entry
    emptied = (replace(post, body="", title=None, published=None), Reading())
    decision = decide(full_entry, emptied)
    assert decision.entry[1] == full_entry[1]
    assert decision.entry[0] == replace(post, published=post.published)


@pytest.mark.parametrize("name", [field.name for field in fields(Post) if field.name not in ("source_id", "native_id")])
def test_every_field_counts(full_entry: Entry, name: str) -> None:
    """Whichever field of a post comes anew, it is noticed, by the digest and by the decision."""
    post, reading = full_entry
    before = (replace(post, **{name: False if name == "pinned" else "" if name == "body" else None}), reading)
    if isinstance(getattr(post, name), tuple):
        before = (replace(post, **{name: ()}), reading)
    assert content_hash(before) != content_hash(full_entry)
    assert name in decide(before, full_entry).why


def _changed(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(member for member in type(value) if member is not value)
        case str():
            return value + "x"
        case int() | float():
            return value / 2
        case datetime() | date():
            return value.replace(year=1999)
        case tuple():
            return value[:-1]
    return None


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every field of every dataclass in ``value``."""
    found: list[tuple[Any, ...]] = []
    if dataclasses.is_dataclass(value):
        for field in fields(value):
            found += [(*at, field.name), *_paths(getattr(value, field.name), (*at, field.name))]
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            found += _paths(item, (*at, index))
    return found


def _with(value: Any, path: tuple[Any, ...]) -> Any:
    """``value`` with another value at the end of ``path``, past every check of its class."""
    if not path:
        return _changed(value)
    step, rest = path[0], path[1:]
    if isinstance(value, tuple):
        return tuple(_with(item, rest) if index == step else item for index, item in enumerate(value))
    copy = object.__new__(type(value))
    for field in fields(value):
        held = getattr(value, field.name)
        object.__setattr__(copy, field.name, _with(held, rest) if field.name == step else held)
    return copy


def test_the_digest_sees_every_field(full_entry: Entry) -> None:
    """A digest differs when any field anywhere in a post or its reading does; only a segment's text is the body's."""
    paths = [path for path in _paths(full_entry) if path[-1] != "text" or "segments" not in path]
    assert len(paths) > 60
    missed = [path for path in paths if content_hash(_with(full_entry, path)) == content_hash(full_entry)]
    assert missed == []


def test_the_digest_is_the_same_in_every_process() -> None:
    """No process-wide randomness goes into a digest."""
    script = (
        "from scraper.model import Post, Reading; from storage.changes import content_hash\n"
        "print(content_hash((Post(source_id='iss', native_id='1', hashtags=('a', 'b')), Reading())))"
    )
    own = content_hash((Post(source_id="iss", native_id="1", hashtags=("a", "b")), Reading()))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == own


MATCHES: list[tuple[str, tuple[Attachment, ...], tuple[Attachment, ...], list[int | None]]] = [
    ("the same in the same order", (picture(1), picture(2)), (picture(1), picture(2)), [0, 1]),
    ("the order is free", (picture(1), picture(2)), (picture(2), picture(1)), [1, 0]),
    ("one in front is new", (picture(1),), (picture(0), picture(1)), [None, 0]),
    ("the same address twice is two", (picture(1),), (picture(1), picture(1)), [0, None]),
    (
        "a new address under the same id is the same",
        (picture(1, native_id="m"),),
        (picture(9, native_id="m"),),
        [0],
    ),
    (
        "a new address with another size is another medium",
        (picture(1, native_id="m", width=100),),
        (picture(9, native_id="m", width=200),),
        [None],
    ),
    (
        "a size that becomes known is none",
        (picture(1, native_id="m"),),
        (picture(9, native_id="m", width=200),),
        [0],
    ),
    ("a new address without an id is new", (picture(1),), (picture(9),), [None]),
    ("an id that comes", (picture(1),), (picture(1, native_id="m"),), [0]),
    ("an id that goes", (picture(1, native_id="m"),), (picture(1),), [0]),
    ("another id at the same address", (picture(1, native_id="m"),), (picture(1, native_id="n"),), [None]),
    ("a file that is made at last", (Attachment(url=None),), (picture(1),), [0]),
    ("a file that is not made twice", (picture(1), Attachment(url=None)), (picture(1), picture(2)), [0, 1]),
]


@pytest.mark.parametrize(("case", "stored", "fresh", "expected"), MATCHES, ids=[case[0] for case in MATCHES])
def test_matches(
    case: str, stored: tuple[Attachment, ...], fresh: tuple[Attachment, ...], expected: list[int | None]
) -> None:
    """Each case of the table is matched as it says."""
    assert match(stored, fresh) == expected, case


words = st.sampled_from(["", "Bonjour", "Bonsoir", "Paris"])
maybe = st.none() | words
attachments = st.builds(
    Attachment,
    url=st.none() | st.sampled_from(["https://m.example/1", "https://m.example/2", "https://m.example/3"]),
    native_id=st.none() | st.sampled_from(["a", "b"]),
    kind=st.sampled_from(MediaKind),
    alt=maybe,
    width=st.none() | st.integers(1, 3),
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    body = draw(words)
    return entry(
        body,
        title=draw(maybe),
        author=draw(maybe),
        published=draw(st.sampled_from([None, DAY, LATER])),
        edited_at=draw(st.none() | st.just(datetime(2016, 12, 4, tzinfo=UTC))),
        attachments=tuple(draw(st.lists(attachments, max_size=4, unique_by=lambda item: item.key))),
        hashtags=tuple(draw(st.lists(st.sampled_from("ABC"), unique=True, max_size=2))),
        pinned=draw(st.booleans()),
        opt_outs=tuple(draw(st.lists(st.just("noindex"), max_size=1))),
    )


@given(entries(), entries())
def test_deciding_again_changes_nothing(stored: Entry, fresh: Entry) -> None:
    """What a decision makes is stable: the same fresh post against it is unchanged (attachments told apart by key)."""
    made = decide(stored, fresh).entry
    assert decide(made, fresh).change is Change.UNCHANGED
    assert decide(made, made).change is Change.UNCHANGED


@given(entries(), entries())
def test_nothing_good_is_erased(stored: Entry, fresh: Entry) -> None:
    """No field that said something is empty afterwards, but for those that are exempt."""
    made = decide(stored, fresh).entry[0]
    for field in fields(Post):
        if field.name not in ("attachments", "opt_outs", "pinned") and getattr(stored[0], field.name):
            assert getattr(made, field.name), field.name


@given(entries(), entries())
def test_the_reading_fits_the_post(stored: Entry, fresh: Entry) -> None:
    """The split that is kept is of the body that is kept, and all that came freshly is there."""
    post, reading = decide(stored, fresh).entry
    assert reading.split.body == post.body
    for field in fields(Post):
        if field.name != "attachments" and getattr(fresh[0], field.name):
            assert getattr(post, field.name) == getattr(fresh[0], field.name)


@given(st.lists(attachments, max_size=6), st.lists(attachments, max_size=6))
def test_a_match_is_one_to_one(stored: list[Attachment], fresh: list[Attachment]) -> None:
    """No stored attachment is given to two fresh ones, and a list matches itself wholly."""
    pairs = match(stored, fresh)
    taken = [at for at in pairs if at is not None]
    assert len(pairs) == len(fresh)
    assert len(taken) == len(set(taken))
    assert sorted(at for at in match(fresh, fresh) if at is not None) == list(range(len(fresh)))


def test_a_gallery_of_thousands_is_matched(entry_of: Callable[..., Entry]) -> None:
    """A hostile post with very many attachments is matched like any other."""
    many = [picture(number % 7) for number in range(20_000)]
    assert match(many, many[1:]).count(None) == 0


EARLY, LATE = datetime(2017, 1, 1, tzinfo=UTC), datetime(2017, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("held", "came", "first", "again"),
    [
        (None, None, False, True),
        (EARLY, EARLY, False, True),
        (EARLY, LATE, False, False),
        (None, LATE, False, False),
        (LATE, EARLY, True, True),
        (LATE, None, False, True),
    ],
    ids=["no edits", "the same edit", "a newer edit", "a first edit", "an older edit", "an edit that is not told"],
)
def test_which_of_two_statements_counts(held: datetime | None, came: datetime | None, first: bool, again: bool) -> None:
    """The newer edit, else what the run saw first; an older edit never replaces a newer one."""
    stored, fresh = (Post(source_id="iss", native_id="1", edited_at=at) for at in (held, came))
    assert contradicts(stored, fresh, seen_before=False) is first
    assert contradicts(stored, fresh, seen_before=True) is again
