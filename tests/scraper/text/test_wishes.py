"""What a profile asks of those who archive."""

from __future__ import annotations

import pytest

from scraper.text.wishes import asked_of_all, asked_of_us, opt_outs_in


@pytest.mark.parametrize(
    ("profile", "labels"),
    [
        ("", set()),
        ("<p>Photos, FR/EN #space</p>", set()),
        ("No bots please #nobot", {"nobot"}),
        ("#NoBots #NOARCHIVE, #noindex.", {"nobot", "noarchive", "noindex"}),
        ('<p><a href="https://x.example/tags/noarchive" rel="tag">#<span>NoArchive</span></a></p>', {"noarchive"}),
        ("I like #nobotany and #noarchived", set()),
        ("nobot without its sign", set()),
        ('<a href="https://x.example/#nobot">a link</a>', set()),
    ],
)
def test_hashtags_for_machines_are_found_in_a_profile(profile: str, labels: set[str]) -> None:
    """As people write them: in any case, in the plural, with the sign in an element of its own."""
    assert opt_outs_in(profile) == labels


@pytest.mark.parametrize(
    ("said", "of_all", "of_us"),
    [
        ("", "", ""),
        ("index, follow, all", "", ""),
        ("NoArchive", "noarchive", "noarchive"),
        ("noindex,nofollow ; noarchive", "noarchive noindex", "noarchive"),
        ("none", "noindex", ""),
        ("googlebot: noarchive", "", ""),
        ("cupola: noarchive, noindex", "noarchive noindex", "noarchive noindex"),
        ("googlebot: noarchive, Cupola: none", "noindex", "noindex"),
        ("*: noindex", "noindex", ""),
        ("unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT, noarchive", "noarchive", "noarchive"),
        ("max-snippet: 20, noindex", "noindex", ""),
        ("noarchived, xnoindex", "", ""),
        (":,:;: noindex" + "," * 9000, "noindex", ""),
    ],
)
def test_robots_directives_are_for_us_unless_they_name_another(said: str, of_all: str, of_us: str) -> None:
    """As pages have them, and as feeds and interfaces do, where ``noindex`` is a habit of servers."""
    assert " ".join(sorted(asked_of_all(said))) == of_all
    assert " ".join(sorted(asked_of_us(said))) == of_us
