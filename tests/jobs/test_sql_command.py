"""``cupola sql``: rows on stdout in four forms, everything else on stderr, and nothing changed."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from rich.cells import cell_len

from storage.views import VIEWS

CUPOLA = Path(sys.executable).with_name("cupola")
ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
HOSTILE = "\x1b]0;pwned\x07rouge\x1b[31m \u202erenversé [bold]pas de balise[/bold] :smile:"


@pytest.fixture
def sql(cupola, held):
    """Runs ``cupola sql --archive`` on two posts, one of them hostile."""
    held.add("1", fr="« Un œil sur l’été. »", en="An eye.", published=date(2016, 12, 3), mission="proxima")
    held.add("2", fr=HOSTILE, title="=cmd|' /C calc'!A0")
    return lambda *arguments, **width: cupola("sql", "--archive", held.folder, *arguments, **width)


# forms


def test_a_table_has_names_and_rows(sql):
    """Numbers stand to the right, NULL is told from an empty text, letters are as written."""
    answer = sql(
        "SELECT native_id, mission, '' AS empty, 1 + 1 AS two, caption_fr FROM archive_posts ORDER BY 1 LIMIT 1"
    )
    assert answer.out.split("\n")[0].split() == ["native_id", "mission", "empty", "two", "caption_fr"]
    assert answer.out.split("\n")[2].split(maxsplit=3) == ["1", "proxima", "2", "« Un œil sur l’été. »"]
    assert answer.err == ""
    assert "NULL" in sql("SELECT NULL AS none").out


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("what", ["*", "key, published_at, caption_fr, text", "hex(zeroblob(9000))", "1"])
def test_an_answer_fits_its_terminal(sql, columns, what):
    """No line is wider than the terminal; many columns stand one below the other."""
    answer = sql(f"SELECT {what} FROM archive_posts", columns=columns)
    assert answer.status == 0
    assert max(map(cell_len, answer.out.splitlines())) <= columns
    if what == "*":
        assert sum(line.startswith("caption_fr") for line in answer.out.splitlines()) == 2


def test_remote_text_obeys_no_terminal(sql):
    """Escapes, direction marks and markup in a value or a name are shown, not obeyed."""
    for statement in ("SELECT * FROM posts", "SELECT caption_fr FROM posts", f"SELECT 1 AS '{HOSTILE}'"):
        answer = sql(statement, columns=200)
        assert not {"\x1b", "\x07", "\u202e"} & set(answer.out)
        assert "[bold]pas de balise[/bold] :smile:" in answer.out


def test_jsonl_and_json_hold_every_kind_of_value(sql):
    """Blobs are hexadecimal, the infinite is a word, a name that comes twice gets a number."""
    statement = "SELECT 1 AS a, 2.5 AS a, NULL AS a, 9 AS a_2, x'00ff' AS b, 9e999 AS c, 'œ' || char(0) AS d"
    record = {"a": 1, "a_3": 2.5, "a_4": None, "a_2": 9, "b": "00ff", "c": "inf", "d": "œ\0"}
    assert json.loads(sql(statement, "--format", "jsonl").out) == record
    assert json.loads(sql(statement, "--format", "json").out) == [record]
    assert json.loads(sql("SELECT 1 WHERE 0", "--format", "json").out) == []
    assert sql("SELECT 1 WHERE 0", "--format", "jsonl").out == ""


def test_csv_has_a_header_and_no_formulas(sql):
    """Text that a spreadsheet would run is defused, also in a name; a negative number stays one."""
    answer = sql("SELECT title, -1 AS n, '-1' AS t, NULL, x'2b' AS '=b' FROM posts WHERE title > ''", "--format", "csv")
    rows = list(csv.reader(io.StringIO(answer.out, newline="")))
    assert rows == [["title", "n", "t", "NULL", "'=b"], ["'=cmd|' /C calc'!A0", "-1", "'-1", "", "2b"]]
    assert answer.out.count("\r\n") == 2


def test_the_views_are_listed(cupola):
    """`--tables` names what can be asked, in every form and without an archive; with a statement it makes no sense."""
    listed = [json.loads(line) for line in cupola("sql", "--tables", "--format", "jsonl").out.splitlines()]
    assert [row["view"] for row in listed] == [view.name for view in VIEWS]
    assert listed[0]["columns"].split() == [column.name for column in VIEWS[0].columns]
    assert "archive_captions" in cupola("sql", "--tables").out
    for wrong in ((), ("--tables", "SELECT 1")):
        answer = cupola("sql", *wrong)
        assert (answer.status, answer.out) == (2, "")
        assert "one of the two" in answer.err


# either database


@pytest.fixture
def ways(tmp_path, make_archive, address):
    """Ways to name an archive with two posts: by its folder or its database's address, and by a configuration."""
    made = make_archive(tmp_path / "archive", address)
    made.add("1", fr="Un œil", en="An eye", published=date(2016, 12, 3), pictures=({"data": b"one"},))
    made.add("2", fr="Deux")
    database = f', database: "{address}"' if address else ""
    config = tmp_path / "config.yaml"
    config.write_text(f"archive: {{folder: archive{database}}}\n")
    return (("--archive", address or made.folder), ("--config", config))


