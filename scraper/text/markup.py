"""HTML to the text that a browser shows: blocks on lines of their own, entities decoded once, nothing else changed.

A tokenizer of our own instead of a parser's tree: a status takes some 20 µs (bs4: 300), a page nested 100,000 deep
or broken in any way is read in one pass, and there is no tree to run out of. It knows no site; what Mastodon sends
is told at https://docs.joinmastodon.org/spec/activitypub/#sanitization.
"""

from __future__ import annotations

import html as entities
import re


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ONE_LINE = _names(
    "address article aside body caption center dd details dialog dir div dt fieldset figcaption footer form header "
    "hgroup html legend li main menu nav optgroup option search section summary table tbody tfoot thead tr"
)
#: a browser leaves a margin round these
_BLANK_LINE = _names("blockquote dl figure h1 h2 h3 h4 h5 h6 hr ol p pre ul")
_BREAKS = dict.fromkeys(_ONE_LINE, 1) | dict.fromkeys(_BLANK_LINE, 2)
_CELLS = frozenset(("td", "th"))
#: what stands in these is not shown
_UNSHOWN = _names("head template svg math noscript object audio video canvas select datalist")
#: … and in these it is not even markup
_RAW = _names("script style title textarea iframe noembed noframes xmp")
_VOID = _names("area base br col embed hr img input link meta param source track wbr")

_NAME = re.compile(r"/?([A-Za-z][^\s/>]{0,64})")
#: a whole tag as machines write it; what does not match is read with care
_TIDY = re.compile(r'/?([A-Za-z][A-Za-z0-9]{0,15})(?: [a-z-]{1,32}="[^"<>]*")*+ ?/?>')
_PLAIN = re.compile(r"[^>\"']*")
_SPACES = re.compile(r"[ \t\n\r\f]+")
_VALUES = re.compile(r"=\s{0,8}(?:\"[^\"]*\"|'[^']*')")
_HIDDEN = re.compile(r"\shidden(?=[\s=/>])", re.IGNORECASE)
_UNDISPLAYED = re.compile(r"\sstyle\s{0,8}=\s{0,8}[\"'][^\"'>]{0,200}display\s{0,8}:\s{0,8}none", re.IGNORECASE)
_CLASS = re.compile(r"\bclass\s{0,8}=\s{0,8}[\"']?[^\"'>]{0,200}\bquote-inline\b")
_LONG_NUMBER = re.compile(r"&#[0-9]{8,}+;?")


def _decode(text: str) -> str:
    """``text`` with its entities decoded once; a number beyond all characters becomes U+FFFD."""
    if "&#" in text:
        # int() refuses very long numbers, and html.unescape would hand its ValueError on
        text = _LONG_NUMBER.sub("\ufffd", text)
    return entities.unescape(text)


class _Lines:
    """Text put together as a browser lays it out: spaces collapsed, blocks apart, breaks as they are."""

    def __init__(self, typed: bool) -> None:
        self.out: list[str] = []
        #: within so many <pre>, <ul> and <ol>
        self.pre = self.lists = 0
        self._typed = typed
        self._space = False
        #: line feeds owed to blocks; to explicit breaks since; to breaks before the last block
        self._block = self._breaks = self._before = 0

    def text(self, text: str) -> None:
        if "&" in text:
            text = _decode(text)
        if self.pre:
            self._lead()
            self.out.append(text)
            return
        if self._typed and "\n" in text:
            first, *others = text.split("\n")
            self._run(first)
            for line in others:
                self.line_break()
                self._run(line)
            return
        self._run(text)

    def _run(self, text: str) -> None:
        if not text:
            return
        first, last = text[0] in " \t\n\r\f", text[-1] in " \t\n\r\f"
        text = _SPACES.sub(" ", text).strip(" ")
        if first:
            self._space = True
        if text:
            self._lead()
            self.out.append(text)
            self._space = last

    def _lead(self) -> None:
        """Write what stands between the text so far and the text to come."""
        if self._block or self._breaks:
            if self.out:
                self.out.append("\n" * (self._block + self._before + self._breaks))
            self._block = self._breaks = self._before = 0
        elif self._space and self.out:
            self.out.append(" ")
        self._space = False

    def line_break(self) -> None:
        self._breaks += 1

    def block(self, lines: int) -> None:
        if self._breaks:
            # the last break before a block's edge shows nothing
            self._before += self._breaks - (0 if self._block else 1)
            self._breaks = 0
        self._block = max(self._block, lines)

    def cell(self) -> None:
        self._space = True


