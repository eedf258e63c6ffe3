"""Queries: filters in, posts out, and never more of the archive in memory than a batch."""

import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, inspect, select

from storage import views
from storage.engine import open_database
from storage.errors import ArchiveMissing
from storage.filters import Filters
from storage.folding import fold, fold_tag
from storage.queries import BATCH, count, find, names, page, pages
from storage.schema import Base, PostRecord
from storage.settings import ArchiveSettings


def ids(held, **filters):
    return [post.native_id for post in find(held.database, Filters(**filters))]


def day(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# what comes back


def test_a_record_has_the_names_and_values_of_the_two_views(held):
    """Every value of a record is the one that archive_posts and archive_media hold under the same name."""
    held.add(
        "1",
        fr="La Terre",
        en="The Earth",
        published=date(2016, 12, 3),
        hashtags=("Proxima", "Été"),
        mission="proxima",
        title="Nuit",
        author="Thomas",
        credit="ESA/NASA",
        license="CC BY",
        url="https://esa.example/1",
        edited_at=day("2016-12-04T08:00:01"),
        pictures=(
            {"data": b"picture", "alt": "un œil"},
            {"state": "failed", "reason": "HTTP 500", "media_type": "image/png", "width": 3, "height": 4},
        ),
    )
    held.add("2")
    records = {post.key: post.as_json() for post in find(held.database, Filters())}
    with held.database.read() as connection:
        rows = connection.execute(select(views.archive_posts)).mappings().all()
        media = connection.execute(select(views.archive_media)).mappings().all()
    assert len(rows) == 2
    assert len(media) == 2
    for row in rows:
        record = records[row["key"]]
        expected = dict(row)
        expected["captions"] = {"fr": expected.pop("caption_fr"), "en": expected.pop("caption_en")}
        expected["hashtags"] = json.loads(expected["hashtags"])
        expected["needs_review"] = bool(expected["needs_review"])
        expected["corrected"] = json.loads(expected["corrected"] or "[]")
        expected["tags"] = []
        own = [dict(item) for item in media if item["post_key"] == row["key"]]
        expected["media"] = [{name: value for name, value in item.items() if name != "post_key"} for item in own]
        segments = record.pop("segments")
        assert record == expected
        assert "".join(segment["text"] for segment in segments) == row["text"]
    assert records["esa-proxima:1"]["published_at"] == "2016-12-03"
    assert records["esa-proxima:1"]["edited_at"] == "2016-12-04T08:00:01Z"
    assert records["esa-proxima:1"]["needs_review"] is False


def test_the_json_keeps_the_order_of_the_views_columns(held):
    """The names of a record stand in the order of the view, the lists at its end."""
    held.add("1")
    (post,) = find(held.database, Filters())
    names = [column.name for column in views.archive_posts.columns]
    names[names.index("caption_fr") : names.index("caption_en") + 1] = ["captions"]
    assert list(post.as_json()) == [*names, "media", "tags", "segments"]


def test_segments_are_those_of_the_body_with_their_place_in_it(held):
    """A segment tells its language, its text and where in the body it stands, in code points."""
    held.add("1", fr="Été 🚀", en="Summer")
    (post,) = find(held.database, Filters())
    assert [(item.lang, item.text, item.start, item.end) for item in post.segments] == [
        ("fr", "Été 🚀", 0, 5),
        ("none", "\n", 5, 6),
        ("en", "Summer", 6, 12),
    ]


def test_pictures_edited_away_are_not_shown(held):
    """An attachment that the post no longer points to is no part of its record."""
    held.add("1", pictures=({"removed_at": day("2020-01-01")}, {"alt": "still here"}))
    (post,) = find(held.database, Filters())
    assert [item.alt for item in post.media] == ["still here"]
    assert post.image_count == 1


def test_newest_first_and_undated_last_and_ties_by_number(held):
    """The order is by date, newest first; posts of one second stand by the numbers in their ids, undated ones last."""
    held.add("b2", published=date(2016, 12, 3))
    held.add("undated")
    held.add("a10", published=date(2016, 12, 3))
    held.add("late", published=day("2016-12-03T10:00:00"))
    held.add("old", published=date(2015, 1, 1))
    held.add("3", source="a-mastodon", published=date(2016, 12, 3))
    assert ids(held) == ["late", "a10", "3", "b2", "old", "undated"]


def test_more_posts_than_a_batch_come_whole_and_in_order(held):
    """Posts, their pictures and their segments come through from every batch."""
    total = 2 * BATCH + 3
    for number in range(total):
        held.add(f"{number:04}", fr=f"numéro {number}", pictures=({"alt": str(number)},))
    found = list(find(held.database, Filters()))
    assert [post.native_id for post in found] == [f"{number:04}" for number in reversed(range(total))]
    assert all(post.media[0].alt == str(int(post.native_id)) for post in found)
    assert all(post.segments[0].text == f"numéro {int(post.native_id)}" for post in found)


def test_an_empty_archive_has_no_posts(held):
    """Nothing archived is nothing found, not an error."""
    assert ids(held) == []
    assert count(held.database, Filters()) == 0
    assert names(held.database).sources == ()


# text


@pytest.mark.parametrize(
    "text",
    [
        "coeur de l'ete",  # no accent, no ligature, a straight apostrophe
        "CŒUR DE L’ÉTÉ",
        "cœur de l’e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}",
        "de   l'été\N{NO-BREAK SPACE}",  # white space is white space
        "straße",
        "STRASSE",
        "100%_",
        "«été»",
    ],
)
def test_a_text_is_found_however_it_is_typed(held, text):
    """Case, accents, ligatures, apostrophes and spaces do not matter."""
    held.add("1", fr="Au cœur de l’été, Straße 100%_\n« été »".replace("« été »", "“été”"))
    held.add("2", fr="Autre chose")
    assert ids(held, text=text) == ["1"]


@pytest.mark.parametrize(
    "text", ["100%", "a_b", "x[a]", "x'", "x; DROP TABLE posts", "x:fr", "fr:x", "a\\", "x^2", "+x"]
)
def test_signs_are_no_wildcards(held, text):
    """What LIKE, GLOB, SQL or either engine's own language would obey only parts words."""
    held.add("plain", fr="abc")
    assert ids(held, text=text) == []
    held.add("with", fr=f"avant {text} après")
    assert ids(held, text=text) == ["with"]


def test_words_are_found_whole_or_by_their_beginning(held):
    """A part of a word is not the word; a beginning with a star is."""
    held.add("1", fr="Une montagne de nuages")
    assert ids(held, text="monta") == ids(held, text="tagne") == []
    assert ids(held, text="monta*") == ids(held, text="montagnes") == ["1"]


@pytest.mark.parametrize(
    "where",
    [
        {"fr": "Aiguille"},
        {"en": "aiguille"},
        {"other": "aiguille"},
        {"title": "L'aiguille"},
        {"credit": "Aiguille/ESA"},
        {"pictures": ({"alt": "une aiguille"},)},
        {"pictures": ({}, {"credit": "J. Aiguille"})},
    ],
)
def test_a_text_is_looked_for_wherever_a_post_has_words(held, where):
    """Captions, body, title, credit, and the alt text and credit of pictures are searched."""
    held.add("hay", fr="du foin", title="foin", pictures=({"alt": "foin"},))
    held.add("needle", **where)
    assert ids(held, text="AIGUILLE") == ["needle"]


def test_the_alt_text_of_a_picture_edited_away_is_not_searched(held):
    """A picture that the post no longer has does not bring the post up."""
    held.add("1", pictures=({"alt": "aiguille", "removed_at": day("2020-01-01")},))
    assert ids(held, text="aiguille") == []


@given(st.text())
def test_folding_twice_is_folding_once(text):
    """Folding is idempotent, so that both sides of a comparison have one form."""
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "Zs"]), min_size=1))
def test_folding_does_not_see_case(text):
    """A text and its lower and upper case fold to one, wherever the case itself can be turned back."""
    if text.upper().lower() == text.lower():
        assert fold(text.lower()) == fold(text.upper())


