"""What the Mastodon source asks for, takes, leaves out and refuses; the cases by example are its fixtures."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scraper.capture import Access, Capture, Request
from scraper.crawl import crawl
from scraper.errors import FetchError, Gone, ParseError, RateLimited, Refused, ScraperError
from scraper.model import History, Post
from scraper.replay import Replay
from scraper.source import Reach
from scraper.sources.mastodon import Mastodon, MastodonOptions

RECORDED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "mastodon"
HOST = "https://social.example"
LOOKUP = f"{HOST}/api/v1/accounts/lookup?acct=helene"
LISTING = f"{HOST}/api/v1/accounts/1/statuses?limit=40"
ACCOUNT = {
    "id": "1",
    "acct": "helene",
    "url": f"{HOST}/@helene",
    "display_name": "Hélène",
    "note": "",
    "noindex": False,
}


def source(**options: Any) -> Mastodon:
    return Mastodon("m", MastodonOptions(**({"url": f"{HOST}/@helene"} | options)))


def status(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A status of day ``number`` of January 2024."""
    return {
        "id": str(number),
        "visibility": "public",
        "content": f"<p>Jour {number}</p>",
        "created_at": f"2024-01-{number:02}T12:00:00.000Z",
        "account": ACCOUNT,
        "url": f"{HOST}/@helene/{number}",
    } | changes


def medium(**changes: Any) -> dict[str, Any]:
    return {"id": "7", "type": "image", "url": f"{HOST}/original.jpg", "preview_url": f"{HOST}/small.jpg"} | changes


def answer(body: Any, url: str = LISTING, *, link: str | None = None, **changes: Any) -> Capture:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ({"link": link} if link else {})
    request = changes.pop("request", Request(url=url))
    fields = {"url": url, "status": 200, "headers": headers, "fetched_at": datetime(2026, 1, 1, tzinfo=UTC)} | changes
    return Capture(request=request, body=raw, **fields)


def parsed(
    capture: Capture, since: datetime | None = None, by: Mastodon | None = None
) -> tuple[list[Post], list[Request], ScraperError | None]:
    posts: list[Post] = []
    requests: list[Request] = []
    try:
        for item in (by or source()).parse(capture, since):
            if isinstance(item, Post):
                posts.append(item)
            elif isinstance(item, Request):
                requests.append(item)
    except ScraperError as error:
        return posts, requests, error
    return posts, requests, None


def only(capture: Capture, by: Mastodon | None = None) -> Post:
    posts, _, error = parsed(capture, by=by)
    assert error is None
    (post,) = posts
    return post


# --- which account -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "server", "name"),
    [
        ({"url": "https://social.example/@helene"}, HOST, "helene"),
        ({"url": "https://social.example/@helene/"}, HOST, "helene"),
        ({"url": "https://Social.Example:443/@helene"}, HOST, "helene"),
        ({"url": "https://social.example/users/helene"}, HOST, "helene"),
        ({"url": "https://social.example/@helene/with_replies"}, HOST, "helene"),
        ({"url": "https://social.example/%40helene"}, HOST, "helene"),
        ({"url": "https://social.example/@helene@far.example"}, HOST, "helene@far.example"),
        ({"url": "https://social.example/@helene@social.example"}, HOST, "helene"),
        ({"url": "http://127.0.0.1:8801/@atelier"}, "http://127.0.0.1:8801", "atelier"),
        ({"account": "helene@social.example"}, HOST, "helene"),
        ({"account": "@helene@social.example"}, HOST, "helene"),
        ({"url": "https://social.example", "account": "helene@far.example"}, HOST, "helene@far.example"),
        ({"url": "https://social.example/", "account": "helene@social.example"}, HOST, "helene"),
    ],
)
def test_an_account_is_named_by_its_profile_or_its_handle(options: dict[str, str], server: str, name: str) -> None:
    """Every form in which people write an account leads to the look-up of that account on that server."""
    (request,) = Mastodon("m", MastodonOptions(**options)).start(None)  # type: ignore[arg-type]
    assert request.url == f"{server}/api/v1/accounts/lookup?acct={name}"
    assert (request.access, request.accept) == (Access.API, "application/json")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "https://social.example/"},
        {"url": "https://social.example/about"},
        {"url": "https://social.example/@helene/112000"},
        {"url": "https://social.example:99999/@helene"},
        {"url": "https://me:secret@social.example/@helene"},
        {"url": "https://[social.example/@helene"},
        {"url": "ftp://social.example/@helene"},
        {"account": "helene"},
        {"account": "helene@"},
        {"account": "@"},
        {"account": 5},
        {"url": "https://social.example/@helene", "acount": "helene@social.example"},
    ],
)
def test_what_names_no_account_is_refused_with_the_configuration(options: dict[str, Any]) -> None:
    """A wrong address is found when the configuration is read, not when the first visit is made."""
    with pytest.raises(ValidationError):
        MastodonOptions(**options)


