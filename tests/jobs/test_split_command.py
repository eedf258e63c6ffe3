"""`cupola split`: JSON lines in, JSON lines out; no configuration, no archive."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

COMMAND = [sys.executable, "-c", "from jobs.cli.main import cupola; cupola()", "split"]


@pytest.fixture
def environment() -> dict[str, str]:
    """A process's environment with nothing of ours in it but where the code is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUPOLA", "PYTHON"))}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "dumb", "COLUMNS": "200"}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Runs `cupola split` in an empty folder."""

    def run(data: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*COMMAND, *options],
            input=data,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run


def test_a_caption_is_answered_with_its_two_languages(run: Run) -> None:
    """The contract's fields, in an empty folder, without configuration."""
    raw = "Le lac gelé brille.\n\nThe frozen lake is shining. #lake"
    done = run(json.dumps({"id": "a", "raw": raw}).encode() + b"\n")
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert set(answer) == {"id", "fr", "en", "segments", "confidence", "part_confidence", "needs_review"}
    assert (answer["id"], answer["fr"], answer["en"]) == ("a", "Le lac gelé brille.", "The frozen lake is shining.")
    assert "".join(s["text"] for s in answer["segments"]) == raw
    assert all(raw[s["start"] : s["end"]] == s["text"] for s in answer["segments"])
    assert {s["lang"] for s in answer["segments"]} == {"fr", "en", "none"}
    assert 0 <= answer["confidence"] <= min(answer["part_confidence"].values()) <= 1
    assert answer["needs_review"] is False


def test_an_absent_language_is_null(run: Run) -> None:
    """«fr» and «en» are always there."""
    done = run(b'{"id": 1, "raw": "The frozen lake is shining."}\n{"id": 2, "raw": ""}')
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["fr"], first["en"]) == (None, "The frozen lake is shining.")
    assert first["part_confidence"] == {"fr": None, "en": first["confidence"]}
    assert (second["fr"], second["en"], second["segments"]) == (None, None, [])


def test_a_bad_line_is_named_and_the_others_are_answered(run: Run) -> None:
    """Not JSON, no object, no text, not UTF-8, nested without end: each told by its line's number; status 1."""
    lines = [
        b'\xef\xbb\xbf{"id": 1, "raw": "Bonjour tout le monde"}',
        b"not json",
        b"[1, 2]",
        b"",
        b'{"id": 5}',
        b'{"id": 6, "raw": "\xff"}',
        b"[" * 100_000,
        b'{"id": 8, "raw": 8}',
        b'{"id": 9, "raw": "Hello to the whole world"}',
    ]
    done = run(b"\n".join(lines))
    assert done.returncode == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 9]
    told = done.stderr.decode().splitlines()
    assert [line.split(":")[1].strip() for line in told] == [f"line {n}" for n in (2, 3, 5, 6, 7, 8)]
    assert "Traceback" not in done.stderr.decode()


def test_nul_and_lone_surrogates_survive(run: Run) -> None:
    """What JSON can hold comes back as it went in."""
    raw = "Bonjour \x00 le monde \ud83d entier"
    done = run(json.dumps({"id": "\ud800", "raw": raw}).encode())
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["id"]) == (0, "\ud800")
    assert "".join(s["text"] for s in answer["segments"]) == raw


