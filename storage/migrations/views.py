"""The first two views as step 0002 made them, and as they are now; apart from that step, so that Alembic is not loaded.

A step that changes a view writes its statement out anew and leaves this one to step 0002.
"""

from __future__ import annotations

from storage.migrations.portable import day, stamp


def _curated(column: str, machine: str) -> str:
    """The curator's value where there is one (an empty text: that there is none), else the machine's."""
    return f"CASE WHEN {column} IS NULL THEN {machine} ELSE nullif({column}, '') END"


def archive_posts(dialect: str) -> str:
    """The statement that makes the view."""
    date = "coalesce(c.published_at, p.published_at)"
    return f"""
CREATE VIEW archive_posts AS
SELECT
    p.source_id || ':' || p.native_id AS key,
    p.source_id AS source,
    p.native_id AS native_id,
    {_curated("c.mission", "p.mission")} AS mission,
    p.url AS url,
    p.author AS author,
    p.title AS title,
    CASE coalesce(c.published_precision, p.published_precision)
        WHEN 'day' THEN {day(dialect, date)}
        ELSE {stamp(dialect, date)}
    END AS published_at,
    coalesce(c.published_precision, p.published_precision) AS published_precision,
    CASE WHEN c.published_at IS NULL THEN p.published_origin ELSE 'curator' END AS published_origin,
    {stamp(dialect, "p.edited_at")} AS edited_at,
    {_curated("c.caption_fr", "p.caption_fr")} AS caption_fr,
    {_curated("c.caption_en", "p.caption_en")} AS caption_en,
    p.body AS text,
    p.content_warning AS content_warning,
    p.hashtags AS hashtags,
    {_curated("c.credit", "coalesce(p.credit, p.credit_line)")} AS credit,
    p.license AS license,
    p.license_url AS license_url,
    CAST(CASE
        WHEN c.outdated THEN TRUE
        WHEN c.caption_fr IS NOT NULL OR c.caption_en IS NOT NULL THEN {date} IS NULL
        WHEN c.published_at IS NOT NULL THEN p.split_needs_review
        ELSE p.needs_review
    END AS INTEGER) AS needs_review,
    coalesce(c.verdict, 'unreviewed') AS verdict,
    c.rating AS rating,
    (
        SELECT count(*) FROM attachments AS a
        WHERE a.post_id = p.id AND a.kind = 'image' AND a.removed_at IS NULL
    ) AS image_count,
    NULL AS variant_of,
    {stamp(dialect, "p.first_seen_at")} AS first_seen_at,
    {stamp(dialect, "p.gone_at")} AS gone_at,
    c.corrected AS corrected
FROM posts AS p
LEFT JOIN curation AS c ON c.post_id = p.id
"""  # noqa: S608 - our own words


def archive_media(dialect: str) -> str:
    """The statement that makes the view: measured where the bytes are held, else the source's word."""
    return f"""
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
    {_curated("a.corrected_alt", "a.alt")} AS alt,
    coalesce(a.fetched_url, a.url) AS source_url
FROM attachments AS a
JOIN posts AS p ON p.id = a.post_id
LEFT JOIN assets AS s ON s.sha256 = a.sha256
WHERE a.removed_at IS NULL
"""  # noqa: S608 - our own words
