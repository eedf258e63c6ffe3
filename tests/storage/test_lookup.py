"""One post by its key or address: whole, with where it came from, and a hint when it is not there."""

from datetime import UTC, date, datetime

import pytest

from storage.errors import UnknownKey
from storage.filters import Filters
from storage.lookup import resolve, show
from storage.queries import find

AT = datetime(2017, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_post_comes_with_run_answer_and_date(held):
    """Provenance names the run, the answer's address, time and hash, and how the date was decided."""
    key = held.add("1", fr="La Terre", published=date(2016, 12, 3), credit_line="TP, 03/12/2016")
    post, provenance = show(held.database, key)
    assert [post] == list(find(held.database, Filters()))
    told = provenance.as_json()
    assert told["run"] == {
        "id": 1,
        "status": "completed",
        "started_at": "2017-06-02T12:00:00Z",
        "ended_at": "2017-06-02T12:00:00Z",
    }
    assert told["capture"]["url"] == "https://esa.example/1"
    assert told["capture"]["fetched_at"] == "2017-06-02T12:00:00Z"
    assert told["capture"]["sha256"] == "ab" * 32
    assert told["date"] == {
        "at": "2016-12-03",
        "precision": "day",
        "origin": "caption",
        "zone_known": False,
        "stated": "2016-12-03",
        "stated_precision": "day",
        "stated_origin": "caption",
        "credit_line": "TP, 03/12/2016",
        "credit_day": "2016-12-03",
        "other_reading": "2016-03-12",
    }


def test_a_picture_says_how_it_came_to_its_state(held):
    """The reason, the tries and the next time stand beside each picture, in the order of the record's."""
    held.add(
        "1",
        published=AT,
        pictures=(
            {"state": "failed", "reason": "HTTP 500", "attempts": 3, "next_attempt_at": AT},
            {"removed_at": AT},
            {"data": b"bytes"},
        ),
    )
    post, provenance = show(held.database, "esa-proxima:1")
    assert [item.position for item in post.media] == [item.position for item in provenance.media] == [0, 2]
    first, second = provenance.media
    assert (first.state, first.reason, first.attempts) == ("failed", "HTTP 500", 3)
    assert first.next_attempt_at == "2017-01-02T03:04:05Z"
    assert second.state == "stored"
    assert provenance.date.at == "2017-01-02T03:04:05Z"


def test_a_post_without_an_answer_or_a_date_is_shown_too(held):
    """What is not known is None, never an error."""
    held.add("1", captured=False)
    _, provenance = show(held.database, "esa-proxima:1")
    assert provenance.capture is None
    assert provenance.date.at is None


@pytest.mark.parametrize("native_id", ["at://did:plc:x/app.post/1", "a b", "%2F", "ü", "1:2:3"])
def test_a_native_id_is_opaque(held, native_id):
    """The first colon splits a key; what follows may hold anything."""
    key = held.add(native_id)
    assert show(held.database, key)[0].native_id == native_id


@pytest.mark.parametrize("asked", ["https://x.example/@thom/1", "https://x.example/@thom/1/"])
@pytest.mark.parametrize("held_at", ["https://x.example/@thom/1", "https://x.example/@thom/1/"])
def test_the_address_of_a_post_is_as_good_as_its_key(held, asked, held_at):
    """A post is found by its URL too, whether or not it ends in a slash."""
    key = held.add("1", url=held_at)
    held.add("2", url="https://x.example/@thom/2")
    assert resolve(held.database, asked) == key


def test_an_address_of_several_posts_names_their_keys(held):
    """The pictures of one page share its address: the keys to choose from are told."""
    for number in range(5):
        held.add(str(number), url="https://esa.example/gallery")
    with pytest.raises(UnknownKey, match=r"several posts .*: esa-proxima:0, esa-proxima:1, esa-proxima:2, …") as caught:
        resolve(held.database, "https://esa.example/gallery")
    assert len(caught.value.nearest) == 3


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("esa-proxima:Proxima_image_12", "esa-proxima:Proxima_image_1"),
        ("esa-proxima:Proxima_imag_1", "esa-proxima:Proxima_image_1"),
        ("esa-proxima:proxima_image_1", "esa-proxima:Proxima_image_1"),
        ("esa-proxma:Proxima_image_1", "esa-proxima:Proxima_image_1"),
        ("Proxima_image_1", "esa-proxima:Proxima_image_1"),
        ("thom:11345678901234567", "thom:113456789012345678"),
    ],
)
def test_a_key_that_is_nearly_right_is_put_right(held, asked, nearest):
    """An unknown key comes back with the known one that it is most like."""
    held.add("Proxima_image_1")
    held.add("another")
    held.add("113456789012345678", source="thom")
    with pytest.raises(UnknownKey) as caught:
        resolve(held.database, asked)
    assert caught.value.key == asked
    assert caught.value.nearest[0] == nearest


@pytest.mark.parametrize(
    "asked",
    [
        "",
        ":",
        "zzz",
        "https://nowhere.example/",
        "esa-proxima:",
        "x" * 100_000,
        "a:\udcff",
        "https://x.example/\udcff\0",
    ],
)
def test_a_key_that_is_like_nothing_is_unknown(held, asked):
    """No hint is better than a wrong one, and no length is too long."""
    held.add("Proxima_image_1")
    with pytest.raises(UnknownKey) as caught:
        resolve(held.database, asked)
    assert caught.value.nearest == ()
