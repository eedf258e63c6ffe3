"""Posts of a page into rows, in bulk: a handful of statements however many they are, in the caller's transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, select, update

from scraper.capture import memento_of
from scraper.model import Attachment, MediaState
from storage.changes import Change, Entry, content_hash, contradicts, decide, match
from storage.columns import safe
from storage.decisions import refresh
from storage.dialects import insert_all
from storage.revisions import edited, revision_row
from storage.rows import attachment_of, attachment_row, entry_of, hashtag_rows, post_row, segment_rows
from storage.schema import (
    AttachmentRecord,
    CaptureRecord,
    HashtagRecord,
    PostRecord,
    RevisionRecord,
    SegmentRecord,
    SightingRecord,
    rows_of,
)
from storage.sightings import record_sightings
from storage.tombstones import buried

#: the state in which an attachment begins, and why if it will not be taken
Plan = Callable[[Attachment], tuple[MediaState, str | None]]

Row = Mapping[Any, Any]

_posts, _segments = rows_of(PostRecord), rows_of(SegmentRecord)
_hashtags, _attachments = rows_of(HashtagRecord), rows_of(AttachmentRecord)
_revisions, _sightings, _captures = rows_of(RevisionRecord), rows_of(SightingRecord), rows_of(CaptureRecord)

# SQLite takes 32,766 values in one statement
_CHUNK = 1000


def record_posts(
    connection: Connection,
    run_id: int,
    capture_id: int | None,
    entries: Sequence[Entry],
    plan: Plan,
    now: datetime,
    *,
    seen: bool = True,
    settled: bool = False,
    anew: bool = False,
) -> dict[str, Change]:
    """Bring the rows of these posts up to date; what became of each, by its key.

    Of a post that is given twice the first one counts. All posts are of one source. ``seen`` says whether they
    were seen there just now; ``settled`` that a post which contradicts what is held (see
    ``storage.changes.contradicts``) is left as it is; ``anew`` that they are read anew from the answer, or without one
    from what is held of them.

    Raises:
        ValueError: a post contradicts itself.
        SQLAlchemyError: the database does not take a value.
    """
    changes: dict[str, Change] = {}
    for at in range(0, len(entries), _CHUNK):
        fresh: dict[str, Entry] = {}
        for entry in entries[at : at + _CHUNK]:
            fresh.setdefault(safe(entry[0].native_id), entry)
        page = _Page(connection, run_id, capture_id, plan, now, seen=seen, settled=settled, anew=anew)
        changes |= page.record(fresh)
    return changes


def load_entries(connection: Connection, post_ids: Sequence[int]) -> dict[int, Entry]:
    """Posts and their readings as they are held, with the attachments that they point to at present."""
    return {
        post_id: entry_of(row, segments, [item for item in attachments if item["removed_at"] is None])
        for post_id, (row, segments, attachments) in _load(connection, post_ids).items()
    }


class _Page:
    """The posts of one page on their way into the archive."""

    def __init__(
        self,
        connection: Connection,
        run_id: int,
        capture_id: int | None,
        plan: Plan,
        now: datetime,
        *,
        seen: bool,
        settled: bool,
        anew: bool,
    ) -> None:
        self._connection, self._run_id, self._plan, self._now = connection, run_id, plan, now
        self._seen, self._settled, self._anew = seen, settled, anew
        self._capture_id = capture_id
        self._provenance = {"run_id": run_id, "capture_id": capture_id, "changed_at": now}

    def record(self, fresh: dict[str, Entry]) -> dict[str, Change]:
        source_id = next(iter(fresh.values()))[0].source_id
        mine = (_posts.c.source_id == source_id, _posts.c.native_id.in_(list(fresh)))
        columns = (_posts.c.native_id, _posts.c.id, _posts.c.content_hash, _posts.c.gone_at, _sightings.c.run_id)
        query = select(*columns).outerjoin(_sightings, _sightings.c.post_id == _posts.c.id).where(*mine)
        known = {row[0]: tuple(row[1:]) for row in self._connection.execute(query)}
        changes: dict[str, Change] = {}
        new: dict[str, tuple[Entry, str]] = {}
        changed: dict[int, tuple[Entry, str]] = {}
        for native_id, entry in fresh.items():
            digest = content_hash(entry)
            held = known.get(native_id)
            if held is None:
                new[native_id] = entry, digest
            elif held[1] != digest:
                changed[held[0]] = entry, digest
            else:
                changes[entry[0].key] = Change.UNCHANGED
        if new:
            for native_id in buried(self._connection, source_id, new):
                changes[new.pop(native_id)[0][0].key] = Change.BURIED
            changes |= dict.fromkeys((entry[0].key for entry, _ in new.values()), Change.ADDED)
        ids = self._insert(new, mine) if new else []
        if changed:
            changes |= self._update(changed, {post_id: last or 0 for post_id, _, _, last in known.values()})
        if self._seen:
            ids += [post_id for post_id, _, _, last in known.values() if last != self._run_id]
            returned = [post_id for post_id, _, gone_at, _ in known.values() if gone_at is not None]
            record_sightings(self._connection, self._run_id, ids, returned, self._now)
        return changes

    def _insert(self, new: dict[str, tuple[Entry, str]], mine: tuple[Any, ...]) -> list[int]:
        first = {"first_seen_at": self._now, "gone_at": None, **self._provenance}
        rows = [{**post_row(*entry), "content_hash": digest, **first} for entry, digest in new.values()]
        insert_all(self._connection, _posts, rows)
        # the ids are asked for: a bulk insert does not give them
        found = self._connection.execute(select(_posts.c.native_id, _posts.c.id).where(*mine))
        ids: dict[str, int] = {native_id: post_id for native_id, post_id in found}  # noqa: C416 - rows are no pairs to mypy
        numbered = [(ids[native_id], entry) for native_id, (entry, _) in new.items()]
        self._texts(numbered)
        attachments = []
        for post_id, (post, _) in numbered:
            seen: Counter[str] = Counter()
            for position, item in enumerate(post.attachments):
                attachments.append(self._new_attachment(post_id, position, item, seen[item.key]))
                seen[item.key] += 1
        insert_all(self._connection, _attachments, attachments)
        return [post_id for post_id, _ in numbered]

    def _update(self, changed: dict[int, tuple[Entry, str]], last_seen: Mapping[int, int]) -> dict[str, Change]:
        changes: dict[str, Change] = {}
        posts: list[dict[str, Any]] = []
        hashes: list[dict[str, Any]] = []
        texts: list[tuple[int, Entry]] = []
        revisions: list[dict[str, Any]] = []
        pointers = _Pointers(self)
        rereads = self._anew and self._provenance["capture_id"] is None
        answered = self._answered() if self._anew else 0
        merged = edited(self._connection, list(changed)) if rereads else set()
        loaded = _load(self._connection, list(changed))
        states = self._states([row["capture_id"] for row, _, _ in loaded.values()])
        state = states.get(self._capture_id)
        for post_id, (row, segments, attachments) in loaded.items():
            fresh, digest = changed[post_id]
            held_state = states.get(row["capture_id"])
            if state is not None and held_state is not None and state < held_state:
                # an archive has captured it before what is held
                changes[fresh[0].key] = Change.UNCHANGED
                continue
            is_later = state is not None and held_state is not None and state > held_state
            live = [item for item in attachments if item["removed_at"] is None]
            stored = entry_of(row, segments, live)
            decision = decide(stored, fresh, read_anew=rereads and post_id not in merged)
            changes[fresh[0].key] = decision.change
            if (
                self._settled
                and not is_later
                and decision.change is Change.UPDATED
                and contradicts(stored[0], fresh[0], seen_before=last_seen[post_id] == self._run_id)
            ):
                changes[fresh[0].key] = Change.CONTRADICTED
                continue
            if decision.change is Change.UNCHANGED:
                # what differs is only what turned empty; the next time it is known at a glance
                hashes.append({"row_id": post_id, "content_hash": digest})
                continue
            if self._anew and max(last_seen[post_id], row["run_id"]) >= answered:
                # what the answer states was read before, in another way
                decision = replace(decision, is_edited=False)
            if not decision.is_slight:
                revisions.append(revision_row(row, segments, live, decision, self._run_id, self._now))
            provenance = dict(self._provenance)
            if rereads:
                # the text came with the answer that it came with
                provenance["capture_id"] = row["capture_id"]
            posts.append({"row_id": post_id, **post_row(*decision.entry), "content_hash": digest, **provenance})
            texts.append((post_id, decision.entry))
            pointers.reconcile(post_id, attachments, decision.entry[0].attachments)
        insert_all(self._connection, _revisions, revisions)
        self._set(_posts, hashes)
        self._set(_posts, posts)
        updated = [post_id for post_id, _ in texts]
        if updated:
            self._connection.execute(delete(_segments).where(_segments.c.post_id.in_(updated)))
            self._connection.execute(delete(_hashtags).where(_hashtags.c.post_id.in_(updated)))
            self._texts(texts)
        self._set(_attachments, pointers.removed)
        self._set(_attachments, pointers.kept)
        insert_all(self._connection, _attachments, pointers.added)
        if updated:
            refresh(self._connection, updated)
        return changes

    def _states(self, capture_ids: Iterable[int | None]) -> dict[int | None, datetime]:
        """Of these answers, and the one that is recorded from, those that an archive captured, and when."""
        mine = self._capture_id
        if mine is None:
            return {}
        url = self._connection.scalar(select(_captures.c.url).where(_captures.c.id == mine))
        if url is None or memento_of(url) is None:
            return {}
        query = select(_captures.c.id, _captures.c.url).where(_captures.c.id.in_({*capture_ids, mine} - {None}))
        rows = self._connection.execute(query)
        return {row.id: found[0] for row in rows if (found := memento_of(row.url)) is not None}

    def _answered(self) -> int:
        """The run that brought the answer; 0 without one."""
        its_run = select(_captures.c.run_id).where(_captures.c.id == self._provenance["capture_id"])
        return self._connection.scalar(its_run) or 0

    def _texts(self, numbered: Iterable[tuple[int, Entry]]) -> None:
        segments: list[dict[str, Any]] = []
        hashtags: list[dict[str, Any]] = []
        for post_id, (_, reading) in numbered:
            segments += segment_rows(post_id, reading)
            hashtags += hashtag_rows(post_id, reading)
        insert_all(self._connection, _segments, segments)
        insert_all(self._connection, _hashtags, hashtags)

    def _new_attachment(self, post_id: int, position: int, item: Attachment, occurrence: int) -> dict[str, Any]:
        return {
            "post_id": post_id,
            "position": position,
            "occurrence": occurrence,
            "first_seen_at": self._now,
            **attachment_row(item),
            **self._planned(item),
        }

    def _planned(self, item: Attachment) -> dict[str, Any]:
        state, reason = self._plan(item)
        return {"state": state, "reason": reason, "attempts": 0, "next_attempt_at": None}

    def _set(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(update(table).where(table.c.id == bindparam("row_id")), rows)


class _Pointers:
    """What becomes of the attachments of posts that changed: none is ever deleted."""

    def __init__(self, page: _Page) -> None:
        self._page = page
        self.added: list[dict[str, Any]] = []
        self.kept: list[dict[str, Any]] = []
        self.removed: list[dict[str, Any]] = []

    def reconcile(self, post_id: int, rows: Sequence[Row], fresh: Sequence[Attachment]) -> None:
        """``rows`` are all that the post ever had, those that it points to at present first."""
        pairs = match([attachment_of(row) for row in rows], fresh)
        taken: Counter[str] = Counter()
        for row in rows:
            taken[row["key"]] = max(taken[row["key"]], row["occurrence"] + 1)
        for position, (at, item) in enumerate(zip(pairs, fresh, strict=True)):
            key = safe(item.key)
            if at is not None and rows[at]["key"] == key:
                self.kept.append(self._kept(rows[at], position, item, rows[at]["occurrence"]))
                continue
            if at is None:
                self.added.append(self._page._new_attachment(post_id, position, item, taken[key]))
            else:
                self.kept.append(self._kept(rows[at], position, item, taken[key]))
            taken[key] += 1
        for index in set(range(len(rows))).difference(pairs):
            if rows[index]["removed_at"] is None:
                self.removed.append({"row_id": rows[index]["id"], "removed_at": self._page._now})

    def _kept(self, row: Row, position: int, item: Attachment, occurrence: int) -> dict[str, Any]:
        known = {row["url"], *row["alternatives"]}
        moved = row["kind"] != item.kind or row["url"] != item.url or not known.issuperset(item.alternatives)
        progress = {name: row[name] for name in ("state", "reason", "attempts", "next_attempt_at")}
        if moved and row["state"] is not MediaState.STORED:
            progress = self._page._planned(item)
        return {
            "row_id": row["id"],
            "position": position,
            "occurrence": occurrence,
            "removed_at": None,
            **attachment_row(item),
            **progress,
        }


def _load(connection: Connection, post_ids: Sequence[int]) -> dict[int, tuple[Row, list[Row], list[Row]]]:
    """Rows of posts with those of their segments in order, and of all attachments they ever had, present ones first."""
    posts = connection.execute(select(_posts).where(_posts.c.id.in_(post_ids))).mappings()
    segments = select(_segments).where(_segments.c.post_id.in_(post_ids))
    attachments = select(_attachments).where(_attachments.c.post_id.in_(post_ids))
    ordered = attachments.order_by(_attachments.c.removed_at.is_not(None), _attachments.c.position, _attachments.c.id)
    of_post: defaultdict[int, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in connection.execute(segments.order_by(_segments.c.position)).mappings():
        of_post[row["post_id"]][0].append(row)
    for row in connection.execute(ordered).mappings():
        of_post[row["post_id"]][1].append(row)
    return {row["id"]: (row, *of_post[row["id"]]) for row in posts}
