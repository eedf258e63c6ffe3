"""What every kind of source promises, tried on each case under ``tests/fixtures/sources/<kind>/<case>/``.

A case is a folder: ``case.yaml`` (``origin: synthetic``, ``options``, ``answers: [{url, file, status, headers}]``,
``after`` for a visit that begins at a native id, and ``since_edges: false`` where the dates of a case mean nothing),
the bodies verbatim, and ``expected.json``. To make or renew ``expected.json``, delete it and run this file: it is
written, the test fails once, and a person reads it before it is committed.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraper.capture import Capture, Request
from scraper.crawl import Page, crawl
from scraper.errors import ScraperError
from scraper.finding import Finding
from scraper.masking import named
from scraper.model import History, Post
from scraper.registry import kinds, made
from scraper.replay import Replay
from scraper.source import Source

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sources"
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/case.yaml"))
FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)

LOGIN_PAGE = (
    b"<!doctype html><html><head><title>Sign in</title></head><body><img src='/logo.png' alt='Logo'><h1>Sign in</h1>"
    b"<form method='post'><input name='user'><input type='password' name='pass'></form></body></html>"
)
HTML_PAGE = (
    b"<!doctype html><html><head><title>502</title></head><body><h1>Bad gateway</h1><p>Try later.</p></body></html>"
)
JSON_ANSWER = b'{"error": "This method requires an authenticated user"}'
#: nothing that publishes posts ever answers so
NEVER_AN_ANSWER = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "null": b"null",
    "a number": b"42",
    "a string": b'"posts"',
    "NUL bytes": b"\x00" * 64,
    "a picture": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)),
    "a login page": LOGIN_PAGE,
    "an HTML error page": HTML_PAGE,
    "a JSON error": JSON_ANSWER,
    "deep JSON": b"[" * 10_000,
    "deep HTML": b"<div>" * 2_000,
}


@dataclasses.dataclass(frozen=True)
class Case:
    """One case of one kind, read from its folder."""

    folder: Path
    spec: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Case:
        return cls(folder, yaml.safe_load((folder / "case.yaml").read_text("utf-8")))

    def source(self) -> Source[Any]:
        found = kinds()[self.folder.parent.name]
        return made(found.kind, "a-source", found.options_type(**self.spec["options"]))

    def replay(self) -> Replay:
        return Replay(
            Capture(
                request=Request(url=answer["url"]),
                url=answer.get("final_url", answer["url"]),
                status=answer.get("status", 200),
                headers={name.lower(): value for name, value in answer.get("headers", {}).items()},
                body=(self.folder / answer["file"]).read_bytes() if "file" in answer else b"",
                fetched_at=FETCHED_AT,
            )
            for answer in self.spec["answers"]
        )

    def histories(self) -> Iterator[Capture]:
        """The recorded answers to what the source would ask of its edited posts."""
        source, recorded = self.source(), {answer["url"] for answer in self.spec["answers"]}
        for post in posts_of(self.crawl()):
            request = source.history(post)
            if request is not None and request.url in recorded:
                yield self.replay().fetch(request)

    def crawl(self, since: datetime | None = None) -> list[Page]:
        return list(crawl(self.source(), self.replay().fetch, since=since, after=self.spec.get("after")))

    def captures(self) -> list[Capture]:
        """The answers as a crawl gets them: each with the request that the source really made."""
        return [*(page.capture for page in self.crawl() if page.capture is not None), *self.histories()]


def posts_of(pages: list[Page]) -> list[Post]:
    return [post for page in pages for post in page.posts]


def as_json(case: Case) -> dict[str, Any]:
    """What a crawl gave, every field of every post and history, in the form of ``expected.json``."""
    pages = case.crawl()
    failures = [
        {"error": type(page.failure).__name__, "message": str(page.failure)}
        for page in pages
        if page.failure is not None
    ]
    found = {"posts": [dataclasses.asdict(post) for post in posts_of(pages)], "failures": failures}
    source = case.source()
    if told := [item for capture in case.histories() for item in source.parse(capture, None)]:
        found["histories"] = [dataclasses.asdict(item) for item in told]
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def outcome(source: Source[Any], capture: Capture) -> list[Post | Request | History] | ScraperError:
    """What ``parse`` gives, or the ScraperError it raises; any other exception is a defect and passes through."""
    try:
        return list(source.parse(capture, None))
    except ScraperError as error:
        return error


def each_case(test: Callable[..., None]) -> Callable[..., None]:
    cases = [pytest.param(Case.of(path), id=f"{path.parent.name}-{path.name}") for path in CASES]
    return pytest.mark.parametrize("case", cases)(test)


def each_kind(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.parametrize("kind", list(kinds()))(test)


def test_every_kind_has_a_fixture_and_every_fixture_a_kind() -> None:
    """A kind without a case is not tested, a folder without a kind is a leftover."""
    folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}
    assert folders == set(kinds())
    assert {path.parent.name for path in CASES} == set(kinds())
    assert {path for path in FIXTURES.glob("*/*") if path.is_dir()} == set(CASES)


@each_kind
def test_a_kind_says_what_it_is(kind: str) -> None:
    """A contributor finds a docstring, one line for the list of kinds, and an address that the kind reads."""
    found = kinds()[kind]
    assert re.fullmatch(r"[a-z0-9_]+", kind)
    assert "__doc__" in vars(found)
    assert (found.__doc__ or "").strip()
    assert found.summary
    assert "\n" not in found.summary
    assert re.match(r"https?://[^\s/]+", found.example)
    assert found.options_type(url=found.example).url == found.example


@each_kind
def test_whatever_address_is_looked_at_a_kind_says_what_it_knows(kind: str) -> None:
    """No exception whatever the address, and every stanza offered is one that some kind takes."""
    typed = [found.example for found in kinds().values()]
    typed += ["", " ", "@", "@@", "://", "http://", "http://[", "http://x:99999/@a", "did:", "a@b", "x" * 9000, "\x00"]
    typed += ["https://www.esa.int/%ff", "https://bsky.app/profile/", "https://x.example/@%00", "ftp://x.example/@a"]
    for url in typed:
        for item in kinds()[kind].knows(url):
            if isinstance(item, Finding):
                kinds()[item.kind].options_type.model_validate(dict(item.options))
                assert item.reason
            else:
                assert item.carry


@each_case
def test_a_case_says_where_it_comes_from(case: Case) -> None:
    """Whether a body was recorded or written by us is part of the fixture, and every file in the folder is used."""
    assert re.match(r"synthetic|recorded \d{4}-\d{2}-\d{2}", case.spec["origin"])
    used = {answer["file"] for answer in case.spec["answers"] if "file" in answer}
    assert {path.name for path in case.folder.iterdir()} - {"expected.json"} == used | {"case.yaml"}


@each_case
def test_posts_and_failures_are_those_expected(case: Case) -> None:
    """A crawl of the recorded answers gives exactly the posts and the failures of ``expected.json``."""
    found = as_json(case)
    golden = case.folder / "expected.json"
    if not golden.exists():
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
        pytest.fail(f"{golden} was not there and has been written: read it before you commit it")
    assert found == json.loads(golden.read_text("utf-8"))


@each_case
def test_every_recorded_answer_is_asked_for(case: Case) -> None:
    """A body that no request leads to would test nothing."""
    asked = {page.request.url for page in case.crawl()} | {capture.request.url for capture in case.histories()}
    assert asked >= {answer["url"] for answer in case.spec["answers"]}


@each_case
def test_keys_are_unique(case: Case) -> None:
    """No two posts of one answer share a key, and every key is under the source's own id."""
    source = case.source()
    for capture in case.captures():
        result = outcome(source, capture)
        posts = [item for item in result if isinstance(item, Post)] if isinstance(result, list) else []
        assert len({post.key for post in posts}) == len(posts)
        assert all(post.source_id == source.id for post in posts)


