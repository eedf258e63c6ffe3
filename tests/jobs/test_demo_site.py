"""The demo mission: its data, its pictures and the site that serves both; all of it synthetic."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from jobs.config import parse
from jobs.demo.content import Fault, Medium
from jobs.demo.mission import DemoMission, config_text, load
from jobs.demo.pages import gallery_paths
from jobs.demo.pictures import SCENES, Drawing, painted, reduced
from jobs.demo.site import DemoSite
from jobs.demo.timeline import marked_up, media_paths
from scraper.client import PoliteClient
from scraper.crawl import crawl
from scraper.media import take
from scraper.model import Lang, MediaState, Post, captions_of
from scraper.registry import kinds
from scraper.settings import HttpSettings
from scraper.text.captions import split
from storage.blobs import Blobs

DEMO = load()
ONE_LANGUAGE = {"ecole", "carnet", "patagonia", "saint-patrick", "heure-d-ete", "fil-fr", "fil-en", "sans-paroles"}
LOOK_UP = "/api/v1/accounts/lookup?acct=camille"
LISTING = f"/api/v1/accounts/{DEMO.account.id}/statuses"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Got:
    """One answer: status, headers, body."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, method: str = "GET") -> None:
        try:
            with _OPENER.open(urllib.request.Request(url, headers=headers or {}, method=method), timeout=10) as answer:
                self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                self.status, self.headers, self.body = error.code, error.headers, error.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def link(self, relation: str) -> str | None:
        found = re.search(rf'<([^>]+)>; rel="{relation}"', self.headers.get("Link") or "")
        return found[1] if found else None


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite() as running:
        yield running


def media_of(demo: DemoMission) -> list[tuple[Medium, tuple[str, str]]]:
    """Every medium of the posts that belong in an archive, with its large and its small path."""
    found = [(one.medium, gallery_paths(one)) for one in (demo.page, *demo.gallery)]
    for status in demo.timeline:
        if not status.by_others:
            found += [(medium, media_paths(status, n)) for n, medium in enumerate(status.media)]
    return found


def test_the_mission_has_some_sixty_posts_with_ids_of_their_own_inside_its_six_months() -> None:
    """Ids are unique, every date lies within the mission, and the boost and the reply are not expected."""
    ids = [picture.id for picture in DEMO.gallery] + [status.id for status in DEMO.timeline]
    assert len(set(ids)) == len(ids)
    assert 55 <= len(DEMO.expected_keys) <= 70
    days = [picture.taken for picture in DEMO.gallery] + [status.at.date() for status in DEMO.timeline]
    assert all(DEMO.mission.covers(day) for day in days)
    assert Counter(status.by_others for status in DEMO.timeline)[True] == 2


def test_every_gallery_caption_ends_with_a_credit_line_of_its_own_day() -> None:
    """The last line names the astronaut, the mission and the day, day first."""
    for picture in DEMO.gallery:
        *lines, credit = picture.caption.split("\n")
        assert credit == f"Camille Verdier, Aurore mission image {picture.taken:%d/%m/%Y}"
        assert any(re.fullmatch("«\u00a0.+\u00a0»", line) for line in lines)


def test_the_data_holds_the_cases_that_an_archive_must_bear() -> None:
    """A pinned post, an edit, a warning, a thread, missing alt texts, four pictures, none, a video, no text."""
    statuses = [status for status in DEMO.timeline if not status.by_others]
    oldest = min(statuses, key=lambda status: status.at)
    assert [status for status in statuses if status.pinned] == [oldest]
    assert [status.name for status in statuses if status.edited_at] == ["crepes"]
    assert [status.name for status in statuses if status.warning] == ["galette"]
    assert DEMO.status("fil-en").in_reply_to == DEMO.status("fil-fr").id
    assert {len(status.media) for status in statuses} == {0, 1, 2, 4}
    assert any(medium.alt is None for status in statuses for medium in status.media)
    assert [status.name for status in statuses if not status.text] == ["sans-paroles"]
    assert {status.language for status in statuses} == {"fr", "en", "es", None}
    everything = "\n".join(status.text for status in statuses)
    assert all(mark in everything for mark in ("\u00a0", "\u202f", "’", "'", "“", '"', "🇫🇷", ":wave:", "&", "<"))