@pytest.mark.parametrize("filters", [{"tag": ("#",)}, {"lang": ("de",)}, {"verdict": ("x",)}])
def test_a_filter_that_cannot_be_meant_is_refused(filters):
    """Nothing to look for, an unknown language and an unknown verdict are errors of the caller."""
    with pytest.raises(ValueError, match=r"holds|one of"):
        Filters(**filters)


def test_a_naive_bound_is_refused():
    """A time without a zone is no bound."""
    with pytest.raises(ValueError, match="aware"):
        Filters(since=datetime(2016, 1, 1))


# the other filters


def test_a_language_is_that_of_a_caption(held):
    """--lang asks for a caption in it; `other` is a segment in a third language or undecided."""
    held.add("both", fr="La Terre", en="The Earth")
    held.add("fr", fr="La Terre")
    held.add("es", other="La Tierra")
    held.add("none")
    assert ids(held, lang=("fr",)) == ["both", "fr"]
    assert ids(held, lang=("en",)) == ["both"]
    assert ids(held, lang=("other",)) == ["es"]
    assert ids(held, lang=("fr", "en")) == ids(held, lang=("en", "fr", "en")) == ["both"]
    assert ids(held, lang=("fr", "other")) == []


@pytest.mark.parametrize("tag", ["Été2016", "#ete2016", "ÉTÉ2016", "##Ete2016 "])
def test_a_tag_is_a_hashtag_however_it_is_typed(held, tag):
    """With or without #, with or without accents, in any case; but the whole tag."""
    held.add("1", hashtags=("Proxima", "Été2016"))
    held.add("2", hashtags=("Été2016bis",))
    assert ids(held, tag=(tag,)) == ["1"]


