"""The log of a daemon: a line a record, with time, source and run; no secret, nothing that a caption could forge."""

import contextvars
import json
import logging
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import logs, secrecy

LOGGER = logging.getLogger("jobs.daemon")


@pytest.fixture(autouse=True)
def afterwards(monkeypatch: pytest.MonkeyPatch):
    """The log as it was before."""
    root, raising, hook = logging.getLogger(), logging.raiseExceptions, threading.excepthook
    handlers, level, loudness = root.handlers[:], root.level, logs.loudness
    monkeypatch.setattr(logs, "loudness", 0)
    monkeypatch.setattr(secrecy, "_hidden", ())
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.raiseExceptions, threading.excepthook, logs.loudness = raising, hook, loudness


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_elsewhere_than_on_a_terminal_a_record_is_a_line_of_json(capsys):
    """Time in UTC, level, source, run, module and message, each under its name."""
    logs.configure_daemon()
    with logs.about("esa-proxima", 12):
        LOGGER.info("%d posts", 3)
    LOGGER.warning("bare")
    first, second = told(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(first.pop("time")))
    assert first == {
        "level": "info",
        "source": "esa-proxima",
        "run": 12,
        "logger": "jobs.daemon",
        "message": "3 posts",
    }
    assert set(second) == {"time", "level", "logger", "message"}


def test_for_people_a_record_is_a_line_with_time_source_and_run(capsys):
    """What stands in brackets says whose it is; a newline in a message begins no line, and a traceback is set in."""
    logs.configure_daemon(logs.Form.TEXT)
    with logs.about("one", 7):
        try:
            raise ValueError("caption\nERROR all is lost \x1b[31m")
        except ValueError as error:
            LOGGER.error("%s", error, exc_info=True)
    first, *rest = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ERROR \[one run 7\] jobs\.daemon: caption␊ERROR all is lost ␛\[31m", first
    )
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)


@given(st.text(alphabet=st.characters()))
def test_whatever_is_said_a_record_is_one_line_of_ascii(text: str):
    """Newlines of all kinds, lone surrogates, marks of direction: they come out of the JSON as they were."""
    record = logging.LogRecord("jobs", logging.INFO, "", 0, "%s", (text,), None)
    logs.configure_daemon(logs.Form.JSON)
    formatter = logging.getLogger().handlers[0].formatter
    assert formatter is not None
    line = formatter.format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == secrecy.discreet(text)


def test_threads_of_a_visit_say_whose_they_are_and_others_do_not(capsys):
    """The context goes along where a thread is begun within it, and ends with it."""
    logs.configure_daemon(logs.Form.JSON)
    with logs.about("one", 1):
        inner = threading.Thread(target=contextvars.copy_context().run, args=(LOGGER.info, "in it"))
        inner.start()
        inner.join()
        with logs.about("two"):
            LOGGER.info("nested")
        LOGGER.info("back")
    with logs.about("three"):
        LOGGER.info("before its run")
        with logs.about("three", 5):
            LOGGER.info("in its run")
        LOGGER.info("what came of it")
    LOGGER.info("after")
    assert [(line["message"], line.get("source"), line.get("run")) for line in told(capsys)] == [
        ("in it", "one", 1),
        ("nested", "two", None),
        ("back", "one", 1),
        ("before its run", "three", None),
        ("in its run", "three", 5),
        ("what came of it", "three", 5),
        ("after", None, None),
    ]


def test_a_secret_is_told_nowhere(capsys):
    """Neither in a message nor in a traceback, as it stands in the environment or in an address made of it."""
    logs.configure_daemon(logs.Form.JSON)
    secrecy.hide(["tok-en1234", "slack://T1AAAA/B2BBBB/c3cccc mailtos://joe:geheim%21%21@mail.example"])
    try:
        raise OSError("https://hooks.example/services/T1AAAA/B2BBBB/c3cccc says no to geheim!!")
    except OSError:
        LOGGER.exception("with tok-en1234, for postgresql://me:pa@ss@host/db and https://x.example/?access_token=abc#f")
    LOGGER.info("Authorization: Bearer abcdef.ghijk")
    text = capsys.readouterr().err
    for secret in ("tok-en1234", "T1AAAA", "c3cccc", "geheim", "pa@ss", "abc#", "abcdef"):
        assert secret not in text
    assert "host/db" in text
    assert "hooks.example" in text


def test_what_a_thread_dies_of_is_in_the_log(capsys):
    """An error that nobody caught is a record like any other."""
    logs.configure_daemon(logs.Form.JSON)
    thread = threading.Thread(target=lambda: [][0], name="odd")
    thread.start()
    thread.join()
    (line,) = told(capsys)
    assert line["message"] == "the thread odd has ended by an error"
    assert "IndexError" in str(line["error"])


def test_a_log_file_is_put_aside_when_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """So many files of so many bytes are kept, whole lines each, and the oldest goes."""
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    monkeypatch.setattr(logs, "FILES_KEPT", 2)
    logs.configure_daemon(file=tmp_path / "cupola.log")
    for number in range(100):
        LOGGER.info("line %d", number)
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["cupola.log", "cupola.log.1", "cupola.log.2"]
    lines = [json.loads(line)["message"] for path in reversed(files) for line in path.read_text().splitlines()]
    assert lines == [f"line {number}" for number in range(100 - len(lines), 100)]
    assert all(path.stat().st_size <= 1000 for path in files)


def test_quiet_and_very_verbose_hold_for_the_daemon_too(capsys):
    """Where nobody says how loud, it is as loud as -v."""
    for asked, said in (
        (-1, ["error"]),
        (0, ["info", "error"]),
        (1, ["info", "error"]),
        (2, ["debug", "info", "error"]),
    ):
        logs.loudness = asked
        logs.configure_daemon(logs.Form.JSON)
        LOGGER.debug("debug")
        LOGGER.info("info")
        LOGGER.error("error")
        assert [line["message"] for line in told(capsys)] == said
