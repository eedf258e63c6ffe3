"""Harvests, questions, backups and two curators at once on one archive: each is served, and nothing is lost."""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

#: how long the proof goes on
PROOF = 300.0
#: what the test's own posts are dated from, a minute apart: within the days that each visit looks at again
FIRST = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
#: how many of them there are before the first visit
BEFORE = 3
ACTS = ("keep", "correct", "tag", "undo", "note", "tag", "rate", "reject", "retag", "undo", "correct")
#: fields of a post that are a curator's, or the archive's own
NOT_THE_SITES = {"verdict", "rating", "tags", "note", "corrected", "outdated", "first_seen_at", "gone_at", "variant_of"}


@dataclass
class Author:
    """Publishes, edits and deletes on the site of one source; ``said`` are all the texts that a post ever had."""

    source: str
    site: Any
    said: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    deleted: set[str] = field(default_factory=set)
    own: list[str] = field(default_factory=list)

    def change(self, number: int) -> None:
        """A new post (every third with a picture), an edit of the one before, every other time one taken down."""
        words = f"L’équipage dort, relevé {number}. The crew is asleep, reading {number}."
        picture = next(medium for status in self.site.demo.timeline for medium in status.media if not medium.video)
        small = replace(picture, drawing=replace(picture.drawing, seed=number, size=(64, 48)))
        media = (small,) if number % 3 == 0 else ()
        native_id = self.site.publish(words, at=FIRST + timedelta(minutes=number), media=media)
        self.own.append(native_id)
        self.said[f"{self.source}:{native_id}"].add(words)
        if len(self.own) > 1:
            edited, again = self.own[-2], f"{words} Corrigé."
            self.said[f"{self.source}:{edited}"].add(again)
            self.site.edit(edited, again, at=FIRST + timedelta(minutes=number, seconds=30))
        if len(self.own) > 2 and number % 2 == 0:
            native_id = self.own.pop(0)
            self.site.delete(native_id)
            self.deleted.add(f"{self.source}:{native_id}")


def harvester(crowd: Any, author: Author) -> Callable[[int], None]:
    """Changes a site and visits it, again and again; another command may be at work on the source."""

    def turn(number: int) -> None:
        author.change(BEFORE + number)
        said = crowd.say("scrape", author.source, "--json", expect=(0, 1))
        assert said.status == 0 or said.json[author.source]["outcome"] == "busy", said.out + said.err

    return turn


def second_comer(crowd: Any, site: Any) -> Callable[[int], None]:
    """Visits a source while another harvest is known to be at work on it."""
    pictures = site.demo.gallery

    def turn(number: int) -> None:
        begun, let_go = Event(), Event()

        def watch(kind: str, _number: int) -> None:
            if kind == "page":
                begun.set()
                let_go.wait(100)

        picture = pictures[number % 3]
        site.edit(picture.id, f"Relevé {number} : {picture.caption}")
        site.watch = watch
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(crowd.say, "scrape", "gallery", "--json")
            try:
                assert begun.wait(100)
                second = crowd.say("scrape", "gallery", expect=(1,))
            finally:
                let_go.set()
            assert first.result().json["gallery"]["outcome"] == "completed"
        assert second.is_busy, second.out + second.err

    return turn


def reader(crowd: Any, authors: list[Author]) -> Callable[[int], None]:
    """Asks; what was there once stays there, and each text is one that its author once wrote."""
    known: set[str] = set()
    counts: dict[str, int] = {}

    def turn(number: int) -> None:
        author = authors[number % 2]
        found = int(crowd.say("query", "--count", "--source", author.source).out)
        assert found >= counts.get(author.source, 0)
        counts[author.source] = found
        posts = [json_of(line) for line in crowd.say("query", "--format", "jsonl").out.splitlines()]
        keys = [post["key"] for post in posts]
        assert len(keys) == len(set(keys))
        assert known <= set(keys)
        known.update(keys)
        for post in posts:
            for one in authors:
                if post["key"] in one.said:
                    assert post["text"] in one.said[post["key"]], post
        shown = crowd.say("show", keys[number % len(keys)], "--json", "--history").json
        assert shown["key"] == keys[number % len(keys)]

    return turn


def keeper(crowd: Any) -> Callable[[int], None]:
    """Backs up again and again; each backup is sound, comes back whole, and what comes back is sound."""
    backup, place = crowd.place.folder / "backup", crowd.place.folder / "restored"

    def turn(_number: int) -> None:
        made = crowd.say("backup", str(backup), "--json").json
        assert made["damage"] == []
        restored = crowd.say("restore", str(backup), str(place), "--json").json
        assert (restored["damage"], restored["posts"]) == ([], made["posts"])
        found = crowd.say("verify", "--archive", str(place), "--json").json
        assert (found["damage"], found["orphans"]) == ([], [])
        shutil.rmtree(place)

    return turn