def test_a_picture_is_painted_alike_in_every_process() -> None:
    """The bytes of one picture a scene are those that another interpreter paints."""
    code = """
import hashlib, json
from jobs.demo.pictures import SCENES, Drawing, painted
drawings = [Drawing(scene=scene, seed=3, size=(240, 160)) for scene in SCENES]
print(json.dumps([hashlib.sha256(painted(drawing)).hexdigest() for drawing in drawings]))
"""
    root = Path(__file__).parents[2]
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root, text=True)
    here = [painted(Drawing(scene=scene, seed=3, size=(240, 160))) for scene in SCENES]
    assert json.loads(there.stdout) == [hashlib.sha256(data).hexdigest() for data in here]
    assert len(set(here)) == len(SCENES)


def test_the_seed_and_the_scene_decide_what_is_painted() -> None:
    """Another seed is another picture; a scene that does not exist is refused by name."""
    first, second = (painted(Drawing(scene="dunes", seed=seed, size=(240, 160))) for seed in (1, 2))
    assert first != second
    with pytest.raises(ValueError, match="no scene is called 'ocean'"):
        Drawing(scene="ocean", seed=1)


def test_pictures_are_of_a_handy_size_and_some_carry_when_they_were_taken() -> None:
    """Every picture has the size that the data says, weighs 10 to 200 KB, and says in EXIF when it was taken."""
    dated = 0
    for medium, _ in media_of(DEMO):
        data = painted(medium.drawing)
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == medium.drawing.size
            assert min(image.size) >= 400
            taken = image.getexif().get_ifd(0x8769).get(0x9003)
        assert 10_000 < len(data) < 200_000
        if medium.drawing.taken is not None:
            dated += 1
            assert taken == medium.drawing.taken.strftime("%Y:%m:%d %H:%M:%S")
    assert dated >= 5


def test_every_picture_decodes_but_the_one_that_is_planned_to_fail(site: DemoSite) -> None:
    """Large and small files are whole pictures, but for the planned faults, each as it is described."""
    for medium, (large, small) in media_of(DEMO):
        answer = Got(site.base_url + large)
        if medium.fault is Fault.MISSING:
            assert answer.status == 404
        elif medium.fault is Fault.PAGE:
            assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
        elif medium.fault is Fault.TRUNCATED:
            with Image.open(io.BytesIO(answer.body)) as image, pytest.raises(OSError, match="truncated"):
                image.load()
            assert not Got(site.base_url + small).body.endswith(b"\xff\xd9")
            continue
        elif medium.video:
            assert answer.headers["Content-Type"] == "video/mp4"
        else:
            assert answer.headers["Content-Type"] == medium.drawing.media_type
            with Image.open(io.BytesIO(answer.body)) as image:
                image.load()
        with Image.open(io.BytesIO(Got(site.base_url + small).body)) as image:
            image.load()
            assert image.width in (480, 640)


def test_the_same_picture_stands_in_both_places_byte_for_byte(site: DemoSite) -> None:
    """The gallery's file and the timeline's are one asset."""
    gallery = next(picture for picture in DEMO.gallery if picture.id == "2412348")
    reveillon = DEMO.status("reveillon")
    there, here = gallery_paths(gallery)[0], media_paths(reveillon, 0)[0]
    assert there != here
    assert Got(site.base_url + there).body == Got(site.base_url + here).body


def test_what_is_held_already_is_answered_with_304(site: DemoSite) -> None:
    """Page, API answer and picture: by ETag all three, by date those that state one; and it is in the log."""
    picture = media_paths(DEMO.status("depart"), 0)[0]
    for path in (DEMO.page.address, f"{LISTING}?limit=5", picture):
        first = Got(site.base_url + path)
        again = Got(site.base_url + path, {"If-None-Match": first.headers["ETag"]})
        assert (first.status, again.status, again.body) == (200, 304, b"")
        assert Got(site.base_url + path, {"If-None-Match": '"other"'}).status == 200
        assert first.headers["ETag"].startswith("W/") == path.startswith("/api/")
        dated = first.headers["Last-Modified"]
        if dated:
            assert Got(site.base_url + path, {"If-Modified-Since": dated}).status == 304
            assert Got(site.base_url + path, {"If-Modified-Since": "never"}).status == 200
    assert [(seen.status, seen.conditional) for seen in site.requests[:3]] == [(200, False), (304, True), (200, True)]