def test_an_account_alone_gives_the_source_an_address() -> None:
    """``url`` is there for everybody who shows a source, also when only the handle was written."""
    assert MastodonOptions(account="helene@social.example").url == "https://social.example/"  # type: ignore[call-arg]


# --- what is asked for ---------------------------------------------------------------------------------------------


def test_an_account_leads_to_its_listing() -> None:
    """By default the server is asked to leave out boosts and replies; the id is opaque and quoted."""
    _, (request,), error = parsed(answer(ACCOUNT | {"id": "a/../b?c"}, LOOKUP))
    assert error is None
    assert request.url == (
        f"{HOST}/api/v1/accounts/a%2F..%2Fb%3Fc/statuses?limit=40&exclude_reblogs=true&exclude_replies=true"
    )


def test_replies_and_boosts_are_asked_for_when_wanted() -> None:
    """The options change what the server is asked for, not only what is kept of it."""
    _, (request,), _ = parsed(answer(ACCOUNT, LOOKUP), by=source(replies=True, boosts=True))
    assert request.url == LISTING


def test_after_an_id_the_listing_is_read_upwards() -> None:
    """``after`` goes through the look-up and becomes min_id, whatever characters it holds."""
    (lookup,) = source().start(None, after="01J&x=1")
    _, (request,), _ = parsed(answer(ACCOUNT, LOOKUP, request=lookup))
    assert request.url.endswith("&min_id=01J%26x%3D1")


def test_upwards_every_page_is_read_also_older_ones() -> None:
    """From an id upwards nothing ends the visit but the end: ``since`` is the harvest's affair."""
    link = f'<{LISTING}&max_id=1>; rel="next", <{LISTING}&min_id=2>; rel="prev"'
    page = answer([status(2), status(1)], f"{LISTING}&min_id=0", link=link)
    _, (request,), _ = parsed(page, since=datetime(2030, 1, 1, tzinfo=UTC))
    assert request.url == f"{LISTING}&min_id=2"


UPWARDS = f"{LISTING}&exclude_reblogs=true&exclude_replies=true"


def visited(*pages: Capture, since: datetime) -> tuple[list[str], list[str]]:
    """What a visit after post 3 finds and asks for, by the ends of the addresses; 4 is held and older."""
    replay = Replay([answer(ACCOUNT, LOOKUP), *pages])
    found = [post.native_id for page in crawl(source(), replay.fetch, since=since, after="3") for post in page.posts]
    return found, [request.url.removeprefix(UPWARDS) for request in replay.asked[1:]]


def links(newest: int, oldest: int) -> str:
    return f'<{UPWARDS}&max_id={oldest}>; rel="next", <{UPWARDS}&min_id={newest}>; rel="prev"'


def test_upwards_the_post_held_last_is_met_again_and_no_page_is_asked_for_twice() -> None:
    """Post 4 is on the first page, so the server paged from where it was asked to."""
    pages = (
        answer([status(6), status(5), status(4)], f"{UPWARDS}&min_id=3", link=links(6, 4)),
        answer([], f"{UPWARDS}&min_id=6"),
    )
    found, asked = visited(*pages, since=datetime(2024, 1, 5, tzinfo=UTC))
    assert (sorted(found), asked) == (["4", "5", "6"], ["&min_id=3", "&min_id=6"])


