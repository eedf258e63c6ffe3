"""Single tags out of markup that nobody guarantees: their names and attributes, in one pass and without a tree."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

#: a comment hides what is in it to its end, or to the end of everything
_TAGS = (
    r"<!--(?:.*?-->|.*)|<script\b(?:.*?</script|.*)|"
    r"<(/?(?:{names}))(?=[\s/>])((?:[^<>\"']++|\"[^\"]{{0,20000}}+\"|'[^']{{0,20000}}+'){{0,200}}+)>"
)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_LONG_NUMBER = re.compile(r"&#[0-9]{8,}+;?")


def tags_in(markup: str, *names: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The tags of those names in ``markup``: lower-case name (an end tag's begins with «/») and attributes.

    Of an attribute that stands twice the first counts, as in browsers. Comments and scripts are passed over.
    """
    pattern = re.compile(_TAGS.format(names="|".join(names)), re.IGNORECASE | re.DOTALL)
    for found in pattern.finditer(markup):
        if found[1]:
            yield found[1].lower(), attributes_of(found[2])


def attributes_of(text: str) -> dict[str, str]:
    """The attributes in the inside of a tag, entities decoded."""
    attributes: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        # int() refuses very long numbers, and html.unescape would hand its ValueError on
        value = html.unescape(_LONG_NUMBER.sub("\ufffd", double or single or bare))
        attributes.setdefault(name.lower(), value)
    return attributes
