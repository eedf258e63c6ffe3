"""Tweets from files: what is taken, what is left out, and what each says. All tweets here are synthetic."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.imports import tweets
from scraper.imports.bundle import Bundle
from scraper.imports.records import Bad, Item, LeftOut, NotReadable
from scraper.model import MediaKind

FIXTURES = Path(__file__).resolve().parents[4] / "shared/fixtures/twitter"


def tweet(number: int = 1, **more: Any) -> dict[str, Any]:
    user = {"screen_name": "Astro_Test", "name": "Astro Test", "id_str": "77"}
    made = {
        "created_at": "Wed Nov 16 10:00:00 +0100 2016",
        "id": 800000000000000000 + number * 1000,
        "id_str": f"{800000000000000000 + number}",
        "full_text": "Bonjour &amp; bienvenue / Hello &lt;Earth&gt; https://t.co/abc #Proxima https://t.co/pic",
        "lang": "fr",
        "entities": {
            "hashtags": [{"text": "Proxima"}],
            "urls": [{"url": "https://t.co/abc", "expanded_url": "https://esa.example/a?b=1&c=2"}],
        },
        "extended_entities": {
            "media": [
                {
                    "id_str": "9",
                    "type": "photo",
                    "url": "https://t.co/pic",
                    "media_url_https": "https://pbs.twimg.com/media/Abc.jpg",
                    "ext_alt_text": "La Terre",
                }
            ]
        },
        "user": user,
        "coordinates": {"coordinates": [2.3, 48.8]},
    }
    return made | more


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["media", "url", "hashtags", "urls", "text", "edit"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_FIELDS = sorted(
    [*tweet(), "edit_info", "display_text_range", "extended_tweet", "retweeted_status", "in_reply_to_user_id"]
)


def read(path: Path, **wish: Any) -> list[Any]:
    with Bundle(path) as bundle:
        return list(tweets.read(bundle, tweets.Wish(**wish)))


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(*made: Any, name: str = "tweets.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(list(made)), encoding="utf-8")
        return path

    return write


def test_a_tweet_says_what_was_displayed(file: Any) -> None:
    """Entities are characters, links lead on, the media's own link is no text; the original picture comes first."""
    (item,) = read(file(tweet()))
    post = item.post
    assert post.key == "tweets-astro-test:800000000000000001"
    assert post.body == "Bonjour & bienvenue / Hello <Earth> https://esa.example/a?b=1&c=2 #Proxima"
    assert str(post.published) == "2016-11-16T09:00:00Z"
    assert (post.author, post.url) == ("Astro Test", "https://twitter.com/Astro_Test/status/800000000000000001")
    (picture,) = post.attachments
    assert picture.url == "https://pbs.twimg.com/media/Abc?format=jpg&name=orig"
    assert picture.alternatives == ("https://pbs.twimg.com/media/Abc.jpg",)
    assert (picture.alt, post.hashtags, post.languages) == ("La Terre", ("Proxima",), ("fr",))


def test_what_the_account_did_not_say_is_left_out(file: Any) -> None:
    """Retweets, replies to others, other accounts, private accounts; each is counted with its reason."""
    path = file(
        tweet(1),
        tweet(2, retweeted_status=tweet(90)),
        tweet(3, full_text="RT @other: Salut"),
        tweet(4, in_reply_to_status_id_str="5", in_reply_to_user_id_str="6", in_reply_to_screen_name="other"),
        tweet(5, user={"screen_name": "other", "name": "Other", "id_str": "6"}),
        tweet(6, user={"screen_name": "Astro_Test", "id_str": "77", "protected": True}),
        tweet(7, in_reply_to_status_id_str="800000000000000001", in_reply_to_user_id_str="77"),
    )
    found = read(path)
    assert [type(one) for one in found] == [Item, LeftOut, LeftOut, LeftOut, LeftOut, LeftOut, Item]
    assert found[-1].post.in_reply_to == "800000000000000001"
    everything = read(path, source_id="all", retweets=True, replies=True)
    assert sum(isinstance(one, Item) for one in everything) == 6


def test_an_edited_tweet_keeps_its_first_id_and_time(file: Any) -> None:
    """The id of the first version holds its time to the millisecond; when it was edited is the time of this one."""
    edited = tweet(5, edit_info={"edit": {"initialTweetId": "798824380000000000"}})
    (item,) = read(file(edited))
    assert item.post.native_id == "798824380000000000"
    assert str(item.post.published).startswith("2016-11-16T")
    assert item.post.edited_at is not None
    assert item.post.edited_at.hour == 9