def html_to_text(html: str, *, typed: bool = False) -> str:
    """The text of ``html`` as a reader sees it; any string will do, whole page or fragment.

    Paragraphs are a blank line apart, other blocks a line, ``<br>`` is a line feed; spaces collapse, but no-break
    spaces (U+00A0, U+202F) stay; links, mentions and hashtags as they are written; scripts, styles and the fallback
    paragraph of a quoted post (``quote-inline``) are left out, and so is what the markup hides.
    ``typed``: line feeds are line breaks, as in a description on Flickr, which somebody typed with a little markup.
    """
    if typed:
        html = html.replace("\r\n", "\n").strip(" \t\n\r\f")
    elif "<" not in html and "&" not in html:
        return _SPACES.sub(" ", html).strip(" ")
    lines = _Lines(typed)
    position, size = 0, len(html)
    hidden, depth = "", 0
    # a quotation mark that never closes is looked for once only, else time would be quadratic
    unclosed: set[str] = set()
    while position < size:
        start = html.find("<", position)
        if start < 0:
            start = size
        if start > position and not hidden:
            lines.text(html[position:start])
        if start == size:
            break
        named = _TIDY.match(html, start + 1)
        if named is not None:
            end = named.end()
        else:
            named = _NAME.match(html, start + 1)
            if named is None:
                position = _past_other(html, start)
                if position == start + 1 and not hidden:
                    lines.text("<")
                continue
            end = _past_tag(html, named.end(), unclosed)
        name, closing = named[1].lower(), html[start + 1] == "/"
        position = end
        if hidden:
            if name == hidden:
                depth += -1 if closing else 1
                if depth == 0:
                    hidden = ""
            continue
        if name in _RAW:
            if not closing:
                position = _past_raw(html, name, end)
        elif not closing and (name in _UNSHOWN or _is_left_out(html, named.end(1), end, name, unclosed)):
            hidden, depth = name, 1
        elif name == "br":
            lines.line_break()
        elif name in _BREAKS:
            if name in ("ul", "ol"):
                # a list within a list has no margin
                lines.lists = max(0, lines.lists - closing)
                lines.block(1 if lines.lists else 2)
                lines.lists += not closing
            else:
                lines.block(_BREAKS[name])
            if name == "pre":
                lines.pre = max(0, lines.pre + (-1 if closing else 1))
                if not closing and html.startswith("\n", end):
                    position = end + 1
        elif name in _CELLS:
            lines.cell()
    return "".join(lines.out)


def _is_left_out(html: str, start: int, end: int, name: str, unclosed: set[str]) -> bool:
    """Whether an element, whose attributes are ``html[start:end]``, is a quoted post's fallback or hidden."""
    if end - start < 8 or name in _VOID:
        return False
    attributes = html[start : min(end, start + 2000)]
    if "quote-inline" in attributes and _CLASS.search(attributes):
        return True
    if "idden" not in attributes.lower() and "none" not in attributes:
        return False
    if not _HIDDEN.search(_VALUES.sub("", attributes)) and not _UNDISPLAYED.search(attributes):
        return False
    # what never closes would hide all that follows; it is looked for once, else time would be quadratic
    if name not in unclosed and html.find(f"</{name}", end) < 0:
        unclosed.add(name)
    return name not in unclosed


def _past_tag(html: str, position: int, unclosed: set[str]) -> int:
    """Behind the «>» of a tag whose name ends at ``position``; a «>» within a quoted value does not end it."""
    while True:
        plain = _PLAIN.match(html, position)
        at = plain.end() if plain else position
        if at >= len(html):
            return len(html)
        mark = html[at]
        if mark == ">":
            return at + 1
        # a quotation mark quotes only behind «=»: <a title=l'eau>
        if html[at - 1] == "=" or (html[at - 1].isspace() and html[max(0, at - 9) : at].rstrip().endswith("=")):
            close = -1 if mark in unclosed else html.find(mark, at + 1)
            if close < 0:
                unclosed.add(mark)
                position = at + 1
            else:
                position = close + 1
        else:
            position = at + 1


def _past_other(html: str, start: int) -> int:
    """Behind a comment, a declaration or a bogus end tag; behind the «<» alone where it is none of them."""
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return len(html) if end < 0 else end + 3
    if html.startswith(("<!", "<?", "</"), start):
        end = html.find(">", start + 2)
        return len(html) if end < 0 else end + 1
    return start + 1


def _past_raw(html: str, name: str, position: int) -> int:
    """Behind the end tag of a script or the like; at the text's end where it has none."""
    while True:
        at = html.find("</", position)
        if at < 0:
            return len(html)
        if html[at + 2 : at + 2 + len(name)].lower() == name:
            end = html.find(">", at)
            return len(html) if end < 0 else end + 1
        position = at + 2
