"""What step 0007 makes beside plain tables, apart from that step, so that Alembic is not loaded.

Links between posts are a view over what posts share (``traits``, kept by ``storage.traits``), so that they hold in
whatever order posts came, and go with what they rest on. Each leads from a post to one that was published before: to
the first of all that share the trait, so that thousands of one caption have one link each, or of twins to the nearest.

A step that changes any of it writes its statements out anew and leaves this module to step 0007.
"""

from __future__ import annotations

from collections.abc import Iterator

from storage.migrations import views

#: seconds within which a twin is posted that is known by its particulars, and one that answers
_NEAR, _ANSWERS = 1800, 86_400
#: more than there are seconds
_EVER = 1 << 50

_FIRST = """o.post_id = (
        SELECT e.post_id FROM traits AS e WHERE e.kind = {kind} AND e.value = {value}
        ORDER BY e.second, e.tie, e.post_id LIMIT 1
    )"""
_SHARED = """
    SELECT t.post_id AS post_id, o.post_id AS other_id,
        CASE t.kind WHEN 'picture' THEN 'same picture' ELSE 'same caption' END AS kind,
        CASE t.kind WHEN 'picture' THEN {hex} ELSE substr(t.kind, 9) END AS evidence,
        o.second AS second, o.tie AS tie
    FROM traits AS t JOIN traits AS o ON o.kind = t.kind AND o.value = t.value AND {first}
    WHERE t.kind IN ('picture', 'caption fr', 'caption en') AND o.post_id <> t.post_id AND {which}"""
_ALIKE = """
    SELECT t.post_id, o.post_id, 'alike', 'distance ' || a.distance, o.second, o.tie
    FROM traits AS t JOIN alike AS a ON a.hash = t.value
    JOIN traits AS o ON o.kind = 'look' AND o.value = a.other AND {first}
    WHERE t.kind = 'look' AND (o.second, o.tie) < (t.second, t.tie) AND {which}
        AND NOT EXISTS (
            SELECT 1 FROM traits AS s
            JOIN traits AS q ON q.post_id = o.post_id AND q.kind = s.kind AND q.value = s.value
            WHERE s.post_id = t.post_id AND s.kind = 'picture'
        )"""
_OTHERS = (
    "CASE t.kind WHEN 'twin fr' THEN 'twin en' WHEN 'twin en' THEN 'twin fr' WHEN 'near fr' THEN 'near en'"
    " WHEN 'near en' THEN 'near fr' WHEN 'answer fr' THEN 'own en' WHEN 'answer en' THEN 'own fr' END"
)
_TWINS = """
    SELECT t.post_id, o.post_id, 'twin',
        CASE substr(t.kind, 1, 4) WHEN 'twin' THEN 'picture' WHEN 'near' THEN 'particulars' ELSE 'reply' END,
        o.second, o.tie
    FROM traits AS t JOIN traits AS o ON o.kind = {others} AND o.value = t.value AND o.post_id = (
        SELECT e.post_id FROM traits AS e WHERE e.kind = {others} AND e.value = t.value
            AND (e.second, e.tie) < (t.second, t.tie)
            AND e.second >= t.second - CASE substr(t.kind, 1, 4) WHEN 'twin' THEN {ever} WHEN 'near' THEN {near}
                ELSE {answers} END
        ORDER BY e.second DESC, e.tie DESC, e.post_id DESC LIMIT 1
    )
    WHERE t.kind IN ('twin fr', 'twin en', 'near fr', 'near en', 'answer fr', 'answer en') AND {which}"""


def links(dialect: str, which: str = "TRUE") -> str:
    """The SELECT of all links of the posts for whose traits ``t`` a condition holds.

    Its columns are ``post_id, other_id, kind, evidence, second, tie``, the last two of the other post.
    """
    written = "lpad(to_hex(t.value), 16, '0')" if dialect == "postgresql" else "printf('%016x', t.value)"
    return "\n    UNION ALL".join(
        (
            _SHARED.format(first=_FIRST.format(kind="t.kind", value="t.value"), hex=written, which=which),
            _ALIKE.format(first=_FIRST.format(kind="'look'", value="a.other"), which=which),
            _TWINS.format(others=_OTHERS, ever=_EVER, near=_NEAR, answers=_ANSWERS, which=which),
        )
    )


