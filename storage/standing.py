"""How the sources of an archive stand, by its journal: last runs, what is new, what is waited for; no post is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Integer, cast, func, literal_column, select, text

from storage.engine import Database
from storage.views import attachments, backups, failures, posts, runs, sources

# in these very words, so that SQLite sees that the partial index serves
_UNDECIDED = text("attachments.state IN ('pending', 'failed')")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last run of a source; ``ended_at`` is None while it runs, ``failed`` counts what failed in it.

    ``left_out`` counts posts whose author asks not to be archived.
    """

    id: int
    status: str
    started_at: datetime
    ended_at: datetime | None
    failed: int
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one source stands.

    Attributes:
        last: its last run; None before the first.
        new_posts: posts that runs have added since the time asked about.
        pending: pictures that are wanted and not tried yet.
        failed: pictures that failed and will be tried again.
    """

    last: LastRun | None
    new_posts: int = 0
    pending: int = 0
    failed: int = 0


def standings(database: Database, since: datetime) -> dict[str, Standing]:
    """How every source stands that the archive knows, by its id; four questions, however many sources there are.

    Args:
        database: the archive's.
        since: new posts are counted from here on; aware.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        known = list(connection.scalars(select(sources.c.id)))
        last = _last(connection)
        new = _new(connection, since)
        waiting = _waiting(connection)
    return {
        source: Standing(
            last=last.get(source),
            new_posts=new.get(source, 0),
            pending=waiting.get((source, "pending"), 0),
            failed=waiting.get((source, "failed"), 0),
        )
        for source in known
    }


def reasons(database: Database, run_ids: Sequence[int]) -> dict[int, str]:
    """What failed first in each of these runs, in the words of the journal; runs without a failure are left out.

    The words may be from outside: whoever shows them makes them harmless.

    Raises:
        StorageError: the archive cannot be read.
    """
    if not run_ids:
        return {}
    first = select(func.min(failures.c.id)).where(failures.c.run_id.in_(run_ids)).group_by(failures.c.run_id)
    with database.read() as connection:
        found = connection.execute(select(failures.c.run_id, failures.c.message).where(failures.c.id.in_(first)))
        return {row.run_id: row.message for row in found}


def last_backup(database: Database) -> datetime | None:
    """When a backup by ``cupola backup`` was made or renewed last; None when none was.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        made: datetime | None = connection.scalar(select(func.max(backups.c.made_at)))
    return made


def _last(connection: Connection) -> dict[str, LastRun]:
    # a look into the index for each source: a GROUP BY would go through all runs there ever were
    newest = select(func.max(runs.c.id)).where(runs.c.source_id == sources.c.id).scalar_subquery()
    ids = list(filter(None, connection.scalars(select(newest).select_from(sources))))
    rows = connection.execute(select(runs).where(runs.c.id.in_(ids)))
    return {
        row.source_id: LastRun(
            id=row.id,
            status=row.status,
            started_at=row.started_at,
            ended_at=row.ended_at,
            failed=row.counts.get("failed", 0),
            left_out=row.counts.get("posts_left_out", 0),
        )
        for row in rows
    }


def _new(connection: Connection, since: datetime) -> dict[str, int]:
    # runs have no index by time, but they are numbered in it: from the newest back to the first that is older
    before = select(runs.c.id).where(runs.c.started_at < since).order_by(runs.c.id.desc()).limit(1)
    added = func.sum(_count(connection, "posts_added"))
    newer = select(runs.c.source_id, added.label("added")).where(runs.c.id > (connection.scalar(before) or 0))
    return {row.source_id: row.added or 0 for row in connection.execute(newer.group_by(runs.c.source_id))}


def _count(connection: Connection, name: str) -> ColumnElement[int]:
    """One of the numbers that a run has by name."""
    if connection.dialect.name == "postgresql":
        return cast(literal_column(f"CAST(runs.counts AS jsonb) ->> '{name}'"), Integer)
    return literal_column(f"json_extract(runs.counts, '$.{name}')", Integer)


def _waiting(connection: Connection) -> Mapping[tuple[str, str], int]:
    # not a join: SQLite would then go through all posts to find the few that miss something
    source = select(posts.c.source_id).where(posts.c.id == attachments.c.post_id).scalar_subquery().label("source")
    counted = (
        select(source, attachments.c.state, func.count().label("number"))
        .where(_UNDECIDED, attachments.c.removed_at.is_(None))
        .group_by("source", attachments.c.state)
    )
    return {(row.source, row.state): row.number for row in connection.execute(counted)}