def test_a_server_that_takes_min_id_for_since_id_hides_nothing() -> None:
    """It answers with the newest page in place of the next one; the pages between are read newest first."""
    pages = (
        answer([status(9), status(8)], f"{UPWARDS}&min_id=3", link=links(9, 8)),
        answer([], f"{UPWARDS}&min_id=9"),
        answer([status(9), status(8)], UPWARDS, link=links(9, 8)),
        answer([status(7), status(6)], f"{UPWARDS}&max_id=8", link=links(7, 6)),
        answer([status(5), status(4)], f"{UPWARDS}&max_id=6", link=links(5, 4)),
        answer([status(3), status(2)], f"{UPWARDS}&max_id=4", link=links(3, 2)),
    )
    found, asked = visited(*pages, since=datetime(2024, 1, 5, tzinfo=UTC))
    assert set("56789") <= set(found)
    assert asked == ["&min_id=3", "&min_id=9", "", "&max_id=8", "&max_id=6", "&max_id=4"]


def test_a_server_whose_ids_are_new_hides_nothing() -> None:
    """After a move nothing comes after an old id: an empty page is not believed."""
    pages = (answer([], f"{UPWARDS}&min_id=3"), answer([status(9), status(4)], UPWARDS))
    assert visited(*pages, since=datetime(2024, 1, 5, tzinfo=UTC)) == (["9", "4"], ["&min_id=3", ""])


@pytest.mark.parametrize(
    ("statuses", "goes_on"),
    [
        ([status(3), status(2)], False),
        ([status(10), status(2)], True),
        ([status(2), status(10)], True),
        ([status(3), status(2, created_at="some day")], True),
        ([status(10, pinned=True), status(2)], False),
        ([status(2, pinned=True)], True),
        ([], True),
        ([status(2, reblog=status(1))], True),
        ([status(2, visibility="private")], True),
        ([status(2, in_reply_to_id="9", in_reply_to_account_id="2")], True),
        ([status(10, reblog=status(1)), status(2)], False),
        ([status(2, content=7)], True),
    ],
)
def test_a_listing_ends_at_a_whole_page_of_older_posts(statuses: list[dict[str, Any]], goes_on: bool) -> None:
    """Pinned, undated and left-out statuses neither end the listing nor keep it going beside older posts."""
    page = answer(statuses, link=f'<{LISTING}&max_id=1>; rel="next"')
    _, requests, _ = parsed(page, since=datetime(2024, 1, 5, tzinfo=UTC))
    assert [request.url for request in requests] == ([f"{LISTING}&max_id=1"] if goes_on else [])


def test_a_page_of_boosts_that_names_itself_as_next_ends_the_visit() -> None:
    """A server that turns in a circle is left after one round."""
    listing = f"{LISTING}&exclude_reblogs=true&exclude_replies=true"
    page = answer([status(2, reblog=status(1))], listing, link=f'<{listing}>; rel="next"')
    replay = Replay([answer(ACCOUNT, LOOKUP), page])
    pages = list(crawl(source(), replay.fetch, since=datetime(2024, 1, 5, tzinfo=UTC)))
    assert [page.failure for page in pages] == [None, None]
    assert len(replay.asked) == 2


# --- tokens --------------------------------------------------------------------------------------------------------


def test_the_token_goes_to_the_server_of_the_account_only() -> None:
    """A listing that has moved is followed, but the token stays at home, and no message holds it."""
    mine = source(token="s3cret-token", token_env="MASTODON_TOKEN")
    (lookup,) = mine.start(None)
    _, (listing,), _ = parsed(answer(ACCOUNT, LOOKUP), by=mine)
    moved = "https://moved.example/api/v1/accounts/1/statuses?limit=40"
    page = answer([status(1)], url=moved, request=listing, link=f'<{moved}&max_id=1>; rel="next"')
    _, (following,), error = parsed(page, by=mine)
    assert error is None
    assert (lookup.token, listing.token, following.token) == ("s3cret-token", "s3cret-token", None)
    refused = mine.explain(Refused("no", url=LOOKUP, status=401))
    assert "MASTODON_TOKEN" in str(refused)
    assert "s3cret" not in str(refused) + repr(mine.options)


