"""Curation from the command line: keys from anywhere, all or nothing, and what was done is said."""

from __future__ import annotations

import io
import json
import sys

import pytest


@pytest.fixture
def desk(held, cupola, monkeypatch):
    """Three posts, and a function that runs a command on their archive with a given stdin."""
    monkeypatch.setenv("CUPOLA_WHO", "Ana")
    for number in (1, 2, 3):
        held.add(
            str(number), fr="Bonjour", en="Hello", url=f"https://esa.example/{number}", pictures=({"alt": "Paris"},)
        )

    def run(*arguments, stdin=None, terminal=False):
        class Typed(io.TextIOWrapper):
            def isatty(self):
                return terminal

        monkeypatch.setattr(sys, "stdin", Typed(io.BytesIO((stdin or "").encode())))
        return cupola(*arguments, "--archive", held.folder)

    return run


def told(desk, key="esa-proxima:1", *more):
    return json.loads(desk("show", key, "--json", *more).out)


KEYS = ("esa-proxima:1", "esa-proxima:2")


def test_a_verdict_is_given_and_counted(desk):
    """Each command says how many posts it has changed, and how many were so already."""
    assert desk("keep", *KEYS).out == "2 posts selected.\n"
    assert desk("keep", KEYS[0], "esa-proxima:3").out == "1 post selected, 1 already so.\n"
    assert desk("reject", KEYS[0]).out == "1 post rejected.\n"
    assert desk("query", "--verdict", "selected", "--format", "ids").out.split() == ["esa-proxima:3", "esa-proxima:2"]
    assert desk("unreview", KEYS[0]).out == "1 post unreviewed.\n"
    assert told(desk)["verdict"] == "unreviewed"


def test_what_a_query_finds_is_tagged(desk):
    """`cupola query --format ids | cupola tag add earth`, and back; a tag without a word for it is the same."""
    found = desk("query", "--text", "bonjour", "--format", "ids").out
    assert desk("tag", "add", "earth", stdin=found).out == "3 posts tagged earth.\n"
    assert desk("query", "--curator-tag", "Earth", "--format", "ids").out == found
    assert desk("tag", "remove", "earth", KEYS[0]).out == "1 post no longer tagged earth.\n"
    assert desk("tag", "earth", KEYS[0]).out == "1 post tagged earth.\n"
    assert desk("tag", "add", "add", *KEYS).out == "2 posts tagged add.\n"
    assert told(desk)["tags"] == ["add", "earth"]
    for word in ("add", "remove"):
        answer = desk("tag", word, stdin=found)
        assert (answer.status, answer.out) == (2, "")
        assert "which tag?" in answer.err


@pytest.mark.parametrize(
    "stdin",
    [
        "esa-proxima:1\n\nesa-proxima:2\n",
        "\ufeffesa-proxima:1\r\nesa-proxima:2",
        '{"key": "esa-proxima:1", "text": "a\\nb"}\n{"key": "esa-proxima:2"}\n',
        "https://esa.example/1\nesa-proxima:2\nesa-proxima:2\n",
    ],
)
@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_keys_come_from_stdin(desk, stdin, arguments):
    """One a line, as JSON lines or as addresses; with - or without any argument."""
    assert desk("rate", "5", *arguments, stdin=stdin).out == "2 posts rated 5.\n"
    assert [told(desk, key)["rating"] for key in KEYS] == [5, 5]


def test_arguments_and_stdin_together(desk):
    """With - among the arguments those on stdin are taken as well."""
    assert desk("keep", "esa-proxima:3", "-", stdin="esa-proxima:1\n").out == "2 posts selected.\n"


def test_no_keys_on_stdin_is_nothing_to_do(desk):
    """A query that found nothing, piped on, is no mistake."""
    answer = desk("keep", stdin="")
    assert (answer.status, answer.out) == (0, "0 posts selected.\n")