def archivist(crowd: Any, on_server: bool) -> Callable[[int], None]:
    """Checks, counts and reads anew."""
    asked = "SELECT count(*) AS posts, count(DISTINCT key) AS keys FROM archive_posts"

    def sql() -> None:
        said = crowd.say("sql", asked, "--format", "json", expect=(0, 2))
        if on_server and said.status == 2:
            assert "psql" in said.err
        else:
            (row,) = said.json
            assert row["posts"] == row["keys"] > 0

    def verify() -> None:
        assert crowd.say("verify", "--json").json["damage"] == []

    def anew(*arguments: str, source: str) -> None:
        said = crowd.say(*arguments, "--json", expect=(0, 1))
        assert said.status == 0 or said.json[source]["outcome"] == "busy", said.out + said.err

    def turn(number: int) -> None:
        source = ("east", "west")[number % 2]
        verify()
        crowd.say("resplit", "--dry-run", "--json")
        crowd.say("stats", "--json")
        sql()
        crowd.say("reparse", "--dry-run", "--json")
        if number % 2:
            anew("reparse", source, source=source)
        else:
            anew("resplit", "--source", source, source=source)

    return turn


@dataclass
class Curator:
    """Decides, one command after the other; ``meant`` is what the archive must hold of it, batch by batch."""

    name: str
    crowd: Any
    keys: list[str]
    meant: list[Meant] = field(default_factory=list)

    def turn(self, number: int) -> None:
        """One command, about a post of one's own or one that the other decides about as well."""
        chance = random.Random(f"{self.name} {number}")
        keys = chance.sample(self.keys, 2 if number % 3 == 0 else 1)
        value: Any
        match ACTS[number % len(ACTS)]:
            case "keep":
                self.decide(keys, "verdict", None, "selected", "keep")
            case "reject":
                self.decide(keys, "verdict", None, "rejected", "reject")
            case "rate":
                self.decide(keys, "rating", None, value := chance.randint(0, 5), "rate", str(value))
            case "tag":
                self.decide(keys, "tag", value := f"{self.name}{number}", True, "tag", value)
            case "retag":
                last = next(each for each in reversed(self.meant) if each.kind == "tag" and each.value)
                self.decide(sorted(last.keys), "tag", last.field, False, "tag", "--remove", str(last.field))
            case "note":
                self.decide(keys, "note", None, value := f"{self.name} {number}", "note", value)
            case "correct":
                value = f"Corrigé par {self.name}, {number}"
                self.decide(keys, "correction", "caption_fr", value, "correct", "--caption-fr", value)
            case "undo":
                self.undo()

    def decide(self, keys: list[str], kind: str, name: str | None, value: Any, *command: str) -> None:
        """Say it of these posts, and keep in mind of how many it was news."""
        said = self.crowd.say(*command, *keys, "--who", self.name)
        counts = re.fullmatch(r"(\d+) posts? .+?(?:, (\d+) already so)?\.\n", said.out)
        assert counts is not None, said.out
        assert int(counts[1]) + int(counts[2] or 0) == len(keys)
        if int(counts[1]):
            self.meant.append(Meant(said, kind, name, value, frozenset(keys), int(counts[1])))

    def undo(self) -> None:
        """Take the last command back, of those that are not taken back yet."""
        last = next((each for each in reversed(self.meant) if each.kind != "undo" and not each.undone), None)
        said = self.crowd.say("undo", "--who", self.name)
        if last is None:
            assert "nothing of yours" in said.out
            return
        assert f"Taken back: {last.kind} of {last.count} post" in said.out
        last.undone = True
        self.meant.append(Meant(said, "undo", None, last, last.keys, last.count))


@dataclass
class Meant:
    """What one command was told to have recorded: of ``count`` among ``keys``."""

    said: Any
    kind: str
    field: str | None
    value: Any
    keys: frozenset[str]
    count: int
    undone: bool = False


def json_of(line: str) -> Any:
    """One line of JSON."""
    return json.loads(line)


