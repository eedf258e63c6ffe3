"""What is odd but can be read is archived whole, with exit status 0 and the oddity noted; the next run changes nothing.

All oddities are met in one run, each by a source of its own.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

PAGE_2, PICTURE_3, JOURNAL = "max_id=", "/media/3.png", "/ESA_Multimedia/Images/2017/06/Journal"
LISTING = "/ESA_Multimedia/Sets/Journal/(offset)/{}/(sortBy)/published/(result_type)/images"
FRENCH, ENGLISH = (
    "La Terre est bleue, et les nuages dessinent des îles. ",
    "The Earth is blue, and clouds draw islands. ",
)
#: ten megabytes, mostly of words so long that reading them takes a second and not ten; and a page of one megabyte
HUGE, LARGE = (f"{FRENCH * 1000}\n\n{ENGLISH * 1000}\n\n" + f"{'ha' * 4000} " * words + "fin" for words in (1300, 120))
ULIDS = ("01HK3Z6GQ8XJ6W", "9uKJ-_x", "a:b/c?d=é", "0004")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
BOMB = gzip.compress(PNG + bytes(2**25))
DATES = ("yesterday", 1480757400, "2016-13-45T25:00:00Z", None)


@dataclass(frozen=True)
class Held:
    """What is held of a source: rows of the two views by name of the column, posts by their ids."""

    site: Any
    posts: dict[str, dict[str, Any]]
    media: list[dict[str, Any]]
    reasons: dict[str, str | None]

    def asked(self, word: str) -> list[float]:
        """When targets that hold ``word`` were asked for."""
        return [at for target, at in self.site.site.seen if word in target]

    @property
    def text(self) -> str:
        """All that the posts say."""
        return " ".join(row["text"] for row in self.posts.values())


@dataclass(frozen=True)
class Oddity:
    """What is odd about a diary, a gallery or a listing, and what must be held of it."""

    site: str
    begins: Callable[[Any], None]
    holds: Callable[[Held], None]


def whole(held: Held) -> None:
    """Every post once, every picture stored."""
    assert sorted(held.posts) == sorted(held.site.ids)
    assert [row["state"] for row in held.media] == ["stored"] * len(held.site.pictures)


def right_letters(held: Held) -> None:
    """Whole, and every letter is what the author wrote."""
    whole(held)
    assert held.text.count("les nuages dessinent des îles") == len(held.site.pictures)
    assert not {"Ã", "\ufffd", "\0", "\ufeff"} & set(held.text)


def skips(*words: str) -> Callable[[Held], None]:
    """The third picture is skipped with its reason, and asked for once in all runs; the rest is whole."""

    def check(held: Held) -> None:
        assert sorted(held.posts) == sorted(held.site.ids)
        assert [row["state"] for row in held.media] == ["stored", "stored", "skipped", "stored"]
        assert all(word in (held.reasons["3"] or "") for word in words), held.reasons["3"]
        assert len(held.asked(PICTURE_3)) == 1

    return check


def waited(held: Held) -> None:
    """Whole, and the second page was asked for again when a pause of over a second was over."""
    whole(held)
    first, second, *_ = held.asked(PAGE_2)
    assert second - first >= 0.9


def three_tries(held: Held) -> None:
    """Whole, the second page having been asked for three times."""
    whole(held)
    assert len(held.asked(PAGE_2)) == 3


def undated(held: Held) -> None:
    """Every post is kept, without a date and for a person to look at."""
    whole(held)
    assert {(row["published_at"], row["needs_review"]) for row in held.posts.values()} == {(None, 1)}


def any_ids(held: Held) -> None:
    """Every post under the id that its platform gave it."""
    assert set(held.posts) == set(ULIDS)
    assert [row["state"] for row in held.media] == ["stored"] * 4


def holds(text: str) -> Callable[[Held], None]:
    """A huge text is held to the last letter, and its captions with it."""

    def check(held: Held) -> None:
        whole(held)
        assert " ".join(text.split()) in " ".join(held.text.split())
        found = next(row for row in held.posts.values() if len(row["text"]) > 10**6)
        assert found["caption_fr"].count(FRENCH.strip()) == found["caption_en"].count(ENGLISH.strip()) == 1000

    return check


def paragraphs(text: str) -> str:
    """A text as HTML."""
    return "<p>" + text.replace("\n\n", "</p><p>") + "</p>"


def stood_in(held: Held) -> None:
    """U+FFFD stands for NUL and for half a character; the letters around them are held, and nothing else is lost."""
    whole(held)
    odd = held.posts["3"]
    assert odd["text"] == "Bonjour\ufffd la Terre \ufffd vue d’en haut 🚀"
    assert odd["author"] == "Camille\ufffd"
    assert json.loads(odd["hashtags"]) == ["Nu\ufffdage", "Mer\ufffd"]
    assert [row["alt"] for row in held.media if row["post_key"].endswith(":3")] == ["Une île\ufffd\ufffd"]


def page_stood_in(held: Held) -> None:
    """The same of a page: no NUL and no half a character gets into the archive, the caption is there."""
    whole(held)
    assert "Jour 2" in held.posts["2900002"]["caption_fr"]
    assert "Day 2" in held.posts["2900002"]["caption_en"]
    assert "\0" not in held.text
    held.text.encode()  # what holds half a character cannot be written out


def no_address(held: Held) -> None:
    """A picture that its platform is still making is wanted and no failure."""
    assert sorted(held.posts) == sorted(held.site.ids)
    assert [row["state"] for row in held.media] == ["stored", "stored", "pending", "stored"]


def listed_pages(held: Held) -> None:
    """Each page of the listing is one post, however often it is listed."""
    assert sorted(held.posts) == [f"{JOURNAL.strip('/')}_{number}" for number in (1, 2, 3)]
    assert [row["state"] for row in held.media] == ["stored"] * 3


def spoil(word: str, **reply: Any) -> Callable[[Any], None]:
    """The answer to ``word`` is another one."""
    return lambda site: site.site.spoil(word, **reply)


def change(**attributes: Any) -> Callable[[Any], None]:
    """The site's attributes are others."""
    return lambda site: [setattr(site, name, value) for name, value in attributes.items()] and None


