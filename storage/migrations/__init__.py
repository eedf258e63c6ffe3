"""The schema's history, forward only; run from inside the program, so there is no alembic.ini and no env.py.

A new archive is made without them, in one go. A step is a file in ``versions/``, written out by hand: it
must go on meaning the same when ``storage.schema`` has moved on. Steps are numbered ``0001``, ``0002``, …, so that
an archive can be told to be older or newer than this program without loading Alembic.

See https://alembic.sqlalchemy.org/en/latest/api/runtime.html
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

#: the newest step; a test keeps it and ``versions/`` in step
HEAD = "0007"


def knows(step: str) -> bool:
    """Whether this is a step of the history."""
    return any(file.name.partition("_")[0] == step for file in (Path(__file__).parent / "versions").glob("[0-9]*.py"))


def create(connection: Connection) -> None:
    """Make the newest schema in the empty database behind ``connection``, inside the transaction that is open on it.

    Straight from what ``storage.schema`` declares, with no Alembic: half the time of all steps. A test keeps the two
    ways equal.
    """
    import storage.schema  # noqa: F401 - declares the tables
    from storage.declarative import Base
    from storage.migrations import index, links
    from storage.migrations.more_views import MORE_VIEWS
    from storage.migrations.views import archive_media

    Base.metadata.create_all(connection, checkfirst=False)
    dialect = connection.dialect.name
    for view in (links.archive_posts, archive_media, *MORE_VIEWS, links.archive_links):
        connection.exec_driver_sql(view(dialect))
    for statement in (*index.search_table(dialect), *index.triggers(dialect), *links.triggers(dialect)):
        connection.exec_driver_sql(statement)
    # as Alembic makes it
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version"
        " (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")  # noqa: S608 - our own word


def upgrade(connection: Connection, to: str = "head") -> None:
    """Bring the database behind ``connection`` up to step ``to``, inside the transaction that is open on it."""
    # Alembic costs 0.1 s to import, and an archive that is up to date does not need it
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(__file__).parent))

    def steps(revision: str | tuple[str, ...], context: MigrationContext) -> list[RevisionStep]:
        return list(script._upgrade_revs(to, revision))  # type: ignore[arg-type] # as alembic's own upgrade command does

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
