"""HTML to text: exact for what Mastodon sends, as a browser would for a page, total for anything."""

from __future__ import annotations

import pytest
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
        "<" * 50_000,
        "&" * 50_000 + "&#" * 50_000,
        "&#" + "9" * 6000 + ";",
        "&#xffffffffffff;&#x0;&#55296;",
        "\x00<p>\ud800</p>",
        " " * 500_000,
    ],
    ids=lambda html: html[:12],
)
def test_hostile_markup_is_read_to_its_end(html: str) -> None:
    """Nesting without end, quotes that never close, absurd entities: text, never an exception."""
    text = html_to_text(html)
    assert len(text) <= len(html)
    assert "x" not in html or not html.startswith(("<div>", "<blockquote>")) or text == "x"


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