def in_two_seconds() -> dict[str, Any]:
    """An answer that asks for a pause until then."""
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    return {"status": 503, "headers": {"Retry-After": when}}


def statuses(*rows: tuple[int, dict[str, Any]]) -> Callable[[Any], None]:
    """The diary holds these statuses, newest first, each its number and what is odd about it."""
    return lambda diary: setattr(diary, "statuses", [diary.status(number, **odd) for number, odd in rows])


def numbered(field: str, values: tuple[Any, ...]) -> Callable[[Any], None]:
    """Each of the four statuses has another value of one field."""
    return statuses(*((number, {field: values[number - 1]}) for number in (4, 3, 2, 1)))


def third(**odd: Any) -> Callable[[Any], None]:
    """The third status is odd."""
    return statuses((4, {}), (3, odd), (2, {}), (1, {}))


def half_characters(diary: Any) -> None:
    """NUL and halves of surrogate pairs wherever text can stand, and one whole pair as escapes."""
    medium = diary.status(3)["media_attachments"][0] | {"description": "Une île\0\udc00"}
    third(
        content="<p>Bonjour\0 la Terre \ud83d vue d’en haut \U0001f680</p>",
        account={"id": "7", "acct": "diary", "display_name": "Camille\ud800"},
        tags=[{"name": "Nu\0age"}, {"name": "Mer\udfff"}],
        media_attachments=[medium],
    )(diary)


def page(recode: Callable[[str], bytes], content_type: str = "text/html") -> Callable[[Any], None]:
    """The gallery's page in other bytes."""

    def begins(gallery: Any) -> None:
        gallery.page, gallery.headers = recode(gallery.page.decode()), {"Content-Type": content_type}

    return begins


def second_figure(text: str) -> Callable[[Any], None]:
    """The gallery's second caption is another."""

    def begins(gallery: Any) -> None:
        gallery.page = gallery.page_of(gallery.figure(1) + gallery.figure(2, text) + gallery.figure(3)).encode()

    return begins