def test_a_terminal_is_not_waited_for(desk):
    """Without keys at a terminal the command says what it wants, and reads nothing."""
    answer = desk("keep", terminal=True)
    assert answer.status == 2
    assert "no post is named" in answer.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["keep", "esa-proxima:1", "esa-proxima:99"], "Did you mean esa-proxima:3?"),
        (["keep", "esa-proxima:1", "https://nowhere.example/"], "no post at"),
        (["rate", "6", "esa-proxima:1"], "'6'"),
        (["tag", "#", "esa-proxima:1"], "letter or digit"),
        (["correct", "esa-proxima:1"], "nothing is corrected"),
        (["correct", "esa-proxima:1", "--machine", "body"], "known are caption_fr"),
        (["correct", "esa-proxima:1", "--date", "3/12/2016"], "is not a date"),
        (["correct", "esa-proxima:1", "--segments", "de:0-"], "expected fr:0-120"),
        (["correct", "esa-proxima:1", "--segments", "[{}]"], "expected fr:0-120"),
        (["correct", "esa-proxima:1", "--alt", "x", "--picture", "2"], "no picture 2; it has 1"),
        (["correct", "esa-proxima:1", "--segments", "fr:0-4,en:5-"], "do not fit esa-proxima:1"),
        (["keep", "--who", " ", "esa-proxima:1"], "who decides"),
    ],
)
def test_wrong_use_is_status_2_and_nothing_is_done(desk, arguments, message):
    """One thing wrong and the whole command does nothing."""
    answer = desk(*arguments)
    assert answer.status == 2
    assert message in answer.err
    record = told(desk, "esa-proxima:1", "--history")
    assert (record["verdict"], record["corrected"], len(record["history"])) == ("unreviewed", [], 1)


@pytest.mark.parametrize("line", ['{"id": "1"}', "{", '{"key": 1}', "[1]\n{]"])
def test_a_line_that_is_no_key_is_named(desk, line):
    """What is not understood on stdin is told by its line."""
    answer = desk("keep", stdin=f"esa-proxima:1\n{line}\n")
    assert answer.status == 2
    assert told(desk)["verdict"] == "unreviewed"


def test_tags_and_notes(desk):
    """Tags are put on and taken off and found by query; a note is shown with the post."""
    assert desk("tag", "Nuit étoilée", *KEYS).out == "2 posts tagged Nuit étoilée.\n"
    assert desk("query", "--tag", "nuitetoilee", "--count").out == "2\n"
    assert told(desk)["tags"] == ["Nuit étoilée"]
    assert desk("tag", "nuit étoilée", "--remove", KEYS[0]).out == "1 post no longer tagged nuit étoilée.\n"
    assert told(desk)["tags"] == []
    desk("note", "voir la version anglaise", KEYS[0])
    assert told(desk)["provenance"]["note"] == "voir la version anglaise"
    assert "voir la version anglaise" in desk("show", KEYS[0]).out


def test_corrections(desk):
    """Each field is the curator's from then on, in every format, and is named."""
    desk("correct", KEYS[0], "--segments", "fr:0-7 none:7-8 en:8-", "--credit", "ESA/NASA", "--mission", "proxima",
         "--date", "2016-12-03T20:15", "--alt", "La Seine")  # fmt: skip
    record = told(desk)
    assert record["captions"] == {"fr": "Bonjour", "en": "Hello"}
    assert (record["credit"], record["mission"], record["published_at"]) == (
        "ESA/NASA",
        "proxima",
        "2016-12-03T20:15:00Z",
    )
    assert record["published_precision"] == "minute"
    assert record["media"][0]["alt"] == "La Seine"
    assert record["corrected"] == [
        "caption_fr", "caption_en", "segments", "published_at", "credit", "mission", "alt"]  # fmt: skip
    assert "as the curator has it" in desk("show", KEYS[0]).out
    cuts = json.dumps([{**cut, "lang": "en"} for cut in record["segments"]])
    desk("correct", KEYS[0], "--segments", cuts, "--caption-fr", "Bonsoir", "--machine", "alt")
    assert told(desk)["captions"] == {"fr": "Bonsoir", "en": "Bonjour\nHello"}
    assert told(desk)["media"][0]["alt"] == "Paris"
    rows = desk("query", "--format", "csv").out
    assert '"[""caption_fr"", ""caption_en"", ""segments"", ""published_at"", ""credit"", ""mission""]"' in rows


