"""What the text of a profile, or a server in a header, asks of those who archive."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"<[^<>]*>")
_WISH = re.compile(r"#(nobot|noarchive|noindex)s?\b", re.IGNORECASE)
#: «googlebot: » before what is asked of that agent alone
_AGENT = re.compile(r"\s*(\*|[a-z][\w.+/ -]{0,60}?)\s*:(.*)", re.IGNORECASE | re.DOTALL)
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_OURS = "cupola"
_LABELS = {"noarchive": "noarchive", "noindex": "noindex", "none": "noindex"}


def opt_outs_in(profile: str) -> set[str]:
    """The labels (``nobot``, ``noarchive``, ``noindex``) that stand as hashtags in a profile's text or HTML.

    In HTML the sign and the word of a hashtag may be in elements of their own, so markup is left out first.
    """
    return {mark.lower() for mark in _WISH.findall(_MARKUP.sub("", profile))}


def asked_of_all(directives: str) -> set[str]:
    """``noarchive`` and ``noindex`` (also for ``none``) as a page's ``X-Robots-Tag`` or ``<meta name=robots>`` asks us.

    What names another agent (``googlebot: noarchive``) is not for us, what names ``cupola`` is. Where a header came
    several times its lines are joined by commas, so an agent is taken to be meant until the next one is named.
    https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
    """
    return {label for _, label in _asked(directives)}


def asked_of_us(directives: str) -> set[str]:
    """What ``X-Robots-Tag`` asks with a feed or an answer of an API: ``noarchive``; ``noindex`` only if it names us.

    Common servers and plug-ins send ``noindex`` with every such answer, to keep it out of search results; it says
    nothing of the posts in it.
    """
    return {label for agent, label in _asked(directives) if label == "noarchive" or agent == _OURS}


def _asked(directives: str) -> list[tuple[str, str]]:
    agent = ""
    found: list[tuple[str, str]] = []
    for part in re.split(r"[,;]", directives[:4000]):
        named = _AGENT.fullmatch(part)
        if named is not None:
            if named[1].lower() in _WITH_VALUE:
                continue
            agent, part = named[1].lower(), named[2]
        if agent in ("", "*", _OURS):
            found += [(agent, _LABELS[word]) for word in part.lower().split() if word in _LABELS]
    return found
