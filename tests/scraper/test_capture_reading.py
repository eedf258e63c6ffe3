"""How a capture is read: its JSON, made fit to be stored, and the pages it links to."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.capture import Capture, Request
from scraper.errors import ParseError

URL = "https://social.example/api/v1/list?limit=40"


def capture(body: bytes = b"[]", *, link: str | None = None, url: str = URL, content_type: str = "") -> Capture:
    headers = {"content-type": content_type} | ({"link": link} if link is not None else {})
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Capture(request=Request(url=URL), url=url, status=200, headers=headers, body=body, fetched_at=at)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'"\ud83d\ude80"', "🚀"),
        (rb'"a\ud83d"', "a\ufffd"),
        (rb'"\ude80b"', "\ufffdb"),
        (rb'"\u0000"', "\ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd"),
        (rb'"\\ud83d is how it is written"', r"\ud83d is how it is written"),
        ('"é\ud83d"'.encode("utf-16-le", "surrogatepass"), "é\ufffd"),
        ("\ufeff\"é\"".encode(), "é"),
    ],
)  # fmt: skip
def test_texts_of_json_can_be_stored(body: bytes, text: str) -> None:
    """Half a character and NUL, which no database takes, become U+FFFD; everything else is as it was sent."""
    assert capture(body).json() == text


def test_names_and_texts_deep_inside_are_mended_too() -> None:
    """An object's names and the items of lists are texts like others."""
    body = rb'{"a\ud800": [{"b": ["\udc00", 1, null, true, 1.5]}]}'
    assert capture(body).json() == {"a\ufffd": [{"b": ["\ufffd", 1, None, True, 1.5]}]}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(codec=None)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_of_any_texts_is_read_and_can_be_written_as_utf_8(value: object) -> None:
    """Whatever was escaped on the way, what comes out can be stored; and what was fit is unchanged."""
    read = capture(json.dumps(value).encode()).json()
    written = json.dumps(read, ensure_ascii=False).encode()
    assert "\\u0000" not in written.decode()
    try:
        fit = "\\u0000" not in json.dumps(value, ensure_ascii=False).encode().decode()
    except UnicodeEncodeError:
        fit = False
    assert not fit or read == value


@pytest.mark.parametrize("body", [b"<html>", b"\n <!doctype html><title>Log in</title>"])
def test_a_web_page_in_place_of_json_is_called_one(body: bytes) -> None:
    """The most frequent wrong answer is said in words that a person can act on."""
    with pytest.raises(ParseError, match="a web page came in place of JSON"):
        capture(body).json()


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"9" * 5000, rb'"\ud800' + b"[" * 9])
def test_what_is_no_json_is_a_parse_error_with_its_evidence(body: bytes) -> None:
    """Cut, empty, bottomless or of unreadable bytes: always the same error, with address and hash."""
    broken = capture(body, content_type="application/json; charset=utf-8")
    with pytest.raises(ParseError, match="expected JSON and got application/json") as caught:
        broken.json()
    assert (caught.value.url, caught.value.sha256) == (URL, broken.sha256)


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://social.example/a?max_id=1>; rel="next", <https://social.example/b>; rel="prev"', "a?max_id=1"),
        ('<https://social.example/b>; rel="prev", <https://social.example/a>; rel="next"', "a"),
        ("<https://social.example/a,b;c>;rel=next", "a,b;c"),
        ('<https://social.example/a>; title="x"; REL = "last next"', "a"),
        ("<https://social.example/a>; rel='next'", "a"),
        ("<https://SOCIAL.example:443/a>; rel=next", None),
        ("</a>; rel=next", "a"),
        ("<?page=2>; rel=next", "api/v1/list?page=2"),
    ],
)
def test_a_link_header_gives_the_address_of_a_relation(header: str, target: str | None) -> None:
    """In any order, quoting and case, and absolute (RFC 8288)."""
    found = capture(link=header).link("next")
    assert found == (f"https://social.example/{target}" if target else "https://SOCIAL.example:443/a")


NO_NEXT = ["", "<https://social.example/a>", '<https://social.example/a>; rel="prev"', "rel=next", "<a>; rel=nextish"]


@pytest.mark.parametrize("header", [None, *NO_NEXT, "<" * 50_000])
def test_without_the_relation_there_is_no_link(header: str | None) -> None:
    """A header that is not there, or names other relations, ends a listing."""
    assert capture(link=header).link("next") is None


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://elsewhere.example/a", "leads to another server"),
        ("http://social.example/a", "leads to another server"),
        ("https://social.example:8443/a", "leads to another server"),
        ("https://social.example@elsewhere.example/a", "leads to another server"),
        ("file:///etc/passwd", "leads to another server"),
        ("javascript:alert(1)", "leads to another server"),
        ("https://[broken/a", "is no address"),
    ],
)
def test_a_link_to_another_server_is_not_followed(target: str, words: str) -> None:
    """An answer must not send a reader, and its token, wherever it likes."""
    with pytest.raises(ParseError, match=words):
        capture(link=f"<{target}>; rel=next").link("next")


def test_a_link_may_stay_where_a_redirect_led_to() -> None:
    """A site that has moved links to its new place, or to its old one."""
    moved = "https://new.example/api/v1/list"
    for target in ("https://new.example/a", "https://social.example/a"):
        assert capture(url=moved, link=f"<{target}>; rel=next").link("next") == target


def test_an_address_in_a_message_is_what_a_person_can_read() -> None:
    """Control characters, secrets and the length of an address do not reach the message; the evidence has it whole."""
    url = "https://social.example/\x1b[2J\n\x85?token=hush&x=" + "y" * 5000
    error = capture(url=url).parse_error("not a list")
    assert str(error).startswith("https://social.example/?[2J???token=***&x=yyy")
    assert str(error).endswith("…: not a list")
    assert len(str(error)) < 330
    assert error.url == url
