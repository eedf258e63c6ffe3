"""What becomes of each recorded answer beside the project (../shared/fixtures), file by file; skipped without them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scraper import registry
from scraper.answers import error_for, played_back
from scraper.capture import Capture, Request
from scraper.errors import FetchError, ScraperError
from scraper.imports import tweets
from scraper.imports.bundle import Bundle
from scraper.imports.records import Item, LeftOut, NotReadable
from scraper.model import History, Post
from scraper.source import Source

RECORDED = Path(__file__).parents[2].parent / "shared" / "fixtures"
AT = datetime(2026, 8, 15, tzinfo=UTC)
KINDS = {"bluesky": "bluesky", "flickr": "flickr", "mastodon": "mastodon", "rss": "feed", "wayback": "wayback"}
OPTIONS: dict[str, dict[str, Any]] = {
    "bluesky": {"url": "https://bsky.app/profile/someone.example", "reposts": True, "replies": True},
    "flickr": {"url": "https://www.flickr.com/photos/34427469121@N01/", "key_env": "FLICKR_KEY"},
    "mastodon": {"url": "http://localhost:3000/@mastodonpy_test", "boosts": True, "replies": True},
    "feed": {"url": "https://feed.example/feed.xml"},
    "wayback": {"url": "http://cnn.com/", "as": "feed"},
    "wordpress": {"url": "https://blog.example/"},
}
#: where a file that holds a body alone would have come from
ADDRESSES = {
    "bluesky": "https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?limit=100",
    "bluesky/resolve_handle.json": "https://public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle?handle=x",
    "rss": "https://feed.example/feed.xml",
    "wordpress": "https://blog.example/wp-json/wp/v2/posts?_embed=1",
    "wordpress/media-193.json": "https://blog.example/wp-json/wp/v2/media/193",
    "wordpress/media-581.json": "https://blog.example/wp-json/wp/v2/media/581",
}
EXPECTED = {
    "bluesky/author_feed_snapshot_pinned.json": "7 post",
    "bluesky/author_feed_snapshot_reply_images_facets.json": "4 post",
    "bluesky/author_feed_snapshot_repost_recordwithmedia.json": "3 post",
    "bluesky/did_doc.json": "ParseError: …expected posts or an account…",
    "bluesky/extended_post_record.json": "1 post",
    "bluesky/feed_record.json": "ParseError: …is no post but app.bsky.feed.generator…",
    "bluesky/granary_note.bsky.json": "1 post",
    "bluesky/granary_note_mastodon_with_video.bsky-from-as.json": "ParseError: …expected posts or an account…",
    "bluesky/granary_note_with_article_tag_indices.bsky.json": "ParseError: …expected posts or an account…",
    "bluesky/granary_quote_and_image.bsky.json": "ParseError: …no at://did/collection/key…",
    "bluesky/granary_repost.bsky.json": "1 post",
    "bluesky/post_record.json": "1 post",
    "bluesky/post_thread_record_with_media.json": "1 post",
    "bluesky/resolve_handle.json": "1 request",
    "flickr/json_a_people_findByUsername_1.json": "1 request",
    "flickr/json_a_people_getInfo_1.json": "1 request",
    "flickr/json_a_people_getPublicPhotos_1.json": "29 post",
    "flickr/json_a_photos_getInfo_1.json": "1 post",
    "flickr/json_a_photos_getInfo_2.json": "1 post",
    "flickr/json_a_photos_getSizes_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/json_a_photos_getSizes_2.json": "ParseError: …these are the sizes of a photo…",
    "flickr/json_b_people_findByUsername_1.json": "1 request",
    "flickr/json_b_people_getInfo_1.json": "1 request",
    "flickr/json_b_people_getInfo_2.json": "1 request",
    "flickr/json_b_people_getPublicPhotos_1.json": "12 post",
    "flickr/json_b_people_getPublicPhotos_2.json": "98 post",
    "flickr/json_b_photos_getInfo_1.json": "1 post",
    "flickr/json_b_photos_getInfo_2.json": "1 post",
    "flickr/json_b_photos_getSizes_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/json_b_photos_getSizes_2.json": "ParseError: …these are the sizes of a photo…",
    "flickr/xml_error_201_transient_0.json": "FetchError: …code 201); ask again later…",
    "flickr/xml_image_not_found_0.json": "Gone: …answered 404…",
    "flickr/xml_licenses_getInfo_0.json": "ParseError: …licenses, _content…",
    "flickr/xml_photo_date_taken_granularity_0.json": "1 post",
    "flickr/xml_photo_date_taken_granularity_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/xml_photo_date_taken_unknown_0.json": "1 post",
    "flickr/xml_photo_date_taken_unknown_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/xml_photo_description_html.json": "1 post",
    "flickr/xml_photo_description_plain_0.json": "1 post",
    "flickr/xml_photo_description_plain_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/xml_photo_getInfo_getSizes_jpg_0.json": "1 post",
    "flickr/xml_photo_getInfo_getSizes_jpg_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/xml_photo_not_found_error_0.json": "Gone: …(code 1)…",
    "flickr/xml_photo_video_0.json": "1 post",
    "flickr/xml_photo_video_1.json": "ParseError: …these are the sizes of a photo…",
    "flickr/xml_private_photo_error_0.json": "Gone: …(code 1)…",
    "flickr/xml_public_photos_by_user_0.json": "1 request",
    "flickr/xml_public_photos_by_user_1.json": "1 request",
    "flickr/xml_public_photos_by_user_2.json": "10 post; 1 request",
    "flickr/xml_public_photos_by_user_3.json": "ParseError: …licenses, _content…",
    "flickr/xml_user_by_url_0.json": "1 request",
    "mastodon/account_lookup.json": "1 request",
    "mastodon/account_lookup_404.json": "Gone: …answered 404…",
    "mastodon/account_statuses_limit5_min_id.json": "5 post; 1 request",
    "mastodon/account_statuses_limit5_page1.json": "5 post; 1 request",
    "mastodon/account_statuses_limit5_page2_max_id.json": "5 post; 1 request",
    "mastodon/account_statuses_pinned.json": "1 post",
    "mastodon/home_timeline_mixed.json": "9 post; 1 request",
    "mastodon/instance_v2.json": "ParseError: …expected statuses or an account…",
    "mastodon/public_timeline_anonymous.json": "8 post; 1 request",
    "mastodon/status_edit_history.json": "1 history",
    "mastodon/status_edited.json": "1 post",
    "mastodon/status_media_alt_edited.json": "1 post",
    "mastodon/status_missing_404.json": "Gone: …answered 404…",
    "mastodon/status_reblog.json": "1 post",
    "mastodon/status_reply_with_mention.json": "1 post",
    "mastodon/status_reply_with_quote.json": "1 post",
    "mastodon/status_with_4_images.json": "1 post",
    "mastodon/status_with_card.json": "1 post",
    "mastodon/status_with_media_get.json": "1 post",
    "mastodon/status_with_video.json": "1 post",
    "mastodon/tag_timeline_hoot.json": "1 post; 1 request",
    "mastodon/tag_timeline_past_the_end_empty.json": "nothing",
    "mastodon/unauthenticated_401.json": "Refused: …answers only with a read token…",
    "rss/feedparser_atom_link_rel_enclosure.xml": "ParseError: …none of its 1 entries has…",
    "rss/feedparser_headers_etag.xml": "nothing",
    "rss/feedparser_item_enclosure_multiple.xml": "1 post",
    "rss/feedparser_media_group.xml": "1 post",
    "rss/feedparser_media_thumbnail.xml": "1 post",
    "rss/gofeed_item_media.xml": "1 post",
    "rss/granary_feed_with_audio_video.rss.xml": "2 post",
    "rss/granary_feed_with_note.rss.xml": "1 post",
    "rss/miniflux_no_encoding_ISO-8859-1.xml": "9 post",
    "rss/miniflux_rdf_UTF8.xml": "60 post",
    "rss/miniflux_small_atom.xml": "20 post",
    "twitter/archive_account.js": "NotReadable: …this is the account.js of an archive…",
    "twitter/twitter_to_sqlite_tests_tweets.json": "3 post",
    "wayback/get_memento_raises_when_memento_is_outside_target_window_0.json": "ParseError: …gives one of 2017-11-24…",
    "wayback/get_memento_works_on_archived_rate_limit_responses_0.json": "FetchError: …its site answered 429…",
    "wayback/search_0.json": "1 request",
    "wayback/search_does_not_repeat_results_0.json": "6 request",
    "wayback/search_multipage_0.json": "1 request",
    "wayback/search_multipage_1.json": "1 request",
    "wayback/search_raises_for_blocked_urls_0.json": "Refused: …blocked at its owner's wish…",
    "wayback/search_rate_limits_0.json": "ParseError: …(CDX) cannot be read…",
    "wayback/search_rate_limits_1.json": "ParseError: …(CDX) cannot be read…",
    "wayback/search_with_filter_0.json": "1 request",
    "wayback/search_with_filter_1.json": "1 request",
    "wordpress/headstartwp_posts_2.json": "2 post",
    "wordpress/media-193.json": "ParseError: …expected posts of WordPress' REST API…",
    "wordpress/media-581.json": "ParseError: …expected posts of WordPress' REST API…",
    "wordpress/post-60.json": "1 post",
}


def source(kind: str) -> Source[Any]:
    made = registry.kind(kind)
    return registry.made(kind, "recorded", made.options_type.model_validate(OPTIONS[kind]))


def recorded(name: str) -> Capture:
    """The answer: of a recorded exchange as it was, of a body alone with status 200."""
    raw = (RECORDED / name).read_bytes()
    given = json.loads(raw) if name.endswith(".json") else None
    if isinstance(given, dict) and "response" in given:
        answer, url = given["response"], given["request"]["url"]
        body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
        headers = {key.lower(): str(value) for key, value in answer["headers"].items()}
        status, final = answer["status"], headers.get("location", url)
        raw = body.encode()
        if "location" in headers:  # the client follows; there the Archive says of what time its nearest capture is
            headers = {"memento-datetime": "as its address says"}
    else:
        url = final = ADDRESSES.get(name) or ADDRESSES[name.partition("/")[0]]
        raw, status, headers = filled_in(raw), 200, {}
    return Capture(request=Request(url=url), url=final, status=status, headers=headers, body=raw, fetched_at=AT)


def filled_in(raw: bytes) -> bytes:
    """A snapshot of the AT Protocol's own tests with names in the place of its placeholders: record(0), user(0)."""
    text = re.sub(rb"user\(\d\)", lambda found: b"did:plc:" + b"bcdefghi"[found[0][5] - 48 :][:1] * 24, raw)
    if text == raw:
        return raw

    def with_addresses(value: Any) -> Any:
        if isinstance(value, list):
            return [with_addresses(part) for part in value]
        if not isinstance(value, dict):
            return value
        value = {name: with_addresses(part) for name, part in value.items()}
        if str(value.get("uri", "")).startswith("record("):
            did = value["author"]["did"] if "author" in value else "did:plc:" + "z" * 24
            value["uri"] = f"at://{did}/app.bsky.feed.post/3k{value['uri'][7:-1]:a>11}"
        return value

    return json.dumps(with_addresses(json.loads(text))).encode()


