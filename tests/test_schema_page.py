"""docs/schema.md is true: columns and diagram are the database's, questions are answered so; docs/notebook.md runs."""

from __future__ import annotations

import ast
import hashlib
import re
import runpy
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from scraper.model import Attachment, Lang, Post, Published, Reading, Segment, Split
from storage import views
from storage.archive import Archive
from storage.curation import Say, decide
from storage.engine import open_database
from storage.schema import Base, CaptureRecord, PostRecord
from storage.settings import ArchiveSettings
from storage.sqlquery import asked
from storage.states import Verdict

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "schema.md").read_text(encoding="utf-8")
VIEWS = tuple(view.name for view in views.VIEWS)
NOW = datetime(2017, 6, 2, 12, 0, 0, 250000, tzinfo=UTC)


# columns and diagram


def told() -> dict[str, list[str]]:
    """The columns that the page gives each table and view: the first cell of each row below its heading."""
    sections = re.findall(r"^#{2,3} `(\w+)`[^\n]*\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return {
        name: [
            column
            for cell in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
            for column in re.findall(r"`(\w+)`", cell)
        ]
        for name, text in sections
    }


def test_the_page_has_every_table_with_its_columns_and_nothing_else():
    """Each column stands once in the section of its table; no table and no column is told that is not there."""
    tables = {name: columns for name, columns in told().items() if name not in VIEWS}
    assert len(tables) == len(re.findall(r"^### `", PAGE, re.MULTILINE)), "a section twice"
    actual = {table.name: sorted(column.name for column in table.columns) for table in Base.metadata.tables.values()}
    assert {name: sorted(columns) for name, columns in tables.items()} == actual


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_has_every_column_of_the_views_in_their_order(view, tmp_path, make_archive, address):
    """What is promised is what either database has."""
    database = make_archive(tmp_path / "archive", address).database
    with asked(database, f"SELECT * FROM {view}") as answer:
        assert told()[view] == list(answer.columns)


def test_the_diagram_has_every_table_and_every_foreign_key_and_nothing_else():
    """Each line is one foreign key, its ends say how many rows of one there may be for a row of the other."""
    (diagram,) = re.findall(r"```mermaid\nerDiagram\n(.*?)```", PAGE, re.DOTALL)
    expected, linked = [], set()
    for table in Base.metadata.tables.values():
        keys = [column.name for column in table.primary_key]
        for key in table.foreign_keys:
            to, column = key.column.table.name, key.parent
            least = "|o" if column.nullable else "||"
            most = "o|" if keys == [column.name] or column.unique else "o{"
            expected.append(f"{to} {least}--{most} {table.name} : {column.name}")
            linked |= {to, table.name}
    expected += sorted(set(Base.metadata.tables) - linked)
    assert sorted(map(str.strip, diagram.splitlines())) == sorted(expected)


# questions

ANSWERING = runpy.run_path(str(DOCS / "questions.py"))
#: source and id of the posts that came with an answer, in order
CAPTURED = (
    *(("esa-proxima", name) for name in ("aurore", "lune", "undated")),
    *(("iss", name) for name in ("aurora", "sea")),
)
#: by the number of the question: what is to be answered about the archive below
ANSWERS = {
    1: [("2016-11", 2, 1), ("2016-12", 3, 2)],
    2: [("esa-proxima:lune", "fr", "La Lune"), ("iss:sea", "en", "The sea")],
    3: [
        (str(day),)
        for day in (date(2016, 11, 18) + timedelta(days=number) for number in range(44))
        if str(day) not in {"2016-11-18", "2016-11-20", "2016-12-03", "2016-12-31"}
    ],
    4: [("proxima", 3), ("aurora", 1), ("iss", 1)],
    5: [("iss:paris", "2017-06-03T12:00:00Z", "Pari\nParis by night", "Paris la nuit\nParis by night")],
    6: [("esa-proxima:aurore", "2017-06-02T12:00:00Z", 2, 1)],
    7: [(hashlib.sha256(b"aurora").hexdigest()[:12], 2, "esa-proxima:aurore", "iss:aurora")],
    8: [
        ("esa-proxima:aurore", 1, "gone", "404 on every address", 3, "https://esa.example/2.jpg"),
        ("iss:paris", 0, "pending", None, 0, "https://media.example/paris.jpg"),
    ],
    9: [("iss:aurora", "Une aurore", "Une aurore", "An aurora, seen from orbit", "An aurora")],
    10: [
        (f"{source}:{name}", "2017-06-02 12:00:00.250000", "page", 200, f"https://esa.example/{name}",
         "ab" * 32, 1000, "a.warc.gz", at, 100)
        for at, (source, name) in enumerate(CAPTURED)
    ],
}  # fmt: skip


