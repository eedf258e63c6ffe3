"""A caption's parts: the text of each, and how likely it is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.model import Lang, captions_of
from scraper.text.captions import WINDOW, split
from scraper.text.parts import parts_of

HERE = Path(__file__).parent
FRENCH, ENGLISH = "Le lac gelé brille ce matin.", "The frozen lake is shining this morning."


def test_parts_are_those_of_the_split() -> None:
    """Texts, spans and confidence are the split's; a part is as sure as the whole, or surer."""
    for line in (HERE / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        body = json.loads(line)["raw"]
        found, whole = parts_of(body), split(body)
        captions = captions_of(whole.segments)
        assert found.texts == {
            str(lang): captions[lang].text if lang in captions else None for lang in (Lang.FR, Lang.EN)
        }
        assert [tuple(span) for span in found.spans] == [(str(s.lang), s.text, s.start, s.end) for s in whole.segments]
        assert (found.confidence, found.needs_review) == (whole.confidence, whole.needs_review)
        for lang, sure in found.sure.items():
            assert (sure is None) == (found.texts[lang] is None)
            assert sure is None or found.confidence <= sure <= 1.0


def test_a_part_that_is_far_from_what_is_doubtful_is_surer() -> None:
    """Two words that may be of either language at the end do not cost the French at the beginning."""
    found = parts_of(f"{FRENCH}\n\n{ENGLISH}\nsend, tour")
    assert found.sure["fr"] is not None
    assert found.sure["fr"] > found.confidence


def test_a_long_caption_is_as_sure_as_its_least_sure_stretch() -> None:
    """Windows are read one by one; a part that one of them lacks is judged by the others."""
    body = f"{FRENCH}\n\n" * (WINDOW // len(FRENCH) + 10) + ENGLISH
    found = parts_of(body)
    assert found.texts["en"] == ENGLISH
    assert None not in found.sure.values()
    assert found.confidence == split(body).confidence


@given(st.text() | st.lists(st.sampled_from([FRENCH, ENGLISH, "\n", " / ", "tour", "Hallo"])).map(" ".join))
def test_any_string_has_parts(body: str) -> None:
    """The spans rebuild it, and a part's confidence is never below that of the whole."""
    found = parts_of(body)
    assert "".join(span.text for span in found.spans) == body
    for language, sure in found.sure.items():
        assert (sure is None) or found.confidence <= sure <= 1.0
        assert sure is not None or found.texts[language] is None


def test_a_language_without_tables_is_refused() -> None:
    """As the split itself does."""
    with pytest.raises(ValueError, match="no tables for"):
        parts_of("Saluton!", ("eo", "en"))
