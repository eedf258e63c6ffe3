"""langdetect's word: the same each time, with no seed of anybody else's touched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langdetect import DetectorFactory

from scraper.text.naming import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die Lichter der Stadt schlafen in dieser Nacht nicht.", "de"),
        ("LAS LUCES DE LA CIUDAD NO DUERMEN ESTA NOCHE", "es"),
        ("Огни города не спят этой ночью.", "ru"),
    ],
)
def test_a_language_is_named(text: str, language: str) -> None:
    """Also in capitals; the same answer each time, and langdetect's own seed is as it was."""
    found = language_of(text)
    assert found is not None
    assert (found[0], found[1] > 0.9) == (language, True)
    assert {language_of(text) for _ in range(5)} == {found}
    assert DetectorFactory.seed is None


@settings(max_examples=30)
@given(st.text())
def test_any_string_has_an_answer_or_none(text: str) -> None:
    """No exception, whatever it is."""
    found = language_of(text)
    assert found is None or 0.0 < found[1] <= 1.0


@pytest.mark.parametrize("text", ["", "123", "🚀", "\ud800\x00"])
def test_what_has_no_letters_has_no_language(text: str) -> None:
    """None, not a guess."""
    assert language_of(text) is None
