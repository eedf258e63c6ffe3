"""What a post's own text says: split, credit, date, hashtags, and which mission it is about."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scraper.model import DateOrigin, Lang, Mission, Post, Precision, Published, captions_of
from scraper.reading import licensed, read

SHARED = Path(__file__).parents[3] / "shared" / "captions"
PROXIMA = Mission(
    id="proxima", name="Proxima", people=("Thomas Pesquet",), start=date(2016, 11, 17), end=date(2017, 6, 2),
    hashtags=("Proxima",),
)  # fmt: skip
ALPHA = Mission(
    id="alpha", name="Alpha", people=("Thomas Pesquet",), start=date(2021, 4, 23), end=date(2021, 11, 9),
    hashtags=("MissionAlpha",),
)  # fmt: skip
MISSIONS = (PROXIMA, ALPHA)


def post(body: str = "", **fields: object) -> Post:
    return Post(source_id="demo", native_id="1", body=body, **fields)  # type: ignore[arg-type]  # fields of the test


def at(year: int, month: int, day: int) -> Published:
    return Published(at=datetime(year, month, day, 12, tzinfo=UTC), precision=Precision.SECOND, origin=DateOrigin.API)


def test_a_posts_own_date_is_kept() -> None:
    """What the platform says outweighs the credit line, which may tell when the picture was taken."""
    reading = read(post("Thomas Pesquet, Proxima mission image 03/12/2016", published=at(2017, 1, 1)), MISSIONS, None)
    assert reading.published == at(2017, 1, 1)
    assert reading.mission == "proxima"


def test_a_post_without_a_date_takes_the_one_in_its_credit_line() -> None:
    """Day precision, and it says that the caption told so."""
    reading = read(post("Bonjour à tous.\nThomas Pesquet, Proxima mission image 03/12/2016"), MISSIONS, None)
    assert reading.published == Published.on_day(date(2016, 12, 3), DateOrigin.CAPTION)
    assert not reading.needs_review


@pytest.mark.parametrize(
    ("line", "default", "day"),
    [
        ("Thomas Pesquet, Proxima mission image 12/03/2016", None, date(2016, 12, 3)),
        ("Thomas Pesquet, Proxima mission image 03/04/2017", None, date(2017, 4, 3)),
        ("Credits: ESA/NASA 12/03/2016", "proxima", date(2016, 12, 3)),
        ("Credits: ESA/NASA 12/03/2016", None, date(2016, 3, 12)),
        ("Credits: ESA/NASA–T. Pesquet 12/05/2021", None, date(2021, 5, 12)),
    ],
)
def test_the_missions_days_decide_between_two_readings(line: str, default: str | None, day: date) -> None:
    """3 December lies in Proxima, 12 March 2016 does not; without a mission it is day first."""
    reading = read(post(line), MISSIONS, default)
    assert reading.published == Published.on_day(day, DateOrigin.CAPTION)


def test_an_undated_post_asks_for_a_person() -> None:
    """Nothing is guessed."""
    reading = read(post("Le lac gelé brille ce matin."), MISSIONS, "proxima")
    assert reading.published is None
    assert reading.needs_review


@pytest.mark.parametrize(
    ("item", "mission"),
    [
        (post("#MissionAlpha\nThomas Pesquet, Proxima mission image 03/12/2016"), "proxima"),
        (post("Encore un #missionalpha", author="Thomas Pesquet", published=at(2017, 1, 1)), "alpha"),
        (post("Un lac", hashtags=("proxima",)), "proxima"),
        (post("Un lac", author="Thomas Pesquet 🚀", published=at(2021, 5, 1)), "alpha"),
        (post("Un lac", author="THOMAS  PESQUET", published=at(2016, 11, 17)), "proxima"),
        (post("Un lac\nCredits: ESA/NASA–T. Pesquet", published=at(2021, 5, 1)), "alpha"),
        (post("Un lac", author="Someone Else", published=at(2021, 5, 1)), "default"),
        (post("Un lac", author="Thomas Pesquet", published=at(2019, 5, 1)), "default"),
        (post("Thomas Pesquet, Unknown mission image 03/12/2018"), "default"),
    ],
)
def test_a_posts_mission_is_told_by_credit_then_hashtag_then_date_then_source(item: Post, mission: str) -> None:
    """In that order; the source's own mission is the last word."""
    assert read(item, MISSIONS, "default").mission == mission


def test_a_mission_without_days_claims_no_post_by_date() -> None:
    """An open mission would cover everything that its people ever wrote."""
    career = Mission(id="career", name="Career", people=("Thomas Pesquet",))
    assert read(post("x", author="Thomas Pesquet", published=at(2021, 5, 1)), (career,), None).mission is None


