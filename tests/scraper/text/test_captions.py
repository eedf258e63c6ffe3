"""The split of a caption into French and English: pinned floors, laws, and the cases that bind."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraper.model import Lang, captions_of
from scraper.text.captions import WINDOW, split
from scraper.text.explain import explain

CORPUS = Path(__file__).with_name("corpus.jsonl")
SHARED = Path(__file__).parents[4] / "shared" / "captions"


def read_cases(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


CASES = read_cases(CORPUS)


def parts(body: str) -> dict[str, str | None]:
    captions = captions_of(split(body).segments)
    return {str(lang): captions[lang].text if lang in captions else None for lang in (Lang.FR, Lang.EN)}


def letters(text: str | None) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", text or "") if c.isalnum())


def gold(case: dict[str, Any], lang: str) -> str:
    return " ".join(s["text"] for s in case["segments"] if s["lang"] == lang)


def label_of_letters(case: dict[str, Any]) -> list[str]:
    return [s["lang"] for s in case["segments"] for c in s["text"] if c.isalnum()]


def is_exact(case: dict[str, Any]) -> bool:
    """Every letter of running text carries its own label, and no other text is French or English by mistake."""
    found = [str(s.lang) for s in split(case["raw"]).segments for c in s.text if c.isalnum()]
    wanted = label_of_letters(case)
    filled = {lang for lang in ("fr", "en") if parts(case["raw"])[lang]}
    return all(f == w for f, w in zip(found, wanted, strict=True) if w != "none") and filled <= set(wanted)


@pytest.mark.parametrize(
    "name",
    [
        "corpus",
        "heldout",
        "tune",
        "aside",
        "aside-hand",
        "written",
        "handwritten",
        "judged",
        "tempting",
        "hard",
        "single",
    ],
)
def test_our_captions_are_split_at_least_as_well_as_the_pinned_floors(name: str) -> None:
    """On our own captions, in every layout, exact and strict stay at or above floors that only ever rise."""
    name += ".jsonl"
    floors = json.loads(CORPUS.with_name("floors.json").read_text(encoding="utf-8"))[name]
    assert hashlib.sha256(CORPUS.with_name(name).read_bytes()).hexdigest() == floors["sha256"], (
        f"{name} changed: pin its floors anew"
    )
    cases = read_cases(CORPUS.with_name(name))
    assert len(cases) == floors["captions"] >= 60
    exact = [is_exact(case) for case in cases]
    strict = [
        right and all(letters(parts(case["raw"])[lang]) == letters(gold(case, lang)) for lang in ("fr", "en"))
        for case, right in zip(cases, exact, strict=True)
    ]
    single = [right for case, right in zip(cases, exact, strict=True) if "single" in " ".join(case["tags"])]
    wrong = [case["id"] for case, right in zip(cases, strict, strict=True) if not right]
    assert sum(exact) / len(exact) >= floors["exact"], wrong
    assert sum(strict) / len(strict) >= floors["strict"], wrong
    assert sum(single) / len(single) >= floors["single_exact"], wrong


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("composed", ["exact=0.98", "strict=0.975", "false_split=0.015", "leak=0.01"]),
        ("real", ["exact=0.98", "strict=0.97", "false_split=0.01"]),
    ],
)
def test_the_shared_captions_are_split_at_least_as_well_as_required(
    name: str, required: list[str], tmp_path: Path
) -> None:
    """By the shared scorer, on captions that nobody here wrote."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: its captions are test data only and not part of the repository")
    lines = (SHARED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    predictions = tmp_path / "predictions.jsonl"
    answers = [{"id": case["id"], **parts(case["raw"])} for case in map(json.loads, lines)]
    predictions.write_text("".join(json.dumps(a) + "\n" for a in answers), encoding="utf-8")
    command = [sys.executable, SHARED / "score.py", SHARED / f"{name}.jsonl", predictions, "--require", *required]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_seed_caption_gives_french_english_and_leaves_its_credit_line_out() -> None:
    """A picture of the gallery: « FR », "EN", then the credit line, each as it was written."""
    body = (
        "« La lumière rase les crêtes, c’est magique. »\n"
        '"The light grazes the ridges, it is magical."\n'
        "Thomas Pesquet, Proxima mission image 03/12/2016"
    )
    found = split(body)
    assert [(s.lang, s.text) for s in found.segments] == [
        (Lang.FR, "« La lumière rase les crêtes, c’est magique. »"),
        (Lang.NONE, "\n"),
        (Lang.EN, '"The light grazes the ridges, it is magical."'),
        (Lang.NONE, "\nThomas Pesquet, Proxima mission image 03/12/2016"),
    ]
    assert not found.needs_review


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                [
                    "Bonjour le monde",
                    "Hello the world",
                    "\n\n",
                    " / ",
                    "#tag",
                    "@me",
                    "(EN) ",
                    "FR: ",
                    "🇫🇷",
                    "« ",
                    " »",
                    '"',
                    "“",
                    "”",
                    "‘",
                    "’",
                    "Credits: ESA/NASA",
                    "607D7774",
                    "03/12/2016",
                    "https://a.example/b",
                    "\x00",
                    "\ud800",
                    "\u202e",
                    "e\u0301",
                    "Привет",
                    "今日は",
                    "...",
                    " : ",
                    "l'",
                    "'s ",
                    ":wink:",
                    "\r\n",
                    "\u2028",
                    "!?",
                    "#",
                    "@",
                    "(",
                ]
            ),
        ),
        max_size=25,
    ).map("".join)
)
def test_the_segments_of_any_string_rebuild_it(body: str) -> None:
    """Whatever comes in: no exception, segments in order that join to the body, captions made of its own words."""
    found = split(body)
    assert found.body == body
    assert all(body[s.start : s.end] == s.text for s in found.segments)
    assert "".join(told.span.text for told in explain(body)) == body
    for part in parts(body).values():
        assert part is None or all(line.strip() in body for line in part.split("\n"))