def batches_of(rows: list[dict[str, Any]]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Decisions by the command that made them; those of one command stand together."""
    numbers = [number for number, _ in itertools.groupby(rows, key=lambda row: row["batch"])]
    assert len(numbers) == len(set(numbers))
    for number, group in itertools.groupby(rows, key=lambda row: row["batch"]):
        yield number, list(group)


def assert_all_recorded(rows: list[dict[str, Any]], curators: list[Curator]) -> None:
    """What a curator was told is done is recorded: once, in that order, before what was asked after the answer."""
    of_batch = dict(batches_of(rows))
    ordered = sorted(of_batch)
    of_name = {each.name: [n for n in ordered if of_batch[n][0]["who"] == each.name] for each in curators}
    assert sum(map(len, of_name.values())) == len(of_batch)
    command: dict[int, Meant] = {}
    for curator in curators:
        assert len(of_name[curator.name]) == len(curator.meant)
        command |= dict(zip(of_name[curator.name], curator.meant, strict=True))
    number_of = {id(meant): number for number, meant in command.items()}
    taken_back = {id(meant.value): number for number, meant in command.items() if meant.kind == "undo"}
    for number, meant in command.items():
        held = of_batch[number]
        keys = [row["key"] for row in held]
        assert (len(keys), len(set(keys))) == (meant.count, meant.count)
        assert set(keys) <= meant.keys
        value = number_of[id(meant.value)] if meant.kind == "undo" else meant.value
        for row in held:
            said = row["value"]["text"] if row["kind"] == "correction" else row["value"]
            assert (row["kind"], row["field"], said) == (meant.kind, meant.field, value)
            assert row["undone_by"] == taken_back.get(id(meant))
    latest = 0.0
    for number in ordered:
        assert command[number].said.ended >= latest
        latest = max(latest, command[number].said.began)


def assert_explained(rows: list[dict[str, Any]], posts: dict[str, dict[str, Any]]) -> None:
    """What is shown of each post is what its decisions come to, in their order and without those taken back."""
    shown = {key: {"verdict": "unreviewed", "rating": None, "tags": set(), "fr": None} for key in posts}
    for row in rows:
        state = shown[row["key"]]
        match row["kind"], row["undone_by"]:
            case ("verdict" | "rating") as kind, None:
                state[kind] = row["value"]
            case "tag", None:
                (state["tags"].add if row["value"] else state["tags"].discard)(row["field"])
            case "correction", None:
                state["fr"] = row["value"]["text"]
    for key, state in shown.items():
        post = posts[key]
        assert (post["verdict"], post["rating"], set(post["tags"])) == (
            state["verdict"],
            state["rating"],
            state["tags"],
        )
        assert len(post["tags"]) == len(state["tags"])
        if state["fr"] is not None:
            assert post["captions"]["fr"] == state["fr"]
        assert ("caption_fr" in (post["corrected"] or ())) == (state["fr"] is not None)


def of_the_site(post: dict[str, Any]) -> dict[str, Any]:
    """What of a post comes from its site alone."""
    return {name: value for name, value in post.items() if name not in NOT_THE_SITES}


def live_together(
    town: Any, remade: Callable[..., Any], decided: Callable[..., Any], *, enough: Mapping[str, int]
) -> None:
    """All at once on one archive; then what is held is what was said, by the sites and by the curators."""
    crowd, on_server = town.crowd, town.address is not None
    authors = [Author(name, town.sites[name]) for name in ("east", "west")]
    for author, number in itertools.product(authors, range(BEFORE)):
        author.change(number)
    crowd.say("scrape", "-q")
    keys = sorted(crowd.say("query", "--format", "ids", "--source", "west").out.split())
    # half of what each decides about the other does, too
    curators = [Curator("ann", crowd, keys[:5]), Curator("bob", crowd, keys[3:8])]
    rounds = {each.source: harvester(crowd, each) for each in authors}
    rounds |= {each.name: each.turn for each in curators}
    rounds |= {"second": second_comer(crowd, town.sites["gallery"]), "reader": reader(crowd, authors)}
    rounds["archivist"] = archivist(crowd, on_server)
    if on_server:
        refused = crowd.say("backup", str(crowd.place.folder / "backup"), expect=(2,))
        assert "the server's own tools" in refused.err
    else:
        rounds["keeper"] = keeper(crowd)
    crowd.work({name: (turn, enough.get(name, 1)) for name, turn in rounds.items()})

    town.sites["gallery"].watch = lambda kind, number: None
    for _ in range(2):  # who is missed by two whole looks is gone
        crowd.say("scrape", "--since", "2000-01-01", "-q")
    found = crowd.say("verify", "--json").json
    assert (found["damage"], found["orphans"]) == ([], [])
    posts = {post["key"]: post for post in map(json_of, crowd.say("query", "--format", "jsonl").out.splitlines())}
    there = {post["key"]: post for post in remade(town)}
    gone = {key for key, post in posts.items() if post["gone_at"] is not None}
    assert set(posts) - set(there) == gone
    assert gone <= set().union(*(author.deleted for author in authors))
    for key, post in there.items():
        held, told = of_the_site(posts[key]), of_the_site(post)
        if posts[key]["corrected"]:  # captions, and whether they need a look, are the curator's then
            held |= {name: told[name] for name in ("captions", "needs_review")}
        assert held == told
    rows = decided(town)
    assert_all_recorded(rows, curators)
    assert_explained(rows, posts)


@pytest.mark.slow
def test_all_at_once(make_town: Callable[..., Any], remade: Callable[..., Any], decided: Callable[..., Any]) -> None:
    """A few rounds of each: no lock reaches anyone, and each decision that was answered is there, once."""
    town = make_town()
    live_together(town, remade, decided, enough={"east": 2, "ann": 4, "bob": 4})


@pytest.mark.proof
def test_all_at_once_for_five_minutes(
    make_town: Callable[..., Any], remade: Callable[..., Any], decided: Callable[..., Any]
) -> None:
    """The same for as long as the proof takes, with the console command itself."""
    town = make_town(seconds=PROOF, swift=False)
    live_together(town, remade, decided, enough={})
    print(town.crowd.figures())
