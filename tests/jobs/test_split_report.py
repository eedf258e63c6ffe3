"""``cupola split-report``: the splitter against what curators corrected, on both databases; all captions synthetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FR, EN = "La lune se lève sur le lac gelé.", "The moon is rising over the frozen lake."


class Desk:
    """An archive and the commands on it."""

    def __init__(self, held: Any, cupola: Callable[..., Any]) -> None:
        self.held, self._cupola = held, cupola

    def run(self, *words: str) -> Any:
        return self._cupola(*words, "--archive", self.held.address or self.held.folder, columns=120)

    def correct(self, key: str, *words: str) -> None:
        assert self.run("correct", key, "--who", "Ana", *words).status == 0

    def report(self, *words: str) -> Any:
        answer = self.run("split-report", "--json", *words)
        assert (answer.status, answer.err) == (0, "")
        return json.loads(answer.out)


@pytest.fixture
def desk(tmp_path: Path, make_archive: Callable[..., Any], address: str | None, cupola: Callable[..., Any]) -> Desk:
    return Desk(make_archive(tmp_path / "archive", address), cupola)


def test_an_archive_without_corrections_says_so(desk: Desk) -> None:
    """Nothing is measured, no share is invented."""
    for number in range(2):
        told = desk.run("split-report")
        assert told.status == 0
        assert "No caption is corrected" in told.out
        report = desk.report()
        assert (report["captions"], report["exact_share"], report["letters_right"]) == (0, None, None)
        assert (report["sources"], report["buckets"], report["worst"]) == ({}, [], [])
        desk.held.add(str(number), fr=FR, en=EN)


def test_the_splitter_is_measured_by_what_was_corrected(desk: Desk) -> None:
    """Exact answers and letters, all, by source and by confidence; the worst with what each of them says."""
    good = desk.held.add("good", fr=FR, en=EN)
    cut = desk.held.add("cut", source="toots", fr=FR, en=EN)
    odd = desk.held.add("odd", source="toots", fr=FR, en=EN)
    desk.held.add("left alone", source="toots", fr="Rien", en="Nothing")
    desk.correct(good, "--caption-fr", f"«\u00a0{FR}\u00a0»", "--caption-en", EN)
    desk.correct(cut, "--segments", f"fr:0-{len(FR)},none:{len(FR)}-{len(FR) + 1},en:{len(FR) + 1}-")
    desk.correct(odd, "--caption-fr", "", "--caption-en", f"{EN} Good night!")
    report = desk.report()
    assert (report["captions"], report["exact"], report["outdated"]) == (3, 2, 0)
    assert report["exact_share"] == 0.6667
    assert 0.5 < report["letters_right"] < 1
    assert {name: score["exact"] for name, score in report["sources"].items()} == {"esa-proxima": 1, "toots": 1}
    assert sum(bucket["captions"] for bucket in report["buckets"]) == 3
    assert 0 <= report["calibration_error"] <= 1
    (worst,) = report["worst"]
    assert worst["key"] == odd
    assert worst["fr"] == {"split": FR, "curator": ""}
    assert worst["en"] == {"split": EN, "curator": f"{EN} Good night!"}
    told = desk.run("split-report").out
    for words in ("toots", "66.7%", odd, f"- fr  {FR}", "+ fr  (none)"):
        assert words in told
    assert desk.report("--worst", "0")["worst"] == []


def test_filters_choose_the_captions(desk: Desk) -> None:
    """As for query; an unknown source has none."""
    for source in ("one", "two"):
        desk.correct(desk.held.add("1", source=source, fr=FR, en=EN), "--caption-fr", FR)
    assert desk.report()["captions"] == 2
    assert desk.report("--source", "one")["captions"] == 1
    assert desk.report("--text", "frozen")["captions"] == 2
    assert desk.report("--verdict", "rejected")["captions"] == 0


def test_what_was_taken_back_or_is_of_an_older_text_does_not_count(desk: Desk) -> None:
    """Undone and machine-again corrections are none; those of a text that was edited since are told."""
    from sqlalchemy import text

    undone, again, edited = (desk.held.add(name, fr=FR, en=EN) for name in ("undone", "again", "edited"))
    desk.correct(edited, "--caption-fr", "Autre")
    desk.correct(again, "--caption-fr", "Autre")
    desk.correct(again, "--machine", "caption_fr")
    desk.correct(undone, "--caption-fr", "Autre")
    assert desk.report()["captions"] == 2
    assert desk.run("undo", "--who", "Ana").status == 0
    with desk.held.database.write() as connection:
        connection.execute(text("UPDATE posts SET body = 'Other text' WHERE native_id = 'edited'"))
    report = desk.report()
    assert (report["captions"], report["outdated"]) == (0, 1)
    assert "1 correction left out" in desk.run("split-report").out


def test_a_caption_that_was_said_after_the_cuts_counts_for_more(desk: Desk) -> None:
    """What was said last is the label."""
    key = desk.held.add("1", fr=FR, en=EN)
    desk.correct(key, "--segments", "fr:0-")
    assert desk.report()["exact"] == 0
    desk.correct(key, "--caption-fr", FR, "--caption-en", EN)
    assert desk.report()["exact"] == 1
    assert desk.report()["letters_right"] == 1


def test_remote_text_obeys_no_terminal(desk: Desk) -> None:
    """What a caption holds is shown, not obeyed."""
    key = desk.held.add("1", fr=f"{FR}\x1b[31m", en=EN)
    desk.correct(key, "--caption-fr", "\x1b]0;x\x07 autre chose")
    told = desk.run("split-report").out
    assert key in told
    assert not set(told) & set("\x1b\x07")


def test_no_archive_ends_with_3(cupola: Callable[..., Any], tmp_path: Path) -> None:
    """There is nothing to report of."""
    assert cupola("split-report", "--archive", tmp_path).status == 3
