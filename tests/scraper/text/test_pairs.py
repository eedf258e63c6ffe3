"""The pair of languages is a setting: Italian and English, German and English, by the tables alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scraper.text.alignment import align
from scraper.text.captions import cut, split

#: synthetic: the same 40 captions in three languages, written for this test
CAPTIONS = [
    json.loads(line) for line in Path(__file__).with_name("pairs.jsonl").read_text(encoding="utf-8").splitlines()
]
LAYOUTS = {
    "blank line": "{a}\n\n{b}",
    "line": "{a}\n{b}",
    "slash": "{a} / {b}",
    "space": "{a} {b}",
    "dash": "{a} – {b}",
    "labels": "({A}) {a}\n({B}) {b}",
    "emoji": "{a} 🚀 {b}",
    "around": "{a}\n\n{b}\n#ISS #Space\nCredits: ESA/NASA–M. Maurer",
}


def letters(body: str, pair: tuple[str, str]) -> dict[str, str]:
    found = dict.fromkeys((*pair, "other"), "")
    for span in cut(body, pair):
        if span.lang in found:
            found[span.lang] += "".join(c for c in span.text if c.isalpha())
    return found


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("language", ["it", "de"])
def test_another_pair_is_cut_by_its_tables_alone(language: str, layout: str) -> None:
    """Forty captions a layout, in both orders: all but one are right to the letter."""
    right = 0
    for k, texts in enumerate(CAPTIONS):
        first, second = (language, "en") if k % 2 else ("en", language)
        body = layout.format(a=texts[first], b=texts[second], A=first.upper(), B=second.upper())
        wanted = {lang: "".join(c for c in texts[lang] if c.isalpha()) for lang in (language, "en")} | {"other": ""}
        right += letters(body, (language, "en")) == wanted
    assert right >= 39, right


@pytest.mark.parametrize("language", ["it", "de"])
def test_a_caption_in_one_language_of_another_pair_is_left_whole(language: str) -> None:
    """No part is claimed for the other language: forty captions in each."""
    for lang in (language, "en"):
        wrong = [
            text[lang] for text in CAPTIONS if {s.lang for s in cut(text[lang], (language, "en"))} - {lang, "none"}
        ]
        assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(("language", "floor"), [("it", 0.89), ("de", 0.87)])
def test_captions_of_another_pair_are_aligned_by_lengths_and_likeness(language: str, floor: float) -> None:
    """With no list of words: a translation scores higher than another caption, in most cases."""
    pair = (language, "en")
    own = [align(text[language], text["en"], pair).score for text in CAPTIONS]
    strange = [
        align(one[language], other["en"], pair).score for one in CAPTIONS for other in CAPTIONS if one is not other
    ]
    above = sum((o > s) + 0.5 * (o == s) for o in own for s in strange) / len(own) / len(strange)
    assert above >= floor


def test_what_is_french_is_a_third_language_to_another_pair() -> None:
    """French between German and English belongs to neither of them."""
    body = "Der Vulkan raucht wieder.\n\nLe volcan fume de nouveau ce matin.\n\nThe volcano is smoking again."
    assert [span.lang for span in cut(body, ("de", "en"))] == ["de", "none", "other", "none", "en"]


def test_split_is_the_pair_of_french_and_english() -> None:
    """Both give the same spans."""
    body = "Le volcan fume de nouveau.\n\nThe volcano is smoking again."
    assert [(s.lang, s.text) for s in cut(body, ("fr", "en"))] == [(s.lang, s.text) for s in split(body).segments]


def test_a_language_that_no_table_has_is_refused() -> None:
    """The tables are what can be cut for."""
    with pytest.raises(ValueError, match="no tables for"):
        cut("Saluton!", ("eo", "en"))
