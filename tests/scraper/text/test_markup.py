"""HTML to text: exact for what Mastodon sends, as a browser would for a page, total for anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from scraper.text.markup import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Un</p><p>One</p>", "Un\n\nOne"),
        ("<p>Un<br>One<br />Deux</p>", "Un\nOne\nDeux"),
        ("<p>a<br><br>b</p>", "a\n\nb"),
        ("<p>a<br></p><p>b</p>", "a\n\nb"),
        ("<p>L&#39;île &amp;amp; nous &lt;3</p>", "L'île &amp; nous <3"),
        ("<p>«&nbsp;Oui\u202f!&nbsp;»</p>", "«\u00a0Oui\u202f!\u00a0»"),
        (
            '<p>Voir <a href="https://a.example/page/that/long"><span class="invisible">https://</span>'
            '<span class="ellipsis">a.example/page</span><span class="invisible">/that/long</span></a>.</p>',
            "Voir https://a.example/page/that/long.",
        ),
        (
            '<p><span class="h-card" translate="no"><a href="https://a.example/@eva" class="u-url mention">@<span>eva'
            '</span></a></span> et <a href="/tags/Lyon" class="mention hashtag" rel="tag">#<span>Lyon</span></a></p>',
            "@eva et #Lyon",
        ),
        ('<p class="quote-inline">RE: <a href="https://a.example/1">a.example/1</a></p><p>Mon avis</p>', "Mon avis"),
        ("<p>a</p><ul><li>x</li><li>y</li></ul><p>b</p>", "a\n\nx\ny\n\nb"),
        ("<blockquote><p>q</p></blockquote><p>b</p>", "q\n\nb"),
        ("<p>a</p><pre><code>x  = 1\n\n  y</code></pre>", "a\n\nx  = 1\n\n  y"),
        ("<p>:muscle: <b>gras</b><i>é</i></p>", ":muscle: grasé"),
        # a word that may break, or hold a soft hyphen, is one word
        ("<p>anti<wbr>constitu<wbr/>tionnel</p>", "anticonstitutionnel"),
        ("<p>co&shy;ton</p>", "co\u00adton"),
        # French spaces before marks and within « », as entities, as numbers, as they are
        ("<p>«&#8239;Où&#x202f;?&nbsp;»\u00a0!</p>", "«\u202fOù\u202f?\u00a0»\u00a0!"),
        ("<p>« Où ? »</p>", "« Où ? »"),
        # entities are decoded once
        ("<p>&amp;lt;p&amp;gt; &amp;nbsp; &amp;#39;</p>", "&lt;p&gt; &nbsp; &#39;"),
        # what is invisible in a link counts, what is a comment does not
        ('<p>a<!-- <b>no</b> --><span class="invisible">b</span>c</p>', "abc"),
    ],
)
def test_a_status_becomes_the_text_that_its_reader_sees(html: str, text: str) -> None:
    """Paragraphs, breaks, links in pieces, mentions, tags, entities once, French spaces: exactly."""
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>\n  <p>a\n   b</p>\n  <div>c</div>\n</div>", "a b\n\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<h3>T</h3>\n<p>x</p>", "T\n\nx"),
        ("<tr><td>a</td><td>b</td></tr><tr><td>c</td></tr>", "a b\nc"),
        ("<figure><img alt='no'><figcaption>c</figcaption></figure>", "c"),
        ("<html><head><title>no</title></head><body>yes</body></html>", "yes"),
        ("<script>if (a < b) { '</p>' }</script>a<style>p{}</style>", "a"),
        ("<!-- <p>no</p> -->a<!DOCTYPE html><?php x ?>b", "ab"),
        ("<a title='x > y' data-a=\"'>\">t</a>", "t"),
        ("<a title=l'eau>t</a>", "t"),
        ("a <b>b</b> <i> c</i>", "a b c"),
        ("a < b and 3 <4", "a < b and 3 <4"),
        ("no markup &eacute;", "no markup é"),
        ("  plain  text ", "plain text"),
        ("<P>A</P><BR/>B", "A\n\n\nB"),
        ("", ""),
    ],
)
def test_a_page_becomes_what_a_browser_shows(html: str, text: str) -> None:
    """Spaces collapse, blocks stand on lines of their own, scripts, styles and comments show nothing."""
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # WordPress: blocks with their comments, captions, quotations, smart quotes, an excerpt's end
        (
            "<!-- wp:paragraph -->\n<p>Bonjour&nbsp;!<br />\nL&#8217;été &hellip;</p>\n<!-- /wp:paragraph -->\n\n"
            "<p>Hi</p>\n",
            "Bonjour\u00a0!\nL’été …\n\nHi",
        ),
        (
            '<figure class="wp-block-image"><img src="x" alt="no"/>'
            "<figcaption>Vue <em>de nuit</em></figcaption></figure>"
            '\n<blockquote class="wp-block-quote"><p>«&nbsp;Oui&nbsp;»</p><cite>Eva</cite></blockquote>',
            "Vue de nuit\n\n«\u00a0Oui\u00a0»\n\nEva",
        ),
        ("<p>Un début [&hellip;]</p>", "Un début […]"),
        # a feed of Flickr: who posted, the picture, the caption with its empty line
        (
            '<p><a href="u">eva</a> posted a photo:</p>\n\t\n<p><a href="p"><img src="x_m.jpg" alt="no" /></a></p>\n\n'
            "<p>Le lac&nbsp;: gelé<br />\n<br />\nThe lake: frozen<br />\n607D7774</p>\n",
            "eva posted a photo:\n\nLe lac\u00a0: gelé\n\nThe lake: frozen\n607D7774",
        ),
        # ESA: the details of a picture
        (
            '<div class="modal__tab-description">\n<p>« Une vue\u202f! »</p>\n<p>"A view!"<br>\nEva, Proxima</p></div>',
            '« Une vue\u202f! »\n\n"A view!"\nEva, Proxima',
        ),
        ("<ol><li>un</li><li>deux</li></ol><p>fin</p>", "un\ndeux\n\nfin"),
        ("<ul><li><p>un</p></li><li><p>deux</p></li></ul>", "un\n\ndeux"),
        ("<blockquote><blockquote><p>a</p></blockquote><p>b</p></blockquote>c", "a\n\nb\n\nc"),
        ("<script>var a = '<p>no</p>';</script><style>p > b {}</style><p>a</p><noscript>no</noscript>", "a"),
        # lists within lists, and what is said to be hidden
        ("<p>a</p><ul><li>b<ol><li>c</li></ol></li><li>d</li></ul><p>e</p>", "a\n\nb\nc\nd\n\ne"),
        ('<p hidden>x</p><p>a</p><div style="color: red; display: none">y<div>z</div></div>b', "a\n\nb"),
        ('<p title="a hidden place" data-x="display:none" aria-hidden="true">shown</p>', "shown"),
        ("<p hidden>never closed, so it is shown", "never closed, so it is shown"),
    ],
)
def test_each_platforms_own_markup(html: str, text: str) -> None:
    """WordPress, Flickr's feeds and ESA; Mastodon's is above, Bluesky's is plain text."""
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "Le lac\u00a0: gelé\r\n\r\nThe lake &quot;frozen&quot;  and <b>blue</b>\n607D7774\n",
            'Le lac\u00a0: gelé\n\nThe lake "frozen" and blue\n607D7774',
        ),
        ("plain\n\ntext", "plain\n\ntext"),
        ('<a href="x">a</a>\n b', "a\nb"),
        ("", ""),
    ],
)
def test_a_typed_text_keeps_its_line_breaks(html: str, text: str) -> None:
    """A description on Flickr: line feeds are breaks, markup is markup, entities are decoded once."""
    assert html_to_text(html, typed=True) == text


