"""What the Bluesky source asks for, takes, leaves out and refuses; the cases by example are its fixtures."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scraper.bluesky.embeds import embedded
from scraper.bluesky.labels import labels_in
from scraper.bluesky.names import key_made_at
from scraper.bluesky.richtext import rich_text
from scraper.capture import Access, Capture, Request
from scraper.contentid import cid_of
from scraper.crawl import crawl
from scraper.errors import FetchError, Gone, ParseError, Refused, ScraperError
from scraper.model import MediaKind, Post
from scraper.replay import Replay
from scraper.sources.bluesky import Bluesky, BlueskyOptions

RECORDED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "bluesky"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "sources" / "bluesky"
DID = "did:plc:" + "a" * 24
OTHER = "did:plc:" + "b" * 24
PDS = "https://pds.example"
API = "https://public.api.bsky.app/xrpc"
FEED = f"{API}/app.bsky.feed.getAuthorFeed?actor={DID}&limit=100&filter=posts_with_replies&includePins=true"
CARRY = json.dumps({"did": DID, "server": PDS, "name": "Hélène"})


def source(**options: Any) -> Bluesky:
    return Bluesky("b", BlueskyOptions(**({"url": "https://bsky.app/profile/helene.example"} | options)))


def uri(rkey: str, did: str = DID, collection: str = "app.bsky.feed.post") -> str:
    return f"at://{did}/{collection}/{rkey}"


def item(number: int = 1, *, did: str = DID, reason: Any = None, seen: str | None = None, **record: Any) -> Any:
    """A post of day ``number`` of January 2024, in a feed."""
    at = f"2024-01-{number:02}T12:00:00.000Z"
    text = {"$type": "app.bsky.feed.post", "text": f"Jour {number}", "createdAt": at}
    post = {"uri": uri(f"3k{number}", did), "author": {"did": did}, "record": text | record, "indexedAt": seen or at}
    return {"post": post} | ({} if reason is None else {"reason": reason})


def answer(body: Any, url: str = FEED, *, carry: str | None = CARRY) -> Capture:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(url=url, access=Access.API, carry=carry)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Capture(
        request=request, url=url, status=200, headers={"content-type": "application/json"}, body=raw, fetched_at=at
    )


def parsed(
    capture: Capture, since: datetime | None = None, by: Bluesky | None = None
) -> tuple[list[Post], list[Request], ScraperError | None]:
    posts: list[Post] = []
    requests: list[Request] = []
    try:
        for found in (by or source()).parse(capture, since):
            (posts if isinstance(found, Post) else requests).append(found)  # type: ignore[arg-type]
    except ScraperError as error:
        return posts, requests, error
    return posts, requests, None


def feed(*items: Any, cursor: object = None, **more: Any) -> tuple[list[Post], list[Request], ScraperError | None]:
    return parsed(answer({"feed": list(items)} | ({} if cursor is None else {"cursor": cursor})), **more)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "https://bsky.app/profile/helene.example"},
        {"url": "https://bsky.app/profile/Helene.Example/"},
        {"url": "https://deer.example/profile/helene.example/post/3k1"},
        {"account": "@helene.example"},
        {"account": "HELENE.example", "url": "https://bsky.app/"},
    ],
)
def test_an_account_is_named_by_its_handle(options: dict[str, str]) -> None:
    """By the profile's address or by the handle, whatever its case."""
    (first,) = Bluesky("b", BlueskyOptions(**options)).start(None)
    assert first.url == f"{API}/app.bsky.actor.getProfile?actor=helene.example"
    assert first.access is Access.API


def test_a_did_needs_no_look_up_of_a_handle() -> None:
    """The account's own server is found by the DID alone; a handle is looked up first."""
    (first,) = source(account=DID, read="repository").start(None)
    assert first.url == f"https://plc.directory/{DID}"
    (first,) = source(url=f"https://bsky.app/profile/{DID.replace(':', '%3A')}", read="repository").start(None)
    assert first.url == f"https://plc.directory/{DID}"
    (first,) = source(account="did:web:port.example%3A8443", read="repository").start(None)
    assert first.url == "https://port.example:8443/.well-known/did.json"
    (first,) = source(read="repository").start(None)
    assert first.url == f"{API}/com.atproto.identity.resolveHandle?handle=helene.example"