def variant_of(dialect: str, post: str = "p.id") -> str:
    """The key of the first-published post that this one is linked with and that came before it, as an expression."""
    return f"""(
        SELECT v.source_id || ':' || v.native_id FROM posts AS v WHERE v.id = (
            SELECT l.other_id FROM ({links(dialect, f"t.post_id = {post}")}
            ) AS l ORDER BY l.second, l.tie, l.other_id LIMIT 1
        )
    )"""  # noqa: S608 - our own words


def archive_posts(dialect: str) -> str:
    """The statement that makes the view, as it was but for ``variant_of``."""
    return views.archive_posts(dialect).replace("NULL AS variant_of", f"{variant_of(dialect)} AS variant_of")


def archive_links(dialect: str) -> str:
    """The statement that makes the view: one row a link and what it is known by."""
    return f"""
CREATE VIEW archive_links AS
SELECT
    p.source_id || ':' || p.native_id AS post_key,
    o.source_id || ':' || o.native_id AS other_key,
    l.kind AS kind,
    l.evidence AS evidence
FROM ({links(dialect)}
) AS l
JOIN posts AS p ON p.id = l.post_id
JOIN posts AS o ON o.id = l.other_id
"""  # noqa: S608 - our own words


_NOTED = "INSERT INTO index_pending SELECT DISTINCT a.post_id FROM attachments AS a {whose} ON CONFLICT DO NOTHING"
#: what is alike goes when no picture has that fingerprint any more
_FORGOTTEN = (
    "DELETE FROM alike WHERE other = {hash} AND hash IN (SELECT n.other FROM alike AS n WHERE n.hash = {hash})"
    " AND NOT EXISTS (SELECT 1 FROM fingerprints AS f WHERE f.band_1 = {band} AND f.hash = {hash})",
    "DELETE FROM alike WHERE hash = {hash}"
    " AND NOT EXISTS (SELECT 1 FROM fingerprints AS f WHERE f.band_1 = {band} AND f.hash = {hash})",
)


def triggers(dialect: str) -> Iterator[str]:
    """The statements that note whose traits change with a fingerprint, and end what was like one that goes."""
    if dialect == "postgresql":
        noted = _NOTED.format(whose="JOIN changed AS c ON c.sha256 = a.sha256")
        ends = "".join(f" {line.format(hash='gone.hash', band='gone.band_1')};" for line in _FORGOTTEN)
        for event, body in (
            ("insert", f"{noted}; RETURN NULL;"),
            (
                "delete",
                f"{noted}; FOR gone IN SELECT DISTINCT hash, band_1 FROM changed"  # noqa: S608 - our own words
                f" WHERE hash IS NOT NULL LOOP{ends}"
                " END LOOP; RETURN NULL;",
            ),
        ):
            declared = " DECLARE gone RECORD;" if event == "delete" else ""
            yield (
                f"CREATE FUNCTION index_note_fingerprints_{event}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $${declared} BEGIN {body} END $$"
            )
            state = "NEW" if event == "insert" else "OLD"
            yield (
                f"CREATE TRIGGER index_fingerprints_{event} AFTER {event.upper()} ON fingerprints"
                f" REFERENCING {state} TABLE AS changed FOR EACH STATEMENT"
                f" EXECUTE FUNCTION index_note_fingerprints_{event}()"
            )
        return
    for event, state in (("insert", "new"), ("delete", "old")):
        body = _NOTED.format(whose=f"WHERE a.sha256 = {state}.sha256") + ";"
        if event == "delete":
            body += "".join(f" {line.format(hash='old.hash', band='old.band_1')};" for line in _FORGOTTEN)
        yield f"CREATE TRIGGER index_fingerprints_{event} AFTER {event.upper()} ON fingerprints BEGIN {body} END"
