"""A real WordPress on loopback: published to through its REST API, archived, edited, closed, archived by its feed.

What it needs comes by name from Debian: wordpress, mariadb-server, php-cli, php-mysql, php-gd, php-xml, php-mbstring.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

pytestmark = pytest.mark.servers

CUPOLA = Path(sys.executable).parent / "cupola"
INSTALLED = Path("/usr/share/wordpress")
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
define('WP_HOME', '{url}'); define('WP_SITEURL', '{url}'); define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true); define('WP_ENVIRONMENT_TYPE', 'local'); define('WP_DEBUG', false);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
THEME = """<!DOCTYPE html><html <?php language_attributes(); ?>><head><?php wp_head(); ?></head>
<body><?php while (have_posts()) { the_post(); the_title('<h2>', '</h2>'); the_content(); } ?></body></html>
"""
#: as plug-ins do it that close the API to everybody who is not logged in
CLOSED = """<?php add_filter('rest_authentication_errors', function ($result) {
    return is_wp_error($result) || is_user_logged_in() ? $result
        : new WP_Error('rest_cannot_access', 'Only authenticated users can access the REST API.', ['status' => 401]);
}, 200);
"""


def missing(why: str) -> None:
    """Skip what needs something that is not here; where all is to be tested (CI=true) that is a failure."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)


@contextlib.contextmanager
def database(folder: Path) -> Iterator[Path]:
    """A MariaDB of our own, without network; its socket."""
    user = [f"--user={os.environ.get('USER') or 'root'}"] if os.getuid() == 0 else []
    data, place = folder / "data", folder / "db.sock"
    made = ["mariadb-install-db", "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"]
    own = ["--auth-root-authentication-method=normal"]
    subprocess.run([*made, *own], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
    program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    options = [f"--datadir={data}", f"--socket={place}", "--skip-networking", f"--pid-file={folder / 'db.pid'}"]
    fast = ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
    log = (folder / "db.log").open("w")
    with log, subprocess.Popen([program, "--no-defaults", *user, *options, *fast], stdout=log, stderr=log) as process:
        try:
            ask = ["mariadb", "--no-defaults", f"--socket={place}", "-uroot", "-e"]
            until = time.monotonic() + 120
            while subprocess.run([*ask, "CREATE DATABASE IF NOT EXISTS wordpress"], capture_output=True).returncode:
                assert time.monotonic() < until, (folder / "db.log").read_text()
                time.sleep(0.1)
            yield place
        finally:
            process.terminate()


@dataclass
class Site:
    """A running site, written to as its author does it: by REST with an application password."""

    url: str
    folder: Path
    password: str
    #: what was uploaded, by the number that the site gave to it
    pictures: dict[int, bytes] = field(default_factory=dict)

    def post(self, route: str, body: Any, method: str = "POST", **headers: str) -> Any:
        """What the site answers to its author."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        login = base64.b64encode(f"atelier:{self.password}".encode()).decode()
        sent = {"Authorization": f"Basic {login}", "Content-Type": "application/json"} | headers
        request = urllib.request.Request(f"{self.url}/?rest_route=/wp/v2/{route}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{route}: {error.read().decode()}") from error

    def upload(self, name: str, size: tuple[int, int] = (1200, 800)) -> dict[str, Any]:
        """A picture with an alternative text, a caption and a credit."""
        picture = Image.new("RGB", size, "navy")
        ImageDraw.Draw(picture).text((5, 5), hashlib.sha256(name.encode()).hexdigest()[:16])
        file = io.BytesIO()
        picture.save(file, "JPEG", comment=b"as it was uploaded")
        headers = {"Content-Type": "image/jpeg", "Content-Disposition": f'attachment; filename="{name}.jpg"'}
        made = self.post("media", file.getvalue(), **headers)
        words = {"alt_text": f"{name} vu d’ici / {name} seen from here", "caption": f"{name}. © ESA/H. Marchand"}
        self.post(f"media/{made['id']}", words)
        self.pictures[made["id"]] = file.getvalue()
        return made  # type: ignore[no-any-return]

    def publish(self, title: str, content: str, age: timedelta, *, as_draft: bool = True, **more: Any) -> int:
        """A post of some time ago; its number."""
        at = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S")
        body = {"title": title, "content": content, "date_gmt": at, "status": "publish"} | more
        if not as_draft:  # by a programme: its guid is its address
            return int(self.post("posts", body)["id"])
        number = int(self.post("posts", body | {"status": "draft"})["id"])  # as in the editor: its guid is ?p=60
        self.post(f"posts/{number}", {"status": body["status"]})
        return number

    def delete(self, number: int) -> None:
        """Take a post back for good."""
        self.post(f"posts/{number}", {"force": True}, "DELETE")

    def plug_in(self, name: str, code: str | None) -> None:
        """A plug-in that must be used; none any more with None."""
        path = self.folder / "wp-content" / "mu-plugins" / f"{name}.php"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if code is not None:
            path.write_text(code)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A French site with addresses in words."""
    if not (INSTALLED / "wp-load.php").exists() or shutil.which("php") is None:
        missing("no WordPress here: apt-get install wordpress php-cli php-mysql php-gd php-xml php-mbstring")
    if shutil.which("mariadb-install-db") is None:
        missing("no MariaDB here: apt-get install mariadb-server")
    starter = Path(__file__).with_name("wordpress.php")
    with tempfile.TemporaryDirectory(prefix="wordpress-") as made, database(Path(made)) as place:
        folder = Path(made) / "www"
        shutil.copytree(INSTALLED, folder, symlinks=False, ignore_dangling_symlinks=True)
        bare = folder / "wp-content" / "themes" / "bare"
        bare.mkdir(parents=True)
        (bare / "style.css").write_text("/* Theme Name: Bare */")
        (bare / "index.php").write_text(THEME)
        (bare / "functions.php").write_text("<?php add_theme_support('automatic-feed-links');")
        (folder / "wp-content" / "uploads").mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        (folder / "wp-config.php").unlink(missing_ok=True)
        (folder / "wp-config.php").write_text(CONFIG.format(socket=place, url=url))
        done = subprocess.run(
            ["php", str(starter), str(folder), url], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout[done.stdout.index('{"password"') :])
        command = ["php", "-q", "-S", f"127.0.0.1:{port}", "-t", str(folder), str(starter)]
        log = (Path(made) / "php.log").open("w")
        with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                until = time.monotonic() + 60
                while True:
                    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=60):
                        break
                    assert time.monotonic() < until, (Path(made) / "php.log").read_text()
                    time.sleep(0.05)
                yield Site(url, folder, told["password"])
            finally:
                process.terminate()