def listing(*listed: tuple[int, ...]) -> Callable[[Any], None]:
    """A listing of pages with one picture each, in place of the gallery; ``listed`` is what each part of it names."""

    def begins(gallery: Any) -> None:
        for number in (1, 2, 3):
            alone = f"<h1>Journal {number}</h1><img src='/storage/images/290000{number}-1-eng-GB/Journal_{number}.png'>"
            gallery.site.spoil(f"{JOURNAL}_{number}", body=gallery.page_of(alone).encode())
        for part, numbers in enumerate(listed):
            cards = "".join(f"<a class='card' href='{JOURNAL}_{number}'>Journal</a>" for number in numbers)
            following = f"<a title='Next' href='{LISTING.format(50 * part + 50)}'>›</a>" * (part + 1 < len(listed))
            body = f"<html><body><div>{cards}</div><div class='paging'>{following}</div></body></html>"
            gallery.site.spoil(LISTING.format(50 * part), body=body.encode())
        gallery.url = gallery.site.base + LISTING.format(0)

    return begins


GAP = {"body": b"[]", "headers": {"Link": '<?limit=40&max_id=2&after=gap>; rel="next"'}}
ODDITIES = {
    "pause-in-seconds": Oddity("diary", spoil(PAGE_2, times=1, status=429, headers={"Retry-After": "1"}), waited),
    "pause-until-a-date": Oddity("diary", spoil(PAGE_2, times=1, fields=in_two_seconds), waited),
    "two-times-500": Oddity("diary", spoil(PAGE_2, times=2, status=500), three_tries),
    "hangs-up-once": Oddity("diary", spoil(PAGE_2, times=1, hang_up=True), whole),
    "breaks-off-once": Oddity("diary", spoil(PICTURE_3, times=1, body=PNG, short_by=99), whole),
    "html-twice": Oddity("diary", spoil(PICTURE_3, times=2, body=b"<html><title>Busy</title>"), whole),
    "json-said-to-be-latin": Oddity(
        "diary", change(escaped=False, headers={"Content-Type": "text/html; charset=iso-8859-1"}), right_letters
    ),
    "utf-8-said-to-be-latin": Oddity("gallery", page(str.encode, "text/html; charset=iso-8859-1"), right_letters),
    "latin-said-to-be-utf-8": Oddity(
        "gallery", page(lambda html: html.encode("cp1252"), "text/html; charset=utf-8"), right_letters
    ),
    "no-such-charset": Oddity("gallery", page(str.encode, "text/html; charset=klingon-8"), right_letters),
    "utf-16": Oddity("gallery", page(lambda html: html.encode("utf-16")), right_letters),
    "empty-page-midway": Oddity("diary", spoil("max_id=2", times=1, **GAP), whole),
    "empty-listing-midway": Oddity("gallery", listing((3, 2), (), (1,)), listed_pages),
    "twice-on-one-page": Oddity("diary", statuses((4, {}), (4, {}), (3, {}), (2, {}), (1, {})), whole),
    "twice-on-two-pages": Oddity("diary", statuses((4, {}), (3, {}), (3, {}), (2, {}), (1, {}), (4, {})), whole),
    "listed-twice": Oddity("gallery", listing((3, 2, 3), (2, 1)), listed_pages),
    "ids-no-numbers": Oddity("diary", numbered("id", ULIDS), any_ids),
    "ids-bare-numbers": Oddity("diary", numbered("id", (1, 2, 3, 4)), whole),
    "dates-wrong": Oddity("diary", numbered("created_at", DATES), undated),
    "picture-endless": Oddity("diary", spoil(PICTURE_3, body=PNG, endless=bytes(2**16)), skips("too large", "cap")),
    "picture-gzip-bomb": Oddity(
        "diary", spoil(PICTURE_3, body=BOMB, headers={"Content-Encoding": "gzip"}), skips("too large", "cap")
    ),
    "picture-says-a-terabyte": Oddity("diary", spoil(PICTURE_3, body=PNG, short_by=10**12), skips("announces", "cap")),
    "pixel-bomb": Oddity(
        "diary",
        lambda diary: diary.pictures.update({3: diary.painted(3, size=(60_000, 60_000))}),
        skips("60000 x 60000", "3,600,000,000 pixels", "cap"),
    ),
    "huge-caption": Oddity("diary", third(content=paragraphs(HUGE)), holds(HUGE)),
    "huge-caption-on-page": Oddity("gallery", second_figure(paragraphs(LARGE)), holds(LARGE)),
    "half-characters": Oddity("diary", half_characters, stood_in),
    "half-characters-on-page": Oddity(
        "gallery",
        second_figure(
            "<p>« Jour 2 : \0 &#0; &#xD800; la Terre est bleue vue d’ici. »</p><p>Day 2: \0the Earth is blue</p>"
        ),
        page_stood_in,
    ),
    "picture-not-made-yet": Oddity("diary", third(media_attachments=[{"id": "m3", "type": "image"}]), no_address),
}


