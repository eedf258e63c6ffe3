"""Posts that belong together are linked, whatever order they came in, and never merged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from scraper.model import Fingerprint
from storage import fingerprints
from storage.errors import UnknownKey
from storage.filters import Filters
from storage.likeness import RADIUS, distance, near, signed
from storage.lookup import linked as linked_of
from storage.queries import count, find
from storage.schema import AssetRecord, AttachmentRecord, PostRecord

NOON = datetime(2016, 12, 3, 12, tzinfo=UTC)
FR = "La Méditerranée de nuit, vue depuis la Station spatiale internationale"
EN = "The Mediterranean by night, seen from the International Space Station"


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def linked(held: Any, *columns: str) -> set[tuple[str, ...]]:
    with held.database.read() as connection:
        said = ", ".join(columns or ("post_key", "other_key", "kind"))
        return {tuple(row) for row in connection.exec_driver_sql(f"SELECT {said} FROM archive_links")}


def variants(held: Any) -> dict[str, str]:
    with held.database.read() as connection:
        query = "SELECT key, variant_of FROM archive_posts WHERE variant_of IS NOT NULL"
        return {row[0]: row[1] for row in connection.exec_driver_sql(query)}


def looks(held: Any, **bits: int | None) -> None:
    """Say what pictures look like, by their bytes in letters."""
    found = {
        hashlib.sha256(name.encode()).hexdigest(): Fingerprint(hash=look)
        if look is not None
        else Fingerprint(reason="it is of one shade")
        for name, look in bits.items()
    }
    fingerprints.keep(held.database, found)


def picture(name: str) -> dict[str, Any]:
    return {"data": name.encode()}


def test_posts_that_show_the_same_bytes_are_linked_with_the_first(held: Any) -> None:
    """Three places, one picture: two links to the one that was published first, and variant_of names it."""
    last = held.add("9", source="flickr", published=minutes(9), pictures=(picture("a"),))
    first = held.add("1", published=minutes(1), pictures=(picture("a"), picture("b")))
    other = held.add("5", source="mastodon", published=minutes(5), pictures=(picture("a"),))
    held.add("7", published=minutes(7), pictures=(picture("c"),))
    assert linked(held) == {(last, first, "same picture"), (other, first, "same picture")}
    assert linked(held, "evidence") == {(hashlib.sha256(b"a").hexdigest()[:16],)}
    assert variants(held) == {last: first, other: first}


def test_pictures_that_look_alike_link_their_posts(held: Any) -> None:
    """Up to the radius of bits, not beyond it; the same bytes are told as such alone; of one shade is like none."""
    near, far = (1 << RADIUS) - 1, (1 << RADIUS + 1) - 1
    keys = {
        name: held.add(name, published=minutes(number), pictures=(picture(name),))
        for number, name in enumerate(("whole", "near", "far", "flat", "grey"))
    }
    again = held.add("again", published=minutes(9), pictures=(picture("whole"),))
    looks(held, whole=0, near=near << 58, far=far << 30, flat=None, grey=None)
    assert linked(held, "post_key", "other_key", "kind", "evidence") == {
        (keys["near"], keys["whole"], "alike", f"distance {RADIUS}"),
        (again, keys["whole"], "same picture", hashlib.sha256(b"whole").hexdigest()[:16]),
        (again, keys["near"], "alike", f"distance {RADIUS}"),
    }
    assert variants(held) == {keys["near"]: keys["whole"], again: keys["whole"]}


def test_posts_that_say_the_same_are_linked(held: Any) -> None:
    """Case, accents and typography do not matter; short ones are said by chance, and in English it is another."""
    first = held.add("1", fr=FR, published=minutes(1))
    second = held.add("2", source="flickr", fr=f"« {FR.upper()} » !", en=EN, published=minutes(2))
    third = held.add("3", source="blog", en=EN.lower(), published=minutes(3))
    held.add("4", fr="Bonne nuit", published=minutes(4))
    held.add("5", fr="Bonne nuit", published=minutes(5))
    held.add("6", en=FR, published=minutes(6))
    assert linked(held, "post_key", "other_key", "kind", "evidence") == {
        (second, first, "same caption", "fr"),
        (third, second, "same caption", "en"),
    }
    assert variants(held) == {second: first, third: second}


def test_a_caption_over_a_thousand_photos_links_each_with_the_first(held: Any) -> None:
    """One link a photo, not one a pair."""
    keys = [held.add(str(number), source="flickr", fr=FR, published=minutes(number % 7)) for number in range(60)]
    assert len(linked(held)) == 59
    # of one minute the lowest number is first
    assert set(variants(held).values()) == {keys[0]}


TWINS = {
    "the same picture": ({"pictures": (picture("a"),)}, {"pictures": (picture("a"),)}, "picture"),
    "a reply": ({}, {"in_reply_to": "1"}, "reply"),
    "a link": (
        {"more": " https://esa.example/proxima/42."},
        {"more": " (https://esa.example/proxima/42/)"},
        "particulars",
    ),
    "numbers and hashtags": (
        {"more": " : 27 600 km/h, le 03/12/2016 #Proxima", "hashtags": ("Proxima",)},
        {"more": ": 27,600 km/h on 12/03/2016 #proxima", "hashtags": ("proxima",)},
        "particulars",
    ),
}


def twin(held: Any, native_id: str, lang: str, at: datetime | None, more: str = "", **stated: Any) -> str:
    text = {"fr": "Bonsoir", "en": "Good evening"}[lang] + more
    return str(held.add(native_id, **{lang: text}, published=at, **{"author": "Thomas Pesquet"} | stated))


@pytest.mark.parametrize("what", TWINS)
def test_a_post_and_its_answer_in_the_other_language_are_twins(held: Any, what: str) -> None:
    """One author, French here and English there: with the same picture, as a reply, or with what both say alike."""
    french, english, evidence = TWINS[what]
    first = twin(held, "1", "fr", minutes(1), **french)
    second = twin(held, "2", "en", minutes(3), **english)
    twin(held, "3", "fr", minutes(4))
    found = {row for row in linked(held, "post_key", "other_key", "kind", "evidence") if row[2] == "twin"}
    assert found == {(second, first, "twin", evidence)}
    assert variants(held) == {second: first}


@pytest.mark.parametrize(
    "unlike",
    [{"author": "Samantha Cristoforetti"}, {"lang": "fr"}, {"fr": "Bonsoir"}, {"days": 2}],
    ids=["another author", "the same language", "both languages", "another day"],
)
def test_others_are_no_twins(held: Any, unlike: dict[str, Any]) -> None:
    """Not of another author, not in the same language or in both; but for the same picture, not days apart."""
    unlike = dict(unlike)
    days, lang = unlike.pop("days", 0), unlike.pop("lang", "en")
    for source, (french, english, _) in zip(("picture", "reply", "link", "numbers"), TWINS.values(), strict=True):
        mine = {"source": source, "author": f"Thomas Pesquet of {source}"}
        twin(held, "1", "fr", minutes(1), **mine | french)
        twin(held, "2", lang, minutes(3) + timedelta(days=days), **mine | english | unlike)
    twins = {row for row in linked(held, "kind", "evidence") if row[0] == "twin"}
    assert twins == ({("twin", "picture")} if days else set())


def test_a_twin_is_the_nearest(held: Any) -> None:
    """Two pairs that say the same within minutes are two pairs."""
    more = " https://esa.example/proxima/42"
    keys = [
        twin(held, str(number), lang, minutes(number), more) for number, lang in enumerate(("fr", "en", "fr", "en"))
    ]
    assert linked(held) == {(later, earlier, "twin") for earlier, later in pairwise(keys)}


def test_posts_without_an_author_are_of_their_source(held: Any) -> None:
    """A gallery that names nobody has twins in itself, not elsewhere."""
    first = twin(held, "1", "fr", minutes(1), author=None, pictures=(picture("a"),))
    second = twin(held, "2", "en", minutes(2), author=None, pictures=(picture("a"),))
    twin(held, "3", "en", minutes(3), author=None, pictures=(picture("a"),), source="elsewhere")
    assert {row for row in linked(held) if row[2] == "twin"} == {(second, first, "twin")}


def test_undated_posts_come_last(held: Any) -> None:
    """What has no date is a variant of what has one; of two without the one with the lower number is first."""
    keys = [held.add(name, fr=FR, published=at) for name, at in (("2", None), ("1", None), ("9", NOON))]
    assert variants(held) == {keys[0]: keys[2], keys[1]: keys[2]}
    with held.database.write() as connection:
        connection.execute(delete(PostRecord).where(PostRecord.native_id == "9"))
    assert variants(held) == {keys[0]: keys[1]}


def test_links_follow_what_is_written(held: Any) -> None:
    """A caption or a date that the curator corrects, a picture that is taken away, a post that goes."""
    from storage.curation import Say, decide

    first = held.add("1", fr=FR, published=minutes(1), pictures=(picture("a"),))
    second = held.add("2", fr="Autre chose", published=minutes(2), pictures=(picture("a"),))
    third = held.add("3", fr="Encore autre chose", published=minutes(3))
    decide(held.database, [third], [Say.text("caption_fr", FR)], who="curator", now=NOON)
    assert linked(held) == {(second, first, "same picture"), (third, first, "same caption")}
    with held.database.write() as connection:
        connection.execute(update(AttachmentRecord).where(AttachmentRecord.post_id == 2).values(removed_at=NOON))
    assert linked(held) == {(third, first, "same caption")}
    with held.database.write() as connection:
        connection.execute(update(PostRecord).where(PostRecord.native_id == "1").values(shown_at=minutes(9)))
    assert linked(held) == {(first, third, "same caption")}
    with held.database.write() as connection:
        connection.execute(delete(PostRecord).where(PostRecord.native_id == "3"))
    assert linked(held) == set()


def test_what_a_picture_looked_like_goes_with_it(held: Any) -> None:
    """Nothing is left of a fingerprint when the last picture that had it goes."""
    for name in ("a", "b", "c"):
        held.add(name, published=NOON, pictures=(picture(name),))
    looks(held, a=1, b=3, c=3)
    assert alike(held) == {(1, 1, 0), (3, 3, 0), (1, 3, 1), (3, 1, 1)}
    for name, left in (("b", {(1, 1, 0), (3, 3, 0), (1, 3, 1), (3, 1, 1)}), ("c", {(1, 1, 0)}), ("a", set())):
        with held.database.write() as connection:
            connection.execute(delete(PostRecord).where(PostRecord.native_id == name))
            connection.exec_driver_sql(
                f"DELETE FROM assets WHERE sha256 = '{hashlib.sha256(name.encode()).hexdigest()}'"
            )
        assert alike(held) == left


def alike(held: Any) -> set[tuple[Any, ...]]:
    with held.database.read() as connection:
        return {tuple(row) for row in connection.exec_driver_sql("SELECT * FROM alike")}


def test_the_index_is_made_anew_with_its_links(held: Any) -> None:
    """After `cupola db reindex` the links are those that there were."""
    for number in range(6):
        held.add(str(number), fr=FR, published=minutes(number), pictures=(picture(f"p{number}"),))
    looks(held, **{f"p{number}": (1 << number) - 1 for number in range(6)})
    before, pairs = linked(held), alike(held)
    held.database.build_index(anew=True)
    assert before
    assert (linked(held), alike(held)) == (before, pairs)


#: what a small made-up post may say; equal ones meet often
POSTS = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(("one", "two")),
            "author": st.sampled_from((None, "Thomas Pesquet", "THOMAS PESQUET", "Somebody")),
            "fr": st.sampled_from(
                (None, FR, f"« {FR.upper()} »", "Bonsoir https://esa.example/42", "Le 03/12 à 20 h 15")
            ),
            "en": st.sampled_from((None, EN, FR, "Good evening https://esa.example/42", "03/12, 20:15")),
            "minute": st.sampled_from((None, 0, 1, 29, 30, 31, 2000)),
            "precision": st.sampled_from(("second", "day")),
            "pictures": st.lists(st.sampled_from("abcdef"), max_size=2),
            "reply": st.sampled_from((None, "0", "1", "2")),
        }
    ),
    max_size=7,
)
LOOKS = {"a": 0, "b": 0b111, "c": 0b111111, "d": 0b1111111 << 40, "e": None, "f": 0}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, make_lasting_archive: Any) -> Any:
    """An archive that is emptied between examples."""
    return make_lasting_archive(tmp_path_factory.mktemp("links") / "archive")


@given(posts=POSTS, order=st.randoms(use_true_random=False))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_links_are_what_comparing_each_with_each_finds(small: Any, posts: list[dict[str, Any]], order: Any) -> None:
    """Whatever is held, and in whatever order it came: each leads to the first before it, a twin to the nearest."""
    compare(small, posts, order)


@pytest.mark.proof
@given(posts=POSTS, order=st.randoms(use_true_random=False))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_links_are_what_comparing_each_with_each_finds_at_length(
    small: Any, posts: list[dict[str, Any]], order: Any
) -> None:
    """As the test before this one, with many more archives."""
    compare(small, posts, order)


def compare(small: Any, posts: list[dict[str, Any]], order: Any) -> None:
    with small.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM posts")
        connection.exec_driver_sql("DELETE FROM assets")
    numbered = list(enumerate(posts))
    order.shuffle(numbered)
    for place, (number, post) in enumerate(numbered):
        if place == len(numbered) // 2:
            looks(small, **{name: LOOKS[name] for name in LOOKS if held_already(small, name)})
        at = None if post["minute"] is None else minutes(post["minute"])
        small.add(
            str(number),
            source=post["source"],
            author=post["author"],
            fr=post["fr"],
            en=post["en"],
            published=at if at is None or post["precision"] == "second" else at.date(),
            in_reply_to=post["reply"],
            pictures=tuple(
                picture(name) | {"url": f"https://x.example/{number}/{place}"}
                for place, name in enumerate(post["pictures"])
            ),
        )
    looks(small, **{name: LOOKS[name] for name in LOOKS if held_already(small, name)})
    found = linked(small, "post_key", "other_key", "kind", "evidence")
    expected = set(naive(posts))
    assert found == expected
    assert variants(small) == first_of(posts, expected)


def held_already(held: Any, name: str) -> bool:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    with held.database.read() as connection:
        return bool(connection.exec_driver_sql(f"SELECT count(*) FROM assets WHERE sha256 = '{sha256}'").scalar_one())


def naive(posts: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Each post compared with each; shares nothing with the program but how keys are put in order within a second."""
    places = [place_of(number, post) for number, post in enumerate(posts)]
    for mine, post in enumerate(posts):
        before = sorted((n for n in range(len(posts)) if places[n] < places[mine]), key=lambda n: places[n])

        leads = partial(_leads, posts, mine, before)
        for name in set(post["pictures"]):
            shows = lambda other, name=name: name in other["pictures"]  # noqa: E731
            yield from leads("same picture", hashlib.sha256(name.encode()).hexdigest()[:16], shows)
        for lang in ("fr", "en"):
            said = plain(post[lang])
            if len(said) >= 40:
                yield from leads("same caption", lang, lambda other, lang=lang, said=said: plain(other[lang]) == said)
        own = {LOOKS[name] for name in post["pictures"]} - {None}
        for look in {bits for bits in LOOKS.values() if bits is not None}:
            for one in own:
                if (one ^ look).bit_count() <= 6:
                    for link in leads(
                        "alike",
                        f"distance {(one ^ look).bit_count()}",
                        lambda other, look=look: look in {LOOKS[name] for name in other["pictures"]},
                    ):
                        other = posts[int(link[1].partition(":")[2])]
                        if not set(other["pictures"]) & set(post["pictures"]):
                            yield link
        if bool(post["fr"]) is bool(post["en"]):
            continue
        lang, opposite = ("fr", "en") if post["fr"] else ("en", "fr")

        def answers(
            other: dict[str, Any], post: dict[str, Any] = post, lang: str = lang, opposite: str = opposite
        ) -> bool:
            return bool(other[opposite]) and not other[lang] and who(other) == who(post)

        for name in set(post["pictures"]):
            yield from leads(
                "twin", "picture", lambda o, name=name, ok=answers: ok(o) and name in o["pictures"], nearest=True
            )
        place = places[mine][0]
        yield from leads(
            "twin",
            "reply",
            lambda o, ok=answers, post=post, place=place: (
                ok(o)
                and o["source"] == post["source"]
                and post["reply"] == str(posts.index(o))
                and place - place_of(0, o)[0] <= 86400
            ),
            nearest=True,
        )
        for sign in particulars(post, lang):
            yield from leads(
                "twin",
                "particulars",
                lambda o, ok=answers, sign=sign, opposite=opposite, place=place: (
                    ok(o) and sign in particulars(o, opposite) and place - place_of(0, o)[0] <= 1800
                ),
                nearest=True,
            )