@dataclass(frozen=True)
class Archivist:
    """A configuration with one source, its archive, and the command line."""

    folder: Path
    site: Site

    def scrape(self, *arguments: str, status: int = 0, **options: Any) -> dict[str, Any]:
        """What the run says; it ends with ``status``."""
        host = self.site.url.removeprefix("http://")
        http = {"rate": "none", "attempts": 2, "allow_hosts": [host], "contact": "test@cupola.test"}
        stanza = {"id": "atelier", "kind": "wordpress", "url": f"{self.site.url}/"} | options
        (self.folder / "config.yaml").write_text(json.dumps({"http": http, "sources": [stanza]}))  # JSON is YAML
        report: dict[str, Any] = self.run("scrape", *arguments, status=status)["atelier"]
        return report

    def run(self, *arguments: str, status: int = 0) -> Any:
        environment = {name: value for name, value in os.environ.items() if name != "CUPOLA_CONFIG"}
        command = [str(CUPOLA), *arguments, "--json", "--config", "config.yaml"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.folder / "archive" / "cupola.db")) as held:
            return held.execute(sql, values).fetchall()


def picture(made: dict[str, Any], size: str = "large") -> str:
    """A picture as the editor puts it into a post: a resized copy."""
    shown = made["media_details"]["sizes"][size]
    source, width, height = shown["source_url"], shown["width"], shown["height"]
    return (
        f'<!-- wp:image {{"id":{made["id"]},"sizeSlug":"{size}"}} -->\n<figure class="wp-block-image size-{size}">'
        f'<img src="{source}" alt="Vue / View" class="wp-image-{made["id"]}" width="{width}" height="{height}"/>'
        "<figcaption>© ESA/H. Marchand</figcaption></figure>\n<!-- /wp:image -->\n"
    )


DAY = timedelta(days=1)
FR, EN = (
    "Lever de soleil n° {} sur le port, une très belle journée.",
    "Sunrise no. {} over the harbour, a very beautiful day.",
)


def words(number: int) -> str:
    return f"<p>{FR.format(number)}</p>\n\n<p>{EN.format(number)}</p>\n\n"