def marked_up(value: Any) -> Iterator[str]:
    """Every text with markup in a recorded answer."""
    if isinstance(value, str):
        if not value.startswith("<?xml") and ("<p" in value or "<br" in value or "</a>" in value):
            yield value
    else:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from marked_up(item)


@pytest.mark.parametrize("platform", ["mastodon", "wordpress", "flickr"])
def test_recorded_answers_lose_and_gain_no_letter(platform: str) -> None:
    """Against a parser of HTML: the same characters but for spaces, no tag or entity left, no line ends in a space."""
    folder = Path(__file__).parents[3].parent / "shared" / "fixtures" / platform
    if not folder.exists():
        pytest.skip("../shared is not here: its recorded answers cannot be read")
    texts = {text for file in sorted(folder.glob("*.json")) for text in marked_up(json.loads(file.read_text("utf-8")))}
    texts |= {
        part.text
        for file in sorted(folder.glob("xml_*description*.xml"))
        for part in BeautifulSoup(file.read_bytes(), "xml").find_all("description")
    }
    assert texts
    for html in texts:
        tree = BeautifulSoup(html, "lxml")
        for unseen in tree.select("script, style, iframe, .quote-inline"):
            unseen.decompose()
        found = html_to_text(html)
        assert "".join(found.split()) == "".join(tree.get_text().split())
        assert not re.search(r"[ \t](\n|$)", found)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "x" + "</div>" * 100_000,
        "<blockquote>" * 100_000 + "x",
        "<a b='" * 50_000 + "x",
        '<a b="' * 50_000 + "x",
        "<!--" * 50_000,
        "<script>" * 50_000,
        "</" * 50_000,
        "<p " * 50_000,
        "<svg>" * 50_000,
        "<p hidden>" * 20_000,
        "<ul>" * 50_000 + "</ol>" * 50_000,
        "<" * 50_000,
        "&" * 50_000 + "&#" * 50_000,
        "&#" + "9" * 6000 + ";",
        "&#xffffffffffff;&#x0;&#55296;",
        "\x00<p>\ud800</p>",
        " " * 500_000,
        "<blockquote><p>" * 50_000 + "x" + "</p></blockquote>" * 50_000,
        "<span class='invisible'>" * 100_000,
        "<!-- a -->" * 50_000,
        "<wbr>" * 100_000,
    ],
    ids=lambda html: html[:12],
)
def test_hostile_markup_is_read_to_its_end(html: str) -> None:
    """Nesting without end, quotes that never close, absurd entities: text, never an exception."""
    text = html_to_text(html)
    assert len(text) <= len(html)
    assert "x" not in html or not html.startswith(("<div>", "<blockquote>")) or text == "x"


def test_ten_megabytes_are_read_whole() -> None:
    """A status without end loses no letter."""
    text = html_to_text("<p>«&nbsp;Oui&nbsp;»<br>non</p>" * 300_000)
    assert text.count("«\u00a0Oui\u00a0»\nnon") == 300_000
    assert len(text) == 300_000 * 13 - 2


@given(
    st.text(alphabet=st.characters())
    | st.lists(
        st.sampled_from(["<p>", "</p>", "<br", ">", "a", "&lt;", '"', "'", "=", "<!--", "<pre>", "\n", " "])
    ).map("".join)
)
def test_any_string_has_a_text(html: str) -> None:
    """No exception; and a text without markup characters loses nothing but spaces at its ends and doubled ones."""
    text = html_to_text(html)
    if not set(html) & set("<&"):
        assert "".join(text.split()) == "".join(html.split())