@pytest.mark.parametrize("code", [401, 403, 422])
def test_a_server_that_wants_a_token_is_told_with_what_to_do(code: int) -> None:
    """The archivist reads which server it is, what to create there, and where to name it."""
    explained = source().explain(FetchError("no", url=LOOKUP, retriable=False, status=code))
    assert isinstance(explained, Refused)
    assert explained.status == code
    assert str(explained) == (
        f"{LOOKUP}: answered {code}: social.example answers only with a read token: create one with scope "
        "read:statuses and name its environment variable in token_env, or read a feed that it may have, "
        f"with kind: feed: {HOST}/users/helene.atom (Pixelfed), {HOST}/@helene/feed.rss (GoToSocial) "
        f"or {HOST}/@helene.rss (Mastodon)"
    )


@pytest.mark.parametrize(
    "words",
    [
        "This method requires an authenticated user",
        "This API requires an authenticated user",
        "The access token is invalid",
        "Unauthorized: token not supplied",
        "An error occurred (missing authorization).",
    ],
)
def test_an_error_that_asks_for_a_token_is_a_refusal(words: str) -> None:
    """Also where it comes with a 200: the words of Mastodon, GoToSocial and others are known."""
    _, _, error = parsed(answer({"error": words}, LOOKUP))
    assert isinstance(error, Refused)
    assert words in str(error)
    assert "token_env" in str(error)


def test_other_failures_are_explained_no_further() -> None:
    """A server that is busy or down, robots.txt or a missing picture have nothing to do with tokens."""
    for error in (
        RateLimited("wait", url=LOOKUP, retry_after=9.0, status=429),
        FetchError("down", url=LOOKUP, retriable=True, status=503),
        Refused("robots.txt asks not to", url=LOOKUP),
        Gone("gone", url=LISTING, status=404),
    ):
        assert source().explain(error) is error


def test_an_account_that_is_not_there_is_named() -> None:
    """A 404 of the look-up says which account is missing, and is still a Gone."""
    explained = source().explain(Gone(f"{LOOKUP}: answered 404", url=LOOKUP, status=404))
    assert isinstance(explained, Gone)
    assert "no account helene" in str(explained)


# --- what is read --------------------------------------------------------------------------------------------------


def test_a_bad_status_loses_only_itself() -> None:
    """The good posts and the next page come first, and then the failure that tells of the bad ones."""
    bad = [status(n, content={"html": n}) for n in range(2, 7)]
    page = answer([status(1), *bad, status(9)], link=f'<{LISTING}&max_id=9>; rel="next"')
    posts, requests, error = parsed(page)
    assert [post.native_id for post in posts] == ["1", "9"]
    assert [request.url for request in requests] == [f"{LISTING}&max_id=9"]
    assert isinstance(error, ParseError)
    assert error.sha256 == page.sha256
    assert "status 2 of 7 cannot be read (content: " in str(error)
    assert str(error).endswith("; and 2 more")


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": 1.5},
        {"id": True},
        {"id": "with space"},
        {"id": "with\x00nul"},
        {"visibility": None},
        {"visibility": 1},
        {"content": 5},
        {"spoiler_text": ["cw"]},
        {"reblog": "1"},
        {"media_attachments": {}},
        {"media_attachments": ["1"]},
        {"media_attachments": [{"url": None}]},
        {"media_attachments": [medium(description=[])]},
        {"in_reply_to_id": {}},
        {"account": ACCOUNT | {"id": []}},
        {"account": ACCOUNT | {"id": "2"}},
    ],
)
def test_a_field_that_makes_the_post_is_of_its_type_or_the_status_is_refused(change: dict[str, Any]) -> None:
    """Ids, texts, media and visibility are never guessed at: it is a recorded failure."""
    posts, _, error = parsed(answer([status(1, **change)]))
    assert posts == []
    assert isinstance(error, ParseError)
    assert "status 1 of 1 cannot be read" in str(error)


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": 1704110400, "edited_at": False, "language": 3, "tags": "x", "pinned": "yes"},
        {"url": 5, "uri": None, "account": {"id": "1", "display_name": None, "acct": 3, "note": [], "url": {}}},
        {"account": "helene", "media_attachments": None, "spoiler_text": None},
        {"account": None, "poll": {"options": []}, "card": [[[]]], "emojis": 4, "mentions": None},
    ],
)
def test_a_field_that_only_describes_the_post_is_left_out_where_it_is_odd(change: dict[str, Any]) -> None:
    """The post is kept, without what could not be read."""
    post = only(answer([status(1, **change)]))
    assert post.body == "Jour 1"
    assert (post.hashtags, post.languages, post.pinned, post.edited_at) == ((), (), False, None)


