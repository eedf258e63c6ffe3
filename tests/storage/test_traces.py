"""A post's words are found in whatever a site makes of them."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.traces import WHOLE, Traces, names_in

TEXT = '« Été » à l\'œuvre : 7 photos de Paris & de la Seine\nEnglish: "Paris <3", seen \\ by night 🌃'


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode(),
        TEXT.encode("utf-16"),
        b"\xef\xbb\xbf" + TEXT.encode(),
        json.dumps({"content": TEXT}).encode(),
        json.dumps({"content": TEXT}, ensure_ascii=False).encode(),
        json.dumps({"content": html.escape(TEXT)}).encode(),
        html.escape(TEXT).encode(),
        html.escape(TEXT).encode("ascii", "xmlcharrefreplace"),
        f"<p>{html.escape(TEXT).replace(' ', ' <b class=x>').replace('e', 'e</b>')}</p>".encode(),
        json.dumps({"content": f"<p>{html.escape(TEXT)}</p>".replace("\n", "</p><p>")}).encode(),
        f"<description>{html.escape('<p>' + html.escape(TEXT) + '</p>')}</description>".encode(),
        f"<p>{html.escape(TEXT.splitlines()[0])}</p><nav>other things between</nav>".encode(),
        TEXT.replace("🌃", "").encode("cp1252", "replace"),
        TEXT.upper().encode(),
    ],
)
def test_text_is_found(body: bytes) -> None:
    """Escapes, tags, entities, encodings and line breaks hide nothing."""
    assert Traces([TEXT], []).are_in(body)


def test_addresses_are_found() -> None:
    """Also where JSON escapes the slashes and HTML the ampersands."""
    traces = Traces([], ["https://m.example/a.jpg?x=1&y=2"])
    assert traces.are_in(b'{"url":"https:\\/\\/m.example\\/a.jpg?x=1&y=2"}')
    assert traces.are_in(b'<img src="https://m.example/a.jpg?x=1&amp;y=2">')
    assert not traces.are_in(b"https://m.example/b.jpg")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"%s"}',
        b'{"reblog": {"id": "%s", "content": "<p>Bonjour</p>"}}',
        b'<guid isPermaLink="false"> %s\n</guid>',
        b"<id><![CDATA[%s]]></id>",
        b'<a href="%s">',
    ],
)
@pytest.mark.parametrize("name", ["114641492508672000", "https://blog.example/?p=12&q=1", "tag:blog.example,2017:12"])
def test_names_are_found(body: bytes, name: str) -> None:
    """An id or an address is seen in JSON, XML and HTML, with the escapes of each."""
    assert name in names_in(body % name.encode())
    assert name in names_in(body % name.replace("/", "\\/").encode())
    assert name in names_in(body % html.escape(name).encode())


def test_a_number_is_a_name_too() -> None:
    """Some servers give their ids as numbers, and addresses hold them."""
    assert "114641492508672000" in names_in(b'{"id":114641492508672000,"a":1}')
    assert "114641492508672000" in names_in(b'"https://social.example/@ana/114641492508672000/embed"')


@pytest.mark.parametrize("text", ["", "Merci !", "🌃🌃🌃", "#a #b"])
def test_what_anybody_may_say_is_no_trace(text: str) -> None:
    """A few letters are not looked for: they would be found everywhere."""
    traces = Traces([text], [])
    assert not traces
    assert not traces.are_in(b"Merci ! #a #b " + "🌃🌃🌃".encode())


@given(st.text(min_size=1, max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_found_in_json_and_html(text: str, before: str, after: str) -> None:
    """Whatever a text is, as long as it has letters enough it is found between any others."""
    text = text.encode("utf-8", "ignore").decode()
    traces = Traces([text], [])
    if traces:
        assert traces.are_in(json.dumps(text).encode())
        assert traces.are_in(html.escape(text).encode())
        assert sum(letter.isalnum() for letter in text.casefold()) >= WHOLE


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_through(body: bytes) -> None:
    """Nothing that a site may send stops the search."""
    assert not Traces(["seventeen letters or more of it"], ["https://m.example/"]).are_in(body)
