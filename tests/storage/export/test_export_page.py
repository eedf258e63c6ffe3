"""docs/export.md: every format and every name is on it, and its examples run."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from storage.export.exporting import export
from storage.export.formats import format_of, names
from storage.export.items import NAMES
from storage.export.publishable import Clearance
from storage.filters import Filters
from storage.postview import COLUMNS

PAGE = (Path(__file__).parents[3] / "docs/export.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_every_format_and_name_is_explained():
    """Formats in the table, with what they need; what travels beside the view's columns in the other."""
    for name in names():
        assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE), name
        if format_of(name).extra:
            assert f"cupola[{format_of(name).extra}]" in PAGE
    for name in set(NAMES) - set(COLUMNS):
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split()[1])
def test_the_examples_run(make_archive, tmp_path, monkeypatch, example):
    """The Parquet export is read by pandas and DuckDB as the page says; skipped where they are not installed."""
    pytest.importorskip(example.split()[1])
    held = make_archive(tmp_path / "archive")
    held.add("1", fr="La Terre", published=date(2016, 12, 3), hashtags=("Terre", "ISS"), pictures=({"data": b"1"}, {}))
    held.add(
        "2", fr="Le lac", en="The lake", published=datetime(2017, 1, 2, tzinfo=UTC), hashtags=("ISS",), license="CC0"
    )
    held.add("3", en="Undated")
    monkeypatch.chdir(tmp_path)
    dest = Path("posts.parquet")
    export(held.database, held.folder, format_of("parquet"), dest, Filters(), clearance=Clearance(), cupola="Cupola")
    said: dict[str, object] = {}
    exec(example, said)  # noqa: S102 - our own page
    if "pandas" in said:
        assert dict(said["by_month"]) == {"2016-12": 1, "2017-01": 1}
        assert list(said["french_only"].key) == ["esa-proxima:1"]
        assert dict(said["tags"]) == {"ISS": 2, "Terre": 1}
    else:
        assert [row[0] for row in said["largest"]] == ["esa-proxima:1"]
        assert said["licences"] == [("nothing stated", 2), ("CC0", 1)]
        assert said["incomplete"] == [("media_pending", 1), ("needs_review", 1), ("undated", 1)]
