"""The words of notices: fixed, and nothing from outside can break out of its place."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.health import Ailment, Kind
from jobs.notices import LETTERS, TOLD, over, plain, trial, wrong


def ailment(number=0, said="", kind=Kind.FAILING):
    return Ailment(kind=kind, about=f"s{number}", message=f"s{number} has failed", said=said, advice="look")


@pytest.mark.parametrize(
    ("outside", "told"),
    [
        ("answered 503", "answered 503"),
        ("l'été à 5 h, « où » — ça va 日本", "l'été à 5 h, « où » — ça va 日本"),
        ("@channel @everyone <!here> <@U1>", "＠channel ＠everyone ＜!here＞ ＜＠U1＞"),
        ("<b>x</b> &amp; [go](https://evil.example)", "＜b＞x＜/b＞ ＆amp; ［go］（https：//evil.example）"),
        ("**bold** _it_ `code` ~~no~~ ||spoiler||", "＊＊bold＊＊ ＿it＿ ｀code｀ ～～no～～ ｜｜spoiler｜｜"),
        ("www.evil.example", "www．evil.example"),
        ("{0.__class__} ${HOME} %s \\n", "｛0.＿＿class＿＿｝ ＄｛HOME｝ %s ＼n"),
        ("a\r\nBcc: x@y\n\n# head\x00", "a␍ Bcc: x＠y ＃ head␀"),
        ("\x1b[31mred\u202egnp.exe\u200b\ufeff", "␛［31mredgnp.exe"),
    ],
)
def test_what_is_from_outside_is_read_and_not_obeyed(outside, told):
    """Accents and scripts stay; markup, mentions, links, escapes, headers and directions lose what makes them so."""
    assert plain(outside) == told


@given(st.text(max_size=500), st.integers(5, 300))
def test_any_text_becomes_one_harmless_paragraph(text, limit):
    """Whatever comes: within its limit, on one line, without a sign that anything obeys; made plain again it stays."""
    told = plain(text, limit)
    assert len(told) <= limit
    assert not re.search(r"[@<>\[\]()*_`~|#&\\{}$^\x00-\x1f\x7f-\x9f]|://|www\.", told, re.IGNORECASE)
    assert {unicodedata.category(letter) for letter in told}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
    assert plain(told, limit) == told


def test_stacked_marks_are_cut():
    """A letter keeps three marks, so that none is painted over the lines around it."""
    assert plain("z" + "\u0301" * 50) == "z" + "\u0301" * 3


def test_one_thing_is_told_in_the_title_with_what_to_do_in_the_body():
    """What the source said stands behind our words."""
    notice = wrong([ailment(said="it said <b>no</b>")], "/srv/archive")
    assert notice.title == "Cupola: s0 has failed"
    assert notice.body.splitlines() == [
        "- s0 has failed: it said ＜b＞no＜/b＞",
        "  What to do: look",
        "",
        "All of it: cupola status. Archive: /srv/archive",
    ]


def test_many_things_are_one_notice():
    """Two hundred sources that fail at once are one message, of readable length."""
    notice = wrong([ailment(number, "x" * 5000) for number in range(200)], "/a")
    assert notice.title == "Cupola: 200 things are wrong"
    assert f"… and {200 - TOLD} more" in notice.body
    assert len(notice.body) < TOLD * (LETTERS + 100) + 200
    many = over([(Kind.FAILING, f"s{number}") for number in range(200)], "/a")
    assert many.title == "Cupola: 200 things are in order again"
    assert len(many.body.splitlines()) == TOLD + 3


@pytest.mark.parametrize("kind", list(Kind))
def test_of_every_kind_it_can_be_told_that_it_is_over(kind):
    """In words of its own."""
    notice = over([(kind, "s1")], "/a")
    assert "{" not in notice.body
    assert notice.title.startswith("Cupola: ")


def test_a_trial_says_that_it_is_one():
    """And of which archive."""
    assert "trial" in trial("/srv/x").title
    assert "/srv/x" in trial("/srv/x").body
