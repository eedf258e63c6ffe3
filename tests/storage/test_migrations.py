"""The schema's history: in step with the tables, named throughout, and safe to interrupt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, TableClause, create_engine

from storage import migrations
from storage.declarative import Base
from storage.engine import open_database
from storage.errors import RowRefused
from storage.views import VIEWS, archive_media, archive_posts

DESIGN_POSTS = (
    "key, source, native_id, mission, url, author, title, published_at, published_precision, published_origin, "
    "edited_at, caption_fr, caption_en, text, content_warning, hashtags, credit, license, license_url, needs_review, "
    "verdict, rating, image_count, variant_of, first_seen_at, gone_at, corrected"
)
DESIGN_MEDIA = "post_key, position, state, sha256, path, media_type, bytes, width, height, alt, source_url"


def test_head_is_the_newest_step() -> None:
    """The constant that an archive is compared with is the last file in ``versions/``, and there is one line only."""
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [migrations.HEAD]


def test_steps_are_numbered_so_that_they_compare() -> None:
    """Each step is four digits and one more than the one before: older and newer are told by comparing text."""
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    found = sorted(step.revision for step in script.walk_revisions())
    assert found == [f"{number:04}" for number in range(1, len(found) + 1)]


def test_the_steps_make_the_tables() -> None:
    """The steps lead to exactly the tables, columns, types, keys and indices that ``storage.schema`` declares."""
    with _made_by(migrations.upgrade) as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_object": _is_of(connection)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def _is_of(connection: Any) -> Callable[..., bool]:
    """Alembic does not ask itself whether an index is meant for another database, nor knows what FTS5 makes."""

    def is_included(item: Any, name: str, kind: str, *_: object) -> bool:
        if kind == "table" and name.startswith("post_search"):
            return False
        wanted = getattr(item, "_ddl_if", None)
        return wanted is None or wanted.dialect == connection.dialect.name

    return is_included


def test_a_new_archive_is_what_the_steps_lead_to() -> None:
    """Made in one go or step by step: each table, index and view is of the same words, and the version is the same."""
    found = []
    for make in (migrations.create, migrations.upgrade):
        with _made_by(make) as connection:
            items = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
            found.append((_words(items), connection.exec_driver_sql("SELECT * FROM alembic_version").all()))
    assert found[0] == found[1]


@contextmanager
def _made_by(make: Callable[[Connection], None]) -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        make(connection)
        yield connection
    engine.dispose()


def _words(rows: Iterable[Any]) -> dict[str, list[str]]:
    """The words of each statement, in any order: the order of constraints in a table means nothing."""
    return {name: sorted(re.findall(r"\w+", sql or "")) for name, sql in rows}


def test_every_constraint_has_a_name() -> None:
    """A later step can speak of every constraint and index."""
    for table in Base.metadata.tables.values():
        named = [*(item for item in table.constraints if not isinstance(item, CheckConstraint)), *table.indexes]
        assert all(item.name for item in named), table


@pytest.mark.parametrize(("view", "design"), [(archive_posts, DESIGN_POSTS), (archive_media, DESIGN_MEDIA)])
def test_the_first_views_are_the_promised_ones(view: TableClause, design: str) -> None:
    """Both have the columns of the public contract, in its order."""
    assert [column.name for column in view.columns] == design.split(", ")


def test_the_views_are_what_readers_select_from(folder: Path) -> None:
    """Each view of an archive is declared for readers, with its columns in their order, and no other is."""
    declared = {view.name: [column.name for column in view.columns] for view in VIEWS}
    with open_database(folder).read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'view'").scalars().all()
        found = {name: [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")] for name in names}
    assert found == declared


def test_a_step_that_fails_leaves_nothing(folder: Path) -> None:
    """The making of an archive is one transaction: cut off in the middle, the file holds no table at all."""
    database = open_database(folder)
    with database.write() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'view'").scalars().all()
        for name in tables:
            connection.exec_driver_sql(f"DROP VIEW {name}")
        connection.exec_driver_sql("DELETE FROM alembic_version")

    def upgrade_again() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("DROP TABLE segments")
            migrations.upgrade(connection)

    # the other tables are in the way of the first step
    with pytest.raises(RowRefused, match="already exists"):
        upgrade_again()
    with database.read() as connection:
        names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
        assert "segments" in names
        assert "archive_posts" not in names