@each_case
def test_start_and_parse_are_pure(case: Case) -> None:
    """A capture gives the same posts and requests twice, from one source or from two, and nothing is connected to."""
    source, other = case.source(), case.source()
    captures = case.captures()
    with no_network():
        assert list(source.start(None)) == list(source.start(None)) == list(other.start(None))
        for capture in captures:
            first = outcome(source, capture)
            for again in (outcome(source, capture), outcome(other, capture)):
                assert str(again) == str(first) if isinstance(first, ScraperError) else again == first


@each_case
def test_since_leaves_out_the_older_posts_and_nothing_else(case: Case) -> None:
    """For every edge, a crawl that ends early loses no post that a full crawl would keep."""
    if not case.spec.get("since_edges", True):
        return
    everything = posts_of(case.crawl())
    for since in edges_of(everything):
        wanted = {post.key: post for post in everything if in_scope(post, since)}
        got = {post.key: post for post in posts_of(case.crawl(since)) if in_scope(post, since)}
        assert got == wanted, f"since {since}"


@pytest.mark.parametrize("wrong", NEVER_AN_ANSWER)
@each_case
def test_what_is_no_answer_is_a_scraper_error(case: Case, wrong: str) -> None:
    """An empty, foreign or refused answer is an error that names its page: no silence and no other exception."""
    source = case.source()
    for capture in case.captures():
        result = outcome(source, dataclasses.replace(capture, body=NEVER_AN_ANSWER[wrong], sha256=""))
        assert isinstance(result, ScraperError), f"{capture.url} took {wrong} for an answer"
        assert named(capture.url) in str(result)