@pytest.mark.parametrize(
    "variant",
    [
        lambda text: text.replace(" ", " ").replace(" !", "\u202f!").replace(" ?", "\u00a0?"),
        lambda text: text.replace("'", "’"),
        lambda text: unicodedata.normalize("NFD", text),
        str.upper,
        str.lower,
        lambda text: text.replace("\n", "\r\n"),
    ],
    ids=["no-break spaces", "curly apostrophes", "decomposed accents", "capitals", "small letters", "CRLF"],
)
def test_typography_does_not_change_the_answer(variant: Any) -> None:
    """The same caption in another typing has the same words in French and in English."""
    body = "C'est l'heure ! Où sont passés les nuages ?\n\nIt's time! Where have all the clouds gone?"
    for lang in ("fr", "en"):
        assert letters(parts(variant(body))[lang]) == letters(variant(parts(body)[lang]))


def test_a_flag_alone_does_not_decide() -> None:
    """Flags in these posts mean a place: an English sentence about France with a French flag stays English."""
    assert parts("🇫🇷 Good morning from the coast of Brittany, what a view!") == {
        "fr": None,
        "en": "Good morning from the coast of Brittany, what a view!",
    }


@pytest.mark.parametrize(
    ("french", "english"),
    [
        (
            "« Équinoxe. Le jour vaut la nuit. Profitons-en. »",
            '"Equinox. Day equals night. Let\'s make the most of it."',
        ),
        ("« Transit. Un grain de poivre.\n\nVénus, peut-être. »", "“Transit. A grain of pepper.\n\nVenus, perhaps.”"),
        ("« Silence. »", '"Silence."'),
        ('"Cargo. Des oranges et du courrier."', '"Cargo. Oranges and mail."'),
        ("‘Bravo, Kourou. Beau départ !’", "‘Bravo, Kourou. A lovely start!’"),
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n", " ", " – ", " / "])
def test_two_quotations_are_two_parts_whichever_comes_first(french: str, english: str, between: str) -> None:
    """The change of language is at the border of two quotations, not behind a first word that both languages have."""
    for body in (
        f"{french}{between}{english}",
        f"{english}{between}{french}\nCamille Verdier, Aurore mission image 20/03/2025",
    ):
        assert {lang: letters(text) for lang, text in parts(body).items()} == {
            "fr": letters(french),
            "en": letters(english),
        }


def test_one_quotation_may_hold_both_languages() -> None:
    """A change within a quotation is dear, not impossible."""
    assert parts("« Le lac gelé, au petit matin / The frozen lake, early in the morning »") == {
        "fr": "« Le lac gelé, au petit matin",
        "en": "The frozen lake, early in the morning »",
    }


@pytest.mark.parametrize(
    ("body", "lang"),
    [
        (
            "Heure d’été. Houston a écrit : « don't forget to change your clocks ». Nous vivons en temps universel.",
            "fr",
        ),
        ("« Mind the gap », annonce la voix du métro dans mes écouteurs.", "fr"),
        ('Et le robot a répondu : "I cannot do that".', "fr"),
        ("Our doctor keeps saying « bon courage à tous » before every test, which does not help.", "en"),
        ("Sur l'écran : « please wait » (en clair, « not today »).", "fr"),
        (
            "On dit que « the Earth is our cradle, but one cannot live in a cradle for ever and ever » et c'est vrai.",
            "fr",
        ),
        ("We watched “Le Grand Bleu” and “Les Choristes” in one evening.", "en"),
    ],
)
def test_a_quoted_phrase_belongs_to_the_sentence_that_quotes_it(body: str, lang: str) -> None:
    """Words of the other language between quotation marks are words of the sentence; the other part stays empty."""
    assert parts(body) == {"fr": None, "en": None, lang: body}


def test_a_quotation_that_a_sentence_leads_to_is_not_cut_from_what_is_quoted() -> None:
    """Its sentences stay together, whatever the sentence before them speaks."""
    quoted = "I love this view. I could stay here for ever. Please do not make me go home."
    found = split(f'Elle a dit : "{quoted}" Nous avons tous ri.')
    assert quoted in captions_of(found.segments)[Lang.EN].text
    assert captions_of(found.segments)[Lang.FR].text.endswith("Nous avons tous ri.")


def test_a_short_first_sentence_goes_with_its_line() -> None:
    """«Surprise!» is a word of both languages: the line break decides, not the end of the sentence."""
    french, english = "Surprise ! Un colis de ma sœur.", "Surprise! A parcel from my sister."
    assert parts(f"{french}\n{english}") == {"fr": french, "en": english}
    assert parts(f"{english}\n{french}") == {"fr": french, "en": english}


def test_a_title_goes_with_the_paragraph_under_it() -> None:
    """The words of «Mission control» are of both languages: as a title they are of the text that follows."""
    french = "La salle de contrôle suit les expériences.\n\nElle veille jour et nuit."
    english = "Mission control\n\nThe control room follows the experiments day and night."
    assert parts(f"{french}\n{english}") == {"fr": french, "en": english}


@pytest.mark.parametrize(
    ("body", "lang"),
    [
        ("From left to right: Aix-en-Provence and Saint-Rémy-de-Provence, all in one frame.", "en"),
        ("Nos amis de Stratford-upon-Avon et de Newcastle-upon-Tyne nous font signe.", "fr"),
        ("Y a-t-il quelqu'un ? Peut-être. Est-ce le facteur ?", "fr"),
    ],
)
def test_the_small_words_of_a_hyphenated_name_are_of_no_sentence(body: str, lang: str) -> None:
    """The «en» of a town's name makes no French of the English around it."""
    assert parts(body) == {"fr": None, "en": None, lang: body}


def test_a_border_that_might_as_well_stand_elsewhere_asks_for_a_person() -> None:
    """With no sign between the languages, and a word that may be of either, the split is flagged."""
    doubtful = split("Rue de la Paix at night")
    clear = split("Il pleut encore sur Nantes.\nIt is raining on Nantes again.")
    assert doubtful.needs_review
    assert not clear.needs_review


def test_an_unknown_word_is_other_and_asks_for_a_person() -> None:
    """Where neither language is likelier the text belongs to none of the two, and is flagged."""
    found = split("ISS")
    assert [s.lang for s in found.segments] == [Lang.OTHER]
    assert found.needs_review


def test_a_sentence_that_leans_the_other_way_asks_for_a_person() -> None:
    """Two short titles on one line, one of them not recognised: the whole is flagged rather than passed on as sure."""
    doubtful = split("Guide Module. Module Guidage")
    clear = split("Le lac gelé brille ce matin.\n\nThe frozen lake is shining this morning.")
    assert doubtful.needs_review
    assert not clear.needs_review
    assert doubtful.confidence < clear.confidence


def test_a_text_without_words_has_one_segment_of_no_language() -> None:
    """Numbers, emoji and punctuation are no caption; an empty body has no segment at all."""
    assert [s.lang for s in split("80 712 🚀 …").segments] == [Lang.NONE]
    assert split("").segments == ()
    assert not split("").needs_review


def test_a_very_long_body_is_read_in_windows_and_rebuilt() -> None:
    """A body of many windows, with and without places to cut at, rebuilds exactly and keeps its languages."""
    body = "Le port s'éveille.\n\nThe port wakes up.\n\n" * 6000 + "x" * (WINDOW + 5)
    found = split(body)
    assert found.body == body
    assert {Lang.FR, Lang.EN} <= {s.lang for s in found.segments}
    assert parts("Le port s'éveille.\n\nThe port wakes up.\n\n" * 6000)["fr"] == "\n".join(
        ["Le port s'éveille."] * 6000
    )


def test_a_thousand_alternating_pieces_all_find_their_language() -> None:
    """Pieces are joined in order by a newline."""
    assert parts("Bonjour le monde\nHello the world\n" * 500) == {
        "fr": "\n".join(["Bonjour le monde"] * 500),
        "en": "\n".join(["Hello the world"] * 500),
    }


def test_the_split_is_the_same_in_every_process_and_loads_no_detector() -> None:
    """Hash seeds do not matter, and langdetect's random detector is never imported."""
    program = (
        "import sys, json; from scraper.text.captions import split\n"
        "cases = [json.loads(line)['raw'] for line in open(sys.argv[1], encoding='utf-8')]\n"
        "print([(s.lang.value, s.start, s.end) for c in cases for s in split(c).segments])\n"
        "print([split(c).confidence for c in cases], 'langdetect' in sys.modules)\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program, CORPUS],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip
    assert len(seen) == 1
    assert seen.pop().rstrip().endswith("False")


def test_threads_that_split_at_once_agree() -> None:
    """The tables are shared and read-only: eight threads give what one gives."""
    bodies = [case["raw"] for case in CASES]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(split, bodies)) == [split(body) for body in bodies]


def test_every_segment_is_explained() -> None:
    """The reasons come with the same segments as the split's, and with what each word says of it."""
    body = "Le lac gelé brille.\n\nThe frozen lake is shining. #lake\n\nCredits: ESA/NASA"
    told = explain(body)
    assert [tuple(t.span) for t in told] == [(str(s.lang), s.text, s.start, s.end) for s in split(body).segments]
    assert told[0].reason.startswith("fr before en by ")
    assert [word.text for word in told[0].words] == ["Le", "lac", "gelé", "brille"]
    assert "credit" in told[-1].reason


@pytest.mark.parametrize(
    "aside",
    [
        "ESO / L. Marchand (CC BY 4.0)",
        "Photo credit – Polar Survey",
        "Photo : Y. Lemaire / Parc naturel",
        "Crédit photo : Direction des ports et des phares, tous droits réservés",
        "Image courtesy of the contractor",
        "Photo : Orchestre philharmonique du Lac",
        "📷 : Jardins de la Ville",
        "Picture by Daniel Osei",
    ],
)
@pytest.mark.parametrize("before", ["\n", "\n\n", " "])
def test_whose_picture_it_is_belongs_to_no_part_on_its_line_or_behind_the_last_sentence(aside, before):
    """Institutions and affiliations with small letters included; synthetic."""
    text = "La neige est tombée toute la nuit sur le village."
    found = {segment.lang: segment.text for segment in split(text + before + aside).segments}
    assert found[Lang.FR] == text
    assert Lang.EN not in found


@pytest.mark.parametrize(
    "labels", [("FR ▸ ", "EN ▸ "), ("FR〉 ", "EN〉 "), ("【FR】 ", "【EN】 "), ("〈fr〉 ", "〈en〉 ")]
)
def test_labels_with_arrows_and_angles_belong_to_no_part(labels):
    """Before each part, on a line of its own; synthetic."""
    texts = ("La neige est tombée toute la nuit.", "Snow fell all night long.")
    split_up = split("\n".join(label + text for label, text in zip(labels, texts, strict=True)))
    assert [(s.lang, s.text) for s in split_up.segments if s.lang is not Lang.NONE] == [
        (Lang.FR, texts[0]),
        (Lang.EN, texts[1]),
    ]


_LED = "This image was taken on 25/05/2017 by {} during the Essai mission and was published on social media"


@pytest.mark.parametrize(
    ("body", "fr", "en"),
    [
        (
            f"{_LED} with the following comments in English and French. "
            '"A lake under the clouds." "Un lac sous les nuages."',
            '"Un lac sous les nuages."',
            '"A lake under the clouds."',
        ),
        (
            f"{_LED} with the following comments in French and English:\n"
            "« Un lac sous les nuages. »\n“A lake under the clouds.”",
            "« Un lac sous les nuages. »",
            "“A lake under the clouds.”",
        ),
        (
            'Une image de la Terre. He posted it on social media saying "A lake under the clouds."',
            "Une image de la Terre.",
            '"A lake under the clouds."',
        ),
        (
            'Anna shared on her social media: "Un lac sous les nuages.\nEt une route qui le longe."',
            '"Un lac sous les nuages.\nEt une route qui le longe."',
            None,
        ),
    ],
)
def test_what_leads_to_a_quoted_post_is_no_caption(body: str, fr: str | None, en: str | None) -> None:
    """As ESA's photo library and image pages do, in English, whatever the language of the quotation."""
    found = captions_of(split(body.replace("{}", "Anna Bellini")).segments)
    assert {lang: caption.text for lang, caption in found.items()} == {
        lang: text for lang, text in ((Lang.FR, fr), (Lang.EN, en)) if text is not None
    }
