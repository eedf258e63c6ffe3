"""Two dossiers of one post become one: pure, and the same whichever of the two is asked first.

The newer statement is the post's state and the older one a revision, by ``storage.changes.decide``, as if both had
been seen by one archive: what turned empty does not erase. Of one statement the later time counts, so that three
archives come to the same state in any order. What is not so order-free: three archives that fill the same gap of the
newest statement with different things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from scraper.model import Attachment, MediaState
from storage.changes import Change, Decision, content_hash, decide, match
from storage.columns import safe
from storage.states import Why
from storage.transfer.dossier import Absence, Answer, Batch, Decided, Dossier, Medium, Past, Place

#: of two that tell of one medium, what is further
_FAR = {
    state: far
    for far, state in enumerate(
        (MediaState.PENDING, MediaState.FAILED, MediaState.SKIPPED, MediaState.GONE, MediaState.STORED)
    )
}


def unite(one: Dossier, other: Dossier) -> Dossier:
    """All that two archives hold of one post.

    Raises:
        ValueError: they are of two posts.
    """
    if one.key != other.key:
        raise ValueError(f"{one.key} and {other.key} are two posts")
    if one == other:
        return one
    older, newer, decision = _ordered(one, other)
    last = (newer,) if older.changed_at < newer.changed_at else (older, newer)
    media, moved = _media(older, newer, decision.entry[0].attachments)
    past = [*one.revisions, *other.revisions]
    if decision.change is Change.UPDATED and not decision.is_slight:
        past.append(_past(older, newer, decision))
    absences = _absences([*_gaps(one), *_gaps(other)], [*_sights(one), *_sights(other)])
    return Dossier(
        entry=decision.entry,
        content_hash=max(item.content_hash for item in last),
        changed_at=newer.changed_at,
        answer=max((item.answer for item in last), key=_rank),
        first_seen_at=min(one.first_seen_at, other.first_seen_at),
        gone_at=max((gap.gone_at for gap in absences if gap.back_at is None), default=None),
        back_at=max(
            (at for at in (one.back_at, other.back_at, *(gap.back_at for gap in absences)) if at), default=None
        ),
        media=media,
        revisions=_revisions(past),
        absences=absences,
        decisions=_decisions(_renamed(older.decisions, moved), _renamed(newer.decisions, {})),
    )


def _ordered(one: Dossier, other: Dossier) -> tuple[Dossier, Dossier, Decision]:
    """The older and the newer of two, and what the two make together."""
    older, newer = sorted(
        (one, other), key=lambda item: (item.changed_at, content_hash(item.entry), _rank(item.answer))
    )
    decision = decide(older.entry, newer.entry)
    if older.changed_at == newer.changed_at and decision.change is Change.UPDATED:
        # where one is the other with gaps filled, the fuller one is what both have come to
        turned = decide(newer.entry, older.entry)
        if turned.change is Change.UNCHANGED:
            return newer, older, turned
        # of one moment: neither came after the other, so that none has gaps to fill
        decision = replace(decision, entry=newer.entry)
    return older, newer, decision


def _past(older: Dossier, newer: Dossier, decision: Decision) -> Past:
    present = [item for item in older.media if item.removed_at is None]
    return Past(
        entry=older.entry,
        media=tuple([_once(item) for item in present]),
        why=Why.EDITED if decision.is_edited else Why.READ_ANEW,
        fields=decision.why,
        changed_at=older.changed_at,
        replaced_at=newer.changed_at,
        answer=older.answer,
    )


def _once(medium: Medium) -> dict[str, Any]:
    """An attachment as ``revisions`` has it."""
    item = medium.item
    return {
        "url": item.url,
        "kind": item.kind.value,
        "alternatives": item.alternatives,
        "native_id": item.native_id,
        "alt": item.alt,
        "media_type": item.media_type,
        "width": item.width,
        "height": item.height,
        "size": item.size,
        "credit": item.credit,
        "position": medium.position,
        "state": medium.state.value,
        "sha256": medium.asset and medium.asset.sha256,
        "fetched_url": medium.fetched_url,
    }


def _media(
    older: Dossier, newer: Dossier, shown: Sequence[Attachment]
) -> tuple[tuple[Medium, ...], dict[Place, Place]]:
    """The attachments of both, and what those of the older are called now."""
    mine, theirs = list(_present(newer)), list(_present(older))
    away = {item.place: item for item in newer.media if item.removed_at is not None}
    moved: dict[Place, Place] = {}
    pairs = match([item.item for item in theirs], [item.item for item in mine])
    rest = {item.place: item for item in older.media}
    taken = set(away)
    present: list[Medium] = []
    for position, (at, item, stated) in enumerate(zip(pairs, mine, shown, strict=True)):
        key, place = safe(stated.key), item.place
        if place[0] != key or place in taken:
            place = _free(key, taken | {other.place for other in mine})
        joined = item
        if at is not None:
            joined = _further(item, theirs[at])
            moved[theirs[at].place] = place
            rest.pop(theirs[at].place)
        taken.add(place)
        present.append(replace(joined, item=stated, place=place, position=position, removed_at=None))
    by_place = {item.place: at for at, item in enumerate(present)}
    for item in rest.values():
        place = item.place
        if place in by_place and _is_same(present[by_place[place]], item):
            at = by_place[place]
            present[at] = replace(_further(present[at], item), removed_at=None)
            continue
        place = next(
            (there for there in (place, *sorted(away)) if there in away and _is_same(away[there], item)), place
        )
        if place in away and _is_same(away[place], item):
            here = away[place]
            since = [at for at in (here.removed_at, item.removed_at) if at is not None]
            away[place] = replace(_further(here, item), removed_at=min(since))
        else:
            # the same key, and yet another medium: see ``storage.changes.match``
            place = _free(place[0], {*away, *by_place}) if place in away or place in by_place else place
            away[place] = replace(item, place=place, removed_at=item.removed_at or newer.changed_at)
        moved[item.place] = place
    gone = sorted(away.values(), key=lambda item: (item.position, item.place))
    return (*present, *gone), moved


def _present(dossier: Dossier) -> Iterable[Medium]:
    return (item for item in dossier.media if item.removed_at is None)


def _is_same(one: Medium, other: Medium) -> bool:
    return one.place[0] == other.place[0] and match([one.item], [other.item]) == [0]


def _free(key: str, taken: set[Place]) -> Place:
    occurrence = 0
    while (key, occurrence) in taken:
        occurrence += 1
    return key, occurrence


def _further(one: Medium, other: Medium) -> Medium:
    """What is known of one medium by two: of the two the one that is further, first seen when it was."""
    far = max(one, other, key=_distance)
    first = min(one.first_seen_at, other.first_seen_at)
    near = other if far is one else one
    if far.asset is not None and near.asset is not None and far.asset.sha256 == near.asset.sha256:
        known = [at for at in (far.asset_since, near.asset_since) if at is not None]
        far = replace(far, asset_since=min(known, default=None))
    return replace(far, place=one.place, position=one.position, item=one.item, first_seen_at=first)


def _distance(item: Medium) -> tuple[Any, ...]:
    """What is further is greater, of two that are held what was fetched last; the rest makes the order one of all."""
    rest = item.next_attempt_at.isoformat() if item.next_attempt_at else ""
    return (
        *(_FAR[item.state], _rank(item.answer), item.asset.sha256 if item.asset else "", item.attempts, rest),
        *(item.reason or "", item.fetched_url or ""),
    )


def _rank(answer: Answer | None) -> tuple[Any, ...]:
    return () if answer is None else (answer.fetched_at.isoformat(), answer.requested_url, repr(answer))


def _revisions(past: Iterable[Past]) -> tuple[Past, ...]:
    """Earlier states in order; one that both had seen, at times that overlap, is one."""
    kept: list[Past] = []
    for item in sorted(
        past, key=lambda item: (item.changed_at, item.replaced_at, content_hash(item.entry), _seen(item))
    ):
        for at in range(len(kept) - 1, -1, -1):
            there = kept[at]
            if _same(there, item) and item.changed_at <= there.replaced_at and there.changed_at <= item.replaced_at:
                last = max(there, item, key=lambda part: (part.replaced_at, _seen(part)))
                kept[at] = replace(
                    last,
                    changed_at=min(there.changed_at, item.changed_at),
                    media=max(there.media, item.media, key=_held),
                )
                break
        else:
            kept.append(item)
    return tuple(
        sorted(kept, key=lambda item: (item.replaced_at, item.changed_at, content_hash(item.entry), _seen(item)))
    )


def _same(one: Past, other: Past) -> bool:
    return one.entry == other.entry and (one.why is Why.TOLD) == (other.why is Why.TOLD)


def _seen(item: Past) -> tuple[Any, ...]:
    return item.why.value, item.fields, _held(item.media), _rank(item.answer)


def _held(media: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple([(item["sha256"] or "", item["state"], item["fetched_url"] or "") for item in media])


def _gaps(dossier: Dossier) -> Iterable[Absence]:
    """When a post was gone, told by the times or by the post itself alone."""
    yield from dossier.absences
    if dossier.gone_at is not None and all(gap.gone_at != dossier.gone_at for gap in dossier.absences):
        yield Absence(gone_at=dossier.gone_at, back_at=None)


def _sights(dossier: Dossier) -> Iterable[datetime]:
    """When a post was surely at its source. When its state changed is none: it may have been read anew since."""
    yield dossier.first_seen_at
    if dossier.answer is not None:
        yield dossier.answer.fetched_at


def _absences(gaps: Iterable[Absence], sights: Iterable[datetime]) -> tuple[Absence, ...]:
    """Times of absence in order; one that began for both at one moment is one, and what was seen later ends it."""
    by_start: dict[datetime, datetime | None] = {}
    for gap in gaps:
        ends = [at for at in (by_start.get(gap.gone_at), gap.back_at) if at is not None]
        by_start[gap.gone_at] = min(ends, default=None)
    seen = sorted({*sights, *(end for end in by_start.values() if end is not None)})
    return tuple(
        [
            Absence(gone_at=start, back_at=end or next((at for at in seen if at > start), None))
            for start, end in sorted(by_start.items())
        ]
    )


def _renamed(decisions: Sequence[Decided], moved: Mapping[Place, Place]) -> tuple[Decided, ...]:
    return tuple(
        [
            item if item.medium is None or item.medium not in moved else replace(item, medium=moved[item.medium])
            for item in decisions
        ]
    )


def _decisions(one: Sequence[Decided], other: Sequence[Decided]) -> tuple[Decided, ...]:
    """The decisions of both, each once, in the order of their times; one that either took back stays so."""
    if one == other:
        return tuple(one)
    united: dict[tuple[Any, ...], Decided] = {}
    for decisions in (one, other):
        step: dict[Batch, int] = {}
        for item in decisions:
            at = step[item.batch] = step.get(item.batch, -1) + 1
            who, when, turn = item.batch
            said = (item.kind.value, item.field or "", repr(item.value), item.medium or ())
            name = (when, who, turn, at, *said)
            there = united.get(name)
            undone = [batch for batch in (item.undone, there.undone if there else None) if batch is not None]
            united[name] = replace(item, undone=min(undone, key=lambda batch: (batch[1], *batch), default=None))
    return tuple([united[name] for name in sorted(united)])
