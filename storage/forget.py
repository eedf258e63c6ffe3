"""Taking posts out for good: every word and picture of them, so that no byte is left and no later run brings them back.

1. what an earlier one that was cut off left to do is done;
2. every answer of their sources is read, because a page holds many posts and a post came with many pages;
3. the files that hold them are written anew beside, without these answers;
4. in one transaction their rows end, the others point to the new files, and tombstones are set;
5. the old files and the pictures are removed, and the database is written anew without what was deleted in it.

Killed between two steps, the same command again completes it: until 4 nothing is lost, from 4 on nothing comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, select

from storage import erasure, leases, removals, warcfiles
from storage.blobs import ASIDE, MEDIA, Blobs
from storage.disk import disk_faults
from storage.durable import sync_folder
from storage.engine import Database
from storage.erasure import Answers, Doomed
from storage.errors import SourceBusy, UnknownAuthor, UnknownKey
from storage.folding import fold
from storage.lookup import locate
from storage.portions import portions
from storage.redaction import Cut, cut_of, rewrite
from storage.schema import BackupRecord, CaptureRecord, PostRecord, RunRecord, TombstoneRecord, rows_of
from storage.tombstones import key_hash

_posts, _captures, _runs = rows_of(PostRecord), rows_of(CaptureRecord), rows_of(RunRecord)
_tombstones, _backups_made = rows_of(TombstoneRecord), rows_of(BackupRecord)

#: told before each step, by name; who raises there stops between two steps
Step = Callable[[str], None]
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What goes, or went.

    Attributes:
        keys: the posts.
        already: keys that had been taken out before.
        pictures: paths of the files that only they had.
        answers: how many recorded pages and answers go because the posts stand in them.
        others: keys of other posts that came with these answers: they stay, without their bytes as evidence.
        same_text: keys of other posts that say the very same and stay.
        backups: copies of the archive that are known and may still hold them.
    """

    keys: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    answers: int = 0
    others: tuple[str, ...] = ()
    same_text: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()


@dataclass(slots=True)
class _Plan:
    going: Doomed
    already: tuple[str, ...]
    cuts: dict[str, Cut] = field(default_factory=dict)
    #: rows of the index, and ids of the records, whose bytes go
    gone: set[int] = field(default_factory=set)
    gone_ids: set[str] = field(default_factory=set)


