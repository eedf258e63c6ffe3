"""A page's tree and its addresses; refuses what is no page, or nested or tagged beyond reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.exceptions import ParserRejectedMarkup

from scraper.capture import Capture

#: real pages have some thousands; a tree of this many takes some 100 MB
MAX_TAGS = 100_000
#: real pages stay below 40, browsers stop at 512
MAX_DEPTH = 400
MAX_ADDRESS = 4_000

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_BLANK = re.compile(r"[ \t\r\n\f]{2,}|[\t\r\n\f]")
_LINE_END = re.compile(r"<(?:br|/p|/div|/li|/h\d)\b[^<>]{0,200}>", re.IGNORECASE)
_SAFE = "%/:=&?~#+!$,;'@()*[]|"

#: resolves an address as it stands in the page to an absolute http(s) one, or None
Resolve = Callable[[str], str | None]


def tree_of(capture: Capture) -> BeautifulSoup:
    """The tree of an HTML answer.

    Raises:
        ParseError: not HTML, or more tags or deeper nesting than a page for people has.
    """
    text = writable(capture.text)
    kind = capture.media_type or "an answer without a type"
    if not re.search(r"<[a-zA-Z]", text) or text.lstrip()[:1] in tuple('{["'):
        raise capture.parse_error(f"expected an HTML page and got {kind} of {len(capture.body)} bytes that is not one")
    if text.count("<") > 2 * MAX_TAGS:
        raise capture.parse_error(f"the page has more than {MAX_TAGS} tags and was not read")
    try:
        # an XML declaration in front of HTML is common, harmless and would only bring a warning
        soup = BeautifulSoup(re.sub(r"<\?xml\b", "<?x", text, flags=re.IGNORECASE), "lxml")
    except (ParserRejectedMarkup, ValueError, RecursionError) as error:
        raise capture.parse_error(f"the page could not be read as HTML ({error})") from error
    for _, depth in walk(soup):
        if depth > MAX_DEPTH:
            raise capture.parse_error(f"the page nests tags deeper than {MAX_DEPTH} and was not read")
    return soup


def walk(root: Tag) -> Iterator[tuple[Tag, int]]:
    """Every tag under ``root`` in document order, with its depth; no recursion, whatever the nesting."""
    open_tags = [iter(root.children)]
    while open_tags:
        child = next(open_tags[-1], None)
        if child is None:
            open_tags.pop()
        elif isinstance(child, Tag):
            yield child, len(open_tags)
            open_tags.append(iter(child.children))


def ancestors(tag: Tag) -> Iterator[Tag]:
    """``tag`` itself, then its parents up to the root."""
    here: Tag | None = tag
    while here is not None:
        yield here
        here = here.parent


def writable(text: str) -> str:
    """``text`` with NUL and lone surrogates, which no file or database takes, replaced by U+FFFD."""
    return _UNWRITABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """``text`` with runs of HTML white space as one space and none at its ends; no-break spaces inside stay."""
    return _BLANK.sub(" ", writable(text)).strip()


def plain_lines(text: str) -> list[str]:
    """The lines of a short text that may hold markup and entities, as attributes and scripts carry it."""
    if "<" in text or "&" in text:
        broken = _LINE_END.sub("\n", writable(text).replace("<?", "<"))
        text = BeautifulSoup("<p>" + broken, "lxml").get_text()
    return [line for raw in text.splitlines() if (line := one_line(raw))]


def attribute(tag: Tag, name: str) -> str:
    """The attribute's value as one string; empty where it is not given."""
    value = tag.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else " ".join(value)


def resolver(page_url: str, soup: BeautifulSoup) -> Resolve:
    """Resolves addresses against ``page_url``, or against the page's ``<base>`` where it has one."""
    base = page_url
    for named in soup.find_all("base", href=True, limit=1):
        base = absolute(page_url, attribute(named, "href")) or page_url
    return lambda href: absolute(base, href)


def absolute(base: str, href: str) -> str | None:
    """``href`` as an absolute http(s) address without its fragment; None where it is no such thing."""
    href = href.strip()
    if not href or len(href) > MAX_ADDRESS:
        return None
    try:
        address = urljoin(base, href).partition("#")[0]
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            return None
        parts.port  # noqa: B018 - raises where the port is no number
        quoted = quote(address, safe=_SAFE)
    except ValueError:
        return None
    return corrected(quoted)


def corrected(address: str) -> str:
    """``address`` with the two host names that ESA's own pages get wrong put right."""
    parts = urlsplit(address)
    host = {"esa.int": "www.esa.int", "esamultimeda.esa.int": "esamultimedia.esa.int"}.get(parts.netloc.lower())
    return parts._replace(netloc=host).geturl() if host else address