def _leads(
    posts: list[dict[str, Any]],
    mine: int,
    before: list[int],
    kind: str,
    evidence: str,
    which: Any,
    *,
    nearest: bool = False,
) -> Iterator[tuple[str, str, str, str]]:
    if met := [number for number in before if which(posts[number])]:
        other = met[-1 if nearest else 0]
        yield key_of(mine, posts[mine]), key_of(other, posts[other]), kind, evidence


def key_of(number: int, post: dict[str, Any]) -> str:
    return f"{post['source']}:{number}"


def place_of(number: int, post: dict[str, Any]) -> tuple[int, int]:
    """When it was published, undated last; then its number, which tells posts of all sources apart here."""
    if post["minute"] is None:
        return 1 << 40, number
    at = minutes(post["minute"])
    at = at if post["precision"] == "second" else at.replace(hour=0, minute=0)
    return int((at - datetime(1, 1, 1, tzinfo=UTC)).total_seconds()), number


def who(post: dict[str, Any]) -> str:
    return post["author"].casefold() if post["author"] else f"source {post['source']}"


def plain(text: str | None) -> str:
    swapped = (text or "").casefold().replace("é", "e").replace("à", "a")
    return " ".join(re.findall(r"[a-z0-9]+", swapped))


def particulars(post: dict[str, Any], lang: str) -> set[str]:
    """Of the texts above: the address, or the numbers; none of a post dated to the day or not at all."""
    if post["precision"] != "second" or post["minute"] is None:
        return set()
    text = post[lang]
    return {"https://esa.example/42"} & set(text.split()) or ({"3 12 15 20"} if "20" in text else set())


