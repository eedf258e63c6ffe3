"""What is known of ESA's own pages: title, date, credit, licence, downloads and cards, each by several ways in order.

No recorded page could be had: the selectors are those that working scrapers of the site use, and every one has a
way behind it that needs no selector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from bs4 import BeautifulSoup, Tag

from scraper.model import DateOrigin, Precision, Published
from scraper.pages.images import is_image_file
from scraper.pages.stream import Line, is_quoted
from scraper.pages.tree import Resolve, ancestors, attribute, one_line

#: « Thomas Pesquet, Proxima mission image 03/12/2016 »; the day comes first
_CREDIT = re.compile(
    r"(?P<credit>[^,]{2,120}), ?(?P<mission>[^,]{2,80}?)\s+mission\s+image\s+(?P<date>\d{1,2}[/.]\d{1,2}[/.]\d{4})\.?",
    re.IGNORECASE,
)
_LONGEST_CREDIT = 300
_TEMPLATE = re.compile(
    r"thank you for liking!?|you have already liked this page, you can only like it once!?", re.IGNORECASE
)
_BUTTONS = re.compile(
    r"(?:like|likes?:? ?\d*|\d+ (?:likes?|views?)|share|download|view|zoom|close|open|next|previous|details|related|"
    r"print|embed|back|more|read more|play|pause|\d+ ?/ ?\d+|(?:hi-res|source)\b.{0,40}|[‹›«»<>×+|•·-])",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"(?:image caption|photo caption)\s*:?\s+(?=\S)", re.IGNORECASE)
_DAY = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")
_SITE_NAME = re.compile(r"^ESA\s*[-–|]\s*|\s*[-–|]\s*(?:ESA|European Space Agency)$")
_LICENCES = (
    (
        re.compile(r"CCBYSA(?:3\.0IGO|IGO3\.0)"),
        "CC BY-SA 3.0 IGO",
        "https://creativecommons.org/licenses/by-sa/3.0/igo/",
    ),
    (re.compile(r"CCBYSA4\.0"), "CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    (re.compile(r"CCBYSA2\.0"), "CC BY-SA 2.0", "https://creativecommons.org/licenses/by-sa/2.0/"),
)
_TITLES = (".modal__header .heading", "h1", "[itemprop=headline]", ".heading")
_DATES = (".modal__header .meta span", ".modal__header .meta", "[itemprop=datePublished]", "time[datetime]")
_DATE_METAS = (
    "article:published_time",
    "og:article:published_time",
    "datePublished",
    "DC.date.issued",
    "DC.date",
    "date",
)
_INTRODUCTIONS = (
    "#modal__tab-content--details .modal__tab-description", ".modal__tab-description", ".article__block", ".abstract",
    ".c-summary__body", "[itemprop=description]", "[itemprop=articleBody]",
)  # fmt: skip
_NOT_FOUND = re.compile(
    r"\b(?:404|page not found|not available|page introuvable|access denied|forbidden)\b", re.IGNORECASE
)


def is_credit(line: str) -> bool:
    """Whether a line is the credit line under a picture of a mission gallery."""
    return len(line) <= _LONGEST_CREDIT and bool(_CREDIT.fullmatch(line))


def credit_of(lines: list[str]) -> tuple[str | None, str | None, str]:
    """Of a caption: its credit line, the person it names, and its date as written."""
    for line in reversed(lines):
        found = _CREDIT.fullmatch(line) if len(line) <= _LONGEST_CREDIT else None
        if found:
            return line, found["credit"].strip(), found["date"]
    return None, None, ""


def lines_of(text: str) -> list[str]:
    """A line without the template's own words, broken where one quotation ends and the next thing begins."""
    text = _LABELLED.sub("", _TEMPLATE.sub("", text), count=1).strip() if len(text) < 20_000 else text
    tail = text[-_LONGEST_CREDIT:]
    found = re.search(r"[»\"”]\s*(?=[^«»\"“”]{2,}$)", tail)
    pieces = [text]
    if found and is_credit(tail[found.end() :]):
        cut = len(text) - len(tail) + found.end()
        pieces = [text[:cut], text[cut:]]
    if is_quoted(text):
        pieces = [part for piece in pieces for part in re.split(r"(?<=»)\s*(?=[\"“])|(?<=[\"”])\s*(?=«)", piece)]
    return [line for piece in pieces if (line := piece.strip()) and not (len(line) < 60 and _BUTTONS.fullmatch(line))]


def title_of(soup: BeautifulSoup) -> str | None:
    """The page's title."""
    for selector in _TITLES:
        for tag in soup.select(selector, limit=1):
            if text := one_line(tag.get_text(" ")):
                return text
    text = meta(soup, "og:title") or one_line(" ".join(tag.get_text(" ") for tag in soup.find_all("title", limit=1)))
    return _SITE_NAME.sub("", text) or None


def is_error_page(soup: BeautifulSoup) -> bool:
    """Whether a page that was served as a good answer says that it is none."""
    heading = f"{title_of(soup) or ''} {one_line(soup.title.get_text()) if soup.title else ''}"
    return bool(_NOT_FOUND.search(heading)) or bool(soup.select("input[type=password]", limit=1))


def meta(soup: BeautifulSoup, name: str) -> str:
    """The content of a ``<meta>`` by property, name or itemprop; empty where there is none."""
    for key in ("property", "name", "itemprop"):
        for tag in soup.find_all("meta", attrs={key: re.compile(f"^{re.escape(name)}$", re.IGNORECASE)}, limit=1):
            return one_line(attribute(tag, "content"))
    return ""


