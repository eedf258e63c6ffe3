"""Links between posts: what pictures look like, what posts share; ``variant_of`` names the first of what is linked.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.links import archive_links, archive_posts, triggers
from storage.migrations.portable import INTEGER, TEXT

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables and the view, with every post noted as behind; pictures get their fingerprints later."""
    dialect = op.get_context().dialect.name
    bands = ("band_1", "band_2", "band_3")
    op.create_table(
        "fingerprints",
        sa.Column("sha256", TEXT, nullable=False),
        *(sa.Column(name, INTEGER, nullable=True) for name in ("hash", *bands)),
        sa.Column("reason", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_fingerprints"),
        sa.ForeignKeyConstraint(
            ["sha256"], ["assets.sha256"], name="fk_fingerprints_sha256_assets", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    for band in bands:
        op.create_index(f"ix_fingerprints_{band}_hash", "fingerprints", [band, "hash"])
    op.create_table(
        "alike",
        *(sa.Column(name, INTEGER, autoincrement=False, nullable=False) for name in ("hash", "other")),
        sa.Column("distance", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("hash", "other", name="pk_alike"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "traits",
        sa.Column("kind", TEXT, nullable=False),
        *(sa.Column(name, INTEGER, autoincrement=False, nullable=False) for name in ("value", "second", "tie")),
        sa.Column("post_id", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "second", "tie", "post_id", name="pk_traits"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_traits_post_id_posts", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_traits_post_id_kind_value", "traits", ["post_id", "kind", "value"])
    for statement in triggers(dialect):
        op.execute(statement)
    op.execute("DROP VIEW archive_posts")
    op.execute(archive_posts(dialect))
    op.execute(archive_links(dialect))
    op.execute("INSERT INTO index_pending SELECT id FROM posts WHERE true ON CONFLICT DO NOTHING")
