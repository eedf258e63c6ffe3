"""First light: sources, runs, captures, posts with their segments and pictures, and the two views.

Revision ID: 0001
Revises: (nothing)
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.portable import INTEGER, TEXT, day, stamp

revision = "0001"
down_revision = None


def archive_posts(dialect: str) -> str:
    """The statement that makes the view."""
    return f"""
CREATE VIEW archive_posts AS
SELECT
    p.source_id || ':' || p.native_id AS key,
    p.source_id AS source,
    p.native_id AS native_id,
    p.mission AS mission,
    p.url AS url,
    p.author AS author,
    p.title AS title,
    CASE p.published_precision
        WHEN 'day' THEN {day(dialect, "p.published_at")}
        ELSE {stamp(dialect, "p.published_at")}
    END AS published_at,
    p.published_precision AS published_precision,
    p.published_origin AS published_origin,
    {stamp(dialect, "p.edited_at")} AS edited_at,
    p.caption_fr AS caption_fr,
    p.caption_en AS caption_en,
    p.body AS text,
    p.content_warning AS content_warning,
    p.hashtags AS hashtags,
    coalesce(p.credit, p.credit_line) AS credit,
    p.license AS license,
    p.license_url AS license_url,
    CAST(p.needs_review AS INTEGER) AS needs_review,
    'unreviewed' AS verdict,
    CAST(NULL AS INTEGER) AS rating,
    (
        SELECT count(*) FROM attachments AS a
        WHERE a.post_id = p.id AND a.kind = 'image' AND a.removed_at IS NULL
    ) AS image_count,
    NULL AS variant_of,
    {stamp(dialect, "p.first_seen_at")} AS first_seen_at,
    {stamp(dialect, "p.gone_at")} AS gone_at
FROM posts AS p
"""  # noqa: S608 - columns of our own


# measured where the bytes are held, else the source's word; ``bytes`` are those held
ARCHIVE_MEDIA = """
CREATE VIEW archive_media AS
SELECT
    p.source_id || ':' || p.native_id AS post_key,
    a.position AS position,
    a.state AS state,
    a.sha256 AS sha256,
    'media/' || substr(s.sha256, 1, 2) || '/' || substr(s.sha256, 3, 2)
        || '/' || s.sha256 || '.' || s.extension AS path,
    coalesce(s.media_type, a.media_type) AS media_type,
    s.size AS bytes,
    coalesce(s.width, a.width) AS width,
    coalesce(s.height, a.height) AS height,
    a.alt AS alt,
    coalesce(a.fetched_url, a.url) AS source_url
