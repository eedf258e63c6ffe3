"""CSV and Parquet: the same rows in other dress, the same bytes each time, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime

import pytest

from storage.engine import open_database
from storage.errors import ExportRefused, StorageError
from storage.export import choosing, exporting, hands
from storage.export.cells import defused
from storage.export.exporting import export
from storage.export.formats import Format, Wishes, ensure_installed, format_of, names
from storage.export.items import NAMES
from storage.export.publishable import Clearance
from storage.filters import Filters
from storage.settings import ArchiveSettings

NOON = datetime(2017, 6, 2, 12, tzinfo=UTC)
NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\n=1",
    "\u00a0=1",
    "\ufeff=1",
    "＝1",
    "＋1",
    "－1",
    "＠A",
    "﹦1",
]
NICE = ["1", "a=1", "Été", "«=»", "", "'", "#Proxima", "🌍", "x\r\ny", 'say "no"', "a,b", "a;b"]


def write(held, name, dest, filters=None, **more):
    """Export an archive."""
    more = {"clearance": Clearance(), "cupola": "Cupola 1.0"} | more
    return export(held.database, held.folder, format_of(name), dest, filters or Filters(), **more)


def rows_of(path, **how):
    with path.open(newline="", **({"encoding": "utf-8"} | how)) as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture
def filled(held):
    """Posts whose words are hard to write down; synthetic."""
    for at, text in enumerate(NASTY + NICE):
        held.add(f"{at:02}", en=text or None, title=text or None, published=NOON, author=text or None)
    pictures = ({"data": b"one", "alt": "=alt"}, {"data": b"one"}, {"state": "failed", "reason": "HTTP 500"})
    held.add("p", fr="La Terre", published=date(2016, 12, 3), hashtags=("Été", "=1"), pictures=pictures)
    held.add("u", other="Земля", needs_review=True)
    return held


def test_the_table_reads_back(filled, tmp_path):
    """By the csv module, strictly: every row and cell, lists as JSON; lines end in CRLF."""
    report = write(filled, "csv", tmp_path / "posts.csv")
    rows = rows_of(tmp_path / "posts.csv")
    assert report.posts == len(rows) == len(NASTY + NICE) + 2
    assert list(rows[0]) == [name for name in NAMES if name not in {"media", "segments"}]
    told = {row["native_id"]: row for row in rows}
    for at, text in enumerate(NASTY + NICE):
        assert told[f"{at:02}"]["title"] in (text, f"'{text}")
        assert told[f"{at:02}"]["title"] == defused(text)
    assert json.loads(told["p"]["hashtags"]) == ["Été", "=1"]
    assert (told["p"]["published_at"], told["p"]["needs_review"], told["p"]["rating"]) == ("2016-12-03", "false", "")
    assert json.loads(told["u"]["incomplete"]) == ["undated", "needs_review"]
    assert (tmp_path / "posts.csv").read_bytes().endswith(b"\r\n")


def test_no_cell_is_run(filled, tmp_path):
    """No cell of any column begins with what a spreadsheet runs, in any width of letters, even after trimming."""
    write(filled, "csv", tmp_path / "folder", with_media=True)
    seen = 0
    for table in ("posts.csv", "media.csv"):
        for row in rows_of(tmp_path / "folder" / table):
            for cell in row.values():
                bare = cell.strip().strip("\ufeff\u200b")
                assert not bare.startswith(tuple("=+-@＝＋－＠﹦")), cell
                assert not cell.startswith(("\t", "\r", "\n"))
                seen += cell.startswith("'")
    assert seen > len(NASTY)


@pytest.mark.parametrize("text", NICE)
def test_what_nothing_would_run_stays_as_it_is(text):
    """A cell is not touched without need."""
    assert defused(text) == text


def test_a_mark_is_written_on_request(filled, tmp_path):
    """A byte-order mark for spreadsheets that know UTF-8 by it; programs read the same."""
    write(filled, "csv", tmp_path / "a.csv")
    write(filled, "csv", tmp_path / "b.csv", wishes=Wishes(bom=True))
    assert (tmp_path / "b.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "a.csv").read_bytes()
    assert rows_of(tmp_path / "b.csv", encoding="utf-8-sig") == rows_of(tmp_path / "a.csv")


def test_pictures_go_along_each_once(filled, tmp_path):
    """A folder: both tables, a page that explains them, each file once under the path that the table names."""
    report = write(filled, "csv", tmp_path / "folder", with_media=True)
    pictures = rows_of(tmp_path / "folder" / "media.csv")
    assert [row["state"] for row in pictures] == ["stored", "stored", "failed"]
    assert pictures[0]["path"] == pictures[1]["path"]
    assert pictures[2]["path"] == ""
    assert (tmp_path / "folder" / pictures[0]["path"]).read_bytes() == b"one"
    found = sorted(str(path.relative_to(tmp_path / "folder")) for path in (tmp_path / "folder").rglob("*.*"))
    assert found == sorted(["README.txt", "media.csv", "posts.csv", pictures[0]["path"]])
    assert (report.missing, report.incomplete["media_failed"]) == ((), 1)


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), (b"other", "is damaged")])
def test_a_picture_that_is_not_what_it_should_be_is_told(filled, tmp_path, content, said):
    """It is left out and named, and all else is there."""
    (path,) = (path for path in filled.folder.joinpath("media").rglob("*.jpg"))
    path.unlink() if content is None else path.write_bytes(content)
    report = write(filled, "csv", tmp_path / "folder", with_media=True)
    assert len(report.missing) == 2
    assert said in report.missing[0]
    assert not list((tmp_path / "folder").rglob("*.jpg"))
    assert len(rows_of(tmp_path / "folder" / "posts.csv")) == report.posts


def test_parquet_is_typed(filled, tmp_path):
    """Times are UTC, lists are lists, pictures are structs; the file says what it is and whose rights hold."""
    parquet = pytest.importorskip("pyarrow.parquet")
    report = write(filled, "parquet", tmp_path / "posts.parquet")
    file = parquet.ParquetFile(tmp_path / "posts.parquet")
    assert file.schema_arrow.names == list(NAMES)
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types["published_at"].endswith("tz=UTC]")
    assert types["hashtags"].startswith("list<")
    assert (types["rating"], types["image_count"], types["needs_review"]) == ("int8", "int32", "bool")
    about = file.schema_arrow.metadata
    assert about[b"made_by"] == b"Cupola 1.0"
    assert b"license" in about[b"rights"]
    rows = {row["native_id"]: row for row in file.read().to_pylist()}
    assert len(rows) == report.posts == file.metadata.num_rows
    assert rows["00"]["title"] == "=1+1"
    assert rows["p"]["published_at"] == datetime(2016, 12, 3, tzinfo=UTC)
    assert rows["p"]["hashtags"] == ["Été", "=1"]
    assert [picture["state"] for picture in rows["p"]["media"]] == ["stored", "stored", "failed"]
    assert rows["p"]["segments"] == [{"lang": "fr", "start": 0, "end": 8}]
    assert (rows["u"]["published_at"], rows["u"]["incomplete"]) == (None, ["undated", "needs_review"])


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_an_archive_without_posts(held, tmp_path, name):
    """A table without rows, with all its columns."""
    if name == "parquet":
        pytest.importorskip("pyarrow")
    report = write(held, name, tmp_path / "none")
    assert report.posts == 0
    if name == "csv":
        assert rows_of(tmp_path / "none") == []
    else:
        from pyarrow import parquet

        assert parquet.read_table(tmp_path / "none").num_rows == 0


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_the_same_posts_give_the_same_bytes(make_archive, server, tmp_path, name):
    """Twice; on SQLite and on PostgreSQL; and however many processes are at it."""
    if name == "parquet":
        pytest.importorskip("pyarrow")
    address = server.address(server.fresh())
    written = []
    for number, where in enumerate((None, address)):
        held = make_archive(tmp_path / f"archive{number}", where)
        for at in (range(40), reversed(range(40)))[number]:
            held.add(
                f"{at}",
                fr=f"Été {at}",
                published=NOON if at % 2 else date(2016, 12, 3),
                hashtags=("Été",),
                pictures=({"data": b"%d" % at, "url": f"https://esa.example/{at}.jpg"},),
            )
        for turn in range(2):
            dest = tmp_path / f"{number}{turn}"
            write(held, name, dest)
            written.append(dest.read_bytes())
    assert len(set(written)) == 1


def test_several_processes_write_what_one_does(filled, tmp_path, monkeypatch):
    """The same bytes and the same counts; what they read is one state of the archive."""
    place = ArchiveSettings(folder=filled.folder, database=filled.address)
    monkeypatch.setattr(choosing, "BATCH", 5)
    alone = write(filled, "csv", tmp_path / "alone.csv", private=True)
    monkeypatch.setattr(exporting, "_ALONE", 1)
    together = write(filled, "csv", tmp_path / "together.csv", private=True, archive=place, processes=2)
    assert (tmp_path / "alone.csv").read_bytes() == (tmp_path / "together.csv").read_bytes()
    assert (alone.posts, alone.found, alone.left_out, alone.incomplete) == (
        together.posts,
        together.found,
        together.left_out,
        together.incomplete,
    )


def test_a_change_while_the_processes_begin_is_in_none_of_them(filled, tmp_path, monkeypatch):
    """What is added in the middle is in no part of an export, whoever reads it."""
    place = ArchiveSettings(folder=filled.folder, database=filled.address)
    monkeypatch.setattr(choosing, "BATCH", 5)
    monkeypatch.setattr(exporting, "_ALONE", 1)
    write(filled, "csv", tmp_path / "before.csv")
    begun = hands.snapshot_of

    def meanwhile(connection):
        filled.add("00-new", fr="Nouveau", published=NOON)
        return begun(connection)

    monkeypatch.setattr(exporting, "snapshot_of", meanwhile)
    write(filled, "csv", tmp_path / "after.csv", archive=place, processes=2)
    assert (tmp_path / "after.csv").read_bytes() == (tmp_path / "before.csv").read_bytes()


def test_a_process_that_cannot_read_is_told(filled, tmp_path, monkeypatch):
    """The archive's own error, and nothing is left under the name."""
    monkeypatch.setattr(choosing, "BATCH", 5)
    monkeypatch.setattr(exporting, "_ALONE", 1)
    nowhere = ArchiveSettings(folder=tmp_path / "nowhere")
    with pytest.raises(StorageError, match="nowhere"):
        write(filled, "csv", tmp_path / "posts.csv", archive=nowhere, processes=2)
    assert not list(tmp_path.glob("*posts.csv*"))


