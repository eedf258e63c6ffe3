"""What a curator may do: every word of it one more decision, with who said it and when; all of a command or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from scraper.model import Lang, Precision, Segment, captions_of
from storage.columns import safe
from storage.decisions import FIELDS, captions_in, digest_of, refresh, state_of
from storage.engine import Database
from storage.errors import DecisionRefused
from storage.folding import fold_tag
from storage.lookup import locate
from storage.portions import portions
from storage.schema import AttachmentRecord, DecisionRecord, PostRecord, rows_of
from storage.states import Act, Verdict

__all__ = ["FIELDS", "Act", "Done", "Say", "Undone", "Verdict", "decide", "undo"]

_decisions, _posts, _attachments = rows_of(DecisionRecord), rows_of(PostRecord), rows_of(AttachmentRecord)

_TEXTS = frozenset({"caption_fr", "caption_en", "credit", "mission", "alt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One thing that a curator says of posts; use the functions below to make one.

    ``position`` is the place of a picture in its post, from 0.
    """

    kind: Act
    field: str | None = None
    value: Any = None
    position: int | None = None

    @classmethod
    def verdict(cls, verdict: Verdict) -> Say:
        """Selected, rejected, or unreviewed again."""
        return cls(kind=Act.VERDICT, value=verdict.value)

    @classmethod
    def rating(cls, rating: int | None) -> Say:
        """From 0 to 5, or no rating; ValueError otherwise."""
        if rating is not None and not 0 <= rating <= 5:
            raise ValueError(f"a rating is a whole number from 0 to 5, not {rating}")
        return cls(kind=Act.RATING, value=rating)

    @classmethod
    def tag(cls, tag: str, *, on: bool = True) -> Say:
        """A tag put on or taken off; ValueError when it holds no letter or digit."""
        tag = " ".join(safe(tag).split()).lstrip("#＃")
        if not fold_tag(tag):
            raise ValueError("a tag holds at least one letter or digit")
        return cls(kind=Act.TAG, field=tag, value=on)

    @classmethod
    def note(cls, text: str) -> Say:
        """A note in place of the one that is there; an empty one takes it away."""
        return cls(kind=Act.NOTE, value=safe(text).strip())

    @classmethod
    def text(cls, field: str, text: str, *, position: int | None = None) -> Say:
        """The right caption, credit, mission or (with a position) alt text; an empty one says that there is none."""
        if field not in _TEXTS:
            raise ValueError(f"{field} is no text that can be corrected")
        return cls(kind=Act.CORRECTION, field=field, value=safe(text).strip(), position=position)

    @classmethod
    def date(cls, at: datetime, precision: Precision) -> Say:
        """The right date; ``at`` is aware."""
        if at.utcoffset() is None:
            raise ValueError(f"a date is an aware time, not {at!r}")
        value = {"at": at.isoformat(), "precision": precision.value}
        return cls(kind=Act.CORRECTION, field="published_at", value=value)

    @classmethod
    def segments(cls, cuts: Iterable[tuple[Lang, int, int | None]]) -> Say:
        """The right segments of the body: language, start and end (None: where it ends), together all of it."""
        return cls(kind=Act.CORRECTION, field="segments", value=[[lang.value, start, end] for lang, start, end in cuts])

    @classmethod
    def machine(cls, field: str, *, position: int | None = None) -> Say:
        """What the curator corrected is taken back: the machine's answer counts again."""
        if field not in FIELDS:
            raise ValueError(f"{field} is nothing that can be corrected; known are {', '.join(FIELDS)}")
        return cls(kind=Act.CORRECTION, field=field, value=None, position=position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The keys of the posts that something was said of, and of those among them for which that changed anything."""

    keys: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What one command had decided and is taken back: when, what kinds of thing, about which posts."""

    at: datetime
    kinds: tuple[Act, ...]
    keys: tuple[str, ...]


def decide(database: Database, keys: Sequence[str], says: Sequence[Say], *, who: str, now: datetime) -> Done:
    """Record what a curator says of posts, in one transaction; what is so already is not recorded again.

    Args:
        database: the archive's.
        keys: of posts, or their addresses.
        says: each is said of each post, in this order.
        who: says so.
        now: aware UTC.

    Raises:
        UnknownKey: one is none of a post; then nothing is recorded.
        DecisionRefused: it does not fit a post (a picture or a part of the text that it does not have); likewise.
        StorageError: the archive cannot be written to.
    """
    with database.write() as connection:
        found = {post_id: key for key, post_id in (locate(connection, key) for key in keys)}
        changed: list[int] = []
        rows: list[dict[str, Any]] = []
        batch = _next_batch(connection)
        for some in portions(list(found)):
            held = _active(connection, some)
            bodies = {
                row.id: row.body
                for row in connection.execute(select(_posts.c.id, _posts.c.body).where(_posts.c.id.in_(some)))
            }
            places = _places(connection, some) if any(say.position is not None for say in says) else {}
            for post_id in some:
                new = [
                    {
                        "batch": batch,
                        "who": who,
                        "at": now,
                        "post_id": post_id,
                        "undone_by": None,
                        **_fitted(say, found[post_id], bodies[post_id], places.get(post_id, {})),
                    }
                    for say in says
                ]
                if _outcome(held[post_id]) != _outcome([*held[post_id], *new]):
                    changed.append(post_id)
                    rows += new
        if rows:
            connection.execute(insert(_decisions), rows)
            for some in portions(changed):
                refresh(connection, some)
    return Done(keys=tuple(found.values()), changed=tuple(found[post_id] for post_id in changed))


def undo(database: Database, count: int = 1, *, who: str, now: datetime) -> list[Undone]:
    """Take back what this person's last commands decided, the newest first; what was before them counts again.

    Args:
        database: the archive's.
        count: of how many commands.
        who: whose; takes back nobody else's.
        now: aware UTC.

    Raises:
        StorageError: the archive cannot be written to.
    """
    mine = (_decisions.c.who == who, _decisions.c.undone_by.is_(None), _decisions.c.kind != Act.UNDO)
    with database.write() as connection:
        last = select(_decisions.c.batch).where(*mine).distinct().order_by(_decisions.c.batch.desc()).limit(count)
        batches = list(connection.scalars(last))
        undoing = _next_batch(connection)
        undone: list[Undone] = []
        touched: dict[int, None] = {}
        for batch in batches:
            query = (
                select(_decisions, _posts.c.source_id, _posts.c.native_id)
                .join(_posts, _posts.c.id == _decisions.c.post_id)
                .where(_decisions.c.batch == batch)
                .order_by(_decisions.c.id)
            )
            rows = connection.execute(query).mappings().all()
            of_post = {row["post_id"]: f"{row['source_id']}:{row['native_id']}" for row in rows}
            touched |= dict.fromkeys(of_post)
            connection.execute(update(_decisions).where(_decisions.c.batch == batch).values(undone_by=undoing))
            taken_back = [
                {"batch": undoing, "who": who, "at": now, "post_id": post_id, "kind": Act.UNDO, "value": batch}
                for post_id in of_post
            ]
            connection.execute(insert(_decisions), taken_back)
            kinds = tuple(dict.fromkeys(row["kind"] for row in rows))
            undone.append(Undone(at=rows[0]["at"], kinds=kinds, keys=tuple(of_post.values())))
        for some in portions(list(touched)):
            refresh(connection, some)
    return undone


def _outcome(decisions: Sequence[Mapping[Any, Any]]) -> tuple[Any, ...]:
    state = state_of(decisions)
    # of two captions that differ, which was said last is the difference
    return state, captions_in(state.corrections)


def _next_batch(connection: Connection) -> int:
    return (connection.scalar(select(func.max(_decisions.c.batch))) or 0) + 1


def _active(connection: Connection, post_ids: Sequence[int]) -> defaultdict[int, list[Mapping[Any, Any]]]:
    """What was decided about these posts and not taken back, in order."""
    mine = (_decisions.c.post_id.in_(post_ids), _decisions.c.undone_by.is_(None))
    held: defaultdict[int, list[Mapping[Any, Any]]] = defaultdict(list)
    for row in connection.execute(select(_decisions).where(*mine).order_by(_decisions.c.id)).mappings():
        held[row["post_id"]].append(row)
    return held


def _places(connection: Connection, post_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """The numbers of the attachments that posts point to, by their positions."""
    query = select(_attachments.c.post_id, _attachments.c.position, _attachments.c.id).where(
        _attachments.c.post_id.in_(post_ids), _attachments.c.removed_at.is_(None)
    )
    places: dict[int, dict[int, int]] = {}
    for row in connection.execute(query):
        places.setdefault(row.post_id, {})[row.position] = row.id
    return places


def _fitted(say: Say, key: str, body: str, places: Mapping[int, int]) -> dict[str, Any]:
    """What is said, as it is recorded for this post."""
    fitted: dict[str, Any] = {"kind": say.kind, "field": say.field, "value": say.value, "attachment_id": None}
    if say.position is not None:
        if say.position not in places:
            count = f"it has {len(places)}" if places else "it has none"
            raise DecisionRefused(f"{key} has no picture {say.position + 1}; {count}", key=key)
        fitted["attachment_id"] = places[say.position]
    elif say.field == "alt":
        raise DecisionRefused(f"an alt text belongs to a picture of {key}: say which", key=key)
    if say.value is None or say.kind is not Act.CORRECTION:
        return fitted
    if say.field in ("caption_fr", "caption_en"):
        fitted["value"] = {"text": say.value, "of": digest_of(body)}
    elif say.field == "segments":
        cuts = _cuts(say.value, key, body)
        captions = captions_of(cuts)
        texts = {f"caption_{lang}": captions[lang].text if lang in captions else "" for lang in (Lang.FR, Lang.EN)}
        drawn = [[cut.lang.value, cut.start, cut.end] for cut in cuts]
        fitted["value"] = {"segments": drawn, "captions": texts, "of": digest_of(body)}
    return fitted


def _cuts(value: Sequence[Sequence[Any]], key: str, body: str) -> list[Segment]:
    cuts: list[Segment] = []
    at = 0
    for lang, start, end in value:
        stop = len(body) if end is None else end
        if start != at or not start < stop <= len(body):
            raise DecisionRefused(
                f"the segments do not fit {key}, whose text ends at {len(body)}: after {at} comes {start}–{stop}",
                key=key,
            )
        cuts.append(Segment(lang=Lang(lang), text=body[start:stop], start=start, end=stop))
        at = stop
    if at != len(body):
        raise DecisionRefused(f"the segments end at {at}, the text of {key} at {len(body)}", key=key)
    return cuts