def test_a_head_request_gets_the_headers_alone(site: DemoSite) -> None:
    """The length is that of the file; no body follows."""
    path = media_paths(DEMO.status("depart"), 0)[0]
    whole, head = Got(site.base_url + path), Got(site.base_url + path, method="HEAD")
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert head.body == b""


@pytest.mark.parametrize("limit", [1, 7, 20, 40])
def test_following_the_next_links_walks_the_whole_timeline_once(site: DemoSite, limit: int) -> None:
    """From the newest to the oldest, no status twice, none missing; the last page has no next link."""
    seen: list[str] = []
    url: str | None = f"{site.base_url}{LISTING}?limit={limit}"
    while url:
        answer = Got(url)
        seen += [status["id"] for status in answer.json]
        url = answer.link("next")
    assert seen == sorted((status.id for status in DEMO.timeline), key=int, reverse=True)


def test_min_id_pages_forward_without_a_hole_and_since_id_gives_the_newest(site: DemoSite) -> None:
    """Upwards from the oldest, page by page, until an empty page without links."""
    ids = sorted((status.id for status in DEMO.timeline), key=int)
    seen: list[str] = []
    url: str | None = f"{site.base_url}{LISTING}?limit=10&min_id={ids[0]}"
    while url:
        answer = Got(url)
        seen += reversed([status["id"] for status in answer.json])
        url = answer.link("prev")
    assert seen == ids[1:]
    assert answer.json == []
    newest = Got(f"{site.base_url}{LISTING}?limit=5&since_id={ids[0]}").json
    assert [status["id"] for status in newest] == ids[:-6:-1]


def test_boosts_replies_to_others_and_the_unpinned_can_be_left_out(site: DemoSite) -> None:
    """The author's own thread stays; with ``pinned`` there is the one old post."""
    ids = {status["id"] for status in Got(f"{site.base_url}{LISTING}?limit=40&exclude_replies=true").json}
    assert DEMO.status("reponse").id not in ids
    assert DEMO.status("fil-en").id in ids
    assert DEMO.status("partage").id in ids
    ids = {status["id"] for status in Got(f"{site.base_url}{LISTING}?limit=40&exclude_reblogs=true").json}
    assert DEMO.status("partage").id not in ids
    pinned = Got(f"{site.base_url}{LISTING}?pinned=true").json
    assert [status["id"] for status in pinned] == [DEMO.status("depart").id]


def test_the_limit_is_20_unless_given_and_never_over_40(site: DemoSite) -> None:
    """As Mastodon has it; a limit that is no number counts as none."""
    lengths = [len(Got(f"{site.base_url}{LISTING}{query}").json) for query in ("", "?limit=90", "?limit=x")]
    assert lengths == [20, 40, 20]


def test_the_account_is_found_by_name_and_a_stranger_is_not(site: DemoSite) -> None:
    """Lookup works with and without the host; any other name, status or path is a 404 in its own manner."""
    host = urlsplit(site.base_url).netloc
    assert Got(site.base_url + LOOK_UP).json["id"] == DEMO.account.id
    assert Got(f"{site.base_url}/api/v1/accounts/lookup?acct=camille@{host}").json["username"] == "camille"
    unknown = Got(f"{site.base_url}/api/v1/accounts/lookup?acct=somebody")
    assert (unknown.status, unknown.json) == (404, {"error": "Record not found"})
    assert Got(f"{site.base_url}/api/v1/statuses/1").status == 404
    assert Got(f"{site.base_url}/nowhere").status == 404
    assert b"Allow: /" in Got(f"{site.base_url}/robots.txt").body


def test_the_rate_limit_is_stated_as_mastodon_states_it(site: DemoSite) -> None:
    """A generous number, what remains of it, and an ISO 8601 time."""
    headers = Got(site.base_url + LOOK_UP).headers
    assert int(headers["X-RateLimit-Remaining"]) > 100
    assert datetime.fromisoformat(headers["X-RateLimit-Reset"]) > datetime.now(UTC)


