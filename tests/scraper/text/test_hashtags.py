"""Hashtags as people write them."""

from __future__ import annotations

from scraper.text.hashtags import find_hashtags, once_each


def test_hashtags_come_in_order_as_written_and_once() -> None:
    """Case does not tell two apart; the first spelling is kept; numbers and anchors of links are none."""
    body = "L’#île de #MissionAlpha, #été2021 #missionalpha #9807 https://a.example/b#part R&D#no"
    assert find_hashtags(body) == ("île", "MissionAlpha", "été2021")


def test_the_written_case_wins_over_the_platforms() -> None:
    """Platforms give names in small letters; what stands in the body comes first."""
    assert once_each(find_hashtags("#MissionAlpha"), ("missionalpha", "#iss")) == ("MissionAlpha", "iss")
