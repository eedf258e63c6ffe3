"""``cupola reparse`` and ``cupola resplit``: a diff first, then only what changed; with the network unplugged."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from storage.engine import open_database

SAVED = Path(__file__).parents[1] / "fixtures" / "sources" / "mastodon" / "saved-page" / "saved.json"


class Place:
    """A configuration with a source whose page was saved and archived; ``mission`` is what it is configured with."""

    def __init__(self, folder: Path, cupola: Callable[..., Any]) -> None:
        self.folder, self._cupola = folder, cupola
        self.configure()
        assert self.run("scrape", "--from-file", str(SAVED), "--no-media").status == 0
        self.keys = [row[0] for row in self.ask("SELECT key FROM archive_posts ORDER BY key")]

    def configure(self, **source: str) -> None:
        stanza = {"id": "toots", "kind": "mastodon", "url": "https://social.example/@helene"} | source
        missions = {"proxima": {"name": "Proxima"}}
        text = json.dumps({"missions": missions, "sources": [stanza]})
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def run(self, *words: str, columns: int = 200) -> Any:
        return self._cupola(*words, "--config", self.folder / "config.yaml", columns=columns)

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").out)["toots"]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "archive" / "cupola.db") as database:
            rows = database.execute(sql).fetchall()
        database.close()
        return rows

    def as_an_older_parser(self) -> None:
        """Leave the rows as a parser that shouts would have made them."""
        self.ask("UPDATE posts SET body = upper(body), content_hash = 'of an older parser'")
        # that parser's index was whole, too
        database = open_database(self.folder / "archive")
        with database.write():
            pass
        database.close()


@pytest.fixture
def place(tmp_path: Path, cupola: Callable[..., Any]) -> Place:
    return Place(tmp_path, cupola)


def test_a_mended_parser_from_the_command_line(place: Place) -> None:
    """--dry-run shows a diff and changes nothing; without it the posts are repaired; then there is nothing to do."""
    texts = place.ask("SELECT native_id, body FROM posts")
    place.as_an_older_parser()
    spoiled = place.ask("SELECT native_id, body FROM posts")
    dry = place.run("reparse", "--dry-run")
    assert dry.status == 0
    assert "Dry run: nothing was changed" in dry.out
    assert f"{place.keys[0]} would be updated" in dry.out
    assert f"-{spoiled[0][1].splitlines()[0]}"[:60] in dry.out
    assert f"+{texts[0][1].splitlines()[0]}"[:60] in dry.out
    assert place.ask("SELECT native_id, body FROM posts") == spoiled
    done = place.json("reparse")
    assert (done["posts"], done["posts_updated"], done["missing"]) == (len(texts), len(texts), 0)
    assert place.ask("SELECT native_id, body FROM posts") == texts
    again = place.run("reparse")
    assert again.status == 0
    assert "changed" in again.out
    assert place.json("reparse")["posts_unchanged"] == len(texts)
    assert place.run("verify").status == 0


def test_one_post_by_its_key_or_address(place: Place) -> None:
    """Only that post is repaired; an unknown one is wrong use."""
    place.as_an_older_parser()
    (url,) = place.ask(f"SELECT url FROM archive_posts WHERE key = '{place.keys[0]}'")[0]
    for key in (place.keys[0], url):
        assert place.json("reparse", "--dry-run", "--key", key)["posts_updated"] == 1
        assert place.json("resplit", "--dry-run", "--key", key)["posts"] == 1
    assert place.run("reparse", "--key", "nobody:1").status == 2
    assert place.run("resplit", "--key", "toots:nothing").status == 2
    assert place.json("reparse", "--key", "toots:nothing")["posts"] == 0


def test_a_mission_that_was_configured_later(place: Place) -> None:
    """Texts are read with the missions of now; the diff names old and new."""
    assert place.run("resplit").status == 0
    assert place.json("resplit")["posts_updated"] == 0
    place.configure(mission="proxima")
    dry = place.run("resplit", "--dry-run", "--source", "toots")
    assert dry.status == 0
    assert "@@ mission" in dry.out
    assert "+proxima" in dry.out
    done = place.json("resplit")
    assert done["fields"]["mission"] == done["posts_updated"] == len(place.keys)
    assert place.json("resplit", "--mission", "proxima", "--dry-run")["posts"] == len(place.keys)
    assert place.ask("SELECT DISTINCT mission FROM archive_posts") == [("proxima",)]


def test_a_post_that_is_in_no_answer_any_more_is_listed(place: Place) -> None:
    """It is named and stays."""
    place.ask("UPDATE posts SET native_id = 'of another parser' WHERE id = 1")
    told = place.run("reparse")
    assert told.status == 0
    assert "in no recorded answer any more, and kept:\n  toots:of another parser\n" in told.out
    assert ("toots:of another parser",) in place.ask("SELECT key FROM archive_posts")


def test_no_token_is_wanted_where_nothing_is_fetched(place: Place) -> None:
    """A source whose read token is on another machine can be read anew here."""
    place.configure(token_env="NOT_SET_HERE")
    assert place.run("scrape").status == 2
    assert place.run("reparse").status == 0


def test_wrong_use_and_no_archive(place: Place) -> None:
    """Wrong words are 2, no archive is 3, and none is made."""
    assert place.run("reparse", "nobody").status == 2
    assert place.run("reparse", "--since", "2017-06-02", "--until", "2017-06-01").status == 2
    assert place.run("resplit", "--source", "nobody").status == 2
    shutil.rmtree(place.folder / "archive")
    for command in ("reparse", "resplit"):
        assert place.run(command).status == 3
        assert place.run(command, "--dry-run").status == 3
    assert not (place.folder / "archive").exists()


def test_nothing_to_read_anew_is_said(place: Place) -> None:
    """No table of nothing: posts that no filter finds, and a post of a source that was not named."""
    found = place.run("resplit", "--text", "zzzz")
    assert (found.status, found.out) == (0, "No posts to read anew.\n")
    stanzas = [
        {"id": name, "kind": "mastodon", "url": f"https://social.example/@{name}"} for name in ("toots", "others")
    ]
    (place.folder / "config.yaml").write_text(json.dumps({"sources": stanzas}), encoding="utf-8")
    stray = place.run("reparse", "others", "--key", place.keys[0])
    assert stray.status == 2
    assert f"{place.keys[0]} is no post of others" in stray.err


def test_a_busy_source_is_named_and_ends_with_1(place: Place) -> None:
    """Somebody else has the lease: nothing is changed."""
    import datetime

    from storage.archive import Archive
    from storage.settings import ArchiveSettings

    place.as_an_older_parser()
    with Archive.open(ArchiveSettings(folder=place.folder / "archive")) as archive:
        archive.journal.begin("toots", "mastodon", None, now=datetime.datetime.now(datetime.UTC))
    for command in ("reparse", "resplit"):
        answer = place.run(command)
        if command == "reparse" or answer.status:
            assert answer.status == 1
            assert "is being worked on by" in answer.out


def test_an_archive_that_may_not_be_written_to_can_be_rehearsed(place: Place) -> None:
    """A dry run opens the archive for reading only."""
    place.as_an_older_parser()
    before = (place.folder / "archive" / "cupola.db").read_bytes()
    assert place.run("reparse", "--dry-run").status == 0
    assert place.run("resplit", "--dry-run").status == 0
    assert (place.folder / "archive" / "cupola.db").read_bytes() == before


class Wrongly:
    """An archive as a worse splitter would have left it, with a configuration."""

    FR, EN = "La lune se lève sur le lac gelé.", "The moon is rising over the frozen lake."

    def __init__(self, held: Any, folder: Path, cupola: Callable[..., Any]) -> None:
        self.held, self._config, self._cupola = held, folder / "config.yaml", cupola
        self.one = held.add(
            "1", other=f"{self.FR}\n{self.EN}", published=date(2016, 12, 3), hashtags=("Lac",), mission="proxima"
        )
        self.two = held.add("2", fr=f"{self.EN}\n\n{self.FR}", source="toots", needs_review=True)
        where = {"folder": str(held.folder)} | ({"database": held.address} if held.address else {})
        text = {"archive": where, "missions": {"proxima": {"name": "Proxima"}}, "sources": []}
        self._config.write_text(json.dumps(text), encoding="utf-8")

    def run(self, *words: str) -> Any:
        return self._cupola(*words, "--config", self._config, columns=120)


@pytest.fixture
def wrongly(
    tmp_path: Path, make_archive: Callable[..., Any], address: str | None, cupola: Callable[..., Any]
) -> Wrongly:
    return Wrongly(make_archive(tmp_path / "archive", address), tmp_path, cupola)


def test_every_filter_of_query_chooses_what_is_split_again(wrongly: Wrongly) -> None:
    """Posts that do not pass are neither read nor told."""
    assert wrongly.run("keep", wrongly.one, "--who", "Ana").status == 0
    chosen = {
        ("--text", "lune"): 2,
        ("--lang", "other"): 1,
        ("--lang", "fr"): 1,
        ("--lang", "en"): 0,
        ("--source", "toots"): 1,
        ("--mission", "proxima"): 1,
        ("--since", "2016-12-03"): 1,
        ("--until", "2016-12-03"): 0,
        ("--verdict", "selected"): 1,
        ("--verdict", "unreviewed"): 1,
        ("--tag", "lac"): 1,
        ("--needs-review",): 1,
        ("--key", wrongly.two): 1,
        ("--needs-review", "--verdict", "selected"): 0,
    }
    for words, count in chosen.items():
        told = json.loads(wrongly.run("resplit", "--dry-run", "--json", *words).out)
        assert (words, sum(source["posts"] for source in told.values())) == (words, count)
        assert sum(source["posts_updated"] for source in told.values()) == count


def test_splitting_again_leaves_a_curators_word_alone(wrongly: Wrongly) -> None:
    """The diff is of the machine's answer; corrected captions, cuts, dates and verdicts stay as they were said."""
    wrongly.run("correct", wrongly.one, "--segments", "none:0-5,fr:5-", "--date", "2016-12-04", "--who", "Ana")
    wrongly.run("correct", wrongly.two, "--caption-fr", "Dit par Ana", "--who", "Ana")
    before = json.loads(wrongly.run("query", "--format", "json").out)
    dry = wrongly.run("resplit", "--dry-run").out
    assert f"{wrongly.two} would be updated\n  @@ caption_fr\n  -{wrongly.EN}\n   {wrongly.FR}\n" in dry
    assert wrongly.run("resplit").status == 0
    after = json.loads(wrongly.run("query", "--format", "json").out)
    for old, new in zip(before, after, strict=True):
        assert new["corrected"] == old["corrected"]
        assert new["published_at"] == old["published_at"]
    assert [post["captions"] for post in after] == [
        {"fr": f"{wrongly.FR}\n{wrongly.EN}"[5:].strip(), "en": None},
        {"fr": "Dit par Ana", "en": wrongly.EN},
    ]
    assert json.loads(wrongly.run("resplit", "--json").out)["toots"]["posts_updated"] == 0
