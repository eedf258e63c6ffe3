"""Words of a text: what is one, what it is compared by, and where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.folding import fold
from storage.search.words import LENGTH, LIMIT, words

#: all that may stand in a text, and more often what is special to words
TEXTS = st.text(
    st.one_of(
        st.characters(codec=None),
        st.sampled_from("aeélLs'’´ʼ`-_# \u00ad\u200d\u0301\ufe0f\x00\ud800👩🏽🚀🇫日が½²œﬀ1,.*\"«»()|"),
    ),
    max_size=60,
)


def forms(text):
    return [word.form for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Montée MONTEE montée", ["montee", "montee", "montee"]),
        ("l'eau d’aujourd’hui, jusqu'à qu´il", ["eau", "aujourd", "hui", "a", "il"]),
        ("L’« eau »", ["eau"]),
        ("the station's astronauts' it’s", ["the", "station", "astronauts", "it"]),
        ("rock'n'roll O'Neill", ["rock", "n", "roll", "o", "neill"]),
        ("'quoted'", ["quoted"]),
        ("Œuvre cœur straße Ærø", ["oeuvre", "coeur", "strasse", "aero"]),
        ("mon\u00adtée zero\u200bwidth", ["montee", "zerowidth"]),
        (
            "arc-en-ciel a_b 1,000 3.5 03/12/2016",
            ["arc", "en", "ciel", "a", "b", "1", "000", "3", "5", "03", "12", "2016"],
        ),
        ("CO₂ m² n°5 ﬁn", ["co2", "m2", "n", "5", "fin"]),
        ("#MissionAlpha", ["missionalpha"]),
        ("👩🏽\u200d🚀🇫🇷❤️ 1️⃣", ["👩", "🚀", "🇫", "🇷", "❤", "1"]),
        ("月の夜 東京タワー", ["月", "の", "夜", "東", "京", "タ", "ワ", "ー"]),
        ("שלום עَرَبي Привет", ["שלום", "ערבי".replace("ערבי", "עربي"), "привет"]),
        ("\x00a\ud800b\x1b[31m", ["a", "b", "31m"]),
        ("!?… « » “” — -- ' ’ ** () | & <> \\", []),
        ("", []),
    ],
)
def test_what_a_word_is(text, expected):
    """Elided articles, the English 's, hyphens, ligatures, numbers, emoji and scripts without spaces."""
    assert forms(text) == expected


@given(TEXTS)
def test_any_text_has_words_in_their_places(text):
    """Whatever the text, its words are folded, stand in order, none over another, and say what stands there."""
    end = 0
    for word in words(text):
        assert end <= word.start < word.end <= len(text)
        end = word.end
        assert word.form
        assert len(word.form) <= LENGTH
        assert fold(word.form) == word.form
        assert forms(text[word.start : word.end])[:1] in ([word.form], [])  # none: an elided article, quoted alone


@given(TEXTS, TEXTS)
def test_texts_side_by_side_have_the_words_of_both(one, other):
    """A line break between two texts parts their words."""
    assert forms(f"{one}\n{other}") == forms(one) + forms(other)


def test_a_long_text_has_no_more_than_4000_words():
    """What is endless ends: words of a text, and letters of a word."""
    assert len(forms("mot " * (LIMIT + 10))) == LIMIT
    assert len(forms("日" * (LIMIT + 10))) == LIMIT
    assert forms("x" * (LENGTH + 1)) == ["x" * LENGTH, "x"]
    assert sum(1 for _ in words("'".join("ab" * 100_000))) == LIMIT