def first_of(posts: list[dict[str, Any]], links: set[tuple[str, str, str, str]]) -> dict[str, str]:
    """Of each post the first one that it is linked with."""
    places = {key_of(number, post): place_of(number, post) for number, post in enumerate(posts)}
    found: dict[str, str] = {}
    for post, other, *_ in links:
        found[post] = min(found.get(post, other), other, key=lambda key: places[key])
    return found


def keys_of(held: Any, **filters: Any) -> set[str]:
    return {post.key for post in find(held.database, Filters(**filters))}


def test_posts_are_found_by_what_their_pictures_look_like(held: Any) -> None:
    """By a post's key or address, or a picture's hash: the same bytes and those within the radius."""
    keys = {
        name: held.add(name, fr="Bonsoir" if name == "near" else None, url=f"https://x.example/{name}", pictures=shown)
        for name, shown in (
            ("whole", (picture("whole"), picture("other"))),
            ("near", (picture("near"),)),
            ("far", (picture("far"),)),
            ("same", (picture("whole"),)),
            ("flat", (picture("flat"),)),
            ("bare", ()),
        )
    }
    looks(held, whole=0, near=(1 << RADIUS) - 1, far=(1 << RADIUS + 1) - 1, other=1 << 63, flat=None)
    like = {keys["whole"], keys["near"], keys["same"]}
    for name in (keys["whole"], "https://x.example/whole", hashlib.sha256(b"whole").hexdigest().upper()):
        assert keys_of(held, like=name) == like
    assert keys_of(held, like=keys["whole"], lang=("fr",)) == {keys["near"]}
    assert keys_of(held, like=keys["flat"]) == {keys["flat"]}
    assert keys_of(held, like=keys["bare"]) == set()
    assert count(held.database, Filters(like=keys["whole"])) == 3
    for unknown in ("esa-proxima:nothing", "ab" * 32, "x' OR 1=1 --", "https://x.example/nothing"):
        with pytest.raises(UnknownKey):
            keys_of(held, like=unknown)
    with pytest.raises(ValueError, match="a post to look for the like of"):
        Filters(like=" ")