def test_a_missing_visibility_is_not_taken_for_public() -> None:
    """With a token private posts are seen, so a status that does not say is not published by accident."""
    unsaid = status(1)
    del unsaid["visibility"]
    posts, _, error = parsed(answer([unsaid]))
    assert posts == []
    assert isinstance(error, ParseError)


@pytest.mark.parametrize("url", [LISTING, LOOKUP])
@pytest.mark.parametrize("visibility", ["private", "direct", "limited", "mutuals_only", "local", ""])
def test_only_public_and_unlisted_posts_are_taken(visibility: str, url: str) -> None:
    """Whatever else a token shows stays where it is."""
    posts, _, _ = parsed(answer([status(1), status(2, visibility=visibility), status(3, visibility="unlisted")], url))
    assert [post.native_id for post in posts] == ["1", "3"]


def test_the_authors_own_thread_is_kept_and_linked() -> None:
    """A reply to oneself continues a post; with ``replies`` those to others are taken, and not linked."""
    own = status(2, in_reply_to_id=1, in_reply_to_account_id=1)
    theirs = status(3, in_reply_to_id="9", in_reply_to_account_id="2")
    orphan = status(4, in_reply_to_account_id="1")
    posts, _, _ = parsed(answer([own, theirs, orphan]))
    assert [(post.native_id, post.in_reply_to) for post in posts] == [("2", "1"), ("4", None)]
    posts, _, _ = parsed(answer([own, theirs, orphan]), by=source(replies=True))
    assert [(post.native_id, post.in_reply_to) for post in posts] == [("2", "1"), ("3", None), ("4", None)]


def test_a_boost_has_its_own_id_and_time_and_shows_anothers_words() -> None:
    """Its time is that of the boost, so that an old post that is passed on today does not end a listing."""
    shown = status(1, account=ACCOUNT | {"id": "2", "acct": "voisin", "display_name": ""}, spoiler_text="CW")
    post = only(answer([status(9, content="", reblog=shown)]), by=source(boosts=True))
    assert (post.native_id, post.body, post.author, post.content_warning) == ("9", "Jour 1", "voisin", "CW")
    assert str(post.published) == "2024-01-09T12:00:00Z"
    assert post.url == f"{HOST}/@helene/1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"reblog": status(1)}, "it is a boost"),
        ({"in_reply_to_id": "9", "in_reply_to_account_id": "2"}, "it is a reply to another account"),
        ({"visibility": "direct"}, "it is not public but direct"),
    ],
)
def test_a_saved_status_that_is_left_out_says_why(change: dict[str, Any], why: str) -> None:
    """Who hands over one saved status and gets no post reads the reason."""
    posts, _, error = parsed(answer(status(2, **change), f"{HOST}/api/v1/statuses/2"))
    assert posts == []
    assert why in str(error)


def test_a_saved_status_is_a_post() -> None:
    """``--from-file`` works on the answer for one status as on a page of them."""
    assert only(answer(status(2), LOOKUP)).native_id == "2"


@pytest.mark.parametrize(
    ("change", "url", "alternatives"),
    [
        ({}, "original", ["small"]),
        ({"remote_url": f"{HOST}/remote.jpg"}, "remote", ["original", "small"]),
        ({"remote_url": f"{HOST}/original.jpg"}, "original", ["small"]),
        ({"url": None, "remote_url": f"{HOST}/remote.jpg"}, "remote", ["small"]),
        ({"url": None}, "small", []),
        ({"url": "javascript:alert(1)", "preview_url": "//x/y"}, None, []),
        ({"url": None, "preview_url": None}, None, []),
        ({"type": "audio"}, "original", []),
        ({"type": "audio", "url": None}, None, []),
    ],
)
def test_a_medium_has_its_best_address_first(change: dict[str, Any], url: str | None, alternatives: list[str]) -> None:
    """The author's server, then this one's copy, then the preview; and none while the server still makes it."""
    (attachment,) = only(answer([status(1, media_attachments=[medium(**change)])])).attachments
    assert attachment.url == (f"{HOST}/{url}.jpg" if url else None)
    assert attachment.alternatives == tuple(f"{HOST}/{name}.jpg" for name in alternatives)
    assert attachment.native_id == "7"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><title>Log in</title>", "a web page came in place of JSON"),
        (b"", "expected JSON"),
        (b'[{"id":"1","visib', "expected JSON"),
        (b"null", "expected statuses or an account of the Mastodon API and got None"),
        (b'{"domain":"social.example","title":"x"}', "an object with domain, title"),
        (b'{"error":"Record not found"}', "the server says: Record not found"),
        (b'{"error":{"code":5}}', "an object with error"),
        (b'{"id":[],"acct":"x"}', "an object with id, acct"),
        (json.dumps(ACCOUNT).encode(), "an object with id, acct"),
    ],
)
def test_an_answer_that_is_no_listing_says_what_came(body: bytes, words: str) -> None:
    """A page, an error or another object in place of the statuses is a ParseError in plain words."""
    posts, requests, error = parsed(answer(body))
    assert (posts, requests) == ([], [])
    assert isinstance(error, ParseError)
    assert words in str(error)