def reading(*pieces: tuple[Lang, str]) -> Split:
    segments, at = [], 0
    for lang, text in pieces:
        segments.append(Segment(lang=lang, text=text, start=at, end=at + len(text)))
        at += len(text)
    return Split(segments=tuple(segments))


def edited(archive: Archive) -> None:
    """A post that says something, and a day later something else; it came without an answer."""
    run = archive.journal.begin("iss", "mastodon", None, now=NOW)
    picture = Attachment(url="https://media.example/paris.jpg")
    for day, french in enumerate(("Pari", "Paris la nuit")):
        split = reading((Lang.FR, french), (Lang.NONE, "\n"), (Lang.EN, "Paris by night"))
        post = Post(source_id="iss", native_id="paris", body=split.body, attachments=(picture,), hashtags=("ISS",))
        when = Published.on_day(date(2016, 12, 31), "page")
        entry = post, Reading(split=split, published=when, hashtags=post.hashtags)
        archive.record(run.id, None, [entry], plan=lambda _: ("pending", None), now=NOW + timedelta(days=day))
    archive.journal.close(run, "completed", counts={}, now=NOW)


@pytest.fixture
def known(tmp_path, make_archive, address):
    """A synthetic archive with two sources, of which every question has something to tell."""
    held = make_archive(tmp_path / "archive", address)
    gone = {"url": "https://esa.example/2.jpg", "state": "gone", "reason": "404 on every address", "attempts": 3}
    held.add(
        "aurore",
        fr="Une aurore",
        en="An aurora",
        published=date(2016, 11, 18),
        hashtags=("Proxima",),
        pictures=({"data": b"aurora", "alt": "Une aurore"}, gone),
    )
    held.add(
        "lune", fr="La Lune", published=datetime(2016, 11, 20, 23, 59, tzinfo=UTC), hashtags=("proxima", "Proxima")
    )
    held.add("undated", fr="Bonjour", en="Hello")
    held.add(
        "aurora",
        source="iss",
        fr="Une aurore",
        en="An aurora",
        published=date(2016, 12, 3),
        hashtags=("Aurora", "PROXIMA"),
        pictures=({"data": b"aurora"}, {"state": "pending", "removed_at": NOW}),
    )
    held.add("sea", source="iss", en="The sea", published=date(2016, 12, 3))
    with Archive.open(ArchiveSettings(folder=held.folder, database=address)) as archive:
        edited(archive)
    decide(held.database, ["iss:aurora"], [Say.text("caption_en", "An aurora, seen from orbit")], who="ann", now=NOW)
    decide(held.database, ["iss:sea"], [Say.verdict(Verdict.SELECTED)], who="ann", now=NOW)
    with held.database.write() as connection:
        connection.execute(update(PostRecord).where(PostRecord.native_id == "aurore").values(gone_at=NOW))
        answers = select(PostRecord.capture_id).order_by(PostRecord.source_id, PostRecord.native_id)
        kept = [number for number in connection.execute(answers).scalars() if number is not None]
        for at, number in enumerate(kept):
            record = {"file": "a.warc.gz", "offset": at, "length": 100}
            connection.execute(update(CaptureRecord).where(CaptureRecord.id == number).values(record))
    return held


def test_every_question_is_answered_as_the_page_says(known, address):
    """The first ten, on either database, as `cupola sql` gives them to a person who may only read."""
    database = open_database(ArchiveSettings(folder=known.folder, database=address), read_only=True)
    try:
        statements = ANSWERING["questions"](PAGE, database.dialect)
        for number, expected in ANSWERS.items():
            with asked(database, statements[number]) as answer:
                assert list(answer) == expected, number
    finally:
        database.close()


