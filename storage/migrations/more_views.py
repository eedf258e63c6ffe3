"""The views beside the first two, as step 0005 made them; apart from that step, so that Alembic is not loaded.

A step that changes a view writes its statement out anew and leaves this one to step 0005. A post is named in each of
them by its key, what is known of a source by its id; truths are 1 and 0 and times are ISO 8601, on both databases.
"""

from __future__ import annotations

from storage.migrations.portable import day, stamp

_KEY = "p.source_id || ':' || p.native_id"
#: the numbers of a run that have a column of their own; all of them are in ``counts``
_COUNTS = (
    "posts_found",
    "posts_added",
    "posts_updated",
    "posts_unchanged",
    "posts_gone",
    "media_stored",
    "media_bytes",
    "media_failed",
    "failed",
)


def _number(dialect: str, document: str, name: str) -> str:
    """A whole number of a JSON object that is written without spaces; NULL where it is not said."""
    if dialect == "postgresql":
        return f"CAST(CAST({document} AS json) ->> '{name}' AS bigint)"
    # json_extract is refused in a view where the schema is not trusted, as ``storage.guard`` has it; CAST reads as far
    # as there are digits
    said = f"'\"{name}\":'"
    return f"CAST(substr({document}, nullif(instr({document}, {said}), 0) + length({said})) AS INTEGER)"


def archive_captions(dialect: str) -> str:
    """One row a post and language that it has a caption in: the curator's where there is one, else the machine's."""
    each = "\nUNION ALL\n".join(
        f"""SELECT
    {_KEY} AS post_key,
    p.source_id AS source,
    '{lang}' AS lang,
    coalesce(c.caption_{lang}, p.caption_{lang}) AS text,
    CASE WHEN c.caption_{lang} IS NULL THEN 'machine' ELSE 'curator' END AS origin,
    CASE WHEN c.caption_{lang} IS NULL THEN p.split_confidence END AS confidence,
    CAST(CASE
        WHEN c.outdated THEN TRUE
        WHEN c.caption_fr IS NOT NULL OR c.caption_en IS NOT NULL THEN FALSE
        ELSE p.split_needs_review
    END AS INTEGER) AS needs_review
FROM posts AS p
LEFT JOIN curation AS c ON c.post_id = p.id
WHERE coalesce(c.caption_{lang}, p.caption_{lang}) <> ''"""  # noqa: S608 - our own words
        for lang in ("fr", "en")
    )
    return f"\nCREATE VIEW archive_captions AS\n{each}\n"


def archive_hashtags(dialect: str) -> str:
    """One row a hashtag of a post."""
    return f"""
CREATE VIEW archive_hashtags AS
SELECT {_KEY} AS post_key, h.position AS position, h.tag AS tag, h.folded AS folded
FROM hashtags AS h
JOIN posts AS p ON p.id = h.post_id
"""  # noqa: S608 - our own words


def archive_tags(dialect: str) -> str:
    """One row a curator's tag on a post."""
    return f"""
CREATE VIEW archive_tags AS
SELECT {_KEY} AS post_key, t.tag AS tag, t.folded AS folded
FROM tags AS t
JOIN posts AS p ON p.id = t.post_id
"""  # noqa: S608 - our own words


def archive_runs(dialect: str) -> str:
    """One row a visit to a source, with what it did in numbers."""
    numbers = "".join(f"    {_number(dialect, 'r.counts', name)} AS {name},\n" for name in _COUNTS)
    return f"""
CREATE VIEW archive_runs AS
SELECT
    r.id AS id,
    r.source_id AS source,
    s.kind AS kind,
    r.status AS status,
    {stamp(dialect, "r.started_at")} AS started_at,
    {stamp(dialect, "r.ended_at")} AS ended_at,
    {stamp(dialect, "r.since")} AS since,
    {stamp(dialect, "r.until")} AS until,
{numbers}    r.counts AS counts
FROM runs AS r
JOIN sources AS s ON s.id = r.source_id
"""  # noqa: S608 - our own words


def archive_failures(dialect: str) -> str:
    """One row a thing that failed in a visit."""
    return f"""
CREATE VIEW archive_failures AS
SELECT
    f.id AS id,
    f.run_id AS run_id,
    f.source_id AS source,
    {stamp(dialect, "f.at")} AS at,
    f.stage AS stage,
    f.error AS error,
    f.message AS message,
    f.url AS url,
    f.key AS post_key
FROM failures AS f
"""  # noqa: S608 - our own words


def archive_decisions(dialect: str) -> str:
    """One row a thing that a curator decided; the picture by its place in the post."""
    return f"""
CREATE VIEW archive_decisions AS
SELECT
    d.id AS id,
    d.batch AS batch,
    d.who AS who,
    {stamp(dialect, "d.at")} AS at,
    {_KEY} AS post_key,
    a.position AS position,
    d.kind AS kind,
    d.field AS field,
    d.value AS value,
    CAST(d.undone_by IS NOT NULL AS INTEGER) AS undone
FROM decisions AS d
JOIN posts AS p ON p.id = d.post_id
LEFT JOIN attachments AS a ON a.id = d.attachment_id
"""  # noqa: S608 - our own words


def archive_revisions(dialect: str) -> str:
    """One row a state that a post was in before it changed, as the machine had read it."""
    return f"""
CREATE VIEW archive_revisions AS
SELECT
    r.id AS id,
    {_KEY} AS post_key,
    r.why AS why,
    r.fields AS fields,
    {stamp(dialect, "r.changed_at")} AS known_at,
    {stamp(dialect, "r.replaced_at")} AS replaced_at,
    r.title AS title,
    CASE r.published_precision
        WHEN 'day' THEN {day(dialect, "r.published_at")}
        ELSE {stamp(dialect, "r.published_at")}
    END AS published_at,
    r.caption_fr AS caption_fr,
    r.caption_en AS caption_en,
    r.body AS text
FROM revisions AS r
JOIN posts AS p ON p.id = r.post_id
"""  # noqa: S608 - our own words


MORE_VIEWS = (
    archive_captions,
    archive_hashtags,
    archive_tags,
    archive_runs,
    archive_failures,
    archive_decisions,
    archive_revisions,
)
