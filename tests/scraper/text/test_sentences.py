"""Where a French or English sentence ends, and where a full stop ends nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.text.sentences import sentences_of


@pytest.mark.parametrize(
    "sentences",
    [
        ["M. Pesquet a fait 3.5 km.", "Il est à la Station."],
        ["Mme Haigneré et le Dr. Novak sont là !", "T. Pesquet aussi."],
        ["We are in the U.S.", "The sun is up."],
        ["The U.S. Navy is below us, e.g. its carriers.", "Nice."],
        ["Photo no. 5 was taken at 12.45, p. 3.", "Oh no.", "The end"],
        ["Je cherche… une ville.", "Ah…", "La voilà ..."],
        ["Oui ? dit-il.", "« Quelle vue ! »", "“Really?!”", "(Yes.)"],
        ["Magnifique\u202f! 🚀", "Next"],
        ["Vers 50 av. J.-C. les Romains étaient là.", "Prix : 12.000 €."],
        ["It was −5 °C.", "Cold!"],
        ["Le site esa.int en parle.", "Voir www.example.org."],
        ["🚀 Go!"],
    ],
)
def test_a_text_is_cut_into_its_sentences(sentences: list[str]) -> None:
    """Abbreviations, initials, numbers, dots in mid-sentence, quotation marks and emoji cut nothing."""
    for glue in (" ", "\n", "\n\n"):
        text = glue.join(sentences)
        assert [text[start:end] for start, end in sentences_of(text)] == sentences


def test_a_line_break_ends_a_sentence_but_not_in_its_middle() -> None:
    """Lines without a full stop are sentences; one that goes on in small letters is not at its end."""
    text = "Une phrase\nsur deux lignes.\nUne autre 😍\nEt encore une"
    assert [text[start:end] for start, end in sentences_of(text)] == [
        "Une phrase\nsur deux lignes.",
        "Une autre 😍",
        "Et encore une",
    ]


@given(st.text() | st.lists(st.sampled_from([*"aA.…!? \n«»\"'🚀5", "M. ", "U.S. "])).map("".join))
def test_nothing_but_space_is_between_sentences(text: str) -> None:
    """In any string the sentences stand in order, and leave out nothing but space."""
    at = 0
    for start, end in sentences_of(text):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()