def test_either_database_is_asked_by_address_or_configuration(cupola, ways):
    """The same answers in every form, the same refusals, wherever the archive is and however it is named."""
    asked = "SELECT key, published_at, caption_en, needs_review, image_count FROM archive_posts ORDER BY key"
    for way in ways:
        told = {form: cupola("sql", *way, "--format", form, asked, "--limit", "1") for form in ("csv", "jsonl", "json")}
        names, row = csv.reader(io.StringIO(told["csv"].out, newline=""))
        assert row == ["esa-proxima:1", "2016-12-03", "An eye", "0", "1"]
        record = {**dict(zip(names, row, strict=True)), "needs_review": 0, "image_count": 1}
        assert json.loads(told["jsonl"].out) == record
        assert json.loads(told["json"].out) == [record]
        assert told["csv"].err == "Cut after 1 rows, and there are more: --limit N shows more.\n"
        assert cupola("sql", *way, asked).out.split("\n")[2].split()[:4] == ["esa-proxima:1", "2016-12-03", "An", "eye"]
        for statement, words in (("DELETE FROM posts", "this only reads"), ("SELECT\nkay", "line 2: kay\n")):
            answer = cupola("sql", *way, statement)
            assert (answer.status, answer.out) == (2, "")
            assert words in answer.err
        assert "one statement at a time" in cupola("sql", *way, "SELECT 1; SELECT 2").err


def test_either_database_is_counted_by_address_or_configuration(cupola, ways):
    """`cupola stats` gives the same numbers, wherever the archive is and however it is named."""
    for way in ways:
        numbers = json.loads(cupola("stats", *way, "--json").out)
        assert (numbers["posts"], numbers["undated"], numbers["months"]) == (2, 1, [{"month": "2016-12", "posts": 1}])
        assert "esa-proxima" in cupola("stats", *way).out


# limits and mistakes


def test_a_cut_answer_says_so(sql):
    """A table has fifty rows, what is for programs ten thousand, unless more or less is asked for."""
    endless = f"{ENDLESS} SELECT x FROM r"
    for arguments, most in (([], 50), (["--format", "jsonl"], 10_000), (["--format", "csv", "--limit", "3"], 3)):
        answer = sql(endless, *arguments)
        assert answer.status == 0
        assert answer.out.split()[-1] in (str(most), f"{most}}}")
        assert answer.err == f"Cut after {most:,} rows, and there are more: --limit N shows more.\n"
    assert sql(f"{endless} LIMIT 50").err == ""


def test_time_is_up(sql):
    """A statement that takes too long ends with status 2 and words."""
    answer = sql(f"{ENDLESS} SELECT count(*) FROM r", "--timeout", "0.05")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "Error: stopped after 0.05 s; ask for less, or give it longer with --timeout\n"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT kay FROM posts", "Error: no such column: kay\n  line 1: SELECT kay FROM posts\n                 ^\n"),
        ("DELETE FROM posts", "Error: this only reads: "),
        ("SELECT 1; DELETE FROM posts", "Error: one statement at a time"),
        ("SELECT '\x1b[31m' FRM x", "Error: near \"x\": syntax error\n  line 1: SELECT '␛[31m' FRM x"),
    ],
)
def test_a_mistake_is_wrong_use(sql, statement, words):
    """Status 2, the place pointed at, nothing on stdout."""
    answer = sql(statement)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(words)


def test_a_missing_archive_is_the_archives_fault(cupola, tmp_path):
    """Status 3 when there is nothing to read."""
    answer = cupola("sql", "--archive", tmp_path, "SELECT 1")
    assert answer.status == 3
    assert "there is no archive" in answer.err


# stdin, pipes, memory


def run(held, *arguments, **options):
    return subprocess.run([CUPOLA, "sql", "--archive", held.folder, *arguments], capture_output=True, **options)


@pytest.mark.parametrize(
    ("typed", "status", "out", "err"),
    [
        ("\ufeffSELECT 'œ' AS a\n-- the end\n".encode(), 0, '{"a": "œ"}\n', ""),
        (b"SELECT '\xff'", 2, "", "is not UTF-8"),
        (b"", 2, "", "there is no statement"),
        (b" " * 1_000_001, 2, "", "1,000,000 bytes at most"),
    ],
)
def test_a_statement_comes_from_stdin(held, typed, status, out, err):
    """`-` reads it, as UTF-8 with or without a mark at its front."""
    ended = run(held, "-", "--format", "jsonl", input=typed)
    assert (ended.returncode, ended.stdout.decode()) == (status, out)
    assert err in ended.stderr.decode()


def test_an_argument_that_is_no_utf_8_is_told(held):
    """Bytes that the shell handed over as they are do not end in a traceback."""
    ended = run(held, os.fsdecode(b"SELECT '\xff'"))
    assert (ended.returncode, ended.stderr) == (2, b"Error: the statement is not UTF-8\n")


def test_a_reader_who_has_enough_ends_it_quietly(held):
    """`cupola sql … | head` is no error."""
    command = [
        CUPOLA,
        "sql",
        "--archive",
        held.folder,
        "--format",
        "csv",
        "--limit",
        "1000000",
        f"{ENDLESS} SELECT x FROM r",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(6) == b"x\r\n1\r\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_memory_does_not_grow_with_the_answer(held):
    """Eighty rows of a megabyte each take the room of one."""
    script = (
        "import sys, resource; sys.argv = ['cupola', *sys.argv[1:]]\n"
        "from jobs.cli.main import commands\n"
        "commands.main(sys.argv[1:], standalone_mode=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    peaks = []
    for rows in (2, 80):
        statement = f"{ENDLESS} SELECT hex(randomblob(500000)) FROM r LIMIT {rows}"
        command = [sys.executable, "-c", script, "sql", "--archive", held.folder, "--format", "csv", statement]
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        peaks.append(int(ended.stderr))
    assert peaks[1] - peaks[0] < 20_000