def test_every_format_is_found_by_its_file():
    """Each is what its module's name says, says for whom it is, and needs nothing to be told of."""
    assert {"csv", "parquet"} <= set(names())
    for name in names():
        kind = format_of(name)
        assert issubclass(kind, Format)
        assert kind.summary
        assert not kind.summary.endswith(".")
        assert bool(kind.extra) == bool(kind.modules)
    with pytest.raises(LookupError, match=r"known are .*csv"):
        format_of("xls")


def test_what_is_not_installed_is_named():
    """The sentence has the command that installs it."""

    class Other(format_of("csv")):
        name, extra, modules = "other", "parquet", ("pyarrow_that_is_not_there",)

    with pytest.raises(ExportRefused, match=r"pip install 'cupola\[parquet\]'"):
        ensure_installed(Other)


def test_the_archive_itself_is_not_overwritten(held):
    """Not its folder, not its files, under force either."""
    for name in ("", "media/x.csv", "warc/x.csv", "cupola.db", "cupola.db-wal"):
        with pytest.raises(ExportRefused):
            write(held, "csv", held.folder / name if name else held.folder, force=True)
    open_database(ArchiveSettings(folder=held.folder, database=held.address), read_only=True).close()


def test_pictures_for_a_format_that_holds_none(held, tmp_path):
    """Said at once, in a sentence."""
    with pytest.raises(ExportRefused, match="holds no pictures"):
        write(held, "parquet", tmp_path / "posts.parquet", with_media=True)