def test_the_examples_for_the_researcher_can_be_asked(known, address):
    """Those of docs/researcher.md run on either database as they are, and find something."""
    page = (DOCS / "researcher.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    statements = [statement for block in blocks for statement in block.split(";") if statement.strip()]
    assert statements
    for statement in statements:
        with asked(known.database, statement) as answer:
            assert list(answer)


@pytest.fixture(scope="session")
def demo_archive():
    """The demo mission's archive, made by the commands of the page."""
    with ANSWERING["demo_archive"](PAGE) as folder:
        yield folder


def test_every_question_has_a_line_on_its_answer():
    """Twenty, by their numbers, each with a sentence below what is printed."""
    sections = re.findall(r"^### (\d+)\. [^\n]+\?\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _ in sections] == list(range(1, 21))
    for number, section in sections:
        assert section.rpartition("```")[2].strip().endswith("."), f"question {number}"


@pytest.mark.slow
def test_the_demo_archive_answers_what_the_page_prints(demo_archive, tmp_path, address):
    """All twenty, on either database, to the letter; `make docs` answers them anew."""
    masked, answered = ANSWERING["masked"], ANSWERING["answered"]
    settings = ArchiveSettings(folder=demo_archive)
    if address is not None:
        settings = ArchiveSettings(folder=tmp_path, database=address)
        with closing(open_database(demo_archive, read_only=True)) as file, closing(open_database(settings)) as server:
            copied(file, server)
    with closing(open_database(settings, read_only=True)) as database:
        assert masked(answered(PAGE, database)) == masked(PAGE)


def copied(source, target):
    """Every row of an archive, in another one that is new; what is derived from others comes by itself."""
    stated = [table for table in Base.metadata.sorted_tables if table.name not in ("post_index", "index_pending")]
    with source.read() as old, target.write() as new:
        for table in stated:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows:
                new.execute(insert(table), rows)


# the notebook

CELLS = re.findall(
    r"^```python\n(.*?)^```$", (DOCS / "notebook.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def shown(cell, names):
    """What a notebook shows below a cell: the value of its last line, when that is an expression."""
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - our own page
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last is not None else None  # noqa: S307


@pytest.mark.slow
def test_the_notebook_can_be_typed_along(demo_archive, monkeypatch, capsys):
    """Each cell runs after those before it, and what it shows is what the archive holds."""
    pytest.importorskip("pandas")
    before = (demo_archive / "cupola.db").read_bytes()
    (demo_archive / "archive").symlink_to(demo_archive)
    monkeypatch.chdir(demo_archive)
    names = {"__name__": "__main__"}
    values = [shown(cell, names) for cell in CELLS]
    (demo_archive / "archive").unlink()
    with closing(sqlite3.connect(demo_archive / "cupola.db")) as database:

        def one(statement):
            return database.execute(statement).fetchone()

        assert values[1] == (("aurore-gallery", "aurore-mastodon"), ("aurore",))
        assert values[2] == (
            *one("SELECT count(*) FROM archive_posts WHERE caption_fr > '' AND caption_en IS NULL"),
            *one("SELECT count(*) FROM archive_posts WHERE published_at LIKE '2024-12%'"),
        )
        both = "caption_fr > '' AND caption_en > ''"
        letters = one(f"SELECT sum(length(caption_fr)), sum(length(caption_en)) FROM archive_posts WHERE {both}")
        assert values[4] == dict(zip(("fr", "en"), letters, strict=True))
        oldest = "SELECT key FROM archive_posts WHERE published_at > '' ORDER BY published_at LIMIT 10 OFFSET 10"
        assert values[5] == [key for (key,) in database.execute(oldest)]
        states = database.execute("SELECT state, count(*) FROM archive_media GROUP BY state")
        assert dict(values[8]) == dict(states)
        assert len(names["posts"]) == one("SELECT count(*) FROM archive_posts")[0]
        assert [tuple(row) for row in values[9].itertuples(index=False)] == database.execute(
            "SELECT lang, count(*) FROM archive_captions GROUP BY lang ORDER BY lang"
        ).fetchall()
    said = capsys.readouterr().out.splitlines()
    assert any("aurores" in line or "Aurora" in line for line in said)
    assert any(line.startswith("(840, 560)") for line in said)
    assert any("('caption_" in line for line in said), "hits"
    assert (demo_archive / "cupola.db").read_bytes() == before