@given(hashes=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255), max_size=30, unique=True), data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_near_is_what_comparing_all_finds(small: Any, hashes: list[int], data: st.DataObject) -> None:
    """By bands exactly those within the radius, nearest first, whatever bits differ."""
    for start in list(hashes[:3]):
        turned = data.draw(st.sets(st.integers(0, 63), min_size=1, max_size=8))
        hashes.append(start ^ sum(1 << bit for bit in turned))
    with small.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM posts")
        connection.exec_driver_sql("DELETE FROM assets")
        assets = [asset_row(number) for number in range(len(hashes))]
        if assets:
            connection.execute(insert(AssetRecord), assets)
        fingerprints.put(
            connection, {row["sha256"]: Fingerprint(hash=look) for row, look in zip(assets, hashes, strict=True)}
        )
        numbers = {signed(look) for look in hashes}
        expected = {
            one: sorted((far, other) for other in numbers if (far := distance(one, other)) <= RADIUS) for one in numbers
        }
        assert near(connection, numbers) == expected


def asset_row(number: int) -> dict[str, Any]:
    return {
        "sha256": f"{number:064x}",
        "media_type": "image/jpeg",
        "extension": "jpg",
        "size": 1,
        "width": 1,
        "height": 1,
        "exif": (),
        "first_seen_at": NOON,
    }