def is_told(expected: str, said: str) -> bool:
    """Whether an outcome is what the table says, where … stands for any words."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), said, re.DOTALL) is not None


def told(items: Iterator[object]) -> str:
    """What was given, in words; the kind of error that ended it, and how it begins."""
    counts = {"post": 0, "history": 0, "left out": 0, "request": 0}
    failure = ""
    try:
        for item in items:
            match item:
                case Post() | Item():
                    counts["post"] += 1
                case History():
                    counts["history"] += 1
                case LeftOut():
                    counts["left out"] += 1
                case Request():
                    counts["request"] += 1
                case other:
                    failure = type(other).__name__
    except (ScraperError, NotReadable) as error:
        failure = f"{type(error).__name__}: {error}"
    said = [f"{count} {word}" for word, count in counts.items() if count]
    return "; ".join([*said, failure] if failure else said) or "nothing"


def outcome(name: str) -> str:
    """What becomes of a file, by the same steps as in a visit."""
    folder = name.partition("/")[0]
    if folder == "twitter":
        with Bundle(RECORDED / name) as bundle:
            return told(tweets.read(bundle, tweets.Wish(source_id="t", retweets=True, replies=True)))
    kind = KINDS.get(folder, folder)
    answer, read = recorded(name), source(kind)
    if answer.status >= 400:
        error = played_back(answer.status, answer.headers, name=answer.url)
        if error is None:
            error = error_for(answer.request, answer.status, name=answer.url, said=answer.text[:300])
        explained = read.explain(error)
        assert isinstance(explained, FetchError)
        return f"{type(explained).__name__}: {explained}"
    return told(iter(read.parse(answer, None)))


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
def test_every_recorded_file_is_read_or_refused_as_the_table_says() -> None:
    """Each file once: how many posts and further requests it gives, or which error says why not."""
    found = {str(path.relative_to(RECORDED)): "" for path in RECORDED.rglob("*") if path.is_file()}
    found.pop("README.md")
    found = {name: outcome(name) for name in sorted(found)}
    wrong = {name: said for name, said in found.items() if not is_told(EXPECTED.get(name, "no such file"), said)}
    assert not wrong
    assert set(found) == set(EXPECTED)