def test_each_line_is_answered_before_the_next_is_read(tmp_path: Path, environment: dict[str, str]) -> None:
    """A caption that is sent is answered while standard input stays open: nothing waits for its end."""
    with subprocess.Popen(
        COMMAND, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(json.dumps({"id": number, "raw": "Bonjour"}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path, environment: dict[str, str]) -> None:
    """`cupola split | head -1` ends quietly."""
    with subprocess.Popen(
        COMMAND, cwd=tmp_path, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        line = json.dumps({"id": 1, "raw": "Bonjour tout le monde"}).encode() + b"\n"
        process.stdin.write(line)
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdout.close()
        with suppress(BrokenPipeError):  # it may have ended already, as it should
            for _ in range(200):
                process.stdin.write(line)
                process.stdin.flush()
        with suppress(BrokenPipeError):
            process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_at_a_keyboard_it_says_what_it_waits_for(tmp_path: Path, environment: dict[str, str]) -> None:
    """`cupola split` without a file is not silent: how a line looks and how to end are on stderr."""
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        COMMAND, cwd=tmp_path, env=environment, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.close(terminal)
        assert process.stderr is not None
        assert b'{"id": 1, "raw": "Bonjour. Hello."}; Ctrl-D ends.' in process.stderr.readline()
        os.write(keyboard, b"\x04")
        assert process.wait(30) == 0
    os.close(keyboard)


def test_a_file_that_is_named_is_refused_with_the_way_it_is_given(run: Run) -> None:
    """Captions come from standard input: the usage says so."""
    done = run(b"", "captions.jsonl")
    assert done.returncode == 2
    assert b"Usage: cupola split [OPTIONS] < CAPTIONS.jsonl" in done.stderr


def test_explain_prints_each_segment_with_its_reason(run: Run) -> None:
    """One line a segment; nothing that a terminal would obey comes through from a caption."""
    raw = "\x1b]0;owned\x07\x1b[2JLe lac gelé brille.\r\n\nThe frozen lake is shining.\u202e [red]#lake[/red]\x9b31m"
    done = run(json.dumps({"id": "\x1b[31m", "raw": raw}).encode(), "--explain")
    shown = done.stdout.decode()
    assert done.returncode == 0
    assert "fr before" in shown
    assert "en before" in shown
    assert "[red]" in shown
    assert "\\x07" in shown
    assert "[2JLe lac" in shown
    assert "lac +" in shown
    assert "‹" in shown
    assert not set(shown) & set("\x1b\x07\x9b\u202e\x00\r")


def test_explain_is_coloured_on_a_terminal_only(tmp_path: Path, environment: dict[str, str]) -> None:
    """French, English and what is neither have colours there; a file gets none (above)."""
    keyboard, terminal = pty.openpty()
    line = json.dumps({"id": 1, "raw": "Le lac gelé brille.\n\nThe frozen lake is shining."}).encode()
    done = subprocess.run(
        [*COMMAND, "--explain"],
        input=line,
        stdout=terminal,
        cwd=tmp_path,
        env=environment | {"TERM": "xterm-256color"},
        check=False,
        timeout=60,
    )
    # closed first, so that reading what was never written ends
    os.close(terminal)
    shown = ""
    with suppress(OSError):
        while piece := os.read(keyboard, 100_000):
            shown += piece.decode()
    os.close(keyboard)
    assert done.returncode == 0
    assert "\x1b[1;34m" in shown
    assert "\x1b[1;32m" in shown


def test_a_third_language_is_named(run: Run) -> None:
    """--explain has langdetect's word on what is neither French nor English; of what is sure nobody is asked."""
    raw = "Le lac gelé brille ce matin.\n\nDie Lichter der Stadt schlafen in dieser Nacht nicht."
    shown = run(json.dumps({"raw": raw}).encode(), "--explain").stdout.decode()
    assert "; langdetect: de 1.00" in shown
    assert shown.count("langdetect") == 1


def test_the_pair_of_languages_is_a_setting(run: Run) -> None:
    """--pair: the answer has these two in the places of French and English, in all its fields."""
    raw = "Der Vulkan raucht seit gestern wieder.\n\nThe volcano has been smoking again since yesterday."
    done = run(json.dumps({"id": 1, "raw": raw}).encode(), "--pair", "de,en", "--align")
    answer = json.loads(done.stdout)
    assert list(answer)[:3] == ["id", "de", "en"]
    assert (answer["de"], answer["en"]) == tuple(raw.split("\n\n"))
    assert set(answer["part_confidence"]) == set(answer["alignment"][0]) - {"score"} == {"de", "en"}
    assert (len(answer["alignment"]), answer["alignment_doubtful"]) == (1, None)
    for bad in ("xx,en", "en", "en,en"):
        assert b"takes two of fr, en, de" in run(b"", "--pair", bad).stderr


def test_captions_that_are_no_translations_are_told(run: Run) -> None:
    """--align says so in a word, to programs and to people."""
    raw = "Les chiens doivent être tenus en laisse.\n\nThe ferry turned round; the skipper had missed the message."
    assert json.loads(run(json.dumps({"raw": raw}).encode(), "--align").stdout)["alignment_doubtful"] is True
    assert "most likely no translations of each other" in run(raw.encode(), "--text", "--align").stdout.decode()


def test_the_lines_of_a_query_are_captions(run: Run) -> None:
    """`cupola query --format jsonl | cupola split`: key and text are taken."""
    done = run(b'{"key": "demo:1", "text": "Bonjour tout le monde", "captions": {"fr": null, "en": null}}')
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["id"], answer["fr"]) == (0, "demo:1", "Bonjour tout le monde")


CAPTION = (
    "La lune se lève sur Paris. Bonne nuit !\n\nThe moon is rising over Paris.\n"
    "Thomas Pesquet, Proxima mission image 03/12/2016\n607D7774"
)


def test_plain_text_is_one_caption_for_a_person(run: Run) -> None:
    """--text: all of standard input, with its lines; the answer is readable, and obeyed by no terminal."""
    done = run(f"\ufeff{CAPTION}\x1b[31m\n".encode(), "--text", "--credit", "--align")
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    for told in (
        "Français\nLa lune se lève sur Paris. Bonne nuit !\n",
        "English\nThe moon is rising over Paris.\n",
        "  person: Thomas Pesquet\n",
        "  date: 2016-12-03\n",
        "  other reading: 2016-03-12\n",
        "answer each other 0.",
        "confidence ",
    ):
        assert told in shown
    assert "\x1b" not in shown
    assert b"No running text." in run(b"", "--text").stdout


def test_plain_text_is_answered_with_json_if_asked(run: Run) -> None:
    """The same record as for a line, its text but for the last line break."""
    done = run(CAPTION.encode() + b"\r\n", "--text", "--json")
    (record,) = map(json.loads, done.stdout.splitlines())
    assert set(record) == {"id", "fr", "en", "segments", "confidence", "part_confidence", "needs_review"}
    assert record["id"] is None
    assert "".join(part["text"] for part in record["segments"]) == CAPTION


def test_the_credit_and_the_answers_come_when_asked_for(run: Run) -> None:
    """--credit and --align add keys to each answer; offsets are the caption's own."""
    lines = [json.dumps({"id": n, "raw": raw}) for n, raw in enumerate((CAPTION, "Bonjour tout le monde."))]
    done = run("\n".join(lines).encode(), "--credit", "--align")
    first, second = map(json.loads, done.stdout.splitlines())
    (signed,) = first["credit"]
    assert CAPTION[signed["start"] : signed["end"]] == signed["text"]
    assert {name: signed[name] for name in ("person", "mission", "date", "other_reading", "agency", "license")} == {
        "person": "Thomas Pesquet",
        "mission": "Proxima",
        "date": "2016-12-03",
        "other_reading": "2016-03-12",
        "agency": None,
        "license": None,
    }
    assert signed["files"] == ["607D7774"]
    assert [(pair["fr"], pair["en"]) for pair in first["alignment"]] == [
        ("La lune se lève sur Paris.", "The moon is rising over Paris."),
        ("Bonne nuit !", None),
    ]
    assert (second["credit"], second["alignment"], second["alignment_score"]) == ([], [], None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--json"], b"--json goes with --text"),
        (["--explain", "--credit"], b"--explain is for people"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(run: Run, options: list[str], said: bytes) -> None:
    """Wrong use is 2, and says what goes with what."""
    done = run(b"", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_text_that_is_not_utf8_is_told(run: Run) -> None:
    """The byte is named; status 2."""
    done = run(b"Bonjour \xff", "--text")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"Error: the text cannot be read: byte 9 is not UTF-8\n"


@pytest.fixture
def modules(environment: dict[str, str]) -> set[str]:
    """What `cupola split` loads to answer one caption."""
    program = "\n".join(
        [
            "import sys",
            "from jobs.cli.main import commands",
            "commands.main(['split'], standalone_mode=False)",
            "print(' '.join(sys.modules), file=sys.stderr)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=b'{"id": 1, "raw": "Bonjour"}', env=environment, capture_output=True, check=True,
    )  # fmt: skip
    return set(done.stderr.decode().split())


def test_splitting_loads_neither_the_web_nor_the_database(modules: set[str]) -> None:
    """It starts fast: no requests, no SQLAlchemy, no detector, and no rich unless --explain asks for it."""
    assert "scraper.text.captions" in modules
    assert not modules & {"requests", "urllib3", "sqlalchemy", "bs4", "lxml", "langdetect", "rich", "pydantic", "yaml"}
