"""Two dossiers of one post make one, whichever is asked first, and nothing new comes of asking again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scraper.capture import Access
from scraper.model import Asset, Attachment, Lang, MediaState, Post, Reading, Segment, Split
from storage.changes import Entry, content_hash
from storage.states import Act, Why
from storage.transfer.dossier import Absence, Answer, Decided, Dossier, Medium, Past
from storage.transfer.uniting import unite

START = datetime(2016, 12, 3, 12, tzinfo=UTC)
MOMENTS = [START + timedelta(hours=hour) for hour in range(6)]

moments = st.sampled_from(MOMENTS)


@st.composite
def entries(draw: Callable[..., Any]) -> Entry:
    """A post as one of a few statements, some with gaps; synthetic."""
    body = draw(st.sampled_from(["", "Bonjour", "Bonsoir"]))
    segments = (Segment(lang=Lang.FR, text=body, start=0, end=len(body)),) if body else ()
    places = draw(st.lists(st.integers(0, 2), unique=True, max_size=2))
    attachments = tuple(
        Attachment(
            url=f"https://media.example/{place}-{draw(st.integers(0, 1))}.jpg",
            native_id=draw(st.sampled_from([None, f"m{place}"])),
            alt=draw(st.sampled_from([None, "Paris"])),
            width=draw(st.sampled_from([None, 640, 800])),
        )
        for place in places
    )
    if len({item.key for item in attachments}) != len(attachments):
        attachments = attachments[:1]
    post = Post(
        source_id="iss",
        native_id="1",
        body=body,
        title=draw(st.sampled_from([None, "Paris"])),
        attachments=attachments,
    )
    return post, Reading(split=Split(segments=segments, confidence=draw(st.sampled_from([1.0, 0.5]))))


@st.composite
def media(draw: Callable[..., Any], entry: Entry) -> tuple[Medium, ...]:
    """The attachments of a post, some held, and one that it had before."""
    made = []
    shown = entry[0].attachments
    before = Attachment(url="https://media.example/before.jpg")
    for position, item in enumerate((*shown, *([before] if draw(st.booleans()) else []))):
        asset = draw(st.sampled_from([None, "a" * 64, "b" * 64]))
        state = MediaState.STORED if asset else draw(st.sampled_from([MediaState.PENDING, MediaState.GONE]))
        made.append(
            Medium(
                item=item,
                place=(item.key, 0),
                position=position if item is not before else 0,
                state=state,
                reason="it is gone" if state is MediaState.GONE else None,
                attempts=draw(st.integers(0, 1)),
                next_attempt_at=None,
                asset=Asset(sha256=asset, media_type="image/jpeg", extension="jpg", size=1, width=1, height=1)
                if asset
                else None,
                asset_since=draw(moments) if asset else None,
                fetched_url=None,
                first_seen_at=draw(moments),
                removed_at=None if item is not before else draw(moments),
                answer=None,
            )
        )
    return tuple(made)


def past(entry: Entry, since: datetime, until: datetime) -> Past:
    """An earlier state, without what was held."""
    return Past(
        entry=(replace(entry[0], attachments=()), entry[1]),
        media=(),
        why=Why.EDITED,
        fields=("body",),
        changed_at=since,
        replaced_at=until,
        answer=None,
    )


@st.composite
def decisions(draw: Callable[..., Any]) -> tuple[Decided, ...]:
    """What two curators may have said, in the order of their times; some of it taken back."""
    made = []
    for at in sorted(draw(st.lists(st.integers(0, 5), unique=True, max_size=3))):
        who = draw(st.sampled_from(["ana", "bo"]))
        undone = (who, MOMENTS[5], 1) if draw(st.booleans()) else None
        made.append(
            Decided(
                batch=(who, MOMENTS[at], 0),
                kind=Act.RATING,
                field=None,
                value=at,  # one person says one thing at one moment
                medium=None,
                undone=undone,
            )
        )
    return tuple(made)


@st.composite
def dossiers(draw: Callable[..., Any]) -> Dossier:
    """All that an archive may hold of one and the same post; synthetic."""
    entry = draw(entries())
    first, changed = sorted((draw(moments), draw(moments)))
    fetched = draw(moments)
    absences = tuple(
        Absence(gone_at=MOMENTS[at], back_at=draw(st.sampled_from([None, MOMENTS[5] + timedelta(hours=1)])))
        for at in sorted(draw(st.sets(st.integers(3, 5), max_size=1)))
    )
    answer = Answer(
        requested_url="https://social.example/api",
        url="https://social.example/api",
        access=Access.API,
        carry=None,
        status=200,
        headers=(),
        fetched_at=fetched,
        sha256=None,
        size=None,
    )
    return Dossier(
        entry=entry,
        content_hash=content_hash(entry),
        changed_at=changed,
        answer=draw(st.sampled_from([None, answer])),
        first_seen_at=first,
        gone_at=absences[-1].gone_at if absences and absences[-1].back_at is None else None,
        back_at=None,
        media=draw(media(entry)),
        revisions=(past(draw(entries()), first, changed),) if draw(st.booleans()) else (),
        absences=absences,
        decisions=draw(decisions()),
    )


@given(dossiers(), dossiers())
def test_it_does_not_matter_which_is_asked_first(one: Dossier, other: Dossier) -> None:
    """Bringing A into B and B into A come to the same."""
    assert unite(one, other) == unite(other, one)


@given(dossiers(), dossiers())
def test_what_was_united_once_stays(one: Dossier, other: Dossier) -> None:
    """What either holds adds nothing to both."""
    both = unite(one, other)
    assert unite(both, one) == both
    assert unite(both, other) == both
    assert unite(both, both) == both


@given(dossiers(), dossiers(), dossiers())
def test_three_come_together_in_any_order(one: Dossier, two: Dossier, three: Dossier) -> None:
    """Decisions, absences, first sight and the time of the newest statement are the same in whatever order."""
    left, right = unite(unite(one, two), three), unite(one, unite(two, three))
    assert left.decisions == right.decisions
    assert left.first_seen_at == right.first_seen_at
    assert left.changed_at == right.changed_at
    assert [gap.gone_at for gap in left.absences] == [gap.gone_at for gap in right.absences]