def published_of(soup: BeautifulSoup, url: str) -> Published | None:
    """The page's own date; a day is never guessed from an address that has only year and month."""
    for selector in _DATES:
        for tag in soup.select(selector, limit=3):
            found = date_in(attribute(tag, "datetime") or attribute(tag, "content") or one_line(tag.get_text(" ")))
            if found:
                return found
    for name in _DATE_METAS:
        found = date_in(meta(soup, name))
        if found:
            return found
    in_path = re.search(r"/(\d{4})/(\d{2})/(\d{2})/", url)
    return date_in("-".join(in_path.groups())) if in_path else None


def date_in(text: str) -> Published | None:
    """The first date in ``text``: DD/MM/YYYY, or ISO 8601 with or without a time; None where there is none."""
    text = text[:200]
    try:
        if day_first := _DAY.search(text):
            day, month, year = map(int, day_first.groups())
            return Published.on_day(date(year, month, day), DateOrigin.PAGE)
        if iso := re.search(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", text):
            if len(iso.group()) == len("2016-12-03"):
                return Published.on_day(date.fromisoformat(iso.group()), DateOrigin.PAGE)
            at = datetime.fromisoformat(iso.group())
            known = at.utcoffset() is not None
            return Published(
                at=at.astimezone(UTC) if known else at.replace(tzinfo=UTC),
                precision=Precision.SECOND,
                origin=DateOrigin.PAGE,
                zone_known=known,
            )
    except (ValueError, OverflowError):
        return None
    return None


def details_of(soup: BeautifulSoup) -> dict[str, list[str]]:
    """The page's list of metadata by lower-case name: copyright, mission, people, keyword and the like."""
    found: dict[str, list[str]] = {}
    for item in soup.select(".modal__meta li", limit=200):
        named = next((tag for tag in item.find_all(True) if attribute(tag, "title")), None)
        if named is not None:
            key = one_line(attribute(named, "title"))
            value = one_line(item.get_text(" ")).removeprefix(key).lstrip(" :")
            found.setdefault(key.lower(), []).append(value)
    for term in soup.select("dl dt", limit=200):
        value_tag = term.find_next_sibling("dd")
        if value_tag is not None:
            found.setdefault(one_line(term.get_text(" ")).rstrip(" :").lower(), []).append(
                one_line(value_tag.get_text(" "))
            )
    return {key: [value for value in values if value] for key, values in found.items()}


def licence_of(statements: list[str]) -> tuple[str | None, str | None]:
    """Name and address of the licence that a statement names expressly; never inferred."""
    for statement in statements:
        plain = re.sub(r"[\s\u2010-\u2015-]+", "", statement).upper()
        for pattern, name, url in _LICENCES:
            if pattern.search(plain):
                return name, url
    return None, None


def downloads_of(soup: BeautifulSoup, resolve: Resolve) -> list[tuple[Tag, str]]:
    """The links to large image files that the page offers, the largest first as far as it says."""
    found: list[tuple[float, int, Tag, str]] = []
    for link in soup.find_all("a", href=True):
        label = f"{one_line(link.get_text(' '))[:80]} {attribute(link, 'title')}".strip().upper()
        url = resolve(attribute(link, "href"))
        if url and is_image_file(url) and re.match(r"(?:DOWNLOAD )?(?:HI-RES|SOURCE)", label):
            size = re.search(r"([\d.]{1,9})\s*([KMG])B", label)
            number = float(size.group(1)) if size and re.fullmatch(r"\d+(\.\d+)?", size.group(1)) else 0.0
            weight = number * {"K": 1e3, "M": 1e6, "G": 1e9}[size.group(2)] if size else 0.0
            found.append((-weight, 0 if "SOURCE" in label else 1, link, url))
    return [(link, url) for _, _, link, url in sorted(found, key=lambda entry: entry[:2])]


def introduction_of(soup: BeautifulSoup, rest: list[Line], title: str | None) -> list[str]:
    """The page's own text, of the lines that belong to no picture."""
    for selector in _INTRODUCTIONS:
        parts = {id(tag) for tag in soup.select(selector, limit=50)}
        inside = [line for line in rest if parts and any(id(tag) in parts for tag in ancestors(line.tag))]
        if inside:
            return _without_title([line.text for line in inside], title)
    main = [line for line in rest if any(_is_main(tag) for tag in ancestors(line.tag))]
    prose = list(_prose(main or rest))
    described = meta(soup, "og:description") or meta(soup, "description")
    return _without_title(prose, title) or ([described] if described else [])


def _is_main(tag: Tag) -> bool:
    return tag.name in ("main", "article") or attribute(tag, "role") == "main"


def _prose(lines: list[Line]) -> Iterator[str]:
    """Sentences, and the short lines between them; lists, dates and labels around them are left out."""
    told = [len(line.text) >= 40 and line.tag.name not in ("li", "a", "dt", "dd", "h1") for line in lines]
    if True not in told:
        return
    first, last = told.index(True), len(told) - told[::-1].index(True)
    for line in lines[first:last]:
        if line.tag.name not in ("li", "dt", "dd", "h1"):
            yield line.text


def _without_title(lines: list[str], title: str | None) -> list[str]:
    return lines[1:] if lines and lines[0] == title else lines