def test_text_becomes_the_html_of_a_mastodon_server() -> None:
    """Paragraphs, line breaks, entities, cut links, mentions and hashtags."""
    text = "A & <b>\nline\n\n@ana #Été, https://www.orbite.example/a/very/long/path/that/is/cut?x=1&y=2."
    assert marked_up(text, "http://h") == (
        "<p>A &amp; &lt;b&gt;<br />line</p>"
        '<p><span class="h-card" translate="no"><a href="http://h/@ana" class="u-url mention">@<span>ana</span></a>'
        "</span> "
        '<a href="http://h/tags/%C3%89t%C3%A9" class="mention hashtag" rel="tag">#<span>Été</span></a>, '
        '<a href="https://www.orbite.example/a/very/long/path/that/is/cut?x=1&amp;y=2" target="_blank" '
        'rel="nofollow noopener" translate="no"><span class="invisible">https://www.</span>'
        '<span class="ellipsis">orbite.example/a/very/long/pat</span>'
        '<span class="invisible">h/that/is/cut?x=1&amp;y=2</span></a>.</p>'
    )
    assert marked_up("", "http://h") == ""


def test_the_pages_are_whole_and_every_address_in_them_is_there(site: DemoSite) -> None:
    """Front page, gallery, profile and one status: all lead somewhere, but for the file that is missing on purpose."""
    missing = {gallery_paths(one)[0] for one in DEMO.gallery if one.medium.fault is Fault.MISSING}
    for path in ("/", DEMO.page.address, "/@camille", f"/@camille/{DEMO.status('sortie').id}"):
        page = Got(site.base_url + path)
        text = page.body.decode()
        assert page.status == 200
        assert len(re.findall(r"<p[ >]", text)) == text.count("</p>")
        for address in set(re.findall(r'(?:src|href)="(/[^"]+)"', text)):
            if not address.startswith(("/tags/", "/@")):
                expected = 404 if address in missing else 200
                assert Got(site.base_url + address, method="HEAD").status == expected, address


def test_the_pages_are_the_same_at_every_start_but_for_the_host() -> None:
    """Two sites on two ports answer alike."""
    with DemoSite() as one, DemoSite() as two:
        for path in (DEMO.page.address, "/@camille", f"{LISTING}?limit=40"):
            answers = [Got(site.base_url + path).body.replace(site.base_url.encode(), b"") for site in (one, two)]
            assert answers[0] == answers[1]


def test_a_port_that_is_taken_is_replaced(site: DemoSite) -> None:
    """A second site that wishes for the first one's port gets another, and both answer."""
    with DemoSite(port=int(site.base_url.rpartition(":")[2])) as second:
        assert second.base_url != site.base_url
        assert Got(f"{second.base_url}/robots.txt").status == 200
    assert Got(f"{site.base_url}/robots.txt").status == 200


def test_an_edit_a_deletion_and_a_new_post_are_seen_by_the_next_request(site: DemoSite) -> None:
    """On both sides; an edited page has a new version, an edited status says when."""
    page = Got(site.base_url + DEMO.page.address)
    site.edit("2412345", "«\u00a0Corrigé.\u00a0»\nCamille Verdier, Aurore mission image 08/12/2024")
    site.delete("2412346")
    held = {"If-None-Match": page.headers["ETag"], "If-Modified-Since": page.headers["Last-Modified"]}
    changed = Got(site.base_url + DEMO.page.address, held)
    assert changed.status == 200
    assert "Corrigé." in changed.body.decode()
    assert "2412346" not in changed.body.decode()

    gone, edited = DEMO.status("muguet"), DEMO.status("atterrie")
    site.delete(gone.id)
    site.edit(edited.id, "Atterrie, pour de bon.")
    medium = Medium(drawing=Drawing(scene="patch", seed=9))
    fresh = site.publish("Un mois après.", at=datetime(2025, 7, 7, 8, 0, tzinfo=UTC), media=(medium,), language="fr")
    statuses = {status["id"]: status for status in Got(f"{site.base_url}{LISTING}?limit=40").json}
    assert gone.id not in statuses
    assert statuses[edited.id]["content"] == "<p>Atterrie, pour de bon.</p>"
    assert datetime.fromisoformat(statuses[edited.id]["edited_at"]) == edited.at + timedelta(days=1)
    assert Got(statuses[fresh]["media_attachments"][0]["url"]).body == painted(medium.drawing)