def test_source_mission_review_and_verdict(held):
    """The plain filters each take their posts, and all that are given must hold."""
    held.add("1", mission="proxima", needs_review=True, published=date(2016, 12, 3))
    held.add("2", mission="alpha", published=date(2016, 12, 2))
    held.add("3", source="thom", mission="proxima", published=date(2016, 12, 1))
    assert ids(held, mission=("proxima",)) == ["1", "3"]
    assert ids(held, source=("thom",)) == ["3"]
    assert ids(held, needs_review=True) == ["1"]
    assert ids(held, needs_review=False) == ["2", "3"]
    assert ids(held, verdict=("unreviewed",)) == ["1", "2", "3"]
    assert ids(held, verdict=("selected",)) == []
    assert ids(held, mission=("proxima",), source=("esa-proxima",)) == ["1"]
    assert ids(held, mission=("nowhere",)) == []
    assert names(held.database).missions == ("alpha", "proxima")
    assert names(held.database).sources == ("esa-proxima", "thom")


def test_keys_are_split_at_their_first_colon(held):
    """A native id may hold colons and slashes; many keys may be asked for at once."""
    held.add("at://did:plc:x/post/1")
    held.add("2")
    many = tuple(f"esa-proxima:{number}" for number in range(40_000, 80_000))
    assert ids(held, keys=("esa-proxima:at://did:plc:x/post/1", *many)) == ["at://did:plc:x/post/1"]
    assert ids(held, keys=()) == []
    assert ids(held, keys=("esa-proxima", "", ":2", "2")) == []


@pytest.mark.parametrize("odd", ["a\udcff", "a\0", "\udcff", "\U0010ffff", "'", '"'])
def test_a_filter_may_hold_whatever_a_terminal_gives(held, odd):
    """Lone surrogates and NUL in a filter find what was stored in their place, or nothing; never an error."""
    held.add(odd, mission=odd, fr=odd, hashtags=(odd,))
    held.add("other", mission="other")
    assert len(ids(held, mission=(odd,))) == 1
    assert len(ids(held, keys=(f"esa-proxima:{odd}",))) == 1
    assert ids(held, source=(odd,)) == []
    assert ids(held, tag=(f"x{odd}",)) == []
    if odd != '"':
        assert isinstance(ids(held, text=f"x{odd}"), list)


def test_a_limit_is_kept_by_both(held):
    """Find gives, and count counts, at most so many."""
    for number in range(5):
        held.add(str(number))
    assert ids(held, limit=2) == ["4", "3"]
    assert count(held.database, Filters(limit=2)) == 2
    assert count(held.database, Filters()) == 5
    assert ids(held, limit=0) == []


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2016-12-03", None, True),
        ("2016-12-03T23:59:59", None, True),  # the day overlaps
        ("2016-12-04", None, False),
        (None, "2016-12-03", False),  # exclusive
        (None, "2016-12-03T00:00:01", True),
        ("2016-12-03T10:00", "2016-12-03T11:00", True),
        ("0001-01-01", "9999-12-31", True),
    ],
)
def test_a_day_is_an_interval(held, since, until, expected):
    """A post dated to the day belongs to every span that overlaps that day."""
    held.add("1", published=date(2016, 12, 3))
    bounds = {"since": since and day(since), "until": until and day(until)}
    assert ids(held, **bounds) == ["1"] * expected


def test_the_bounds_mean_what_the_model_says(held):
    """For every precision and edge, SQL and ``Published.overlaps`` agree."""
    from scraper.model import DateOrigin, Precision, Published

    at = day("2016-12-03T10:20:30")
    dates = {}
    for precision in Precision:
        held.add(str(precision), published=at, precision=str(precision))
        dates[str(precision)] = Published(at=at, precision=precision, origin=DateOrigin.API)
    held.add("undated")
    widths = [timedelta(0), *(sign * step for sign in (1, -1) for step in map(_step, (1, 59, 60, 61, 37_230, 86_400)))]
    edges = [None, *(start.at + width for start in dates.values() for width in widths)]
    edges += [at + timedelta(milliseconds=500), at + timedelta(milliseconds=999)]
    for since in edges:
        for until in (None, at, at + timedelta(hours=1), day("2016-12-03"), day("2016-12-03") + timedelta(days=1)):
            if since is None and until is None:
                continue
            expected = {name for name, published in dates.items() if published.overlaps(since, until)}
            assert set(ids(held, since=since, until=until)) == expected, (since, until)