def test_a_post_tells_its_links_either_way(held: Any) -> None:
    """Those before it and those after it, each once for each kind, in the order in which they were published."""
    keys = [
        held.add(name, fr=fr, published=minutes(number), pictures=tuple(map(picture, shown)))
        for number, (name, fr, shown) in enumerate(
            (("a", FR, "xy"), ("b", FR, "xy"), ("c", None, "z"), ("d", FR, ""), ("e", None, "w"))
        )
    ]
    looks(held, x=0, y=1 << 40, z=1)
    found = linked_of(held.database, keys[0])
    assert [(link.key, link.kind, link.first) for link in found] == [
        (keys[1], "same caption", False),
        (keys[1], "same picture", False),
        (keys[2], "alike", False),
        (keys[3], "same caption", False),
    ]
    assert found[1].as_json()["evidence"] == sorted(hashlib.sha256(name).hexdigest()[:16] for name in (b"x", b"y"))
    assert {(link.key, link.first) for link in linked_of(held.database, keys[2])} == {(keys[0], True)}
    assert linked_of(held.database, keys[4]) == ()
    twins = [
        twin(held, name, lang, minutes(20), in_reply_to=to) for name, lang, to in (("t", "fr", None), ("u", "en", "t"))
    ]
    assert [(link.key, link.evidence) for link in linked_of(held.database, twins[0])] == [(twins[1], ("reply",))]
