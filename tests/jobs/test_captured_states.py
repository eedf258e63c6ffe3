"""What an archive captured at several times: later captures are later states, from scraping to reading anew."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.cli.main import commands

Run = Callable[..., Any]

ITEM = (
    "<item><title>One</title><guid>1</guid><pubDate>Mon, 05 Dec 2016 10:00:00 +0000</pubDate>"
    "<description>{}</description></item>"
)
FEED = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>x</title><link>/</link><description>x</description>"
    "{}</channel></rss>"
)
STATES = {
    "20161206000000": FEED.format(ITEM.format("Rio de nuit. Rio by nigth.")),
    "20170105000000": FEED.format(ITEM.format("Rio de nuit. Rio by night.")),
    # it is no longer among the newest entries
    "20170301000000": FEED.format(ITEM.format("Les Alpes. The Alps.").replace("<guid>1<", "<guid>2<")),
}


@pytest.fixture
def archive() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stamp = self.path[5:19]
            if self.path.startswith("/cdx/"):
                # as the index lists them: by address first, so that the order of time is ours to make
                rows = [["timestamp", "original", "statuscode"]]
                rows += [[at, "https://blog.example/feed/", "200"] for at in sorted(STATES, reverse=True)]
                self.reply(200, json.dumps(rows), {"Content-Type": "application/json"})
            elif stamp in STATES:
                self.reply(200, STATES[stamp], {"Content-Type": "text/xml", "Memento-Datetime": "then"})
            else:
                self.reply(404, "", {})

        def reply(self, status: int, body: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(archive: str, tmp_path: Path) -> Run:
    config = tmp_path / "config.yaml"
    config.write_text(
        "http: {rate: none, allow_hosts: [127.0.0.1]}\n"
        f"sources:\n  - {{id: old, kind: wayback, as: feed, url: 'https://blog.example/feed/', archive: '{archive}'}}\n"
    )

    def command(*arguments: str) -> Any:
        result = CliRunner().invoke(commands, [*arguments, "--config", str(config)], standalone_mode=False)
        assert result.exception is None, result.output
        return result

    return command


def test_the_newest_capture_is_the_state_that_counts(run: Run) -> None:
    """An edit between two captures is a revision; what an old capture says changes nothing afterwards."""
    first = json.loads(run("scrape", "--json").stdout)["old"]
    assert (first["posts_added"], first["posts_updated"], first["failures"]) == (2, 1, [])
    shown = json.loads(run("show", "old:1", "--json").stdout)
    assert "by night" in shown["text"]
    assert shown["gone_at"] is None
    assert shown["published_at"] == "2016-12-05T10:00:00Z"
    answer = shown["provenance"]["capture"]
    assert answer["captured_at"] == "2017-01-05T00:00:00Z"
    assert answer["fetched_at"] > "2020"
    assert "2017-01-05T00:00:00Z, by an archive" in " ".join(run("show", "old:1").stdout.split())
    for bound in ((), ("--since", "2016-11-01")):
        again = json.loads(run("scrape", "--json", *bound).stdout)["old"]
        assert (again["posts_added"], again["posts_updated"], again["failures"]) == (0, 0, [])
    assert json.loads(run("show", "old:1", "--json").stdout)["provenance"]["capture"] == answer


def test_reading_anew_keeps_the_newest_state(run: Run) -> None:
    """``cupola reparse`` takes each post from its latest capture, in whatever order the captures came."""
    run("scrape", "--json")
    run("reparse")
    assert "by night" in json.loads(run("show", "old:1", "--json").stdout)["text"]