def test_undo(desk):
    """The last command is taken back whole, and says what it was; somebody else's stays."""
    desk("keep", *KEYS)
    desk("keep", "esa-proxima:3", "--who", "Ben")
    answer = desk("undo")
    assert answer.out.startswith("Taken back: verdict of 2 posts (esa-proxima:1, esa-proxima:2), decided ")
    assert desk("query", "--verdict", "selected", "--format", "ids").out == "esa-proxima:3\n"
    assert desk("undo", "3").out == "There is nothing of Ana's to take back.\n"


def test_the_history_tells_who_decided_what(desk):
    """Every decision stands in the history, for people and for programs."""
    desk("keep", KEYS[0])
    desk("correct", KEYS[0], "--caption-fr", "Bonsoir")
    desk("undo")
    shown = desk("show", KEYS[0], "--history").out
    for line in (
        "seen for the first time",
        "Ana, verdict: selected",
        "Ana, correction caption_fr: Bonsoir (taken back",
    ):
        assert line in shown
    events = told(desk, KEYS[0], "--history")["history"]
    assert [event["kind"] for event in events] == ["seen", "decided", "decided", "decided"]
    assert events[2]["who"] == "Ana"
    assert events[2]["value"] == "Bonsoir"
    assert events[2]["undone"] is True


def test_the_history_says_decisions_in_words(desk):
    """What was taken away or taken off says so, cuts stand as they are typed, and no number of a row is shown."""
    for command in (
        ["rate", "none"],
        ["rate", "4"],
        ["rate", "none"],
        ["tag", "night lights"],
        ["tag", "night lights", "--remove"],
        ["note", "ask"],
        ["note", ""],
        ["correct", "--credit", ""],
        ["correct", "--machine", "credit"],
        ["correct", "--segments", "fr:0-7,none:7-8,en:8-"],
        ["undo"],
    ):
        named = [] if command == ["undo"] else [KEYS[0]]
        assert desk(*command, *named).status == 0
    shown = desk("show", KEYS[0], "--history").out
    said = [line.partition("Ana, ")[2] for line in shown.splitlines() if "Ana, " in line]
    assert [line.partition(" (taken")[0] for line in said] == [
        "rating: 4",
        "rating taken away",
        "tag night lights",
        "tag night lights taken off",
        "note: ask",
        "note taken away",
        "correction credit: there is none",
        "correction credit: the machine's answer again",
        "correction segments: fr:0-7,none:7-8,en:8-13",
        "took back an earlier decision",
    ]


@pytest.mark.parametrize("command", [["keep", "a:1"], ["undo"]])
def test_no_archive_is_made(cupola, tmp_path, command):
    """There is nothing to decide about, and nothing is made."""
    answer = cupola(*command, "--archive", tmp_path / "nothing", "--who", "Ana")
    assert answer.status == 3
    assert not (tmp_path / "nothing").exists()


def test_the_login_name_is_the_last_resort(cupola, held, monkeypatch):
    """Without --who and CUPOLA_WHO it is whoever is logged in."""
    held.add("1")
    monkeypatch.delenv("CUPOLA_WHO", raising=False)
    monkeypatch.setenv("LOGNAME", "thomas")
    cupola("keep", "esa-proxima:1", "--archive", held.folder)
    record = json.loads(cupola("show", "esa-proxima:1", "--history", "--json", "--archive", held.folder).out)
    assert record["history"][-1]["who"] == "thomas"