@pytest.mark.parametrize(
    "options",
    [
        {"url": "https://bsky.app/"},
        {"url": "https://bsky.app/profile/helene"},
        {"account": "helene"},
        {"account": "did:plc:short"},
        {"account": "did:web:port.example:users:helene"},
        {"account": "did:web:../../etc"},
        {"account": "a" * 250 + ".example"},
        {"account": ""},
        {},
        {"service": "https://host.example/path"},
        {"directory": "ftp://plc.example"},
        {"service": "https://me:secret@host.example"},
        {"filter": "everything"},
        {"read": "firehose"},
    ],
)
def test_what_names_no_account_or_server_is_refused(options: dict[str, str]) -> None:
    """A configuration that cannot work is told before anybody is asked."""
    whole = options if {"url", "account"} & options.keys() or not options else {"account": DID} | options
    with pytest.raises(ValidationError):
        BlueskyOptions(**whole)


def test_a_token_goes_to_the_service_alone() -> None:
    """Neither the directory nor the account's own server gets it, nor does it travel in what is carried."""
    own = source(token="secret")
    (first,) = own.start(None)
    assert first.token == "secret"
    _, (document,), _ = parsed(answer({"did": DID}, first.url, carry=None), by=own)
    assert document.token is None
    service = [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": PDS}]
    _, (listing,), _ = parsed(answer({"id": DID, "service": service}, document.url, carry=document.carry), by=own)
    assert listing.token == "secret"
    assert "secret" not in str(document.carry) + str(listing.carry) + listing.url


def test_native_ids_and_addresses_do_not_change_with_the_handle() -> None:
    """Whatever the account calls itself, key and address are made of the DID and the record's key."""
    first, second = item(), item()
    first["post"]["author"] |= {"handle": "helene.example"}
    second["post"]["author"] |= {"handle": "handle.invalid"}
    ((one,), _, _), ((other,), _, _) = feed(first), feed(second)
    assert one.native_id == other.native_id == f"{DID}/3k1"
    assert one.url == other.url == f"https://bsky.app/profile/{DID}/post/3k1"


@pytest.mark.parametrize(
    ("stated", "seen", "told", "zone_known"),
    [
        ("2024-01-01T12:00:00.000Z", "2024-01-01T12:00:09.000Z", "2024-01-01T12:00:00Z", True),
        ("2031-01-01T12:00:00.000Z", "2024-01-01T12:00:09.000Z", "2024-01-01T12:00:09Z", True),
        ("2016-12-03T13:00:00+01:00", "2024-01-01T12:00:09.000Z", "2016-12-03T12:00:00Z", True),
        ("2023-07-21T01:33:51.4819517", "2024-01-01T12:00:09.000Z", "2023-07-21T01:33:51Z", False),
        ("", "2024-01-01T12:00:09.000Z", "2024-01-01T12:00:09Z", True),
        ("2024-99-99T12:00:00Z", "2024-01-01T12:00:09.000Z", "2024-01-01T12:00:09Z", True),
        ("0001-01-01T00:00:00+23:00", "2024-01-01T12:00:09.000Z", "2024-01-01T12:00:09Z", True),
    ],
)
def test_a_date_is_the_earlier_of_two(stated: str, seen: str, told: str, zone_known: bool) -> None:
    """The client's word counts unless it is of the future; one that is no date leaves the platform's."""
    (post,), _, _ = feed(item(createdAt=stated, seen=seen))
    assert post.published is not None
    assert (str(post.published), post.published.zone_known) == (told, zone_known)


def test_a_page_ends_the_visit_only_if_all_of_it_is_older() -> None:
    """Pinned posts do not count; what is left out does: a page of old replies to others is an old page."""
    since = datetime(2024, 1, 10, tzinfo=UTC)
    pin = {"$type": "app.bsky.feed.defs#reasonPin"}
    repost = {"$type": "app.bsky.feed.defs#reasonRepost", "by": {"did": DID}, "indexedAt": "2024-01-20T00:00:00Z"}
    to_others = {"reply": {name: {"uri": uri("3kx", OTHER)} for name in ("parent", "root")}}

    def goes_on(*items: Any) -> bool:
        return bool(feed(*items, cursor="next", since=since)[1])

    assert not goes_on(item(9), item(8))
    assert goes_on(item(10), item(8))
    assert goes_on(item(8), item(11))
    assert not goes_on(item(20, reason=pin), item(8))
    assert goes_on(item(1, reason=pin), item(11))
    assert not goes_on(item(8, **to_others))
    assert goes_on(item(11, **to_others), item(8))
    assert goes_on(item(8, did=OTHER, reason=repost), item(8)), "a repost stands where it was passed on"
    assert goes_on(), "an empty page says nothing of the next"
    assert goes_on(item(8, createdAt="", seen="?"), item(8)), "an undated post is not older than anything"
    assert goes_on({"post": None}, item(8)), "nor is one that cannot be read"


def test_posts_brought_over_from_elsewhere_do_not_end_a_look_at_a_repository() -> None:
    """A page of old dates under keys of now may stand before what was posted last week; old keys end the visit."""
    since = datetime(2024, 6, 1, tzinfo=UTC)
    own = source(account=DID, read="repository")

    def goes_on(*rkeys: str) -> bool:
        record = {"$type": "app.bsky.feed.post", "text": "…", "createdAt": "2016-12-03T10:00:00Z"}
        records = [{"uri": uri(rkey), "cid": "x", "value": record} for rkey in rkeys]
        url = f"{PDS}/xrpc/com.atproto.repo.listRecords?repo={DID}&collection=app.bsky.feed.post"
        return bool(parsed(answer({"records": records, "cursor": "x"}, url), since, own)[1])

    made_at = key_made_at("3kaheyt6vpc22")  # of a post that states 2023-09-28T12:49:36.735Z
    assert made_at is not None
    assert abs(made_at - datetime(2023, 9, 28, 12, 49, 36, 735_000, tzinfo=UTC)) < timedelta(seconds=5)
    assert not goes_on("3jzfcijpj2z2a", "self", "zzzzzzzzzzzzz")
    assert goes_on("3jzfcijpj2z2a", "3kzzzzzzzzz2a")


@given(st.data())
def test_any_part_of_any_answer_may_be_something_else(data: st.DataObject) -> None:
    """Whatever stands in the place of any value: posts that can be kept, or an error of ours, and no silence."""
    kind, name = data.draw(st.sampled_from([("feed", "page-1"), ("feed", "profile"), ("repository", "page-1")]))
    tree = {"answer": json.loads((FIXTURES / kind / f"{name}.json").read_text("utf-8"))}
    places = list(places_in(tree["answer"], tree, "answer"))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, at = data.draw(st.sampled_from(places))
        holder[at] = data.draw(st.sampled_from(ODD))
    url = f"{API}/app.bsky.actor.getProfile?actor=x" if name == "profile" else FEED
    carry = json.dumps({"did": "did:plc:cupolasyntheticaccount23", "server": PDS})
    posts, requests, error = parsed(answer(tree["answer"], url, carry=carry))
    for post in posts:
        json.dumps(dataclasses.asdict(post), default=str, ensure_ascii=False).encode("utf-8")
    assert posts or requests or error or tree["answer"] in ({"feed": []}, {"records": []}) or "cursor" in tree["answer"]


ODD = [
    *(
        None,
        True,
        -1,
        10**400,
        1e308,
        "",
        " ",
        "x" * 3000,
        "\u0000",
        "\ud800",
        "at://",
        "//x.example/y",
        "../..",
        "did:plc:x",
    ),
    *([], {}, [[]], [None], {"$link": 7}, {"$type": "app.bsky.embed.video"}, {"uri": None}, "2024-02-30T25:00:00Z"),
]


def places_in(value: Any, holder: Any, at: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as what holds it and where in it."""
    yield holder, at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places_in(part, value, name)


def test_a_thread_of_one_s_own_is_kept_and_linked_wherever_it_began() -> None:
    """Parent and root are one's own: kept; a thread under another's post is a conversation, and an option."""

    def reply(parent: str, root: str) -> dict[str, Any]:
        return {"reply": {"parent": {"uri": parent}, "root": {"uri": root}}}

    own = item(3, **reply(uri("3k2"), uri("3k1")))
    below = item(4, **reply(uri("3k3"), uri("3kx", OTHER)))
    answered = item(5, **reply(uri("3ky", OTHER), uri("3k1")))
    posts, _, error = feed(own, below, answered)
    assert error is None
    assert [(post.native_id, post.in_reply_to) for post in posts] == [(f"{DID}/3k3", f"{DID}/3k2")]
    posts, _, error = feed(own, below, answered, by=source(replies=True))
    assert [post.in_reply_to for post in posts] == [f"{DID}/3k2", f"{DID}/3k3", None]


def test_another_account_s_post_is_a_fault_unless_it_was_passed_on() -> None:
    """A server that mixes accounts is not believed; a pinned post of another's is left out in silence, as a repost."""
    pin = {"$type": "app.bsky.feed.defs#reasonPin"}
    posts, _, error = feed(item(1), item(2, did=OTHER))
    assert len(posts) == 1
    assert OTHER in str(error)
    assert feed(item(2, did=OTHER, reason=pin)) == ([], [], None)


def test_cursors_that_lead_nowhere_end_the_visit() -> None:
    """A cursor that is no text is told; a loop of cursors ends, and the same page for ever is told."""
    for cursor in ("", 7, [], {}, True):
        posts, requests, error = feed(item(1), cursor=cursor)
        assert (len(posts), requests) == (1, [])
        assert "cursor" in str(error)
    pages = {"": "a", "a": "b", "b": "a"}

    def fetch(request: Request) -> Capture:
        if "getProfile" in request.url:
            return answer({"did": DID}, request.url, carry=request.carry)
        if "plc.directory" in request.url:
            service = [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": PDS}]
            return answer({"id": DID, "service": service}, request.url, carry=request.carry)
        at = request.url.partition("cursor=")[2]
        body = {"feed": [item(1 + len(at) + (at == "b"))], "cursor": pages[at]}
        return answer(body, request.url, carry=request.carry)

    found = list(crawl(source(), fetch, max_requests=20))
    assert len(found) == 5
    assert not any(page.failure for page in found)


def test_a_picture_s_original_comes_first_and_its_copies_after_it() -> None:
    """The blob on the account's own server, then what the AppView made of it; the ratio is no size."""
    cid = cid_of(hashlib.sha256(b"x").digest())
    blob = {"$type": "blob", "ref": {"$link": cid}, "mimeType": "image/jpeg", "size": 99}
    image = {"image": blob, "alt": " Quai / Quay ", "aspectRatio": {"width": 4, "height": 3}}
    given = item(embed={"$type": "app.bsky.embed.images", "images": [image]})
    shown = {"thumb": f"https://cdn.example/t/{cid}@jpeg", "fullsize": f"https://cdn.example/f/{cid}", "alt": "x"}
    given["post"]["embed"] = {"$type": "app.bsky.embed.images#view", "images": [shown]}
    (post,), _, _ = feed(given)
    (picture,) = post.attachments
    assert picture.url == f"{PDS}/xrpc/com.atproto.sync.getBlob?did={DID}&cid={cid}"
    assert picture.alternatives == (f"https://cdn.example/f/{cid}", f"https://cdn.example/t/{cid}@jpeg")
    assert (picture.alt, picture.width, picture.height, picture.size) == ("Quai / Quay", None, None, 99)
    assert picture.native_id == cid


def test_the_two_trees_of_an_embed_are_joined_by_cid_and_not_by_place() -> None:
    """An AppView that leaves a picture out, or orders them anew, does not give one the other's address."""
    cids = [cid_of(hashlib.sha256(name).digest()) for name in (b"a", b"b", b"c")]
    images = [{"image": {"ref": {"$link": cid}}, "alt": str(at)} for at, cid in enumerate(cids)]
    shown = [{"fullsize": f"https://cdn.example/f/{cid}@jpeg"} for cid in (cids[2], cids[0])]
    found = embedded({"$type": "app.bsky.embed.images", "images": images}, {"images": shown}, None).attachments
    assert [medium.url for medium in found] == [shown[1]["fullsize"], None, shown[0]["fullsize"]]
    assert [medium.alt for medium in found] == ["0", "1", "2"]


def test_an_embed_that_nobody_knew_of_is_recorded_as_a_medium_of_unknown_kind() -> None:
    """What a later version of the protocol embeds is not passed over in silence."""
    (post,), _, error = feed(item(embed={"$type": "app.bsky.embed.hologram", "beam": 1}))
    assert error is None
    assert [(medium.kind, medium.native_id) for medium in post.attachments] == [
        (MediaKind.UNKNOWN, "app.bsky.embed.hologram")
    ]
    nested: Any = {"$type": "app.bsky.embed.images", "images": []}
    for _ in range(50):
        nested = {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": uri("3kq")}}, "media": nested}
    (post,), _, error = feed(item(embed=nested))
    assert [medium.native_id for medium in post.attachments] == ["app.bsky.embed.recordWithMedia"]


TEXT = "🚀 Été : voir example.org/a-lo… et #Marée, 日本"


@pytest.mark.parametrize(
    ("start", "end", "uri", "body"),
    [
        (
            18,
            37,
            "https://example.org/a-long-way?x=1",
            TEXT.replace("example.org/a-lo…", "https://example.org/a-long-way?x=1"),
        ),
        (18, 38, "https://example.org/a-long-way", TEXT),  # with the space behind it, it is no shortened address
        (18, 37, "https://elsewhere.example/a-long-way", TEXT),
        (18, 37, "javascript:example.org/a-long-way", TEXT),
        (0, 3, "https://example.org/", TEXT),  # within an emoji
        (-1, 4, "https://example.org/", TEXT),
        (18, 9999, "https://example.org/a-long", TEXT),
        (37, 18, "https://example.org/a-long", TEXT),
        (18, 18, "https://example.org/a-long", TEXT),
    ],
)
def test_a_facet_counts_bytes_and_one_with_wrong_bounds_is_dropped(start: int, end: int, uri: str, body: str) -> None:
    """Emoji and accents before a link do not move it; only a link that was shortened is written out."""
    assert TEXT.encode()[18:37].decode() == "example.org/a-lo…"
    link = {"$type": "app.bsky.richtext.facet#link", "uri": uri}
    assert rich_text(TEXT, [{"index": {"byteStart": start, "byteEnd": end}, "features": [link]}]).body == body


def test_of_facets_that_lie_over_each_other_the_first_counts() -> None:
    """In the order of the text, whatever their order in the list."""
    short = "a.example/1… b.example/2…"

    def link(start: int, end: int, to: str) -> dict[str, Any]:
        return {
            "index": {"byteStart": start, "byteEnd": end},
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": to}],
        }

    facets = [
        link(15, 29, "https://b.example/22"),
        link(10, 20, "https://no.example/"),
        link(0, 14, "https://a.example/11"),
    ]
    assert rich_text(short, facets).body == "https://a.example/11 https://b.example/22"


@given(
    st.text(max_size=40),
    st.lists(
        st.fixed_dictionaries(
            {
                "index": st.fixed_dictionaries({"byteStart": st.integers(-5, 99), "byteEnd": st.integers(-5, 99)}),
                "features": st.lists(
                    st.sampled_from(
                        [
                            {"$type": "app.bsky.richtext.facet#tag", "tag": "x"},
                            {"$type": "app.bsky.richtext.facet#mention", "did": DID},
                            None,
                            {"$type": 7},
                        ]
                    )
                ),
            }
        ),
        max_size=8,
    ),
)
def test_facets_without_links_leave_the_text_as_it_is(text: str, facets: list[Any]) -> None:
    """Wherever their bounds lie, nothing is lost, doubled or broken."""
    assert rich_text(text, facets).body == text.encode("utf-8", "replace").decode()


def test_a_card_s_address_stands_below_the_text_unless_it_is_in_it() -> None:
    """A client takes the address out of the text when it shows a card: without it the post would say less."""
    card = {"$type": "app.bsky.embed.external", "external": {"uri": "https://journal.example/port", "title": "Port"}}
    (post,), _, _ = feed(item(embed=card, text="À lire"))
    assert post.body == "À lire\n\nhttps://journal.example/port"
    (post,), _, _ = feed(item(embed=card, text="À lire : https://journal.example/port"))
    assert post.body == "À lire : https://journal.example/port"
    (post,), _, _ = feed(item(embed=card, text=""))
    assert post.body == "https://journal.example/port"


def test_a_label_counts_until_who_gave_it_takes_it_back() -> None:
    """Another's word does not take back one's own."""
    given = [{"src": "x", "val": "porn"}, {"src": "x", "val": "porn", "neg": True}, {"src": "y", "val": "nudity"}]
    assert labels_in(given, {"values": [{"val": "gore"}]}) == ("gore", "nudity")
    assert labels_in(given, [{"src": "z", "val": "nudity", "neg": True}]) == ("nudity",)
    assert labels_in(None, 7, {"values": 7}, [None, {"val": "NO SUCH label"}]) == ()


def test_the_account_s_wishes_hold_for_each_of_its_posts_and_for_nobody_else_s() -> None:
    """What the profile asks travels to the listing; a repost has the wishes of who wrote it."""
    own = source(reposts=True)
    (first,) = own.start(None)
    profile = {"did": DID, "description": "#nobot", "labels": [{"src": DID, "val": "!no-unauthenticated"}]}
    _, (document,), _ = parsed(answer(profile, first.url, carry=None), by=own)
    repost = {"$type": "app.bsky.feed.defs#reasonRepost", "by": {"did": DID}, "indexedAt": "2024-01-20T00:00:00Z"}
    body = {"feed": [item(1), item(2, did=OTHER, reason=repost)]}
    posts, _, _ = parsed(answer(body, carry=document.carry), by=own)
    assert [post.opt_outs for post in posts] == [("!no-unauthenticated", "nobot"), ()]


@pytest.mark.parametrize("body", [{"feed": None}, {"feed": {}}, {"feed": "x"}, {"records": None}, {"posts": 7}, []])
def test_a_page_without_its_list_is_an_error(body: object) -> None:
    """That nothing was posted is said by an empty list, and by nothing else."""
    posts, requests, error = parsed(answer(body))
    assert (posts, requests) == ([], [])
    assert isinstance(error, ParseError)
    assert parsed(answer({"feed": []})) == ([], [], None)


def test_json_of_any_depth_is_an_error_or_read() -> None:
    """A hundred thousand brackets, bare or in a post, end in no other error than ours."""
    deep = b"[" * 100_000 + b"]" * 100_000
    nested = json.dumps({"feed": [item()]}).encode().replace(b'"Jour 1"', b'"Jour 1", "embed": ' + deep)
    for body in (deep, nested):
        assert isinstance(parsed(answer(body))[2], ParseError)


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        (f"{API}/app.bsky.actor.getProfile?actor=x", 400, "no account helene.example"),
        (f"{API}/com.atproto.identity.resolveHandle?handle=x", 400, "nobody has the handle helene.example"),
        (FEED, 400, "deactivated"),
        (f"{PDS}/xrpc/com.atproto.repo.listRecords?repo=x", 400, "no repository of helene.example"),
    ],
)
def test_an_account_that_is_not_there_is_told_in_words(url: str, status: int, words: str) -> None:
    """The services say 400 to all that they do not know."""
    told = source().explain(FetchError("400", url=url, retriable=False, status=status))
    assert isinstance(told, Gone)
    assert words in str(told)
    busy = FetchError("503", url=url, retriable=True, status=503)
    assert source().explain(busy) is busy
    assert "no document" in str(source().explain(Gone("x", url=f"https://plc.directory/{DID}", status=404)))


def test_the_document_of_another_is_not_believed() -> None:
    """Who answers for another's DID could give another's posts out as the account's."""
    (asked,) = source(account=DID).start(None)
    _, requests, error = parsed(answer({"did": OTHER}, asked.url, carry=None), by=source(account=DID))
    assert requests == []
    assert OTHER in str(error)
    (first,) = source(account=DID, read="repository").start(None)
    service = [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": PDS}]
    _, requests, error = parsed(answer({"id": OTHER, "service": service}, first.url, carry=first.carry))
    assert requests == []
    assert OTHER in str(error)


@pytest.mark.parametrize("error", ["AuthMissing", "ExpiredToken", "AuthenticationRequired"])
def test_an_error_that_wants_a_login_is_a_refusal(error: str) -> None:
    """It is told apart from an answer that was not understood."""
    assert isinstance(parsed(answer({"error": error, "message": "no"}))[2], Refused)


def test_since_loses_nothing_when_the_listing_shifts_between_two_pages() -> None:
    """What comes twice because new posts pushed it on is one post, and nothing else is passed over."""
    days = [item(number) for number in range(20, 0, -1)]
    answers = {
        f"{API}/app.bsky.actor.getProfile?actor=helene.example": {"did": DID},
        f"https://plc.directory/{DID}": {
            "id": DID,
            "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": PDS}],
        },
        FEED: {"feed": days[:8], "cursor": "8"},
        f"{FEED}&cursor=8": {"feed": days[6:15], "cursor": "15"},
        f"{FEED}&cursor=15": {"feed": days[15:]},
    }
    replay = Replay([answer(body, url, carry=None) for url, body in answers.items()])
    for day in range(1, 21):
        since = datetime(2024, 1, day, tzinfo=UTC) + timedelta(hours=12)
        found = {post.native_id for page in crawl(source(), replay.fetch, since=since) for post in page.posts}
        assert {f"{DID}/3k{number}" for number in range(day, 21)} <= found


NAMES = {
    "author_feed_snapshot_pinned.json": "parsed",
    "author_feed_snapshot_reply_images_facets.json": "parsed",
    "author_feed_snapshot_repost_recordwithmedia.json": "parsed",
    "did_doc.json": "expected posts or an account",
    "extended_post_record.json": "parsed",
    "feed_record.json": "it is no post but app.bsky.feed.generator",
    "granary_note.bsky.json": "parsed",
    "granary_note_mastodon_with_video.bsky-from-as.json": "expected posts or an account",
    "granary_note_with_article_tag_indices.bsky.json": "expected posts or an account",
    "granary_quote_and_image.bsky.json": "its address is ''",
    "granary_repost.bsky.json": "it is a repost, and the option reposts is off",
    "post_record.json": "parsed",
    "post_thread_record_with_media.json": "parsed",
    "resolve_handle.json": "asks on",
}


def named(text: str) -> str:
    """A snapshot with names in the place of its placeholders; a record is of the account whose post it stands in."""
    text = re.sub(r"user\((\d)\)", lambda found: "did:plc:" + "bcdefghi"[int(found[1])] * 24, text)
    text = re.sub(r"cids\((\d+)\)", lambda found: cid_of(hashlib.sha256(found[0].encode()).digest()), text)

    def with_uris(value: Any) -> Any:
        if isinstance(value, list):
            return [with_uris(part) for part in value]
        if not isinstance(value, dict):
            return value
        value = {name: with_uris(part) for name, part in value.items()}
        if str(value.get("uri", "")).startswith("record("):
            did = value["author"]["did"] if "author" in value else "did:plc:" + "z" * 24
            value["uri"] = uri(re.sub(r"\D", "", value["uri"]), did)
        return value

    return json.dumps(with_uris(json.loads(text)))


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
def test_recorded_answers_are_read_or_refused_as_documented() -> None:
    """Each file that others recorded or made is parsed, or refused with the reason that is expected."""
    assert {path.name for path in RECORDED.glob("*.json")} == set(NAMES)
    for name, outcome in NAMES.items():
        body = named((RECORDED / name).read_text("utf-8")).encode()
        url = f"{API}/com.atproto.identity.resolveHandle?handle=x" if name.startswith("resolve") else FEED
        posts, requests, error = parsed(answer(body, url, carry=None))
        if outcome == "parsed":
            assert (bool(posts), error) == (True, None), name
        elif outcome == "asks on":
            assert [request.url for request in requests] == ["https://plc.directory/did:plc:z72i7hdynmk6r22z27h6tvur"]
        else:
            assert posts == [], name
            assert outcome in str(error), name
