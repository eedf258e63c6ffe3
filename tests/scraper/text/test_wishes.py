"""What a profile asks of those who archive."""

from __future__ import annotations

import pytest

from scraper.text.wishes import opt_outs_in


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
