"""The SQL that reads the posts of a batch: what the view ``archive_posts`` says of them, found by their numbers.

The view has no number to be found by: asked by its key's two halves it looks every post up twice. So its columns are
made here once more; a test compares every one of them with the view's.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import TextClause, text

from storage.migrations.links import variant_of
from storage.migrations.portable import day, stamp

_DATE = "coalesce(c.published_at, p.published_at)"


@cache
def statement(dialect: str) -> TextClause:
    """A statement with one parameter, ``ids``: a list of numbers, for SQLite as JSON.

    Its columns are those that ``storage.export.reading`` takes apart; the rows come in no order.
    """
    among = "p.id = ANY(:ids)" if dialect == "postgresql" else "p.id IN (SELECT value FROM json_each(:ids))"
    return text(f"""
SELECT
    p.id, p.capture_id, p.run_id, p.source_id, p.native_id,
    {_curated("c.mission", "p.mission")},
    p.url, p.author, p.title,
    CASE coalesce(c.published_precision, p.published_precision)
        WHEN 'day' THEN {day(dialect, _DATE)} ELSE {stamp(dialect, _DATE)}
    END,
    coalesce(c.published_precision, p.published_precision),
    CASE WHEN c.published_at IS NULL THEN p.published_origin ELSE 'curator' END,
    {stamp(dialect, "p.edited_at")},
    {_curated("c.caption_fr", "p.caption_fr")},
    {_curated("c.caption_en", "p.caption_en")},
    p.body, p.content_warning, p.hashtags,
    {_curated("c.credit", "coalesce(p.credit, p.credit_line)")},
    p.license, p.license_url,
    CASE
        WHEN c.outdated THEN TRUE
        WHEN c.caption_fr IS NOT NULL OR c.caption_en IS NOT NULL THEN {_DATE} IS NULL
        WHEN c.published_at IS NOT NULL THEN p.split_needs_review
        ELSE p.needs_review
    END,
    coalesce(c.verdict, 'unreviewed'), c.rating,
    {stamp(dialect, "p.first_seen_at")}, {stamp(dialect, "p.gone_at")},
    c.corrected, p.opt_outs,
    {variant_of(dialect)}
FROM posts AS p LEFT JOIN curation AS c ON c.post_id = p.id
WHERE {among}
""")  # noqa: S608 - our own words


def _curated(column: str, machine: str) -> str:
    """The curator's value where there is one (an empty text: that there is none), else the machine's."""
    return f"CASE WHEN {column} IS NULL THEN {machine} ELSE nullif({column}, '') END"