FROM attachments AS a
JOIN posts AS p ON p.id = a.post_id
LEFT JOIN assets AS s ON s.sha256 = a.sha256
WHERE a.removed_at IS NULL
"""


def upgrade() -> None:
    """Make everything."""
    dialect = op.get_context().dialect.name
    op.create_table(
        "sources",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("first_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
    )
    op.create_table(
        "runs",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cursor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("pid", INTEGER, nullable=False),
        sa.Column("counts", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_runs_source_id_sources"),
    )
    op.create_index("ix_runs_source_id_id", "runs", ["source_id", "id"])
    op.create_table(
        "leases",
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("boot", TEXT, nullable=False),
        sa.Column("pid", INTEGER, nullable=False),
        sa.Column("process_start", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("source_id", name="pk_leases"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_leases_run_id_runs"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_leases_source_id_sources"),
    )
    op.create_table(
        "captures",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("requested_url", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("carry", TEXT, nullable=True),
        sa.Column("status", INTEGER, nullable=False),
        sa.Column("headers", TEXT, nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("size", INTEGER, nullable=True),
        sa.Column("file", TEXT, nullable=True),
        sa.Column("offset", INTEGER, nullable=True),
        sa.Column("length", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_captures"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_captures_run_id_runs"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_captures_source_id_sources"),
    )
    op.create_index("ix_captures_file", "captures", ["file"])
    # addresses and hashtags may be longer than what a B-tree of PostgreSQL holds (2.7 kB)
    if dialect == "postgresql":
        op.create_index("ix_captures_requested_url", "captures", ["requested_url"], postgresql_using="hash")
    else:
        op.create_index("ix_captures_source_id_requested_url_id", "captures", ["source_id", "requested_url", "id"])
    op.create_table(
        "failures",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("key", TEXT, nullable=True),
        sa.Column("capture_id", INTEGER, nullable=True),
        sa.Column("evidence", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failures"),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name="fk_failures_capture_id_captures"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_failures_run_id_runs"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_failures_source_id_sources"),
    )
    op.create_index("ix_failures_run_id", "failures", ["run_id"])
    op.create_table(
        "validators",
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("etag", TEXT, nullable=True),
        sa.Column("last_modified", TEXT, nullable=True),
        sa.Column("capture_id", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "url", name="pk_validators"),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name="fk_validators_capture_id_captures"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_validators_source_id_sources"),
    )
    op.create_table(
        "posts",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("native_id", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("author", TEXT, nullable=True),
        sa.Column("author_url", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_precision", sa.String(16), nullable=True),
        sa.Column("published_origin", sa.String(16), nullable=True),
        sa.Column("published_zone_known", sa.Boolean(), nullable=True),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stated_precision", sa.String(16), nullable=True),
        sa.Column("stated_origin", sa.String(16), nullable=True),
        sa.Column("stated_zone_known", sa.Boolean(), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("languages", TEXT, nullable=False),
        sa.Column("content_warning", TEXT, nullable=True),
        sa.Column("credit", TEXT, nullable=True),
        sa.Column("license", TEXT, nullable=True),
        sa.Column("license_url", TEXT, nullable=True),
        sa.Column("in_reply_to", TEXT, nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("opt_outs", TEXT, nullable=False),
        sa.Column("stated_hashtags", TEXT, nullable=False),
        sa.Column("hashtags", TEXT, nullable=False),
        sa.Column("mission", TEXT, nullable=True),
        sa.Column("credit_line", TEXT, nullable=True),
        sa.Column("credit_line_start", INTEGER, nullable=True),
        sa.Column("credit_person", TEXT, nullable=True),
        sa.Column("credit_agency", TEXT, nullable=True),
        sa.Column("credit_mission", TEXT, nullable=True),
        sa.Column("credit_day", sa.Date(), nullable=True),
        sa.Column("credit_other_reading", sa.Date(), nullable=True),
        sa.Column("credit_files", TEXT, nullable=True),
        sa.Column("split_confidence", sa.Double(), nullable=False),
        sa.Column("split_needs_review", sa.Boolean(), nullable=False),
        sa.Column("title_confidence", sa.Double(), nullable=True),
        sa.Column("title_needs_review", sa.Boolean(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("caption_fr", TEXT, nullable=True),
        sa.Column("caption_en", TEXT, nullable=True),
        sa.Column("title_fr", TEXT, nullable=True),
        sa.Column("title_en", TEXT, nullable=True),
        sa.Column("content_hash", TEXT, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("capture_id", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.UniqueConstraint("source_id", "native_id", name="uq_posts_source_id_native_id"),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name="fk_posts_capture_id_captures"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_posts_run_id_runs"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_posts_source_id_sources"),
    )
    op.create_index("ix_posts_published_at", "posts", ["published_at"])
    op.create_index("ix_posts_source_id_published_at", "posts", ["source_id", "published_at"])
    op.create_index("ix_posts_url", "posts", ["url"], postgresql_using="hash")
    op.create_table(
        "segments",
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("lang", sa.String(16), nullable=False),
        sa.Column("start", INTEGER, nullable=False),
        sa.Column("stop", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "part", "position", name="pk_segments"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_segments_post_id_posts", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hashtags",
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("folded", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "position", name="pk_hashtags"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_hashtags_post_id_posts", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hashtags_folded", "hashtags", ["folded"], postgresql_using="hash")
    op.create_table(
        "assets",
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("extension", TEXT, nullable=False),
        sa.Column("size", INTEGER, nullable=False),
        sa.Column("width", INTEGER, nullable=False),
        sa.Column("height", INTEGER, nullable=False),
        sa.Column("exif", TEXT, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_assets"),
    )
    op.create_table(
        "attachments",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("post_id", INTEGER, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("occurrence", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("alternatives", TEXT, nullable=False),
        sa.Column("native_id", TEXT, nullable=True),
        sa.Column("alt", TEXT, nullable=True),
        sa.Column("media_type", TEXT, nullable=True),
        sa.Column("width", INTEGER, nullable=True),
        sa.Column("height", INTEGER, nullable=True),
        sa.Column("size", INTEGER, nullable=True),
        sa.Column("credit", TEXT, nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("attempts", INTEGER, nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("fetched_url", TEXT, nullable=True),
        sa.Column("capture_id", INTEGER, nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sa.UniqueConstraint("post_id", "key", "occurrence", name="uq_attachments_post_id_key_occurrence"),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name="fk_attachments_capture_id_captures"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_attachments_post_id_posts", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sha256"], ["assets.sha256"], name="fk_attachments_sha256_assets"),
    )
    op.create_index("ix_attachments_sha256", "attachments", ["sha256"])
    op.create_index(
        "ix_attachments_wanted",
        "attachments",
        ["id"],
        sqlite_where=sa.text("state IN ('pending', 'failed')"),
        postgresql_where=sa.text("state IN ('pending', 'failed')"),
    )
    op.execute(archive_posts(dialect))
    op.execute(ARCHIVE_MEDIA)
