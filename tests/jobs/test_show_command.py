"""``cupola show``: one post whole, for a person and for a program."""

import json
from datetime import UTC, date, datetime

import pytest
from rich.cells import cell_len

AT = datetime(2017, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def key(held):
    """A post with everything."""
    return held.add(
        "Proxima_image_1",
        fr="« Passé à la verticale de Paris cette nuit. »",
        en='"Flying over Paris tonight."',
        published=date(2016, 12, 3),
        credit_line="Thomas Pesquet, Proxima mission image 03/12/2016",
        mission="proxima",
        hashtags=("Proxima",),
        title="Paris by night",
        author="Thomas Pesquet",
        url="https://esa.example/paris",
        license="CC BY-SA",
        pictures=(
            {"data": b"x" * 2000, "alt": "Paris la nuit"},
            {
                "state": "failed",
                "reason": "the server answered 500 four times",
                "attempts": 2,
                "next_attempt_at": AT,
                "width": 4000,
                "height": 3000,
            },
        ),
    )


@pytest.mark.parametrize("columns", [60, 80, 140, 200])
def test_a_post_is_shown_whole(cupola, held, key, columns):
    """Captions, date and how it was decided, credit, pictures with their state, segments and provenance."""
    answer = cupola("show", "--archive", held.folder, key, columns=columns)
    assert answer.status == 0
    assert max(map(cell_len, answer.out.splitlines())) <= columns
    flat = " ".join(answer.out.replace("│", " ").split())
    for told in (
        key,
        "Paris by night",
        "Passé à la verticale de Paris",
        "Flying over Paris",
        "2016-12-03 (day precision; read from the caption; day first; month first it would be 2016-03-12)",
        "credit Thomas Pesquet, Proxima mission image 03/12/2016",
        "licence CC BY-SA",
        "#Proxima",
        "stored image/jpeg, 640 × 480, 2,000 bytes",
        "alt Paris la nuit",
        "failed 4000 × 3000",
        "the server answered 500 four times",
        "again 2017-01-02T03:04:05Z; tried in 2 runs so far",
        "Segments 0–45 fr",
        "run 1, complete, ",
        "https://esa.example/Proxima_image_1",
        "ab" * 8,
    ):
        assert told in flat
    (stored,) = held.folder.glob("media/*/*/*.jpg")
    assert stored.name in "".join(answer.out.split())


def test_captions_stand_side_by_side_where_there_is_room(cupola, held, key):
    """A narrow terminal has them one below the other."""
    wide = cupola("show", "--archive", held.folder, key, columns=140).out
    narrow = cupola("show", "--archive", held.folder, key, columns=80).out
    assert any("français" in line and "English" in line for line in wide.splitlines())
    assert not any("français" in line and "English" in line for line in narrow.splitlines())


@pytest.mark.parametrize("columns", [80, 140])
def test_sentences_stand_beside_their_answers(cupola, held, columns):
    """--side-by-side: each French sentence in a row with the English one that answers it, or alone."""
    key = held.add(
        "2", fr="La lune se lève sur Paris. Bonne nuit !\x1b[31m", en="The moon is rising over Paris. It is 8 o'clock."
    )
    told = cupola("show", "--archive", held.folder, key, "--side-by-side", columns=columns)
    assert told.status == 0
    assert "\x1b[31m" not in told.out
    assert any("La lune" in line and "The moon" in line for line in told.out.splitlines())
    assert "answer each other" in told.out
    shown = json.loads(cupola("show", "--archive", held.folder, key, "--side-by-side", "--json").out)
    assert shown["alignment"][0]["fr"] == "La lune se lève sur Paris."
    assert shown["alignment"][0]["en"] == "The moon is rising over Paris."
    assert shown["alignment"][0]["score"] > 0.8
    assert 0 < shown["alignment_score"] < 1
    assert "alignment" not in json.loads(cupola("show", "--archive", held.folder, key, "--json").out)


def test_one_caption_has_nothing_beside_it(cupola, held):
    """It is shown as ever, and said on stderr; --json has an empty list."""
    key = held.add("3", fr="La lune se lève.")
    told = cupola("show", "--archive", held.folder, key, "--side-by-side")
    assert (told.status, told.err) == (0, "There are no two captions to stand side by side.\n")
    assert "La lune se lève." in told.out
    shown = json.loads(cupola("show", "--archive", held.folder, key, "--side-by-side", "--json").out)
    assert (shown["alignment"], shown["alignment_score"]) == ([], None)


def test_json_is_the_record_and_its_provenance(cupola, held, key):
    """--json gives the names of query's JSON, and `links` and `provenance` beside them."""
    shown = json.loads(cupola("show", "--archive", held.folder, key, "--json").out)
    (found,) = json.loads(cupola("query", "--archive", held.folder, "--format", "json").out)
    provenance = shown.pop("provenance")
    assert shown.pop("links") == []
    assert shown == found
    assert provenance["run"]["id"] == 1
    assert provenance["capture"]["url"] == "https://esa.example/Proxima_image_1"
    assert provenance["capture"]["sha256"] == "ab" * 32
    assert provenance["date"]["origin"] == "caption"
    assert [item["reason"] for item in provenance["media"]] == [None, "the server answered 500 four times"]


def test_a_post_is_shown_by_its_address_too(cupola, held, key):
    """KEY may be the post's URL."""
    answer = cupola("show", "--archive", held.folder, "https://esa.example/paris", "--json")
    assert json.loads(answer.out)["key"] == key


def test_an_unknown_key_ends_with_2_and_names_the_nearest(cupola, held, key):
    """A slip of the finger is put right on stderr."""
    answer = cupola("show", "--archive", held.folder, "esa-proxima:Proxima_image_2")
    assert (answer.status, answer.out) == (2, "")
    assert f"Did you mean {key}?" in answer.err


@pytest.mark.parametrize("key", ["a:\udcff", "https://x.example/\x1b[31m\udcff"])
def test_a_key_of_odd_bytes_is_an_unknown_key(cupola, held, key):
    """What a terminal hands over undecoded is no post, and reaches no terminal raw."""
    answer = cupola("show", "--archive", held.folder, key)
    assert (answer.status, answer.out) == (2, "")
    assert "the archive has no post" in answer.err
    assert "\x1b" not in answer.err


def test_no_archive_ends_with_3(cupola, tmp_path):
    """The archive comes before the key."""
    assert cupola("show", "--archive", tmp_path, "a:b").status == 3


def test_remote_text_obeys_no_terminal(cupola, held):
    """Whatever a source put into any field is shown, not obeyed."""
    evil = "\x1b]0;pwned\x07\x1b[31m\u202e[bold]x[/bold]"
    key = held.add(
        f"1{evil}",
        fr=evil,
        en=evil,
        other=evil,
        title=evil,
        author=evil,
        credit=evil,
        content_warning=evil,
        license=evil,
        url=f"https://x.example/{evil}",
        hashtags=(evil,),
        mission=evil,
        pictures=({"alt": evil, "state": "skipped", "reason": evil, "media_type": evil},),
    )
    answer = cupola("show", "--archive", held.folder, key)
    assert answer.status == 0
    assert "[bold]x[/bold]" in answer.out
    assert not {"\x1b", "\x07", "\u202e"} & set(answer.out)


def test_a_caption_of_megabytes_is_shown_in_part(cupola, held):
    """A terminal gets what a person reads; --json has all of it."""
    key = held.add("1", fr="mot " * 300_000)
    answer = cupola("show", "--archive", held.folder, key)
    assert len(answer.out) < 100_000
    assert "1,190,000 more characters" in " ".join(answer.out.split())
    assert len(json.loads(cupola("show", "--archive", held.folder, key, "--json").out)["captions"]["fr"]) > 1_000_000


def test_a_post_of_which_little_is_known_is_shown_too(cupola, held):
    """No text, no date, no answer: said, not failed at."""
    key = held.add("1", captured=False)
    answer = cupola("show", "--archive", held.folder, key)
    assert answer.status == 0
    assert "unknown: neither the source nor a credit line gives one" in answer.out
    assert "no text" in answer.out
    assert "none is recorded" in answer.out


def test_a_date_in_the_platform_s_words_says_so(cupola, held):
    """The precision and who said it stand beside the date."""
    key = held.add("1", published=AT)
    answer = cupola("show", "--archive", held.folder, key)
    assert "2017-01-02T03:04:05Z (second precision; as the platform states it)" in answer.out
