"""The pair of languages is a setting: Italian and English, German and English, by the tables alone."""

from __future__ import annotations

import pytest

from scraper.text.captions import cut, split

#: synthetic: written for this test; the first of each pair, then its English
ITALIAN = [
    ("Buongiorno dalla Stazione spaziale!", "Good morning from the Space Station!"),
    ("Il lago di Garda sotto le nuvole.", "Lake Garda under the clouds."),
    ("Oggi abbiamo cambiato il filtro dell'acqua.", "Today we changed the water filter."),
    ("Che bella vista questa sera", "What a beautiful view this evening"),
    ("Le luci della città non dormono mai.", "The lights of the city never sleep."),
    ("Mi manca il caffè di mia nonna.", "I miss my grandmother's coffee."),
    ("La neve è arrivata sulle montagne.", "The snow has come to the mountains."),
    ("Due ore di ginnastica ogni giorno, anche la domenica.", "Two hours of exercise a day, Sundays too."),
    ("Il vulcano fuma di nuovo.", "The volcano is smoking again."),
    ("Non vedo l'ora di tornare a casa.", "I cannot wait to go home."),
]
GERMAN = [
    ("Guten Morgen von der Raumstation!", "Good morning from the Space Station!"),
    ("Der Bodensee liegt unter Wolken.", "Lake Constance lies under clouds."),
    ("Heute haben wir den Wasserfilter gewechselt.", "Today we changed the water filter."),
    ("Was für eine Aussicht heute Abend", "What a view this evening"),
    ("Die Lichter der Stadt schlafen nie.", "The lights of the city never sleep."),
    ("Mir fehlt der Kaffee meiner Großmutter.", "I miss my grandmother's coffee."),
    ("In den Bergen ist Schnee gefallen.", "Snow has fallen in the mountains."),
    ("Jeden Tag zwei Stunden Sport, auch am Sonntag.", "Two hours of exercise a day, Sundays too."),
    ("Der Vulkan raucht wieder.", "The volcano is smoking again."),
    ("Ich freue mich auf zu Hause.", "I am looking forward to being home."),
]
BETWEEN = ["\n\n", " / ", " "]


def letters(body: str, pair: tuple[str, str]) -> dict[str, str]:
    found = dict.fromkeys((*pair, "other"), "")
    for span in cut(body, pair):
        if span.lang in found:
            found[span.lang] += "".join(c for c in span.text if c.isalpha())
    return found


@pytest.mark.parametrize(("language", "captions"), [("it", ITALIAN), ("de", GERMAN)])
def test_another_pair_is_cut_by_its_tables_alone(language: str, captions: list[tuple[str, str]]) -> None:
    """Thirty captions a pair, in three layouts and both orders: all but one are right to the letter."""
    right = 0
    for k, (own, english) in enumerate(captions):
        for between in BETWEEN:
            first, second = (own, english) if k % 2 else (english, own)
            wanted = {language: own, "en": english, "other": ""}
            found = letters(first + between + second, (language, "en"))
            right += found == {lang: "".join(c for c in text if c.isalpha()) for lang, text in wanted.items()}
    assert right >= 29, right


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