@dataclass(frozen=True)
class Story:
    """The two runs, and what was held after each."""

    first: Any
    again: Any
    held: dict[str, Held]
    changed: bool
    place: Any


@pytest.fixture(scope="module")
def story(opened: Callable[[str], Any], places: Callable[[], Any]) -> Story:
    """A source for each oddity, read twice."""
    place, sites = places(), {name: opened(odd.site) for name, odd in ODDITIES.items()}
    for name, odd in ODDITIES.items():
        odd.begins(sites[name])
    place.configure(sites, rate="1000/s", attempts=3, max_page_bytes=2**24, max_media_bytes=2**20)
    first = place.run("scrape", "--json")
    before = place.contents()
    again = place.run("scrape", "--json")
    place.assert_sound()
    held = {}
    for name, site in sites.items():
        posts = rows(place, "SELECT * FROM archive_posts WHERE source = ?", name)
        media = rows(
            place, "SELECT * FROM archive_media WHERE post_key LIKE ? ORDER BY post_key, position", f"{name}:%"
        )
        told = place.ask(
            "SELECT p.native_id, reason FROM attachments a JOIN posts p ON p.id = post_id WHERE source_id = ?", name
        )
        held[name] = Held(site, {row["native_id"]: row for row in posts}, media, dict(told))
        assert len(posts) == len(held[name].posts)
    return Story(first, again, held, before != place.contents(), place)


def rows(place: Any, sql: str, *values: Any) -> list[dict[str, Any]]:
    """Rows by name of the column; the views are asked for nothing else."""
    names = [row[1] for row in place.ask(f"PRAGMA table_info({sql.split()[3]})")]
    return [dict(zip(names, row, strict=True)) for row in place.ask(sql, *values)]


def test_what_can_be_read_is_no_failure(story: Story) -> None:
    """Exit status 0, no failure told, one JSON object on stdout."""
    assert {name: report["failures"] for name, report in story.first.json.items()} == {name: [] for name in ODDITIES}
    assert (story.first.status, story.again.status) == (0, 0)


@pytest.mark.parametrize("name", ODDITIES)
def test_an_oddity_is_archived_whole(story: Story, name: str) -> None:
    """What the source published is held, and what is lacking is noted with its reason."""
    ODDITIES[name].holds(story.held[name])


def test_the_next_run_changes_nothing(story: Story) -> None:
    """No post, no picture, no file is there twice or otherwise, and no picture is taken again."""
    counts = ("posts_added", "posts_updated", "media_stored", "media_skipped")
    assert {tuple(report[count] for count in counts) for report in story.again.json.values()} == {(0, 0, 0, 0)}
    assert not story.changed


@pytest.mark.parametrize("key", ["ids-no-numbers:a:b/c?d=é", "half-characters:3"])
def test_what_is_odd_can_be_shown(story: Story, key: str) -> None:
    """``cupola show --json`` gives the record under any key, as JSON in UTF-8."""
    shown = story.place.run("show", key, "--json")
    assert (shown.status, shown.json["key"], shown.err) == (0, key, "")