def test_of_a_film_the_poster_is_kept(file: Any) -> None:
    """The film with the best rate first, and its poster as a picture of its own."""
    variants = [
        {"content_type": "video/mp4", "bitrate": "832000", "url": "https://video.twimg.com/v/low.mp4"},
        {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/v/list.m3u8"},
        {"content_type": "video/mp4", "bitrate": 2176000, "url": "https://video.twimg.com/v/high.mp4?tag=1"},
    ]
    medium = {
        "id_str": "9",
        "type": "video",
        "media_url_https": "https://pbs.twimg.com/ext_tw_video_thumb/9/pu/img/x.jpg",
        "video_info": {"variants": variants},
    }
    (item,) = read(file(tweet(extended_entities={"media": [medium]}, possibly_sensitive=True)))
    film, poster = item.post.attachments
    assert (film.kind, film.url) == (MediaKind.VIDEO, "https://video.twimg.com/v/high.mp4?tag=1")
    assert (poster.kind, poster.native_id) == (MediaKind.IMAGE, "9-poster")
    assert item.post.content_warning == "possibly sensitive"


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_an_account_s_archive_is_read_whole(tmp_path: Path, packed: bool) -> None:
    """Whose it is stands in account.js; parts come in order; its media are looked for beside, by the tweet's id."""
    mine = tweet(1, display_text_range=["0", "10"])
    del mine["user"]
    prefix = "window.YTD.tweets.part{} = "
    files = {
        "data/account.js": 'window.YTD.account.part0 = [ {"account": {"username": "Astro_Test", "accountId": "77", '
        '"accountDisplayName": "Astro Test"}} ]',
        "data/tweets.js": prefix.format(0) + json.dumps([{"tweet": mine}]),
        "data/tweets-part1.js": prefix.format(1) + json.dumps([{"tweet": mine | {"id_str": "800000000000000002"}}]),
        "data/deleted-tweets.js": prefix.format(0) + json.dumps([{"tweet": mine | {"id_str": "3"}}]),
    }
    if packed:
        path = tmp_path / "twitter-2023.zip"
        with zipfile.ZipFile(path, "w") as made:
            for name, text in files.items():
                made.writestr(name, text)
    else:
        path = tmp_path
        for name, text in files.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_text(text, encoding="utf-8")
    first, second = read(path)
    assert (first.post.native_id, second.post.native_id) == ("800000000000000001", "800000000000000002")
    assert first.post.author == "Astro Test"
    assert first.beside["9"][0] == "data/tweets_media/800000000000000001-Abc.jpg"


def test_nobody_guesses_whose_tweets_they_are(tmp_path: Path, file: Any) -> None:
    """Tweets without a user need account.js or --account; an account.js alone has none."""
    mine = tweet()
    del mine["user"]
    path = file(mine)
    with pytest.raises(NotReadable, match="--account NAME"):
        read(path)
    (item,) = read(path, account="@Astro_Test")
    assert item.post.source_id == "tweets-astro-test"
    (tmp_path / "account.js").write_text('window.YTD.account.part0 = [ {"account": {"username": "a"}} ]')
    with pytest.raises(NotReadable, match=r"name its tweets\.js"):
        read(tmp_path / "account.js")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotReadable, match="has no tweets"):
        read(tmp_path / "empty")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"id_str": None}, "id_str"),
        ({"id_str": 5}, "id_str"),
        ({"created_at": "2016-11-16"}, "created_at"),
        ({"created_at": "Wed Nov 31 10:00:00 +0000 2016"}, "no time of the calendar"),
        ({"full_text": None}, "has no text"),
        ({"extended_entities": {"media": [None]}}, "medium 1"),
        ({"extended_entities": {"media": [{"type": "photo"}]}}, "has no address"),
    ],
)
def test_a_wrong_tweet_costs_itself_alone(file: Any, wrong: dict[str, Any], told: str) -> None:
    """It is named by its place, and the next one comes in."""
    bad, good = read(file(tweet(1, **wrong), tweet(2)))
    assert isinstance(bad, Bad)
    assert told in bad.message
    assert bad.where == "tweets.json, record 1"
    assert isinstance(good, Item)


@given(_ANYTHING, st.sampled_from(_FIELDS))
def test_whatever_a_field_holds_no_other_error_comes(value: Any, name: str) -> None:
    """Any field may be anything: the tweet is read, left out or told as wrong."""

    class Given(Bundle):
        def __init__(self) -> None:
            self.single, self.path = "t.json", Path("t.json")

        def has(self, name: str) -> bool:
            return False

        def open(self, name: str) -> Any:
            return io.BytesIO(json.dumps([tweet(1), tweet(2) | {name: value}]).encode())

    found = list(tweets.read(Given(), tweets.Wish(retweets=True, replies=True, source_id="x")))
    assert len(found) == 2


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recorded files are not here")
def test_the_recorded_tweets_are_dealt_with() -> None:
    """A retweet and a reply are left out; the third is a post whose quoted tweet stays as a link."""
    first, second, third = read(FIXTURES / "twitter_to_sqlite_tests_tweets.json")
    assert isinstance(first, LeftOut)
    assert isinstance(second, LeftOut)
    assert third.post.native_id == "1168529001599533057"
    assert third.post.body.endswith("https://twitter.com/bwhitman/status/861696799362478085")
    with pytest.raises(NotReadable, match=r"account\.js"):
        read(FIXTURES / "archive_account.js")
