"""What a person got wrong is told in words, with exit status 2 and what to do; nothing is made, changed or asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

NOBODY = SimpleNamespace(kind="esa_gallery", url="http://127.0.0.1:9/ESA_Multimedia/Images/2017/06/Journal")
ARCHIVIST = "archivist@cupola.test"


@dataclass(frozen=True)
class Wrong:
    """A command and a configuration (None: there is no file), and what must be said of them."""

    command: str
    says: tuple[str, ...]
    config: str | None = (
        f"http: {{contact: {ARCHIVIST}}}\nsources:\n  - {{id: a, kind: esa_gallery, url: '{NOBODY.url}'}}\n"
    )


def config(text: str, *says: str) -> Wrong:
    """A wrong configuration."""
    return Wrong("scrape", ("config.yaml", *says), text)


GOOD = Wrong("", ()).config or ""
WRONG = {
    "no-config": Wrong("scrape", ("config.yaml", "no such file", "cupola config init"), None),
    "unknown-key": config("archive:\n  foldr: here\n", "line 2", "archive.foldr", "did you mean folder?"),
    "unknown-option-of-a-source": config(
        GOOD.replace("Journal'", "Journal', urll: x"), "sources[0].urll", "did you mean url?"
    ),
    "unknown-kind": config(GOOD.replace("esa_gallery", "esa_galery"), "line 3", "sources[0].kind", "esa_gallery"),
    "no-yaml": config("sources: [\n", "line", "is not YAML"),
    "secret-in-the-file": config(GOOD.replace("Journal'", "Journal', token: hush"), "sources[0].token", "token_env"),
    "unknown-source": Wrong("scrape b", ("config.yaml", "no source 'b'", "it has a")),
    "since-nonsense": Wrong("scrape --since yesterweek", ("'yesterweek' is not a date", "2016-11-17", "7d")),
    "since-no-such-day": Wrong("scrape --since 2016-13-45", ("'2016-13-45' is not a date", "2016-11-17")),
    "since-after-until": Wrong(
        "scrape --since 2017-01-02 --until 2017-01-01", ("--since 2017-01-02", "before --until")
    ),
    "limit-none": Wrong("scrape --limit 0", ("--limit", "x>=1")),
    "no-such-file": Wrong("scrape --from-file nothing.html", ("--from-file", "nothing.html", "does not exist")),
    "unknown-option": Wrong("scrape --sinc 7d", ("--sinc", "--since")),
    "unknown-command": Wrong("scrap", ("No such command 'scrap'",)),
}


@pytest.fixture(scope="module")
def told(places: Callable[[], Any]) -> Callable[[str], tuple[Any, Any]]:
    """What each wrong command answered, and where; they are run two at a time."""

    def ask(wrong: Wrong, place: Any) -> tuple[Any, Any]:
        if wrong.config is not None:
            place.config.write_text(wrong.config)
        return place, place.run(*wrong.command.split())

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(WRONG, pool.map(ask, WRONG.values(), [places() for _ in WRONG]), strict=True))
    return answers.__getitem__


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_is_told_in_words(told: Callable[[str], tuple[Any, Any]], name: str) -> None:
    """Status 2; the file, line, key, option or name is in the words on stderr; no archive is made."""
    place, done = told(name)
    assert (done.status, done.out) == (2, "")
    assert all(word in done.err for word in WRONG[name].says), done.err
    assert "hush" not in done.err
    assert not place.archive.exists()


@pytest.fixture(scope="module")
def held(places: Callable[[], Any], watched: Callable[..., Any]) -> Any:
    """An archive of the demo's gallery."""
    place = places()
    with watched() as site:
        place.configure(site.sources, rate="1000/s")
        assert place.run("scrape", "-q", "aurore-gallery").status == 0
    return place


@pytest.mark.parametrize("key", ["aurore-gallery:2479990", "nonsense", "https://nowhere.example/1", "a:\udcff"])
def test_an_unknown_key_is_told_with_the_nearest_known_one(held: Any, key: str) -> None:
    """``show`` of what is not held: status 2, the key in the words, nothing on stdout."""
    done = held.run("show", key, "--json")
    assert (done.status, done.out) == (2, "")
    assert key.partition("\udcff")[0] in done.err


def test_nothing_found_is_no_error(held: Any) -> None:
    """A query without rows: status 0, and stdout holds what was asked for: an empty list, no line, a zero."""
    for arguments, nothing in ((("--format", "json"), "[]"), (("--format", "ids"), ""), (("--count",), "0")):
        done = held.run("query", "--text", "xyzzy", *arguments)
        assert (done.status, "".join(done.out.split())) == (0, nothing)


def test_a_dry_run_makes_no_archive(places: Callable[[], Any], watched: Callable[..., Any]) -> None:
    """``--dry-run`` reads and counts, says what fails with status 1, and touches nothing."""
    place = places()
    with watched() as site:
        place.configure(site.sources | {"down": NOBODY}, attempts=1, rate="1000/s")
        done = place.run("scrape", "--dry-run", "--json")
    assert done.status == 1
    assert {name: report["outcome"] for name, report in json.loads(done.out).items()} == {
        "aurore-gallery": "completed", "aurore-mastodon": "completed", "down": "partial",
    }  # fmt: skip
    assert "again later" in done.json["down"]["failures"][0]["message"]
    assert sorted(path.name for path in place.folder.iterdir()) == ["config.yaml"]


def test_failures_are_told_to_people_too(places: Callable[[], Any], watched: Callable[..., Any]) -> None:
    """Without ``--json`` the table names each source and how it ended, and each failure stands below in a line."""
    place = places()
    with watched() as site:
        place.configure(site.sources | {"down": NOBODY}, attempts=1, rate="1000/s")
        done = place.run("scrape")
    assert done.status == 1
    lines = done.out.splitlines()
    assert any("aurore-gallery" in line and "complete" in line for line in lines)
    assert any("down" in line and "in part" in line for line in lines)
    assert any(line.startswith("✗ down") and NOBODY.url in line and "again later" in line for line in lines)
