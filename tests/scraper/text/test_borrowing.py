"""A second part explains itself; else it is borrowed words, a name, a title or a quotation in its sentence."""

from __future__ import annotations

import pytest

from scraper.model import Lang
from scraper.text.captions import split


def parts(body: str) -> list[tuple[str, str]]:
    return [(str(s.lang), s.text) for s in split(body).segments if s.lang is not Lang.NONE]


@pytest.mark.parametrize(
    ("lang", "body"),
    [
        ("fr", "Très fier de rejoindre la Royal Geographical Society."),
        ("fr", "La Nuit des musées, c'est samedi. See you there !"),
        ("en", "Cirque du Soleil is coming to our town in November."),
        ("en", "Voilà! The greenhouse is finished at last."),
        ("en", '"Le jury, présidé par Oona, a vu 63 films en neuf jours et trois nuits" was written on the wall.'),
    ],
)
def test_words_of_the_other_language_within_a_sentence_are_its_own(lang: str, body: str) -> None:
    """A name, a title, an exclamation, a quotation make no second part, in capitals and small letters neither."""
    assert parts(body) == [(lang, body)]
    assert {found for found, _ in parts(body.upper())} == {lang}


@pytest.mark.parametrize(
    ("lang", "body"),
    [
        ("fr", "The Last Screening, le livre dont tout le monde parle. Le ferry a fait demi-tour."),
        ("fr", "Nous avons visité le Natural History Museum et la Tate Modern."),
        ("en", "The Jardin des Plantes in spring."),
        ("en", "Our exhibition Autoportrait au chapeau de paille opens tomorrow at ten."),
    ],
)
def test_a_name_of_several_words_is_known_by_its_capitals(lang: str, body: str) -> None:
    """It is of the sentence that has it; without capitals it might be a part of its own."""
    assert parts(body) == [(lang, body)]


@pytest.mark.parametrize(
    ("one", "between", "other"),
    [
        ("Le vieux port sous la brume", " ", "The old harbour in the mist"),
        ("Good morning from the Pacific", ", ", "bonjour du Pacifique"),
        ("entrée libre", " : ", "free admission"),
        ("Ce soir la lune est rousse.", " ", "The moon is red tonight."),
    ],
)
def test_a_text_beside_its_translation_is_two_parts(one: str, between: str, other: str) -> None:
    """Within one line, with little between them, where they are about as long as each other."""
    assert [text.strip(" ,:") for _, text in parts(one + between + other)] == [one, other]
    assert {lang for lang, _ in parts(one + between + other)} == {"fr", "en"}


@pytest.mark.parametrize(
    "third",
    [
        "Heute Abend fliegt die Station über unser Dorf.",
        "Porque é que algumas lavas são tão fluidas?",
        "I kväll flyger rymdstationen över Uppsala.",
        "Sedici albe al giorno, e ancora mi stupisco di ognuna.",
    ],
)
def test_a_sentence_in_a_third_language_is_of_neither_part_within_a_line_too(third: str) -> None:
    """Before or behind a sentence of the pair, with nothing but a space between them."""
    own = "Les chiens doivent être tenus en laisse."
    assert parts(f"{own} {third}") == [("fr", own), ("other", third)]
    assert parts(f"{third} {own}") == [("other", third), ("fr", own)]


def test_a_credit_line_is_known_without_capitals() -> None:
    """In small letters, or in nothing but capitals, names are told by the words before them."""
    body = "Une rivière cousue de ponts.\nCredits: ESA/NASA–L. Marchand"
    for typed in (str.lower, str.upper):
        assert parts(typed(body)) == [("fr", typed("Une rivière cousue de ponts."))]
