"""What reading may load: a question to the archive does not wait for the web, the scheduler or the ORM."""

import json
import subprocess
import sys

import pytest

#: beside Python's own modules and ours, this is all that a reading command may load
ALLOWED = {"click", "rich", "sqlalchemy", "typing_extensions"}
#: for a text, what finds stems
STEMS = {"Stemmer"}
#: of rich, a table and what it stands on; no progress bars, no markdown, no syntax colouring
NOT_OF_RICH = {"rich.progress", "rich.live", "rich.markdown", "rich.syntax", "rich.traceback", "rich.prompt"}
#: of SQLAlchemy, the core
NOT_OF_SQLALCHEMY = {"sqlalchemy.orm", "sqlalchemy.ext", "sqlalchemy.testing"}
#: of our own, what reads
OURS = {
    "jobs": {"cli", "errors", "logs", "moments", "config", "secrecy", "spoken"},
    "scraper": {"model", "settings", "errors", "masking"},
    "storage": {
        "backend",
        "columns",
        "conditions",
        "coverage",
        "dialects",
        "engine",
        "errors",
        "facts",
        "filters",
        "finding",
        "folding",
        "fulltext",
        "guard",
        "hits",
        "indexing",
        "likeness",
        "loading",
        "links",
        "lookup",
        "migrations",
        "paging",
        "pointing",
        "postview",
        "queries",
        "ranked",
        "search",
        "settings",
        "sizes",
        "sqlite_file",
        "sqlquery",
        "stopwatch",
        "tally",
        "views",
        "disk",
    },
}

SCRIPT = """
import sys
before = set(sys.modules)
sys.argv = ["cupola", *sys.argv[1:]]
from jobs.cli.main import cupola
try:
    cupola()
except SystemExit as ended:
    status = ended.code
import json
print(json.dumps([status, sorted(set(sys.modules) - before)]), file=sys.stderr)
"""


def loaded(*arguments):
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    status, names = json.loads(ended.stderr.splitlines()[-1])
    assert status == 0, ended.stderr
    return set(names)


@pytest.fixture
def asked(held):
    """The arguments of a query over an archive that holds something."""
    held.add("1", fr="Bonjour", pictures=({"data": b"x"},))
    return ("query", "--archive", held.folder)


def third_parties(names):
    """The packages of others; what begins with an underscore is a compiled part of one of them."""
    found = {name.partition(".")[0] for name in names if not name.startswith("_")}
    return found - set(sys.stdlib_module_names) - {"jobs", "storage", "scraper", "cython_runtime"}


def own(names, room):
    return {name.split(".")[1] for name in names if name.startswith(f"{room}.")}


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--count"],
        ["--format", "jsonl"],
        ["--format", "csv"],
        ["--since", "7d", "--text", "bonjour", "--tag", "x", "--format", "ids"],
    ],
)
def test_a_query_loads_what_reads_and_no_more(asked, more):
    """No requests, urllib3, bs4, lxml, Pillow, langdetect, Alembic, APScheduler, warcio, protego, pydantic or yaml."""
    names = loaded(*asked, *more)
    assert third_parties(names) <= (ALLOWED | STEMS if "--text" in more else ALLOWED)
    for room, allowed in OURS.items():
        assert own(names, room) <= allowed
    unwanted = NOT_OF_RICH | NOT_OF_SQLALCHEMY
    assert not {name for name in names if any(name == no or name.startswith(f"{no}.") for no in unwanted)}
    assert "scraper.model" not in names
    assert "jobs.config" not in names


def test_rich_is_loaded_for_a_table_only(asked):
    """What goes to a program does not pay for what is drawn for a person."""
    assert "rich" in third_parties(loaded(*asked))
    for form in ("jsonl", "json", "csv", "ids"):
        assert third_parties(loaded(*asked, "--format", form)) <= ALLOWED - {"rich"}


def test_pydantic_and_yaml_are_loaded_for_the_configuration_only(asked, held):
    """Reading config.yaml costs what it costs; --archive does not pay it."""
    file = held.folder.parent / "config.yaml"
    file.write_text("archive: {folder: archive}\n")
    names = third_parties(loaded("query", "--config", file, "--format", "ids"))
    assert {"pydantic", "yaml"} <= names
    assert names <= (ALLOWED - {"rich"}) | {
        "pydantic",
        "pydantic_core",
        "yaml",
        "annotated_types",
        "typing_inspection",
    }


@pytest.mark.parametrize("form", ["table", "jsonl", "json", "csv"])
def test_sql_loads_no_more_than_a_query(asked, held, form):
    """`sql` is a reading command like `query`; only its table is drawn by rich."""
    names = loaded("sql", "--archive", held.folder, "--format", form, "SELECT key FROM archive_posts")
    assert third_parties(names) <= (ALLOWED if form == "table" else ALLOWED - {"rich"})
    for room, allowed in OURS.items():
        assert own(names, room) <= allowed
    assert not {name for name in names if name.startswith(tuple(NOT_OF_SQLALCHEMY | NOT_OF_RICH))}


@pytest.mark.parametrize("more", [[], ["--json"], ["--source", "esa-proxima", "--since", "2016-11-17"]])
def test_stats_load_no_more_than_a_query(asked, held, more):
    """`stats` counts in the database; it needs no ORM, and for a program no rich."""
    names = loaded("stats", "--archive", held.folder, *more)
    assert third_parties(names) <= (ALLOWED - {"rich"} if more == ["--json"] else ALLOWED)
    for room, allowed in OURS.items():
        assert own(names, room) <= allowed
    assert not {name for name in names if name.startswith(tuple(NOT_OF_SQLALCHEMY | NOT_OF_RICH))}


def test_showing_a_post_loads_no_more_than_a_query(asked, held):
    """`show` is a reading command like `query`."""
    names = loaded("show", "--archive", held.folder, "esa-proxima:1")
    assert third_parties(names) <= ALLOWED
    assert not {name for name in names if name.startswith(tuple(NOT_OF_SQLALCHEMY))}


def test_help_loads_no_database(tmp_path):
    """Whoever asks what a command does need not wait for SQLAlchemy."""
    assert third_parties(loaded("query", "--help")) <= {"click", "typing_extensions"}