@each_case
def test_a_cut_answer_is_an_error_or_gives_something(case: Case) -> None:
    """Cut anywhere, an answer is a ScraperError or still holds something; it is no silent nothing."""
    source = case.source()
    for capture in case.captures():
        whole = outcome(source, capture)
        for tenth in range(1, 20):
            body = capture.body[: len(capture.body) * tenth // 20]
            result = outcome(source, dataclasses.replace(capture, body=body, sha256=""))
            assert result or not whole, f"{capture.url} cut at {len(body)} bytes gave nothing and no error"


@each_kind
def test_a_mutated_answer_raises_nothing_but_scraper_errors(kind: str) -> None:
    """Bytes dropped, repeated, swapped or replaced by nasty ones never end in another exception."""
    subjects = [
        (case.source(), capture)
        for case in map(Case.of, CASES)
        if case.folder.parent.name == kind
        for capture in case.captures()
        if capture.body
    ]

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def mutate(data: st.DataObject) -> None:
        source, capture = data.draw(st.sampled_from(subjects))
        body = capture.body
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(body)))
            end = min(len(body), start + data.draw(st.sampled_from([0, 1, 4, 40, 400])))
            body = (
                body[:start] + data.draw(st.one_of(st.sampled_from(NASTY), st.just(body[start:end] * 3))) + body[end:]
            )
        result = outcome(source, dataclasses.replace(capture, body=body, sha256=""))
        for post in result if isinstance(result, list) else ():
            if isinstance(post, Post):
                json.dumps(dataclasses.asdict(post), default=str, ensure_ascii=False).encode("utf-8")

    mutate()


#: what breaks parsers: types where others were due, broken text, huge numbers and dates, markup out of place
NASTY = [
    b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"null", b"[]", b"{}", b'""', b"0", b"-1", b"1e999", b"true",
    b"9" * 400, b'"2016-99-99T99:99:99Z"', b"31/02/2016", b"00/00/0000", b"99999-12-31", b"<", b">", b"</div>",
    b"<div>" * 300, b"</" * 300, b'"', b"'", b"&#0;", b"&#xD800;", b"&#99999999999;", b"http://[", b"//", b"\r\n", b",",
    b"data:,", b"\xe2\x80\xae", b"\xc2\xa0", b"<!--", b"<![CDATA[", b"<base href='http://['>", b"<table>", b"about:x",
]  # fmt: skip


def in_scope(post: Post, since: datetime) -> bool:
    return post.published is not None and post.published.overlaps(since, None)


def edges_of(posts: list[Post]) -> list[datetime]:
    """A moment before, at and after the start and the end of every date, and far away on both sides."""
    starts = {post.published.at for post in posts if post.published is not None}
    steps = [timedelta(seconds=s) for s in (-1, 0, 1, 59, 60, 61, 86399, 86400, 86401)]
    near = {start + step for start in starts for step in steps}
    return sorted(near | {datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)})


class no_network:  # noqa: N801 - reads as a statement where it is used
    """While it is entered, a connection, a look-up of a name or a new process is an error."""

    active = False

    def __enter__(self) -> None:
        _install_audit_hook()
        no_network.active = True

    def __exit__(self, *exception: object) -> None:
        no_network.active = False


@cache
def _install_audit_hook() -> None:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if no_network.active and event in {"socket.connect", "socket.getaddrinfo", "subprocess.Popen"}:
            raise AssertionError(f"a source must not do {event}{arguments}")

    sys.addaudithook(refuse)  # cannot be taken away again, hence the switch