def test_hashtags_are_kept_once_in_the_written_case() -> None:
    """The body's spelling comes before the platform's small letters."""
    reading = read(post("Vue de #Lyon #MissionAlpha", hashtags=("missionalpha", "lyon", "iss")), MISSIONS, None)
    assert reading.hashtags == ("Lyon", "MissionAlpha", "iss")


def test_a_title_is_split_apart_from_the_body() -> None:
    """Each has its own languages; a post without a title has no split of one."""
    reading = read(post("The frozen lake.", title="Le lac gelé / The frozen lake"), MISSIONS, None)
    assert reading.title_split is not None
    assert set(captions_of(reading.title_split.segments)) == {Lang.FR, Lang.EN}
    assert set(reading.captions) == {Lang.EN}
    assert read(post("x"), MISSIONS, None).title_split is None


def test_a_credit_stated_beside_the_text_is_read_where_the_text_has_none() -> None:
    """Some platforms have a field for it."""
    reading = read(post("Le lac.", credit="Thomas Pesquet, Proxima mission image 03/12/2016"), MISSIONS, None)
    assert (reading.mission, str(reading.published)) == ("proxima", "2016-12-03")


@pytest.fixture
def real() -> dict[str, str]:
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: the real captions are test data only and not part of the repository")
    lines = (SHARED / "real.jsonl").read_text(encoding="utf-8").splitlines()
    return {case["id"]: case["raw"] for case in map(json.loads, lines)}


def test_the_seeds_caption_gives_french_english_credit_and_day(real: dict[str, str]) -> None:
    """The picture that asked for all this."""
    reading = read(post(real["esa-proxima-gallery-1"]), MISSIONS, "proxima")
    assert reading.captions[Lang.FR].text.startswith("« Voler face au soleil")
    assert reading.captions[Lang.FR].text.endswith("la chaleur. »")
    assert reading.captions[Lang.EN].text.startswith('"Flying into the sunrise')
    assert reading.captions[Lang.EN].text.endswith('the station."')
    assert reading.credit is not None
    assert (reading.credit.person, reading.credit.mission) == ("Thomas Pesquet", "Proxima")
    assert (str(reading.published), reading.mission) == ("2016-12-03", "proxima")
    assert reading.published is not None
    assert (reading.published.precision, reading.published.origin) == (Precision.DAY, DateOrigin.CAPTION)


def test_the_seeds_introduction_is_split_before_its_english_title(real: dict[str, str]) -> None:
    """French paragraphs, then the English title line and the English paragraphs, each whole."""
    body = real["esa-proxima-gallery-intro"]
    captions = read(post(body), MISSIONS, "proxima").captions
    cut = body.index("Views from the Proxima mission")
    assert captions[Lang.FR].text == body[:cut].strip()
    assert captions[Lang.EN].text == body[cut:].strip()


CC = "https://creativecommons.org/licenses/by-sa/3.0/igo/"


@pytest.mark.parametrize(
    ("body", "fields", "licence", "address"),
    [
        ("Le lac.\nCredits: ESA/NASA–T. Pesquet, CC BY-SA 3.0 IGO", {}, "CC BY-SA 3.0 IGO", None),
        (f"Le lac.\nCredits: ESA–T. Pesquet, CC BY-SA 3.0 IGO ({CC})", {}, "CC BY-SA 3.0 IGO", CC),
        (f"Le lac.\nCredits: ESA–T. Pesquet, {CC}", {}, "CC BY-SA 3.0 IGO", CC),
        ("Le lac.\nCredits: ESA/NASA\nAll rights reserved", {}, "All rights reserved", None),
        ("Le lac.", {"credit": "© ESA, CC BY 4.0"}, "CC BY 4.0", None),
        ("Le lac.\n© ESA, CC BY 4.0", {"license": "ESA Standard Licence"}, "ESA Standard Licence", None),
        ("Le lac.\n© ESA, CC BY 4.0", {"license_url": CC}, None, CC),
        ("Le lac.\nCredits: ESA/NASA–T. Pesquet", {}, None, None),
        (f"Nos photos ne sont pas sous {CC} mais bien à nous.", {}, None, None),
    ],
)
def test_a_licence_is_what_is_stated(
    body: str, fields: dict[str, str], licence: str | None, address: str | None
) -> None:
    """By the source, else by a credit line in its own words; none is inferred from an agency."""
    found = licensed(post(body, **fields))
    assert (found.license, found.license_url) == (licence, address)
    assert licensed(found) == found
