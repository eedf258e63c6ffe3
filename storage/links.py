"""The links of one post, either way: with those that were published before it, and those that come after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from storage.migrations.links import links

#: posts after it that are told, at most: a caption may stand over thousands
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A post that another one is linked with; ``kind`` and ``evidence`` are those of ``archive_links``.

    ``first`` says that the other one was published before.
    """

    key: str
    kind: str
    evidence: tuple[str, ...]
    first: bool

    def as_json(self) -> dict[str, Any]:
        """An object in the list ``links`` of ``show --json``."""
        return asdict(self) | {"evidence": list(self.evidence)}


def links_of(connection: Connection, post_id: int) -> tuple[Link, ...]:
    """With which posts one is linked, in the order in which they were published; at most ``MOST`` that follow it."""
    dialect = connection.dialect.name
    before = f"SELECT l.*, l.other_id AS met FROM ({links(dialect, f't.post_id = {post_id:d}')}) AS l"  # noqa: S608 - a number
    later = ", ".join(str(number) for number in _later(connection, post_id)) or "NULL"
    after = (
        f"SELECT l.*, l.post_id AS met FROM ({links(dialect, f't.post_id IN ({later})')}) AS l"  # noqa: S608 - numbers
        f" WHERE l.other_id = {post_id:d}"
    )
    found: dict[tuple[int, str], Link] = {}
    for query, is_first in ((before, True), (after, False)):
        rows = connection.exec_driver_sql(
            "SELECT p.source_id || ':' || p.native_id AS key, m.met, m.kind, m.evidence"  # noqa: S608 - our own words
            f" FROM ({query}) AS m JOIN posts AS p ON p.id = m.met"
            " ORDER BY (SELECT min(t.second) FROM traits AS t WHERE t.post_id = m.met),"
            " (SELECT min(t.tie) FROM traits AS t WHERE t.post_id = m.met), m.kind, m.evidence"
        )
        for key, met, kind, evidence in rows:
            known = found.get((met, kind))
            said = (*known.evidence, evidence) if known else (evidence,)
            found[met, kind] = Link(key=key, kind=kind, evidence=said, first=is_first)
    return tuple(found.values())


def _later(connection: Connection, post_id: int) -> list[int]:
    """Posts that may lead to this one: they share a trait with it, or look like it, and were published later."""
    return list(connection.exec_driver_sql(_LATER.format(post_id=int(post_id), most=MOST)).scalars())


_LATER = """
SELECT m.post_id FROM (
    SELECT o.post_id, o.second, o.tie FROM traits AS t JOIN traits AS o ON o.value = t.value AND o.kind = CASE t.kind
        WHEN 'twin fr' THEN 'twin en' WHEN 'twin en' THEN 'twin fr' WHEN 'near fr' THEN 'near en'
        WHEN 'near en' THEN 'near fr' WHEN 'own fr' THEN 'answer en' WHEN 'own en' THEN 'answer fr' ELSE t.kind END
    WHERE t.post_id = {post_id} AND substr(t.kind, 1, 6) <> 'answer' AND (o.second, o.tie) > (t.second, t.tie)
    UNION
    SELECT o.post_id, o.second, o.tie FROM traits AS t JOIN alike AS a ON a.hash = t.value
    JOIN traits AS o ON o.kind = 'look' AND o.value = a.other
    WHERE t.post_id = {post_id} AND t.kind = 'look' AND (o.second, o.tie) > (t.second, t.tie)
) AS m ORDER BY m.second, m.tie LIMIT {most}
"""
