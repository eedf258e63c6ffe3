"""What Datasette is told of an archive: its views in words, the worked questions, what to hide."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jobs.schemapage import page_text, questions, views

#: the name that Datasette gives the database, by its file
DATABASE = "cupola"
#: how to look through a view at first: by which columns to choose, and in which order
_FACETS = {
    "archive_posts": ["source", "mission", "verdict"],
    "archive_media": ["state", "media_type"],
    "archive_captions": ["lang", "origin", "source"],
    "archive_hashtags": ["folded"],
    "archive_tags": ["tag"],
    "archive_runs": ["source", "status"],
    "archive_failures": ["source", "stage", "error"],
    "archive_decisions": ["who", "kind"],
    "archive_revisions": ["why"],
}
_SORTED = {
    "archive_runs": "id",
    "archive_failures": "id",
    "archive_decisions": "id",
    "archive_revisions": "id",
}
# by the index of posts, since a view of a million posts is not sorted within Datasette's second
_NEWEST = """
SELECT v.key, v.image_count AS pictures, v.published_at, v.caption_fr, v.caption_en, v.credit, v.license, v.verdict
FROM post_index AS i
JOIN posts AS p ON p.id = i.post_id
JOIN archive_posts AS v ON v.source = p.source_id AND v.native_id = p.native_id
ORDER BY i.ordinal DESC LIMIT 50"""
_POST = (
    "SELECT key, image_count AS pictures, published_at, caption_fr, caption_en, credit, license, verdict, url\n"
    "FROM archive_posts "
    "WHERE source = substr(:key, 1, instr(:key, ':') - 1) AND native_id = substr(:key, instr(:key, ':') + 1)"
)
_PICTURES = (
    "SELECT path, post_key, alt, width, height, bytes, media_type FROM archive_media WHERE state = 'stored' LIMIT 200"
)
_RIGHTS = (
    "Texts and pictures are their authors'. Credit and licence stand with each post as its source states them; where"
    " nothing is stated, nothing is permitted. Nothing here can be changed: an archive is only read."
)


def metadata(folder: Path, tables: Iterable[str]) -> dict[str, Any]:
    """Datasette's metadata for an archive.

    Args:
        folder: the archive's, where its pictures are.
        tables: the names of its tables, which are hidden at first: they are no promise.

    See https://docs.datasette.io/en/stable/metadata.html
    """
    page = page_text()
    shown: dict[str, dict[str, Any]] = {name: {"hidden": True} for name in tables}
    for view in views(page):
        shown[view.name] = {
            "description": f"{view.rows[:1].upper()}{view.rows[1:]}.",
            "columns": dict(view.columns),
            "facets": _FACETS.get(view.name, []),
            "size": 50,
        }
        if view.name in _SORTED:
            shown[view.name]["sort_desc"] = _SORTED[view.name]
    asked: dict[str, dict[str, Any]] = {
        "newest": {"title": "The newest posts, with their pictures", "sql": _NEWEST.strip(), "hide_sql": True},
        "pictures": {"title": "Pictures", "sql": _PICTURES, "hide_sql": True},
        "post": {
            "title": "One post",
            "description": "key: such as it stands in archive_posts.",
            "sql": _POST,
            "hide_sql": True,
        },
    }
    for question in questions(page):
        asked[f"question-{question.number:02}"] = {
            "title": f"{question.number}. {question.title}",
            "description": question.note,
            "sql": question.sql,
        }
    return {
        "title": "Cupola: an archive of a space mission",
        "description": _RIGHTS,
        "databases": {
            DATABASE: {"description": _RIGHTS, "source": "Cupola", "tables": shown, "queries": asked},
        },
        "plugins": {"cupola": {"folder": str(folder)}},
    }


def written(folder: Path, told: dict[str, Any]) -> tuple[Path, Path]:
    """Write ``metadata.json`` and ``plugins/`` for a Datasette of one's own; where they are.

    Raises:
        OSError: it cannot be written there.
    """
    plugins = folder / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    plugin = plugins / "cupola_pictures.py"
    plugin.write_bytes(Path(__file__).with_name("picturepages.py").read_bytes())
    described = folder / "metadata.json"
    described.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return described, plugins