def test_the_end_of_a_listing_is_an_empty_list() -> None:
    """It says of itself that there is nothing more: no post, no request, no error."""
    assert parsed(answer([])) == ([], [], None)


def test_statuses_nested_in_each_other_are_read_one_deep() -> None:
    """A boost of a boost of a boost, 200 deep, costs no stack and is no other exception than a ScraperError."""
    nested = status(1)
    for _ in range(200):
        nested = status(2, reblog=nested)
    assert only(answer([nested]), by=source(boosts=True)).native_id == "2"


# --- laws ----------------------------------------------------------------------------------------------------------

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FULL = status(
    4,
    in_reply_to_id="3",
    in_reply_to_account_id="1",
    media_attachments=[medium(description="alt", meta={"original": {"width": 3, "height": 4}}, remote_url=None)],
    tags=[{"name": "x"}],
    language="fr",
    edited_at="2024-01-05T00:00:00Z",
    spoiler_text="cw",
    reblog=status(3),
    uri=f"{HOST}/4",
)
PATHS = [(key,) for key in FULL] + [("account", key) for key in ACCOUNT] + [("reblog", key) for key in status()]
PATHS += [("media_attachments", 0, key) for key in FULL["media_attachments"][0]]
PATHS += [("media_attachments", 0, "meta", "original"), ("media_attachments", 0, "meta", "original", "width")]
PATHS += [("tags", 0), ("tags", 0, "name")]


@given(path=st.sampled_from(PATHS), value=ANY, upwards=st.booleans())
def test_any_value_anywhere_is_a_post_or_a_recorded_failure(path: tuple[Any, ...], value: Any, upwards: bool) -> None:
    """Whatever a server puts into one field, the other statuses are read and nothing else is raised."""
    odd = json.loads(json.dumps(FULL))
    at = odd
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    page = answer([status(1), odd, status(2)], LISTING + "&min_id=0" * upwards)
    posts, _, error = parsed(page, by=source(boosts=True, replies=True))
    ids = [post.native_id for post in posts]
    assert (ids[0], ids[-1]) == ("1", "2")
    assert len(posts) == 3 or isinstance(error, ParseError) or odd["visibility"] not in ("public", "unlisted")
    for post in posts:
        json.dumps(dataclasses.asdict(post), default=str, ensure_ascii=False).encode()  # holds nothing unstorable


@given(text=st.text(st.characters(codec=None), max_size=60))
def test_plain_texts_arrive_as_they_were_sent(text: str) -> None:
    """A content warning and an alt text lose nothing but space at the ends, halves of characters and NUL."""
    post = only(answer([status(1, spoiler_text=text, media_attachments=[medium(description=text)])]))
    kept = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd").strip()
    assert (post.content_warning or "") == kept
    assert (post.attachments[0].alt or "") == kept


# --- the recorded answers ------------------------------------------------------------------------------------------

