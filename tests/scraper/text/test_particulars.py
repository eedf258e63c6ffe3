"""What is no text because it is figures and nothing else but words for them, and who a picture is by."""

from __future__ import annotations

import pytest

from scraper.text.captions import split
from scraper.text.particulars import find_particulars


@pytest.mark.parametrize(
    "line",
    [
        "Photo n° 12", "No. 7/30", "image 3 of 12", "October 2nd, 2021", "le 1er mai 2020", "Dimanche 3 mars 2019",
        "19 h 05 (UTC+2)", "4 June at 12:30 pm", "IMG-20190303-WA0011", "ISS064-E-101010", "Visuel 4, le 5 juin 2020",
    ],
)  # fmt: skip
def test_figures_with_nothing_but_words_for_them_are_no_text(line: str) -> None:
    """Alone on a line, set off before a sentence, and behind the last one."""
    for body in (line, f"{line} - The moon is up", f"The moon is up\n{line}\n#moon", f"The moon is up! {line} #moon"):
        assert [body[start:end] for start, end, _ in find_particulars(body)] == [line]
        assert "".join(s.text for s in split(body).segments if s.lang.value in ("fr", "en")) in ("", *_SENTENCES)


_SENTENCES = ("The moon is up", "The moon is up!")


@pytest.mark.parametrize(
    "line",
    ["Apollo 11", "Two photos, 3 cats", "2 photos", "12 m", "Top 10", "In 1969", "COVID-19 : les musées ferment", "3!"],
)
def test_figures_with_other_words_are_text(line: str) -> None:
    """What counts or names things is a sentence's own."""
    assert list(find_particulars(line)) == []


@pytest.mark.parametrize(
    "credit",
    [
        "Photo : Ville de Lausanne", "Crédit / Credit : CNES", "Photo credit / Crédit photo : A. Dubois",
        "Image reproduite avec l'aimable autorisation de la NASA", "Image: Polar Launch Company, used with permission",
        "Used with permission of Marie Curie", "Vidéo : ESA", "Courtesy of the Royal Observatory",
    ],
)  # fmt: skip
def test_a_line_that_tells_whose_the_picture_is_is_no_text(credit: str) -> None:
    """Also with hashtags behind it, and whatever its language."""
    for body in (f"The rain never stops here.\n{credit}", f"La pluie ne cesse jamais ici.\n{credit} #pluie @NASA"):
        texts = [s.text for s in split(body).segments if s.lang.value in ("fr", "en")]
        assert texts == [body.split("\n")[0]]
