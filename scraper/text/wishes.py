"""What the text of a profile asks of those who archive: the hashtags that people write there for machines."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"<[^<>]*>")
_WISH = re.compile(r"#(nobot|noarchive|noindex)s?\b", re.IGNORECASE)


def opt_outs_in(profile: str) -> set[str]:
    """The labels (``nobot``, ``noarchive``, ``noindex``) that stand as hashtags in a profile's text or HTML.

    In HTML the sign and the word of a hashtag may be in elements of their own, so markup is left out first.
    """
    return {mark.lower() for mark in _WISH.findall(_MARKUP.sub("", profile))}
