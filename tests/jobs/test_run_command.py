"""What ``scrape`` and ``retry`` share: stopping between two sources, and telling what was done."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from jobs import logs
from jobs.cli import main, run
from jobs.cli.main import INTERRUPTED
from jobs.config import ConfigFile, parse
from jobs.report import KEPT, Failure, Outcome, Report
from jobs.visit import Progress, Visit
from jobs.wiring import means_of, sources_of

CONFIG = """
sources:
  - {id: one, kind: mastodon, url: "http://127.0.0.1:9/@one"}
  - {id: two, kind: mastodon, url: "http://127.0.0.1:9/@two"}
"""


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    """Two sources that nobody asks in these tests."""
    return parse(CONFIG, tmp_path / "config.yaml")


@pytest.mark.parametrize("dry", [False, True])
def test_sources_that_were_not_come_to_are_interrupted_too(file: ConfigFile, dry: bool) -> None:
    """Asked to stop before or between two sources, the rest is told as interrupted, and so is the exit status."""
    stop = Event()
    stop.set()
    visits = [Visit(source=item.source) for item in sources_of(file)]
    with means_of(file, stop=stop, progress=Progress()) as means:
        reports = run._rehearsed(visits, means) if dry else run._harvested(file, visits, means)
    assert [(report.source_id, report.outcome) for report in reports] == [
        ("one", Outcome.INTERRUPTED),
        ("two", Outcome.INTERRUPTED),
    ]
    assert run._told(reports, as_json=False, dry_run=dry) == INTERRUPTED


def test_of_many_failures_all_are_counted_and_the_first_are_told() -> None:
    """A hundred thousand pictures that fail take no memory each; the archive holds them."""
    report = Report(source_id="one")
    for number in range(KEPT + 5):
        report.fail(Failure(stage="media", message=f"picture {number}"))
    told = report.as_json()
    assert (told["failed"], len(told["failures"])) == (KEPT + 5, KEPT)
    assert told["failures"][0]["message"] == "picture 0"


def test_a_wait_is_told_without_what_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason may hold words of the host (a status line of its own making, say)."""
    run._tell_wait("h.example", 8.0, "try 4 failed: BadStatusLine: \x1b]0;owned\x07\x9b31m")
    told = capsys.readouterr().err
    assert "waiting 8 s" in told
    assert not set(told) & set("\x1b\x07\x9b")


def test_a_defect_is_told_without_what_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception that nobody foresaw may hold words of a page; its traceback is shown all the same."""
    assert main._told(ValueError("no such thing: \x1b]0;owned\x07\x9b31m")) == main.IN_PART
    told = capsys.readouterr().err
    assert "ValueError: no such thing" in told
    assert "report it" in told
    assert not set(told) & set("\x1b\x07\x9b")


def test_json_is_utf_8_whatever_a_failure_holds(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Half a surrogate pair in the words of a source breaks no report."""
    failure = Failure(stage="page", message="expected a page of pictures, but \ud83d “é”")
    report = Report(source_id="one")
    report.fail(failure)
    run._told([report], as_json=True, dry_run=False)
    told = json.loads(capsysbinary.readouterr().out.decode())
    assert told["one"]["failures"][0]["message"] == "expected a page of pictures, but ? “é”"


def test_verbose_names_every_page_as_it_is_read(cupola: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """-v says which page was read and what it held so far, at once; without it a short run says nothing."""
    page = tmp_path / "page.html"
    page.write_text(
        '<html><body><figure><img src="/x/23-1-eng-GB/Lac.jpg"><p>« Le lac gelé brille. »</p></figure></body></html>',
        encoding="utf-8",
    )
    config = tmp_path / "config.yaml"
    url = "https://www.esa.int/ESA_Multimedia/Images/2021/04/Lac"
    config.write_text(f"sources: [{{id: lac, kind: esa_gallery, url: '{url}'}}]", encoding="utf-8")
    command = ("scrape", "--config", config, "--from-file", page, "--no-media")
    assert cupola(*command).err == ""
    monkeypatch.setattr(logs, "loudness", 1)
    assert cupola(*command).err == f"lac: {url}\nlac: 1 page, 1 post (0 new), 0 pictures, 0 B\n"


def told(reports: list[Report], columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> str:
    """What a terminal of so many columns shows of a run."""
    monkeypatch.setenv("COLUMNS", str(columns))
    run._told(reports, as_json=False, dry_run=False)
    return capsys.readouterr().out


@pytest.fixture
def reports() -> list[Report]:
    """A source that is complete and one in which a picture failed."""
    whole = Report(source_id="aurore-gallery", pages=1, posts_added=22, media_stored=22, media_bytes=1_000_000)
    part = Report(source_id="aurore-mastodon", pages=2, posts_added=43, media_stored=41, media_failed=1, seconds=2.5)
    part.outcome = Outcome.PARTIAL
    part.fail(Failure(stage="media", message="cut short", key="aurore-mastodon:1"))
    return [whole, part]


@pytest.mark.parametrize("columns", [30, 50, 60, 80, 200])
def test_a_summary_names_each_source_whole_on_any_terminal(
    reports: list[Report], columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table where there is room for it, else a sentence a source; no number is cut."""
    out = told(reports, columns, capsys, monkeypatch)
    assert ("───" in out) is (columns >= 80)
    words = out.split()
    for word in ("aurore-gallery", "aurore-mastodon", "complete" if columns >= 80 else "complete:", "22", "43", "41"):
        assert word in words, out
    assert "1.0 MB" in " ".join(words)


def test_quiet_says_only_what_failed(
    reports: list[Report], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With -q the failures stand alone, and a run without any says nothing."""
    monkeypatch.setattr(logs, "loudness", -1)
    assert told(reports, 80, capsys, monkeypatch) == "✗ aurore-mastodon:1 cut short\n"
    assert told(reports[:1], 80, capsys, monkeypatch) == ""


def test_a_retry_says_nothing_of_posts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No page was asked for: a column « new » would be about nothing."""
    out = told([Report(source_id="one", media_stored=2)], 80, capsys, monkeypatch)
    assert "pictures" in out
    assert "new" not in out


def test_a_retry_makes_no_archive(cupola: Any, tmp_path: Path) -> None:
    """Where nothing is held nothing is to be taken up: a folder that is named wrongly is told, and not made."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    answer = cupola("retry", "--config", tmp_path / "config.yaml")
    assert answer.status == 3
    assert "there is no archive in" in answer.err
    assert not (tmp_path / "archive").exists()
