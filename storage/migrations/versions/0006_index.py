"""The index: what a post is found by, in one row and in its terms; and hashtags as they are compared.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from storage.folding import fold_tag
from storage.migrations.index import search_table, triggers
from storage.migrations.portable import INTEGER, TEXT

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the index, with every post noted as behind; the statements that build it are the program's own."""
    dialect = op.get_context().dialect.name
    ordinal = sa.Integer() if dialect == "sqlite" else sa.BigInteger()
    numbers = ("pictures", "media_stored", "media_pending", "media_failed", "media_gone", "media_skipped")
    op.create_table(
        "post_index",
        sa.Column("ordinal", ordinal, autoincrement=False, nullable=False),
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("mission", TEXT, nullable=True),
        sa.Column("day", INTEGER, nullable=True),
        sa.Column("span", INTEGER, nullable=True),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("has_fr", "has_en", "has_other")),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("rating", INTEGER, nullable=True),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("needs_review", "edited", "gone")),
        *(sa.Column(name, INTEGER, nullable=False) for name in numbers),
        sa.Column("width", INTEGER, nullable=True),
        sa.Column("height", INTEGER, nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_post_index"),
        sa.UniqueConstraint("post_id", name="uq_post_index_post_id"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_post_index_post_id_posts", ondelete="CASCADE"),
    )
    op.create_table(
        "index_pending",
        sa.Column("post_id", INTEGER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("post_id", name="pk_index_pending"),
    )
    for column in ("source_id", "mission"):
        op.create_index(f"ix_post_index_{column}_ordinal", "post_index", [column, "ordinal"])
    op.create_index("ix_post_index_mission_day", "post_index", ["mission", "day"])
    op.create_index("ix_post_index_seen", "post_index", ["seen"])
    op.create_index("ix_assets_first_seen_at_size", "assets", ["first_seen_at", "size"])
    for name, columns, where in (
        *((flag, ["ordinal"], f"{flag} = 1" if dialect == "sqlite" else flag) for flag in ("gone", "edited")),
        ("needs_review", ["ordinal"], "needs_review = 1" if dialect == "sqlite" else "needs_review"),
        ("verdict", ["verdict", "ordinal"], "verdict <> 'unreviewed'"),
        ("rating", ["rating", "ordinal"], "rating IS NOT NULL"),
        ("media_failed", ["ordinal"], "media_failed > 0"),
        ("media_pending", ["ordinal"], "media_pending > 0"),
    ):
        rare = sa.text(where)
        op.create_index(f"ix_post_index_{name}", "post_index", columns, sqlite_where=rare, postgresql_where=rare)
    for statement in (*search_table(dialect), *triggers(dialect)):
        op.execute(statement)
    _fold_hashtags(op.get_bind())
    op.execute("INSERT INTO index_pending SELECT id FROM posts WHERE true ON CONFLICT DO NOTHING")


def _fold_hashtags(connection: sa.Connection) -> None:
    """They were in lower case only; accents do not matter from now on."""
    found = connection.exec_driver_sql("SELECT DISTINCT tag, folded FROM hashtags")
    changed = [{"tag": tag, "was": folded, "folded": fold_tag(tag)} for tag, folded in found if folded != fold_tag(tag)]
    if changed:
        # by the column that has an index
        connection.execute(sa.text("UPDATE hashtags SET folded = :folded WHERE folded = :was AND tag = :tag"), changed)
