"""The plain text of what a feed or a blog gives as HTML or as text."""

from __future__ import annotations

import re

from scraper.feeds.items import Text
from scraper.feeds.pictures import with_emoji
from scraper.text.markup import html_to_text

UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def plain(text: Text) -> str:
    """The text without markup; one that has none keeps its line breaks, also where the feed calls it HTML."""
    value = UNWRITABLE.sub("\ufffd", text.value)
    if text.is_html and re.search(r"<[a-zA-Z/!]", value):
        return html_to_text(with_emoji(value)).strip(" \n")
    lines = [" ".join(re.split(r"[ \t]+", line.strip(" \t"))) for line in value.strip().splitlines()]
    lines = [html_to_text(line) for line in lines] if text.is_html else lines
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def plain_line(text: Text) -> str:
    """The same on one line, as a title is."""
    return re.sub(r"[ \t\r\n]+", " ", plain(text)).strip(" ")
