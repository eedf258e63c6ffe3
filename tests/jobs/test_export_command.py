"""``cupola export``: what it says, what it refuses, what it leaves behind. The archives are synthetic."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from storage.export.formats import format_of, names

NOON = datetime(2017, 6, 2, 12, tzinfo=UTC)
CONFIG = """
archive: {folder: archive}
missions: {alpha: {name: Alpha, publish: false, publish_reason: not yet cleared}}
sources:
  - {id: esa-proxima, kind: esa_gallery, url: "https://esa.example/"}
  - {id: other, kind: feed, url: "https://other.example/feed", publish: false}
"""


@pytest.fixture
def archive(held, monkeypatch):
    """Three posts, of which the configuration keeps two back; the command is called beside it."""
    monkeypatch.chdir(held.folder.parent)
    monkeypatch.delenv("CUPOLA_CONFIG", raising=False)
    held.add("1", fr="La Terre", en="The Earth", published=NOON, pictures=({"data": b"x"}, {"state": "failed"}))
    held.add("2", source="other", fr="Gardé", published=NOON)
    held.add("3", en="Alpha", mission="alpha", published=NOON)
    return held.folder


def keys(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [row["key"] for row in csv.DictReader(file)]


def test_what_is_written_and_what_is_told(cupola, archive, tmp_path):
    """DEST has the posts; stderr says how many, what was left out and why, and what is incomplete; stdout nothing."""
    tmp_path.joinpath("config.yaml").write_text(CONFIG)
    answer = cupola("export", "csv", "posts.csv")
    assert (answer.status, answer.out) == (0, "")
    assert keys(tmp_path / "posts.csv") == ["esa-proxima:1"]
    assert answer.err.splitlines() == [
        f"{tmp_path / 'posts.csv'}: 1 post.",
        "Left out: 2 (2 kept back by the configuration (publish: false)). --private takes them in, for your own hands.",
        "Incomplete: media_failed 1; each item says so (incomplete).",
    ]
    answer = cupola("export", "csv", "posts.csv", "--private", "--force", "-q")
    assert (answer.status, answer.err) == (0, "")
    assert keys(tmp_path / "posts.csv") == ["esa-proxima:1", "esa-proxima:3", "other:2"]
    assert "the configuration keeps the mission alpha back: not yet cleared" in (tmp_path / "posts.csv").read_text()


def test_an_archive_that_is_named_is_kept_back_as_well(cupola, archive, tmp_path):
    """With --archive the configuration beside it still counts; where there is none, that is said."""
    answer = cupola("export", "csv", "a.csv", "--archive", "archive")
    assert len(keys(tmp_path / "a.csv")) == 3
    assert "no configuration was read" in answer.err
    tmp_path.joinpath("config.yaml").write_text(CONFIG)
    answer = cupola("export", "csv", "b.csv", "--archive", "archive")
    assert len(keys(tmp_path / "b.csv")) == 1
    assert "no configuration" not in answer.err


def test_filters_are_those_of_a_query(cupola, archive, tmp_path):
    """--source, --lang, --limit and the rest; nothing found is no error and makes a table without rows."""
    for number, (arguments, found) in enumerate(
        [
            (("--source", "other"), ["other:2"]),
            (("--lang", "en", "--mission", "alpha"), ["esa-proxima:3"]),
            (("--limit", "2"), 2),
            (("--since", "2030-01-01"), []),
        ]
    ):
        answer = cupola("export", "csv", f"{number}.csv", "--archive", "archive", *arguments)
        assert answer.status == 0, answer.err
        assert keys(tmp_path / f"{number}.csv") == found or len(keys(tmp_path / f"{number}.csv")) == found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cvs", "x"), "Did you mean csv?"),
        (("csv", "there"), "--force"),
        (("csv", "folder"), "is a folder"),
        (("csv", "missing/x"), "no folder"),
        (("csv", "archive/cupola.db", "--force"), "the archive's database"),
        (("parquet", "x", "--with-media"), "holds no pictures"),
        (("csv", "x", "--date", "yesterday"), "--date"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(cupola, archive, tmp_path, arguments, said):
    """Status 2, what to do, and nothing written."""
    tmp_path.joinpath("there").write_text("there")
    tmp_path.joinpath("folder").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    answer = cupola("export", *arguments, "--archive", "archive")
    assert answer.status == 2
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert tmp_path.joinpath("there").read_text() == "there"


def test_a_picture_that_is_lost_makes_it_done_in_part(cupola, archive, tmp_path):
    """Status 1, and the picture is named."""
    for path in archive.joinpath("media").rglob("*.jpg"):
        path.unlink()
    answer = cupola("export", "csv", "folder", "--with-media", "--archive", "archive")
    assert answer.status == 1
    assert "esa-proxima:1: the picture media/" in answer.err


def test_the_help_lists_the_formats_and_what_each_needs(cupola):
    """Every format with its summary, and the extra by name."""
    answer = cupola("export", "--help", columns=200)
    for name in names():
        kind = format_of(name)
        assert f"  {name}" in answer.out
        assert kind.summary[:40] in answer.out
        if kind.extra:
            assert f"pip install 'cupola[{kind.extra}]'" in answer.out


READING = """
import sys
from storage.export.reading import Reader
whole = Reader.items
def held_up(self, ids, counts):
    print("at it", flush=True)
    sys.stdin.read()
    return whole(self, ids, counts)
Reader.items = held_up
"""
RUN = "import sys; from jobs.cli.main import cupola; sys.argv[0] = 'cupola'; cupola()"


@pytest.mark.parametrize(("end", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_export_that_is_ended_in_the_middle_leaves_nothing_under_its_name(archive, tmp_path, end, status):
    """Ctrl-C leaves nothing at all; what a kill leaves goes with the next export."""

    def command(script):
        return [sys.executable, "-c", script, "export", "csv", str(tmp_path / "x.csv"), "--archive", str(archive)]

    def left():
        return [path.name for path in tmp_path.iterdir() if "x.csv" in path.name]

    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command(READING + RUN), **pipes) as process:
        assert process.stdout.readline() == b"at it\n"
        assert left() != ["x.csv"]
        process.send_signal(end)
        if end == signal.SIGINT:
            while b"Stopping" not in process.stderr.readline():
                pass
        process.communicate()
    assert process.returncode == status
    assert left() == [] if end == signal.SIGINT else "x.csv" not in left()
    assert subprocess.run(command(RUN), check=False, capture_output=True).returncode == 0
    assert left() == ["x.csv"]
    assert len(keys(tmp_path / "x.csv")) == 3


def test_a_feed_says_that_it_has_the_newest_only(cupola, held, monkeypatch):
    """A feed without --limit ends with its usual number of posts, and says so where there may be more."""
    monkeypatch.chdir(held.folder.parent)
    for number in range(51):
        held.add(f"{number}", fr="La Terre", published=NOON)
    told = "These are the newest 50; --limit N takes more."
    for given, said in (((), True), (("--limit", "50"), False), (("--limit", "60"), False), (("-q",), False)):
        answer = cupola("export", "atom", "feed.xml", "--force", "--archive", "archive", *given)
        assert answer.status == 0
        assert (told in answer.err) is said