def test_the_configuration_of_the_demo_is_a_valid_one(tmp_path: Path) -> None:
    """It names the archive's folder, the host that may be reached, the mission and the two sources."""
    base = "http://127.0.0.1:24080"
    config = parse(config_text(base), tmp_path / "config.yaml").config
    assert config.http.allow_hosts == ("127.0.0.1:24080",)
    assert config.http.rate == "none"
    assert config.mission_values == (DEMO.mission,)
    assert DEMO.mission.start == date(2024, 12, 3)
    addresses = {stanza.id: stanza.url for stanza in config.sources}
    assert addresses == {"aurore-gallery": base + DEMO.page.address, "aurore-mastodon": f"{base}/@camille"}


def test_a_reduced_picture_keeps_its_shape() -> None:
    """Half as wide is half as high."""
    drawing = Drawing(scene="reef", seed=1, size=(480, 320))
    with Image.open(io.BytesIO(reduced(drawing, 240))) as image:
        assert image.size == (240, 160)


@pytest.fixture
def crawled(site: DemoSite) -> dict[str, Post]:
    """Every post that the sources find on the site, by key."""
    settings = HttpSettings(allow_hosts=(urlsplit(site.base_url).netloc,), rate="none", contact="demo@example.org")
    config = parse(config_text(site.base_url), Path("config.yaml"))
    posts: dict[str, Post] = {}
    with PoliteClient(settings, version="test") as client:
        for index, stanza in enumerate(config.config.sources):
            cls = kinds()[stanza.kind]
            source = cls(stanza.id, config.source_options(index, cls.options_type))
            for page in crawl(source, client.fetch):
                assert page.failure is None
                posts |= {post.key: post for post in page.posts}
    return posts


def test_the_sources_find_exactly_the_posts_that_were_published(crawled: dict[str, Post]) -> None:
    """No post more, none less; the timeline's text comes back character by character."""
    assert crawled.keys() == DEMO.expected_keys
    for status in DEMO.timeline:
        if not status.by_others:
            post = crawled[f"aurore-mastodon:{status.id}"]
            assert post.body == status.text
            assert [attachment.alt for attachment in post.attachments] == [medium.alt for medium in status.media]
    for picture in DEMO.gallery:
        post = crawled[f"aurore-gallery:{picture.id}"]
        assert [line.strip() for line in post.body.split("\n") if line.strip()][:1] == picture.caption.split("\n")[:1]


def test_every_bilingual_post_splits_into_both_languages(crawled: dict[str, Post]) -> None:
    """French and English are there in all posts but those written in one language."""
    alone = {f"aurore-mastodon:{DEMO.status(name).id}" for name in ONE_LANGUAGE} | {"aurore-gallery:2412363"}
    without = {
        key for key, post in crawled.items() if not captions_of(split(post.body).segments).keys() >= {Lang.FR, Lang.EN}
    }
    assert without <= alone


def test_the_attachments_end_as_planned(site: DemoSite, crawled: dict[str, Post], tmp_path: Path) -> None:
    """All pictures are stored, two by their alternative; one fails, one is skipped; the boost's is not asked for."""
    settings = HttpSettings(
        allow_hosts=(urlsplit(site.base_url).netloc,), rate="none", contact="demo@example.org", attempts=2
    )
    blobs = Blobs(tmp_path)
    ended: dict[MediaState, list[tuple[str, int]]] = {state: [] for state in MediaState}
    hashes: Counter[str] = Counter()
    with PoliteClient(settings, version="test") as client:
        for key, post in crawled.items():
            access = kinds()["mastodon" if "mastodon" in key else "esa_gallery"].media_access
            for position, attachment in enumerate(post.attachments):
                result = take(
                    attachment, stream=client.stream, incoming=blobs.incoming, settings=settings, access=access
                )
                ended[result.state].append((key, position))
                hashes.update([result.asset.sha256] if result.asset else [])
    assert ended[MediaState.FAILED] == [(planned.key, planned.position) for planned in DEMO.planned_failures]
    assert ended[MediaState.SKIPPED] == [(planned.key, planned.position) for planned in DEMO.planned_skips]
    assert ended[MediaState.PENDING] == ended[MediaState.GONE] == []
    assert [count for count in hashes.values() if count > 1] == [2, 2]
    partage = DEMO.status("partage").boosted
    assert partage is not None
    assert not any(media_paths(partage, 0)[0] in seen.path for seen in site.requests)