#: what each recorded file gives: the posts by default and with replies and boosts, and what the error says
EXPECTED: dict[str, tuple[int, int, str | None]] = {
    "account_lookup.json": (0, 0, None),  # leads to the listing
    "account_lookup_404.json": (0, 0, "Record not found"),
    "account_statuses_limit5_min_id.json": (5, 5, None),
    "account_statuses_limit5_page1.json": (5, 5, None),
    "account_statuses_limit5_page2_max_id.json": (5, 5, None),
    "account_statuses_pinned.json": (1, 1, None),
    "home_timeline_mixed.json": (9, 9, None),  # of 13: two are private, two direct
    "instance_v2.json": (0, 0, "an object with domain"),
    "public_timeline_anonymous.json": (8, 8, None),
    "status_edit_history.json": (0, 0, None),  # two editions of one status, and no post
    "status_edited.json": (1, 1, None),
    "status_media_alt_edited.json": (1, 1, None),
    "status_missing_404.json": (0, 0, "Not Found"),
    "status_reblog.json": (0, 1, "it is a boost"),
    "status_reply_with_mention.json": (0, 1, "it is a reply to another account"),
    "status_reply_with_quote.json": (1, 1, None),  # a thread of one's own
    "status_with_4_images.json": (1, 1, None),
    "status_with_card.json": (1, 1, None),
    "status_with_media_get.json": (1, 1, None),
    "status_with_video.json": (1, 1, None),
    "tag_timeline_hoot.json": (1, 1, None),
    "tag_timeline_past_the_end_empty.json": (0, 0, None),
    "unauthenticated_401.json": (0, 0, "token_env"),
}


def recorded(name: str) -> Capture:
    if not RECORDED.is_dir():
        pytest.skip("../shared is not here: the recorded answers of a Mastodon server are not part of the repository")
    exchange = json.loads((RECORDED / name).read_text("utf-8"))
    told = exchange["response"]
    return answer(told["body"], exchange["request"]["url"], headers=told["headers"], status=told["status"])