def _step(seconds):
    return timedelta(seconds=seconds)


def test_a_bound_in_another_zone_is_the_same_moment(held):
    """Bounds are moments: their offset is not lost on the way to the database."""
    held.add("1", published=day("2016-12-03T10:00:00"))
    assert ids(held, since=datetime.fromisoformat("2016-12-03T12:00:00+02:00")) == ["1"]
    assert ids(held, until=datetime.fromisoformat("2016-12-03T12:00:00+02:00")) == []


# how it is done


@pytest.mark.proof
def test_memory_stays_flat_over_many_posts(held):
    """Posts are read as they are taken: ten times as many take no more memory."""
    held.add("template", fr="x" * 5000, pictures=({"alt": "y"},))
    with held.database.write() as connection:
        row = dict(connection.execute(select(PostRecord.__table__)).mappings().one())
        del row["id"]
        connection.execute(insert(PostRecord.__table__), [row | {"native_id": str(n)} for n in range(6000)])
    tracemalloc.start()
    try:
        taken = sum(1 for _ in find(held.database, Filters(text="x" * 64, sort="newest")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken == 6001
    assert peak < 12_000_000  # the texts alone are 60 MB


def test_reading_goes_on_while_another_one_writes(held):
    """A reader sees the archive as it was when it began, and disturbs no writer."""
    for number in range(BATCH + 10):
        held.add(f"{number:04}")
    reader = open_database(ArchiveSettings(folder=held.folder, database=held.address), read_only=True)
    try:
        found = find(reader, Filters())
        next(found)
        held.add("9999")
        assert sum(1 for _ in found) == BATCH + 9
        assert count(reader, Filters()) == BATCH + 11
    finally:
        reader.close()


@pytest.mark.parametrize("filters", [{}, {"text": "mer"}, {"sort": "rating"}, {"sort": "oldest"}])
def test_pages_one_after_the_other_are_the_posts_that_are_found(held, filters):
    """In the same order, of one size but for the last; each tells how to go on behind it, if anything follows."""
    for number in range(12):
        held.add(str(number), fr="La mer", published=date(2016, 12, 1 + number % 5))
    every = ids(held, **filters)
    for limit, sizes in (
        (None, [5, 5, 2]),
        (12, [5, 5, 2]),
        (10, [5, 5]),
        (7, [5, 2]),
        (0, []),
        (2**63 - 1, [5, 5, 2]),
    ):
        wanted = Filters(limit=limit, **filters)
        found = list(pages(held.database, wanted, size=5, hits=True))
        assert [len(part.posts) for part in found] == sizes
        assert [post.native_id for part in found for post in part.posts] == every[:limit]
        assert all(len(part.hits) == (len(part.posts) if "text" in filters else 0) for part in found)
        seen = 0
        for part in found:
            seen += len(part.posts)
            assert (part.next is None) == (seen == 12)
            if part.next is not None:
                assert ids(held, after=part.next, **filters) == every[seen:]
    assert [post.native_id for post in page(held.database, Filters(limit=2**63 - 1, **filters)).posts] == every


def test_an_abandoned_reading_leaves_nothing_behind(held):
    """Closing the iterator ends its transaction: the archive can be written to and closed."""
    for number in range(3):
        held.add(str(number))
    found = find(held.database, Filters())
    next(found)
    found.close()
    held.add("4")
    assert count(held.database, Filters()) == 4


def test_the_light_tables_are_those_of_the_schema(held):
    """Each column that a reader names is in the schema, and each view has the columns that are told of it."""
    light = [views.posts, views.segments, views.hashtags, views.assets, views.attachments, views.captures]
    for table in [*light, views.runs, views.sources, views.failures, views.backups]:
        full = Base.metadata.tables[table.name]
        assert {column.name for column in table.columns} <= {column.name for column in full.columns}, table.name
    with held.database.read() as connection:
        for view in (views.archive_posts, views.archive_media):
            found = [column["name"] for column in inspect(connection).get_columns(view.name)]
            assert found == [column.name for column in view.columns]


def test_there_is_no_reading_without_an_archive(tmp_path):
    """A folder without an archive is said to be one, and nothing is made in it."""
    with pytest.raises(ArchiveMissing, match="cupola scrape"):
        open_database(tmp_path / "nothing", read_only=True)
    assert not (tmp_path / "nothing").exists()


def test_a_tag_folds_to_its_letters():
    """Sign, case, accents and spaces around a tag go."""
    assert fold_tag(" #Été ") == "ete"
