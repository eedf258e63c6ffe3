"""Credit lines in all the spellings that were met, and the days they mean."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.model import CreditLine, Lang, Mission
from scraper.text.captions import split
from scraper.text.credit import best_credit, find_credits
from scraper.text.days import resolve_day
from scraper.text.licences import license_in

PROXIMA = Mission(id="proxima", name="Proxima", start=date(2016, 11, 17), end=date(2017, 6, 2))


@pytest.mark.parametrize(
    ("line", "person", "agency", "day", "files"),
    [
        ("Credits: ESA/NASA–T. Pesquet", "T. Pesquet", "ESA/NASA", None, ()),
        ("Credits: ESA/NASA-T. Pesquet", "T. Pesquet", "ESA/NASA", None, ()),
        ("Credits: ESA/NASA–Thomas Pesquet", "Thomas Pesquet", "ESA/NASA", None, ()),
        ("Credits: ESA/NASA", None, "ESA/NASA", None, ()),
        ("Crédits : ESA/NASA", None, "ESA/NASA", None, ()),
        ("Credits\u00a0: ESA/NASA", None, "ESA/NASA", None, ()),
        ("Credit: NASA/ESA-M.Maurer", "M. Maurer", "NASA/ESA", None, ()),
        ("Credits: Roscosmos-P. Dubrov", "P. Dubrov", "Roscosmos", None, ()),
        ("(Credit: Canadian Space Agency)", None, "Canadian Space Agency", None, ()),
        ("Image credit: ESA", None, "ESA", None, ()),
        ("Photo: ESA/NASA", None, "ESA/NASA", None, ()),
        ("📷 ESA/NASA", None, "ESA/NASA", None, ()),
        ("© ESA", None, "ESA", None, ()),
        ("©ESA/NASA", None, "ESA/NASA", None, ()),
        ("© CNES / ESA", None, "CNES/ESA", None, ()),
        ("ESA - S. Corvaja", "S. Corvaja", "ESA", None, ()),
        ("Credit: ESA/NASA–T. Pesquet, CC BY-SA 3.0 IGO", "T. Pesquet", "ESA/NASA", None, ()),
        ("Crédit photo : Samantha Cristoforetti", "Samantha Cristoforetti", None, None, ()),
        ("Credits: ESA/NASA 05/04/2017", None, "ESA/NASA", date(2017, 4, 5), ()),
        ("Thomas Pesquet 18/03/2021", "Thomas Pesquet", None, date(2021, 3, 18), ()),
        ("Credits: ESA/NASA–T. Pesquet\n\n607D7774", "T. Pesquet", "ESA/NASA", None, ("607D7774",)),
        ("Credits: ESA/NASA—T. Pesquet", "T. Pesquet", "ESA/NASA", None, ()),
        ("Credits: ESA/NASA - T. Pesquet", "T. Pesquet", "ESA/NASA", None, ()),
        ("Crédits\u202f: ESA/NASA\u00a0– T.\u00a0Pesquet", "T. Pesquet", "ESA/NASA", None, ()),
        ("CREDITS: ESA/NASA–T. PESQUET", "T. PESQUET", "ESA/NASA", None, ()),
        ("Credits: ESA/NASA–J.M. Petit", "J. M. Petit", "ESA/NASA", None, ()),
        ("(Crédit : Agence spatiale canadienne)", None, "Agence spatiale canadienne", None, ()),
        ("Credits: NASA/Bill Ingalls", "Bill Ingalls", "NASA", None, ()),
        ("Credits: NASA/JSC", None, "NASA", None, ()),
        ("Credit: ESA/Rosetta/NavCam – CC BY-SA IGO 3.0", None, "ESA", None, ()),
        ("Credits: ESA/ATG medialab", None, "ESA", None, ()),
        ("Credits: ESA–CNES–Arianespace/Vidéo du CSG–JM Petit", "JM Petit", "ESA/CNES/Arianespace", None, ()),
        ("Credits: NASA/Public Domain", None, "NASA", None, ()),
        ("Photo : Thomas Pesquet, ESA/NASA", "Thomas Pesquet", "ESA/NASA", None, ()),
        ("ESA–Stephane Corvaja, 2016", "Stephane Corvaja", "ESA", None, ()),
        ("contains modified Copernicus Sentinel data (2017), processed by ESA", None, "Copernicus/ESA", None, ()),
        ("Enthält modifizierte Copernicus Sentinel-Daten (2017)", None, "Copernicus", None, ()),
        ("Thomas Pesquet , Proxima mission image 03.12.2016", "Thomas Pesquet", None, date(2016, 12, 3), ()),
        ("Thomas Pesquet, Proxima mission image 3 December 2016", "Thomas Pesquet", None, date(2016, 12, 3), ()),
        ("Thomas Pesquet, photo de la mission Alpha, 1er mai 2021", "Thomas Pesquet", None, date(2021, 5, 1), ()),
        ("Thomas Pesquet, mission Alpha, 12/05/2021", "Thomas Pesquet", None, date(2021, 5, 12), ()),
        ("Thomas Pesquet, Alpha mission, May 12, 2021", "Thomas Pesquet", None, date(2021, 5, 12), ()),
        ("Credits: ESA/NASA–T. Pesquet / iss066e123489", "T. Pesquet", "ESA/NASA", None, ("iss066e123489",)),
        ("Credits: ESA/NASA–T. Pesquet\n532B4498", "T. Pesquet", "ESA/NASA", None, ("532B4498",)),
        ("607D7774", None, None, None, ("607D7774",)),
        ("jsc2016e123456", None, None, None, ("jsc2016e123456",)),
        ("iss066e123489", None, None, None, ("iss066e123489",)),
        ("ISS050-E-53589", None, None, None, ("ISS050-E-53589",)),
        ("GMT127_19_13_Megan McArthur_1058", None, None, None, ("GMT127_19_13_Megan McArthur_1058",)),
        ("Credits: ESA, ESA Standard Licence", None, "ESA", None, ()),
        ("© ESA. All rights reserved.", None, "ESA", None, ()),
        ("© Ada Prévert, tous droits réservés", "Ada Prévert", None, None, ()),
        ("Copyright 2021 Ada Prévert", "Ada Prévert", None, None, ()),
        ("Copyright ESA/CNES/ARIANESPACE", None, "ESA/CNES/ARIANESPACE", None, ()),
        ("Ada Prévert (ESA/NASA)", "Ada Prévert", "ESA/NASA", None, ()),
        ("Image courtesy of NASA", None, "NASA", None, ()),
        ("Courtesy of Ada Prévert", "Ada Prévert", None, None, ()),
        ("Photo by Ada Prévert", "Ada Prévert", None, None, ()),
        ("Photo prise par Ada Prévert", "Ada Prévert", None, None, ()),
        ("Photo : Ada Prévert, CC BY-NC-ND 2.0", "Ada Prévert", None, None, ()),
        ("Picture: @ada_prevert", "@ada_prevert", None, None, ()),
        ("Foto: ESA/DLR", None, "ESA/DLR", None, ()),
        ("Cre\u0301dits : ESA/NASA", None, "ESA/NASA", None, ()),
    ],
)
def test_a_credit_line_is_taken_apart(
    line: str, person: str | None, agency: str | None, day: date | None, files: tuple[str, ...]
) -> None:
    """Who, for whom, when and which file, whatever the dash, the spacing or the language of the label."""
    (found,) = find_credits(f"A sentence before it.\n{line}\n#after")
    assert (found.person, found.agency, found.day, found.files) == (person, agency, day, files)


def test_the_line_of_the_proxima_gallery_is_read_day_first() -> None:
    """« Thomas Pesquet, Proxima mission image 03/12/2016 » is 3 December; 12 March is kept as the other reading."""
    body = '« Bonjour. »\n"Hello."\nThomas Pesquet, Proxima mission image 03/12/2016'
    (found,) = find_credits(body)
    assert found == CreditLine(
        text="Thomas Pesquet, Proxima mission image 03/12/2016",
        start=body.index("Thomas"),
        person="Thomas Pesquet",
        mission="Proxima",
        day=date(2016, 12, 3),
        other_reading=date(2016, 3, 12),
    )


@pytest.mark.parametrize(
    "text",
    [
        "The credit goes to the whole crew.",
        "Photo: the Alps at night",
        "Photo : les Alpes vues de nuit",
        "We flew over Lyon 02/04/2017 and saw it all",
        "ESA and NASA have signed an agreement.",
        "L'horizon 02/04/2016",
        "Thomas Pesquet prépare la mission 12/05/2021",
        "Bonne Année 1 janvier 2017",
        "Copernicus, the programme that looks at us",
        "",
    ],
)
def test_a_sentence_is_no_credit_line(text: str) -> None:
    """Words that also occur in credit lines do not make one."""
    assert find_credits(text) == ()


def test_a_credit_line_ends_where_its_sentence_ends() -> None:
    """What follows on the same line is running text."""
    (found,) = find_credits("Credits: ESA/NASA. The picture shows Rome.")
    assert found.text == "Credits: ESA/NASA"


@pytest.mark.parametrize(
    ("written", "day", "other"),
    [
        ("03/12/2016", date(2016, 12, 3), date(2016, 3, 12)),
        ("25/12/2016", date(2016, 12, 25), None),
        ("12/25/2016", None, date(2016, 12, 25)),
        ("04/04/2017", date(2017, 4, 4), None),
        ("31.01.2017", date(2017, 1, 31), None),
        ("2017-02-05", date(2017, 2, 5), None),
        ("45/13/2016", None, None),
        ("29/02/2017", None, None),
    ],
)
def test_an_impossible_date_is_no_date(written: str, day: date | None, other: date | None) -> None:
    """Day first; month first kept where it is a date too; a day that never was is ignored."""
    (found,) = find_credits(f"Thomas Pesquet, Proxima mission image {written}")
    assert (found.day, found.other_reading) == (day, other)


@pytest.mark.parametrize(
    ("written", "mission", "expected"),
    [
        ("03/12/2016", PROXIMA, date(2016, 12, 3)),
        ("12/03/2016", PROXIMA, date(2016, 12, 3)),
        ("03/04/2017", PROXIMA, date(2017, 4, 3)),
        ("12/03/2016", None, date(2016, 3, 12)),
        ("05/06/2010", PROXIMA, date(2010, 6, 5)),
        ("12/25/2016", None, date(2016, 12, 25)),
    ],
)
def test_the_mission_decides_between_two_readings(written: str, mission: Mission | None, expected: date) -> None:
    """Day first, unless only the month-first reading lies within the mission."""
    (found,) = find_credits(f"Thomas Pesquet, Proxima mission image {written}")
    assert resolve_day(found, mission) == expected


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ("Credit: ESA/NASA–T. Pesquet, CC BY-SA 3.0 IGO", "CC BY-SA 3.0 IGO"),
        ("Credit: ESA/NASA–T. Pesquet (CC BY-SA 3.0 IGO)", "CC BY-SA 3.0 IGO"),
        ("Credit: ESA/Rosetta/NavCam – CC BY-SA IGO 3.0", "CC BY-SA IGO 3.0"),
        ("© ESA, CC-BY-4.0", "CC-BY-4.0"),
        ("NASA/Public Domain", "Public Domain"),
        ("Photo : ESA, domaine public", "domaine public"),
        ("© ESA. All rights reserved.", "All rights reserved"),
        ("© Ada Prévert, tous droits réservés", "tous droits réservés"),
        ("Credits: ESA/NASA–T. Pesquet, ESA Standard Licence", "ESA Standard Licence"),
        ("Licence: ESA Standard Licence", "ESA Standard Licence"),
        ("Licensed under CC BY-SA 3.0 IGO", "CC BY-SA 3.0 IGO"),
        ("Sous licence CC BY 4.0", "CC BY 4.0"),
        ("Creative Commons Attribution-ShareAlike 3.0 IGO", "Creative Commons Attribution-ShareAlike 3.0 IGO"),
        ("Licence Ouverte 2.0", "Licence Ouverte 2.0"),
        ("PUBLIC DOMAIN", "PUBLIC DOMAIN"),
        ("CC0", "CC0"),
        ("CC0 1.0", "CC0 1.0"),
        ("Credits: ESA/NASA", None),
    ],
)
def test_the_licence_is_what_the_line_states(line: str, stated: str | None) -> None:
    """In its own words, none inferred from an agency; and no word of it is left in a caption."""
    french, english = "Le lac gelé brille ce matin.", "The frozen lake is shining this morning."
    body = f"{french}\n\n{english}\n\n{line}"
    (found,) = find_credits(body)
    assert license_in(found.text) == stated
    assert [part.text for part in split(body).segments if part.lang is not Lang.NONE] == [french, english]


@pytest.mark.parametrize(
    "text",
    [
        "All our pictures are in the public domain, take them!",
        "Le domaine public maritime est à tous.",
        "We publish under CC BY since 2017 and love it.",
        "Les droits de l'enfant sont fêtés aujourd'hui.",
    ],
)
def test_a_sentence_about_licences_is_no_licence(text: str) -> None:
    """Only a line of its own, or the end of a credit line, states one."""
    assert find_credits(text) == ()


def test_numbers_belong_to_the_credit_that_names_somebody() -> None:
    """A licence on a line of its own takes no file number from the photographer."""
    who, licence = find_credits("Credits: ESA/NASA–T. Pesquet\nCC BY-SA 3.0 IGO\n607D7774")
    assert (who.files, licence.files) == (("607D7774",), ())
    assert best_credit((who, licence)) == who


@pytest.mark.parametrize(
    "unit",
    [
        "A. ", "Ab Cd, ", "ESA/", "Credits: ", "© ", "Ab mission ", "1/1/2016", "Ab Cd-", "© ESA (", "[(Photo: ",
        "CC BY-", "licence under ", "Creative Commons Attribution-", "Credits: (((ESA)))\n", "Credits: ESA 607D7774\n",
        "607D7774 ",
    ],
)  # fmt: skip
def test_long_rows_of_half_a_credit_line_take_no_time(unit: str) -> None:
    """Names, agencies and labels without end: no line is longer than a credit line can be."""
    assert all(len(line.text) < 1000 for line in find_credits(unit * (100_000 // len(unit))))


def test_no_credit_line_has_no_day() -> None:
    """Nothing in, nothing out."""
    assert resolve_day(None, PROXIMA) is None
    assert best_credit(()) is None


def test_the_credit_line_that_says_most_is_the_best() -> None:
    """A bare © loses against a full line, wherever it stands."""
    found = find_credits("Thomas Pesquet, Proxima mission image 03/12/2016\n© ESA")
    best = best_credit(found)
    assert len(found) == 2
    assert best is not None
    assert best.person == "Thomas Pesquet"


@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [
                "Credits: ",
                "ESA/",
                "T. ",
                "© ",
                "03/12/2016",
                "mission image ",
                "3 mai 2017",
                "contains Copernicus data",
                "\n",
                "Ab Cd, ",
                "607D7774 ",
                ", CC BY 4.0",
                "(Photo: ",
                ")",
                "All rights reserved",
            ]
        )
    ).map("".join)
)
def test_credit_lines_stand_where_they_say(body: str) -> None:
    """In any string, each line is a slice of it, in order, without overlaps."""
    end = 0
    for line in find_credits(body):
        assert body[line.start : line.start + len(line.text)] == line.text
        assert line.start >= end
        end = line.start + len(line.text)


@pytest.mark.parametrize(
    ("body", "person", "mission"),
    [
        ("This image was taken on 25/05/2017 by Anna Bellini during the Essai mission.", "Anna Bellini", "Essai"),
        ("Photo taken on 25/05/2017 by ESA astronaut Anna Bellini.", "Anna Bellini", None),
        (
            "The picture was taken on 25/05/2017 by Anna Bellini and shared on social media:\n« Oui. »",
            "Anna Bellini",
            None,
        ),
    ],
)
def test_the_photo_library_tells_who_took_a_picture_and_when(body: str, person: str, mission: str | None) -> None:
    """In a sentence before the captions that it quotes; the day comes first."""
    (line,) = find_credits(body)
    assert (line.person, line.mission, line.day) == (person, mission, date(2017, 5, 25))


@pytest.mark.parametrize(
    "body",
    [
        "The decision was taken on 25/05/2017 by the committee.",
        "This image was taken on 25/05/2017 by Anna Bellini while she was asleep over the lake.",
        "This image was taken on Tuesday by Anna Bellini.",
    ],
)
def test_other_sentences_with_a_day_are_no_credit_of_the_library(body: str) -> None:
    """Only the whole formula is one."""
    assert all(line.mission is None and line.start == 0 and line.day is None for line in find_credits(body)) or not any(
        "was taken on" in line.text for line in find_credits(body)
    )
