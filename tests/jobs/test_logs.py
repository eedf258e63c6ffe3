"""What reaches the terminal: remote text is shown, never obeyed."""

import logging

from hypothesis import given
from hypothesis import strategies as st

from jobs import logs
from jobs.logs import printable


def test_escape_codes_become_visible():
    """A caption cannot colour, clear or retitle the terminal."""
    assert printable("a\x1b[31mred\x07\x9b0m") == "a␛[31mred␇�0m"


def test_text_stays_text():
    """Newlines, tabs, accents, emoji and French spaces are left alone."""
    text = "« Été »\u202f!\n\tà bientôt 🚀"
    assert printable(text) == text


def test_marks_that_turn_the_line_round_are_left_out():
    """A right-to-left override cannot disguise what stands in the line."""
    assert printable("gpj\u202e.exe") == "gpj.exe"


@given(st.text(alphabet=st.characters()))
def test_nothing_that_a_terminal_obeys_is_left(text: str):
    """Whatever comes in, no control character and no lone surrogate comes out."""
    shown = printable(text)
    shown.encode("utf-8")
    assert not any((ord(char) < 32 and char not in "\n\t") or 0x7F <= ord(char) < 0xA0 for char in shown)


def test_the_log_is_printable_too(capsys):
    """A hostile name cannot forge a line of the log with an escape code."""
    before = logs.loudness
    try:
        logs.configure(0)
        logging.getLogger("cupola").warning("posted by %s", "x\x1b[2J")
        assert capsys.readouterr().err == "WARNING cupola: posted by x␛[2J\n"
    finally:
        logs.configure(before)


def test_verbose_is_our_own_words_and_very_verbose_the_libraries_too(capsys):
    """-v says what Cupola does; what Alembic or urllib3 do as well is for -vv."""
    before = logs.loudness
    try:
        for level, told in ((0, []), (1, ["ours"]), (2, ["ours", "theirs"])):
            logs.configure(level)
            logging.getLogger("storage.blobs").info("ours")
            logging.getLogger("alembic.runtime").info("theirs")
            assert [line.split(": ", 1)[1] for line in capsys.readouterr().err.splitlines()] == told
    finally:
        logs.configure(before)