class Forget:
    """Takes posts out of one archive.

    Args:
        folder: the archive's.
        database: the archive's.
        step: told before each step.
    """

    def __init__(self, folder: Path, database: Database, *, step: Step = lambda name: None) -> None:
        self._folder, self._database, self._step = folder, database, step

    def rehearse(self, keys: Sequence[str], *, author: str | None = None, now: datetime) -> Forgotten:
        """What would go; nothing is changed. Arguments and errors: as ``forget``."""
        return self._told(self._plan(keys, author, now))

    def forget(
        self, keys: Sequence[str], *, author: str | None = None, reason: str, who: str, now: datetime
    ) -> Forgotten:
        """Take posts out for good.

        Args:
            keys: of the posts, or their addresses.
            author: in place of keys: all posts by this author, as the posts state the name.
            reason: why; held in the tombstones, where it must not say what was taken out.
            who: says so.
            now: aware UTC.

        Raises:
            UnknownKey, UnknownAuthor: there is no such post; nothing was taken out.
            SourceBusy: a run is working on a source of theirs.
            ArchiveLocked: somebody keeps reading or writing; run it again to complete it.
            StorageError: the archive cannot be written to; likewise.
        """
        self.complete(now)
        for attempt in range(_ATTEMPTS):
            plan = self._plan(keys, author, now)
            if not plan.going.posts:
                return self._told(plan)
            told = self._told(plan)
            moved = self._rewritten(plan)
            self._step("take out the rows")
            with self._database.write() as connection:
                self._ensure_quiet(connection, plan.going.sources, now)
                if erasure.doomed(connection, plan.going.posts).newest != plan.going.newest:
                    # a run has come and gone meanwhile: what it recorded has to be looked through, too
                    if attempt + 1 < _ATTEMPTS:
                        continue
                    raise SourceBusy("runs keep coming in between; stop them and try again", source_id="", holder="")
                erasure.erase(
                    connection, plan.going, Answers(gone=plan.gone, moved=moved), reason=reason, who=who, now=now
                )
                removals.unlisted(connection, sorted({file for file, _ in moved.values()}))
                removals.listed(connection, list(plan.cuts))
                removals.listed(connection, self._aside(connection, plan.going))
            break
        self.complete(now)
        return told

    def complete(self, now: datetime) -> None:
        """Do what is left to do of what was taken out: remove files, and write the database anew.

        Raises:
            ArchiveLocked, StorageError: as ``forget``.
        """
        self._step("remove the files")
        removals.complete(self._database, self._folder)
        with self._database.read() as connection:
            is_done = not erasure.unfinished(connection)
        if is_done:
            return
        # a picture may have been on its way in when its run was killed
        Blobs(self._folder).sweep()
        self._step("write the database anew")
        self._database.scrub()
        self._step("note that it is done")
        with self._database.write() as connection:
            erasure.finished(connection, now)

    def _plan(self, keys: Sequence[str], author: str | None, now: datetime) -> _Plan:
        with self._database.read() as connection:
            posts, already = _by_author(connection, author) if author is not None else _by_key(connection, keys)
            plan = _Plan(erasure.doomed(connection, posts), already)
            self._ensure_quiet(connection, plan.going.sources, now)
            sources = sorted(plan.going.sources)
            mine = select(_runs).where(_runs.c.source_id.in_(sources)).order_by(_runs.c.id)
            runs = connection.execute(mine).mappings().all()
        for run in runs:
            # the oldest first: what came again is known by what it came again of
            names = warcfiles.files_of(self._folder, run["source_id"], run["started_at"], run["id"])
            for name in sorted(names, key=warcfiles.part_of):
                self._read(plan, name)
        return plan

    def _read(self, plan: _Plan, name: str) -> None:
        """Which answers of one file go."""
        with self._database.read() as connection:
            columns = (_captures.c.id, _captures.c.offset, _captures.c.requested_url)
            rows = connection.execute(select(*columns).where(_captures.c.file == name)).all()
        going = plan.going
        theirs = {row.offset for row in rows if row.id in going.answers or going.is_named_in(row.requested_url)}
        cut = cut_of(
            self._folder / name,
            {row.offset for row in rows},
            lambda offset, body: offset in theirs or going.traces.are_in(body),
            plan.gone_ids,
        )
        if not cut.is_whole:
            plan.cuts[name] = cut
            stay = {offset for offset, _ in cut.kept}
            plan.gone |= {row.id for row in rows if row.offset not in stay}

    def _rewritten(self, plan: _Plan) -> dict[tuple[str, int], tuple[str, int]]:
        """Write the files anew beside the old ones; where the records that stay lay, and where they lie."""
        targets = {name: warcfiles.beside(self._folder, name) for name, cut in plan.cuts.items() if cut.holds_answers}
        self._step("note the new files")
        with self._database.write() as connection:
            # until rows point to them they are to be removed, should this be the end of it
            removals.listed(connection, list(targets.values()))
        moved: dict[tuple[str, int], tuple[str, int]] = {}
        self._step("write the new files")
        for name, target in targets.items():
            with disk_faults(self._folder / target):
                places = rewrite(self._folder / name, self._folder / target, plan.cuts[name])
                sync_folder(self._folder / warcfiles.FOLDER)
            moved |= {(name, old): (target, new) for old, new in places.items()}
        return moved

    def _ensure_quiet(self, connection: Connection, sources: frozenset[str], now: datetime) -> None:
        for source_id in sorted(sources):
            leases.ensure_free(connection, source_id, now)

    def _aside(self, connection: Connection, going: Doomed) -> list[str]:
        """Damaged copies of the pictures that were kept, and every damaged record: nobody can say what it holds."""
        runs = set(connection.scalars(select(_runs.c.id).where(_runs.c.source_id.in_(going.sources))))
        records = [name for name in warcfiles.aside(self._folder) if warcfiles.run_of_aside(name) in runs]
        kept = self._folder / MEDIA / ASIDE
        names = sorted(path.name for path in kept.iterdir()) if kept.is_dir() else []
        return records + [f"{MEDIA}/{ASIDE}/{name}" for name in names if name.partition(".")[0] in going.pictures]

    def _told(self, plan: _Plan) -> Forgotten:
        going = plan.going
        with self._database.read() as connection:
            others = _others(connection, going.posts, sorted(plan.gone), _posts.c.capture_id.in_)
            same = _others(
                connection,
                going.posts,
                list(going.posts),
                lambda ids: _posts.c.body.in_(select(_posts.c.body).where(_posts.c.id.in_(ids), _posts.c.body != "")),
            )
            backups = _backups(connection)
        return Forgotten(
            keys=tuple(going.posts.values()),
            already=plan.already,
            pictures=tuple(sorted(going.pictures.values())),
            answers=sum(len(cut.answers) for cut in plan.cuts.values()),
            others=others,
            same_text=same,
            backups=backups,
        )


def _by_key(connection: Connection, keys: Sequence[str]) -> tuple[Mapping[int, str], tuple[str, ...]]:
    posts: dict[int, str] = {}
    already: list[str] = []
    for key in keys:
        try:
            found, post_id = locate(connection, key)
        except UnknownKey:
            grave = select(_tombstones.c.key_hash).where(_tombstones.c.key_hash == key_hash(key))
            if connection.scalar(grave) is None:
                raise
            already.append(key)
        else:
            posts[post_id] = found
    return posts, tuple(already)


def _by_author(connection: Connection, author: str) -> tuple[Mapping[int, str], tuple[str, ...]]:
    query = select(_posts.c.author).where(_posts.c.author.is_not(None)).distinct()
    known = sorted(connection.scalars(query))
    names = [name for name in known if fold(name) == fold(author)]
    if not names:
        from difflib import get_close_matches

        near = tuple(get_close_matches(author, known, n=3, cutoff=0.5))
        raise UnknownAuthor(f"the archive has no post by {author[:200]!r}.", author=author, nearest=near)
    found = select(_posts.c.id, _posts.c.source_id, _posts.c.native_id).where(_posts.c.author.in_(names))
    return {row.id: f"{row.source_id}:{row.native_id}" for row in connection.execute(found)}, ()


def _others(
    connection: Connection,
    mine: Container[int],
    values: Sequence[int],
    condition: Callable[[Sequence[int]], ColumnElement[bool]],
) -> tuple[str, ...]:
    """Keys of the posts but mine for which the condition holds with some of the values."""
    found: dict[str, None] = {}
    query = select(_posts.c.id, _posts.c.source_id, _posts.c.native_id).order_by(_posts.c.id)
    for some in portions(values):
        for row in connection.execute(query.where(condition(some))):
            if row.id not in mine:
                found[f"{row.source_id}:{row.native_id}"] = None
    return tuple(found)


def _backups(connection: Connection) -> tuple[str, ...]:
    """The copies that the archive knows of: where they are, and of when."""
    rows = connection.execute(select(_backups_made).order_by(_backups_made.c.made_at))
    return tuple(f"{row.path} on {row.host}, made {row.made_at:%Y-%m-%d %H:%M} UTC" for row in rows)