def test_a_blog_is_archived_followed_and_by_its_feed_once_its_api_is_closed(site: Site, tmp_path: Path) -> None:
    """Originals, both languages; edits of old posts, deletions; no post twice when the way to it changes."""
    archivist = Archivist(tmp_path, site)
    large = site.upload("phare", (3200, 2100))
    assert "-scaled" in large["source_url"]
    small = [site.upload(f"quai{number}") for number in range(2)]
    first = site.publish("Port 1 / Harbour 1", words(1) + picture(large), 1200 * DAY, featured_media=large["id"])
    others = [
        site.publish(f"Port {n} / Harbour {n}", words(n), DAY * (1100 - 100 * n), as_draft=n % 2 == 0)
        for n in range(2, 9)
    ]
    gallery = "".join(picture(made, "medium") for made in small)
    recent = site.publish("Port 9 / Harbour 9", words(9) + gallery, DAY / 4, sticky=True)
    doomed = site.publish("Port 10 / Harbour 10", words(10), DAY / 3)
    site.publish("Brouillon", "<p>Pas encore.</p>", DAY, status="draft")
    site.publish("Secret", "<p>Rien que pour vous.</p>", DAY, password="sesame")

    report = archivist.scrape()
    assert (report["posts_added"], report["media_stored"], report["failed"]) == (10, 3, 0)
    assert report["notes"] == []
    held = {
        row[0]: row[1:]
        for row in archivist.ask("SELECT native_id, caption_fr, caption_en, title, author FROM archive_posts")
    }
    # others[1], [3], [5] were published at once, and have an address as their guid
    assert {name for name in held if name.isdigit()} == {str(n) for n in (first, *others[::2], recent, doomed)}
    assert sum(name.endswith("/port-3-harbour-3/") for name in held) == 1
    assert held[str(others[0])] == (FR.format(2), EN.format(2), "Port 2 / Harbour 2", "Hélène Marchand")
    assert {sha for (sha,) in archivist.ask("SELECT sha256 FROM archive_media")} == {
        hashlib.sha256(body).hexdigest() for body in site.pictures.values()
    }
    assert archivist.ask("SELECT native_id FROM posts WHERE pinned") == [(str(recent),)]
    assert archivist.ask(
        "SELECT DISTINCT native_id, credit FROM attachments WHERE native_id = ?", str(large["id"])
    ) == [(str(large["id"]), "© ESA/H. Marchand")]

    report = archivist.scrape()
    assert (report["posts_added"], report["posts_updated"], report["media_stored"]) == (0, 0, 0)

    site.post(f"posts/{others[0]}", {"content": words(22)})
    site.delete(doomed)
    added = site.publish("Port 11 / Harbour 11", words(11), DAY / 8)
    report = archivist.scrape()
    assert (report["posts_added"], report["posts_updated"], report["failed"]) == (1, 1, 0)
    archivist.scrape()
    assert archivist.ask("SELECT caption_fr FROM archive_posts WHERE native_id = ?", str(others[0])) == [
        (FR.format(22),)
    ]
    assert archivist.ask("SELECT native_id FROM archive_posts WHERE gone_at IS NOT NULL") == [(str(doomed),)]

    site.plug_in("closed", CLOSED)
    try:
        site.publish("Port 12 / Harbour 12", words(12), DAY / 16)
        before = archivist.ask("SELECT count(*) FROM archive_posts")[0][0]
        report = archivist.scrape()
        assert (report["posts_added"], report["posts_updated"], report["failed"]) == (1, 1, 0), report
        # the one thing that the feed does not tell is which post is pinned
        assert archivist.ask("SELECT fields FROM revisions ORDER BY id DESC LIMIT 1") == [('["pinned"]',)]
        assert "/feed/ is read in its place" in " ".join(report["notes"])
        assert archivist.ask("SELECT count(*) FROM archive_posts") == [(before + 1,)]
        # and the whole history by the feed, page by page
        report = archivist.scrape("--since", "2000-01-01")
        assert (report["posts_added"], report["failed"]) == (0, 0), report
        assert report["posts_found"] == 11
        assert archivist.ask("SELECT native_id FROM archive_posts WHERE gone_at IS NOT NULL") == [(str(doomed),)]
        held_texts = archivist.ask("SELECT caption_fr FROM archive_posts WHERE native_id = ?", str(first))
        assert FR.format(1) in held_texts[0][0]
    finally:
        site.plug_in("closed", None)
    report = archivist.scrape("--since", "2000-01-01")
    assert (report["posts_added"], report["failed"], report["notes"]) == (0, 0, [])
    assert archivist.ask("SELECT count(*) FROM archive_posts WHERE gone_at IS NULL") == [(before,)]
    assert added
    verified = archivist.run("verify")
    assert (verified["damage"], verified["orphans"]) == ([], [])


def test_a_site_without_addresses_in_words_is_read_all_the_same(site: Site, tmp_path: Path) -> None:
    """With plain permalinks the API answers at ?rest_route=; one author's posts are found by name."""
    simple = site.publish("Simple", words(40), DAY / 2)
    site.plug_in("plain", "<?php add_filter('pre_option_permalink_structure', fn() => '');")
    try:
        archivist = Archivist(tmp_path, site)
        report = archivist.scrape("--no-media", author="atelier")
        assert report["failed"] == 0
        assert archivist.ask("SELECT count(*) FROM archive_posts WHERE title = 'Simple'") == [(1,)]
        assert all("rest_route=" in url for (url,) in archivist.ask("SELECT url FROM captures WHERE access = 'api'"))
        report = archivist.scrape("--no-media", status=1, author="personne")
        assert "no author 'personne'" in report["failures"][0]["message"]
    finally:
        site.plug_in("plain", None)
        site.delete(simple)
