"""Evidence: revisions, sightings and absences, what curators decide, and what was taken out for good.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.portable import INTEGER, TEXT
from storage.migrations.views import archive_media, archive_posts

revision = "0002"
down_revision = "0001"


def _of_post(table: str, *, key: bool = False) -> list[sa.schema.SchemaItem]:
    """The constraints of a table whose rows go with their post."""
    fk = sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=f"fk_{table}_post_id_posts", ondelete="CASCADE")
    return [sa.PrimaryKeyConstraint("post_id" if key else "id", name=f"pk_{table}"), fk]


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")


def upgrade() -> None:
    """Add what an archive needs to be evidence; nothing that is held changes."""
    dialect = op.get_context().dialect.name
    op.execute("DROP VIEW archive_posts")
    op.execute("DROP VIEW archive_media")
    time, text = sa.DateTime(timezone=True), TEXT
    op.add_column("runs", sa.Column("scope", text, nullable=True))
    op.add_column("attachments", sa.Column("corrected_alt", text, nullable=True))
    op.add_column("posts", sa.Column("back_at", time, nullable=True))
    op.add_column("posts", sa.Column("shown_at", time, nullable=True))
    op.execute("UPDATE posts SET shown_at = published_at")
    op.drop_index("ix_posts_published_at", "posts")
    op.create_index("ix_posts_shown_at", "posts", ["shown_at"])
    op.create_table(
        "revisions",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("fields", text, nullable=False),
        sa.Column("segments", text, nullable=False),
        sa.Column("attachments", text, nullable=False),
        sa.Column("replaced_at", time, nullable=False),
        sa.Column("replaced_by", INTEGER, nullable=False),
        sa.Column("url", text, nullable=True),
        sa.Column("author", text, nullable=True),
        sa.Column("author_url", text, nullable=True),
        sa.Column("title", text, nullable=True),
        sa.Column("body", text, nullable=False),
        sa.Column("published_at", time, nullable=True),
        sa.Column("published_precision", sa.String(16), nullable=True),
        sa.Column("published_origin", sa.String(16), nullable=True),
        sa.Column("published_zone_known", sa.Boolean(), nullable=True),
        sa.Column("stated_at", time, nullable=True),
        sa.Column("stated_precision", sa.String(16), nullable=True),
        sa.Column("stated_origin", sa.String(16), nullable=True),
        sa.Column("stated_zone_known", sa.Boolean(), nullable=True),
        sa.Column("edited_at", time, nullable=True),
        sa.Column("languages", text, nullable=False),
        sa.Column("content_warning", text, nullable=True),
        sa.Column("credit", text, nullable=True),
        sa.Column("license", text, nullable=True),
        sa.Column("license_url", text, nullable=True),
        sa.Column("in_reply_to", text, nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("opt_outs", text, nullable=False),
        sa.Column("stated_hashtags", text, nullable=False),
        sa.Column("hashtags", text, nullable=False),
        sa.Column("mission", text, nullable=True),
        sa.Column("credit_line", text, nullable=True),
        sa.Column("credit_line_start", INTEGER, nullable=True),
        sa.Column("credit_person", text, nullable=True),
        sa.Column("credit_agency", text, nullable=True),
        sa.Column("credit_mission", text, nullable=True),
        sa.Column("credit_day", sa.Date(), nullable=True),
        sa.Column("credit_other_reading", sa.Date(), nullable=True),
        sa.Column("credit_files", text, nullable=True),
        sa.Column("split_confidence", sa.Double(), nullable=False),
        sa.Column("split_needs_review", sa.Boolean(), nullable=False),
        sa.Column("title_confidence", sa.Double(), nullable=True),
        sa.Column("title_needs_review", sa.Boolean(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("caption_fr", text, nullable=True),
        sa.Column("caption_en", text, nullable=True),
        sa.Column("title_fr", text, nullable=True),
        sa.Column("title_en", text, nullable=True),
        sa.Column("changed_at", time, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("capture_id", INTEGER, nullable=True),
        *_of_post("revisions"),
        _refers("revisions", "replaced_by", "runs"),
        _refers("revisions", "run_id", "runs"),
        _refers("revisions", "capture_id", "captures"),
    )
    op.create_index("ix_revisions_post_id", "revisions", ["post_id"])
    op.create_table(
        "sightings",
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        *_of_post("sightings", key=True),
        _refers("sightings", "run_id", "runs"),
    )
    op.execute("INSERT INTO sightings (post_id, run_id) SELECT id, run_id FROM posts")
    op.create_table(
        "looks",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("source_id", text, nullable=False),
        sa.Column("url", text, nullable=True),
        sa.Column("since", time, nullable=True),
        sa.Column("until", time, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_looks"),
        _refers("looks", "run_id", "runs"),
        _refers("looks", "source_id", "sources"),
    )
    op.create_index("ix_looks_source_id_run_id", "looks", ["source_id", "run_id"])
    op.create_table(
        "absences",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("gone_at", time, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("back_at", time, nullable=True),
        *_of_post("absences"),
        _refers("absences", "run_id", "runs"),
    )
    op.create_index("ix_absences_post_id", "absences", ["post_id"])
    op.create_table(
        "decisions",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("batch", INTEGER, nullable=False),
        sa.Column("who", text, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("attachment_id", INTEGER, nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("field", text, nullable=True),
        sa.Column("value", text, nullable=True),
        sa.Column("undone_by", INTEGER, nullable=True),
        *_of_post("decisions"),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name="fk_decisions_attachment_id_attachments", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_decisions_post_id", "decisions", ["post_id"])
    op.create_index("ix_decisions_who_batch", "decisions", ["who", "batch"])
    op.create_table(
        "curation",
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("rating", INTEGER, nullable=True),
        sa.Column("note", text, nullable=True),
        sa.Column("caption_fr", text, nullable=True),
        sa.Column("caption_en", text, nullable=True),
        sa.Column("published_at", time, nullable=True),
        sa.Column("published_precision", sa.String(16), nullable=True),
        sa.Column("credit", text, nullable=True),
        sa.Column("mission", text, nullable=True),
        sa.Column("segments", text, nullable=True),
        sa.Column("corrected", text, nullable=True),
        sa.Column("outdated", sa.Boolean(), nullable=False),
        *_of_post("curation", key=True),
    )
    op.create_table(
        "tags",
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("folded", text, nullable=False),
        sa.Column("tag", text, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "folded", name="pk_tags"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_tags_post_id_posts", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tags_folded", "tags", ["folded"], postgresql_using="hash")
    op.create_table(
        "tombstones",
        sa.Column("key_hash", text, nullable=False),
        sa.Column("source_id", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("who", text, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("done_at", time, nullable=True),
        sa.PrimaryKeyConstraint("key_hash", name="pk_tombstones"),
        _refers("tombstones", "source_id", "sources"),
    )
    op.create_index("ix_tombstones_source_id", "tombstones", ["source_id"])
    op.create_table(
        "removals",
        sa.Column("path", text, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_removals"),
    )
    op.execute(archive_posts(dialect))
    op.execute(archive_media(dialect))