def test_every_recorded_answer_is_known_to_these_tests() -> None:
    """A file that is added there gets its line here."""
    if not RECORDED.is_dir():
        pytest.skip("../shared is not here: the recorded answers of a Mastodon server are not part of the repository")
    assert {path.name for path in RECORDED.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_answer_gives_its_posts_or_says_why_not(name: str) -> None:
    """Answers of a real Mastodon 4.6 are read whole, by default and with replies and boosts wanted."""
    capture = recorded(name)
    by_default, with_all, words = EXPECTED[name]
    plain = source(url="http://localhost:3000/@mastodonpy_test")
    posts, _, error = parsed(capture, by=plain)
    assert len(posts) == by_default
    assert (error is None) == (words is None)
    assert words is None or words in str(error)
    everything, _, _ = parsed(capture, by=source(url=plain.options.url, replies=True, boosts=True))
    assert len(everything) == with_all
    for post in posts:
        assert post.published is not None
        assert post.url is not None
        assert post.body


def test_recorded_media_and_edits_are_read() -> None:
    """Addresses, kinds, sizes and the time of an edit, as the server recorded them."""
    pictures = only(recorded("status_with_4_images.json")).attachments
    assert len(pictures) == len({picture.key for picture in pictures}) == 2  # that server kept two of the four
    assert all(picture.url and "/original/" in picture.url and picture.width for picture in pictures)
    film = only(recorded("status_with_video.json")).attachments
    assert [(str(medium.kind), medium.native_id) for medium in film] == [
        ("image", "117020575776246986/poster"),
        ("video", "117020575776246986"),
    ]
    assert only(recorded("status_edited.json")).edited_at is not None
    thread = only(recorded("status_reply_with_quote.json"))
    assert thread.in_reply_to == "117020583129611179"


def test_a_recorded_history_tells_what_was_said_when() -> None:
    """The original first, at the time of its publication, then what it was edited to."""
    (history,) = source(url="http://localhost:3000/@mastodonpy_test").parse(recorded("status_edit_history.json"), None)
    assert isinstance(history, History)
    assert history.native_id == "117020586180926938"
    first, second = history.editions
    assert "VS Code" in first.body
    assert "Kate" in second.body
    assert first.at < second.at


# --- what edited posts said before -----------------------------------------------------------------------------------

HISTORY = f"{HOST}/api/v1/statuses/a%2Fb/history"


def edit(**changes: Any) -> dict[str, Any]:
    return {"content": "<p>Terre</p>", "spoiler_text": "", "created_at": "2024-07-11T09:08:07.654Z"} | changes


def test_an_edited_post_has_a_history_to_ask_for() -> None:
    """Of a post that was never edited nothing is asked; its id is one part of the address, whatever is in it."""
    written = only(answer([status(id="a/b")]))
    assert source().history(written) is None
    request = source(token="secret").history(only(answer([status(id="a/b", edited_at="2024-07-11T09:08:07.654Z")])))
    assert request is not None
    assert (request.url, request.access, request.token) == (HISTORY, Access.API, "secret")


def test_a_history_is_told_in_the_order_of_its_times() -> None:
    """Each edition with its text, warning and pictures, oldest first whatever order the server gives."""
    later = edit(
        content="<p>Lune</p>", created_at="2024-07-12T00:00:00Z", spoiler_text="Nuit", media_attachments=[medium()]
    )
    (history,) = source().parse(answer([later, edit()], HISTORY), None)
    assert isinstance(history, History)
    assert history.key == "m:a/b"
    assert [(item.body, item.content_warning, len(item.attachments)) for item in history.editions] == [
        ("Terre", None, 0),
        ("Lune", "Nuit", 1),
    ]


@pytest.mark.parametrize("wrong", [{}, edit(created_at="yesterday"), edit(content=7), 7, edit(media_attachments=7)])
def test_a_history_with_an_edit_that_cannot_be_read_is_an_error(wrong: object) -> None:
    """The times of the others hang together with its time: nothing is guessed."""
    with pytest.raises(ParseError, match="edit 2 of 2 cannot be read"):
        list(source().parse(answer([edit(), wrong], HISTORY), None))


# --- hashtags ------------------------------------------------------------------------------------------------------

TAGGED = f"{HOST}/api/v1/timelines/tag/%C3%89toile?limit=40"


def tagged(**options: Any) -> Mastodon:
    return Mastodon("m", MastodonOptions(**({"url": f"{HOST}/tags/Étoile"} | options)))


def test_a_hashtag_is_asked_for_as_it_is_written_and_newest_first() -> None:
    """What another server sends late stands where it was written, so no id tells where the new begins."""
    requests = list(tagged(token="t").start(datetime(2024, 1, 1, tzinfo=UTC), after=f"{HOST}/1"))
    assert [(request.url, request.token) for request in requests] == [(TAGGED, "t")]
    assert next(iter(tagged(url=f"{HOST}/tags/%C3%89toile/").start(None))).url == TAGGED


def test_a_post_under_a_hashtag_is_named_the_same_when_the_server_copies_it_again() -> None:
    """The copy has another id then, and its picture, too; its uri and the picture's address there are the same."""
    file = "https://far.example/a.jpg"
    first = status(1, uri="https://far.example/1", media_attachments=[medium(remote_url=file)])
    again = first | {"id": "777", "media_attachments": [medium(id="8", remote_url=file, url=f"{HOST}/other.jpg")]}
    names = [
        (post.native_id, post.attachments[0].key)
        for given in (first, again)
        for post in parsed(answer([given], TAGGED), by=tagged())[0]
    ]
    assert names == [("https://far.example/1", file)] * 2


def test_nothing_under_a_hashtag_is_gone_for_not_being_listed() -> None:
    """A server drops its copies after a while; an account's own server does not."""
    assert (tagged().reach, source().reach) == (Reach.NOTHING, Reach.WINDOW)


def test_a_page_without_a_wanted_author_is_no_fault_and_is_paged_on() -> None:
    """Of a hashtag that many use whole pages may be by others."""
    page = answer([status(3)], TAGGED, link=f'<{TAGGED}&max_id=3>; rel="next"')
    posts, requests, error = parsed(page, by=tagged(authors=["karl@far.example"]))
    assert (posts, [request.url for request in requests], error) == ([], [f"{TAGGED}&max_id=3"], None)
    assert len(parsed(page, by=tagged(authors=["@Helene@social.example"]))[0]) == 1


@pytest.mark.parametrize(
    "options", [{"url": f"{HOST}/@helene", "authors": ["karl"]}, {"url": f"{HOST}/tags/x", "authors": ["not a name"]}]
)
def test_authors_are_handles_and_go_with_a_hashtag(options: dict[str, Any]) -> None:
    """A wrong filter is found when the configuration is read."""
    with pytest.raises(ValidationError):
        MastodonOptions(**options)
