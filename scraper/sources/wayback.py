"""What the Internet Archive has captured of an address: old states of pages, and pages that are gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from scraper import tweets
from scraper.capture import Access, Capture, Request, memento_of
from scraper.errors import FetchError, OptionsError, Refused, ScraperError
from scraper.finding import Finding, Rank
from scraper.model import Attachment, Post
from scraper.settings import SourceOptions, WebAddress
from scraper.source import Kinds, Reach, Source
from scraper.text.wishes import asked_of_us
from scraper.wayback import cdx
from scraper.wayback.memento import address, memento

#: captures of one visit at most; a visit asks for no more than that anyway
MOST = 20_000

#: a post may be dated later than the capture that shows it: to the day, or in a zone that nobody knows
_AHEAD = timedelta(days=2)

_MOMENT = re.compile(r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d))?)?)?)?Z?", re.ASCII)
_FILTER = re.compile(r"!?(?:urlkey|timestamp|original|mimetype|statuscode|digest|length):\S+")
_COLLAPSE = re.compile(r"(?:urlkey|digest|timestamp|original|mimetype|statuscode)(?::\d{1,3})?")
_BLOCKED = re.compile(r"AdministrativeAccessControl|Blocked Site|RobotAccessControl", re.IGNORECASE)
_WITHOUT_ERRORS = "!statuscode:[345].."

#: what is given for each capture: the answer as the original server gave it
Parser = Callable[[Capture], Iterator[Any]]


def _digits(value: object) -> str | None:
    """``2016-11-17`` and the like as the 4 to 14 digits that the index wants; a part that is not given is open."""
    if value is None:
        return None
    found = _MOMENT.fullmatch(str(value).strip())
    if found is None:
        raise ValueError("expected a year, month, day or time such as 2016, 2016-11-17 or 20161117120000")
    return "".join(part for part in found.groups() if part)


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _filter(value: str) -> str:
    if not _FILTER.fullmatch(value):
        raise ValueError("expected a column and a regular expression such as mimetype:text/html or !statuscode:404")
    return value


def _collapse(value: str | None) -> str | None:
    if value is not None and value != "none" and not _COLLAPSE.fullmatch(value):
        raise ValueError("expected digest, urlkey, timestamp:8 (one a day) or none")
    return value


class WaybackOptions(SourceOptions):
    """Which captures, and of what kind of page they are; ``url`` is the original address, a prefix if it ends in *."""

    read_as: Annotated[str | None, Field(alias="as", description="the kind that reads the captures, or tweets")] = None
    read_with: Annotated[dict[str, Any], Field(alias="with", description="that kind's options")] = {}  # noqa: RUF012
    match: Annotated[
        Literal["exact", "prefix", "host", "domain"] | None, Field(description="prefix for a url that ends in *")
    ] = None
    since_capture: Annotated[
        str | None, BeforeValidator(_digits), Field(alias="from", description="captures of this time and later")
    ] = None
    until_capture: Annotated[
        str | None, BeforeValidator(_digits), Field(alias="to", description="captures up to this time, included")
    ] = None
    filter: Annotated[tuple[Annotated[str, AfterValidator(_filter)], ...], BeforeValidator(_words)] = ()
    collapse: Annotated[str | None, AfterValidator(_collapse)] = "digest"
    limit: Annotated[int | None, Field(ge=1, le=MOST, description="captures in one visit, those listed first")] = None
    follow: Annotated[bool, Field(description="also the pages that a capture leads to, near its own time")] = False
    live_pictures: Annotated[bool, Field(description="what was not captured: from its original address")] = False
    archive: Annotated[WebAddress, Field(description="another archive of the same make")] = "https://web.archive.org"

    @property
    def place(self) -> tuple[str, str]:
        """The address to ask the index for, and how captured addresses are to match it."""
        is_prefix = self.url.endswith("*")
        return self.url.rstrip("*"), self.match or ("prefix" if is_prefix else "exact")


class Wayback(Source[WaybackOptions]):
    """The Wayback Machine's captures of an address, such as https://twitter.com/someone/status/*, each as it was.

    Index: https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server, captures:
    https://web.archive.org/web/<time>id_/<address>, terms: https://archive.org/about/terms.php. The Archive's limits
    are kept (``scraper.limits``); the robots.txt of the captured site binds that site's visitors and not the Archive's.

    The index is read whole, then each capture, oldest first, so that a later capture is a later state. What a capture
    says is read by another kind of source (``as``), with that kind's options (``with``). A post's date is what the page
    says; when it was captured is part of the provenance, and nothing is gone because an old capture lacks it.
    """

    kind: ClassVar[str] = "wayback"
    summary: ClassVar[str] = "captures in the Internet Archive, read as another kind of source (also tweets)"
    example: ClassVar[str] = "https://twitter.com/someone/status/*"
    options_type: ClassVar[type[SourceOptions]] = WaybackOptions
    media_access: ClassVar[Access] = Access.PAGE
    reach: Reach = Reach.NOTHING

    def __init__(self, source_id: str, options: WaybackOptions, read: Parser | None = None) -> None:
        super().__init__(source_id, options)
        self._read = read
        self._server = options.archive.rstrip("/")

    @classmethod
    def made(cls, source_id: str, options: WaybackOptions, kinds: Kinds) -> Wayback:
        """The source with the reader that ``as`` names."""
        name = options.read_as
        if name == "tweets":
            if options.read_with:
                raise OptionsError("tweets take no options", key=("with",))
            return cls(source_id, options, lambda capture: tweets.posts_of(capture, source_id))
        if name is None or name == cls.kind:
            message = (
                "expected the kind of source that its captures are read as, such as feed or esa_gallery, or tweets"
            )
            raise OptionsError(message, key=("as",))
        try:
            inner = kinds(name)
        except LookupError as error:
            raise OptionsError(f"{error}; or tweets", key=("as",)) from error
        given = {"url": options.place[0]} | {key: value for key, value in options.read_with.items() if key != "token"}
        try:
            source = inner.made(source_id, inner.options_type.model_validate(given), kinds)
        except ValidationError as error:
            message = f"{name} does not take these options: {error.errors()[0]['msg']}"
            raise OptionsError(message, key=("with",), model=inner.options_type) from error
        return cls(source_id, options, lambda capture: source.parse(capture, None))

    @classmethod
    def knows(cls, url: str) -> Iterator[Finding | Request]:
        """An address of a capture, of its calendar or of the index: the original's captures."""
        account = re.fullmatch(r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/(\w{1,20})(?:/.*)?", url, re.ASCII)
        if account is not None:
            tweets_of = {"url": f"https://twitter.com/{account[1]}/status/*", "as": "tweets", "collapse": "urlkey"}
            reason = "tweets of until mid-2020, as far as the Internet Archive has captured them"
            yield Finding(kind=cls.kind, options=tweets_of, reason=reason, rank=Rank.BESIDE)
        found = re.fullmatch(r"https?://(?:web|www)\.archive\.org/web/(?:\d{1,14}\*?(?:[a-z]{2}_)?|\*)/(.+)", url)
        if found is None:
            return
        original = found[1] if "://" in found[1] else f"http://{found[1]}"
        kind = _kind_of(original)
        reason = f"it is a capture in the Internet Archive, of {original[:300]}"
        options = {"url": original, "as": kind} | ({"filter": ["mimetype:text/html"]} if kind == "tweets" else {})
        yield Finding(kind=cls.kind, options=options, reason=f"{reason}; say in «as» what it is", rank=Rank.CERTAIN)

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The first page of the index."""
        yield self._index(None, [])

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """Of the index the captures to ask for; of a capture the posts in it.

        Raises:
            ParseError: it is neither, or its reader does not understand it.
        """
        if memento_of(capture.request.url) is not None:
            yield from self._captured(capture)
        else:
            yield from self._listed(capture, since)

    def explain(self, error: FetchError) -> FetchError:
        """Says what it means where the Archive refuses."""
        if error.status == 403:
            why = "it does not play back this site (blocked at its owner's wish)" if _BLOCKED.search(str(error)) else ""
            why = why or "it does not play back this address, or not to us"
            message = f"{error.url}: the Internet Archive answered 403: {why}; no other way leads to its captures"
            return Refused(message, url=error.url, status=403)
        return error

    def _index(self, resume: str | None, gathered: list[cdx.Row]) -> Request:
        options = self.options
        url, match = options.place
        collapse = "" if options.collapse in (None, "none") else str(options.collapse)
        page = min(cdx.PAGE, options.limit or cdx.PAGE)
        asked = {
            "matchType": match,
            "from": options.since_capture or "",
            "to": options.until_capture or "",
            "collapse": collapse,
            "limit": str(page),
        }
        states = any(text.lstrip("!").startswith("statuscode:") for text in options.filter)
        filters = options.filter if states else (*options.filter, _WITHOUT_ERRORS)
        # what was listed so far goes along, so that in the end all of it comes in the order of time
        carry = json.dumps([[r.timestamp, r.original, r.media_type, r.status, r.digest] for r in gathered])
        return Request(
            url=cdx.question(self._server, url, asked, filters, resume),
            access=Access.API,
            accept="application/json",
            carry=carry if resume else None,
        )

    def _listed(self, capture: Capture, since: datetime | None) -> Iterator[Request]:
        gathered = _carried(capture)
        rows, resume = cdx.answer(capture)
        known = {(row.timestamp, row.original) for row in gathered}
        fresh = [row for row in rows if (row.timestamp, row.original) not in known]
        gathered += dict.fromkeys(fresh)
        cap = self.options.limit or MOST
        if resume and fresh and len(gathered) < cap:
            yield self._index(resume, gathered)
            return
        found = cdx.worth_asking(gathered[:cap])
        oldest = (
            (since - min(_AHEAD, since - datetime.min.replace(tzinfo=UTC))).strftime("%Y%m%d%H%M%S") if since else ""
        )
        for row in found:
            if row.timestamp >= oldest.zfill(14) and _is_web(row.original):
                yield self._ask(row.timestamp, row.original)
        if resume and not fresh:
            raise capture.parse_error("the index repeats a page, so that what comes after it is not known")
        if resume and self.options.limit is None:
            raise capture.parse_error(
                f"more than {MOST:,} captures are listed: narrow them by from, to, filter or match"
            )
        if not found:
            asked = f"{self.options.place[0]} ({self.options.place[1]})"
            listed = f"{len(gathered)} captures, none of which holds a page" if gathered else "no capture"
            raise capture.parse_error(f"the Archive lists {listed} of {asked}: check url, match, from, to and filter")

    def _captured(self, capture: Capture) -> Iterator[Post | Request]:
        if self._read is None:
            raise capture.parse_error("nothing is configured that reads captures (as)")
        played = memento(capture, self.options.url)
        asked = asked_of_us(played.answer.headers.get("x-robots-tag", ""))  # by the original server, then
        try:
            for item in self._read(played.answer):
                if isinstance(item, Post):
                    yield self._post(replace(item, opt_outs=tuple(sorted({*item.opt_outs, *asked}))))
                elif isinstance(item, Request) and self.options.follow:
                    yield self._ask(f"{played.at:%Y%m%d%H%M%S}", item.url)
        except ScraperError as error:
            raise capture.parse_error(f"read as {self.options.read_as}: {error}") from error

    def _ask(self, timestamp: str, original: str) -> Request:
        return Request(url=address(self._server, timestamp, original), access=Access.API)

    def _post(self, post: Post) -> Post:
        # the time of the post and not of the capture: every capture of a post names the same picture
        near = f"{post.published.at:%Y%m%d%H%M%S}".zfill(14) if post.published else self.options.since_capture or "1996"
        near += "00000101000000"[len(near) :]
        return replace(post, attachments=tuple(self._attachment(item, near) for item in post.attachments))

    def _attachment(self, item: Attachment, near: str) -> Attachment:
        if item.url is None:
            return item
        live = tuple(dict.fromkeys((item.url, *item.alternatives)))
        captured = tuple(address(self._server, near, url, "im_") for url in live)
        url, *others = (*captured, *live) if self.options.live_pictures else captured
        return replace(item, url=url, alternatives=tuple(others), native_id=item.native_id or item.url)


def _carried(capture: Capture) -> list[cdx.Row]:
    """What earlier pages of the index listed."""
    try:
        rows = json.loads(capture.request.carry or "[]")
        return [
            cdx.Row(timestamp=row[0], original=row[1], media_type=row[2], status=row[3], digest=row[4]) for row in rows
        ]
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise capture.parse_error("it is not known what the pages before this one listed") from error


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _kind_of(original: str) -> str:
    """The likeliest kind for the captures of an address."""
    try:
        host, path = (urlsplit(original).hostname or "").lower(), urlsplit(original).path.lower()
    except ValueError:
        return "feed"
    if re.search(r"(?:^|\.)(?:twitter|x)\.com$", host):
        return "tweets"
    if re.search(r"(?:^|\.)esa\.int$", host) and "/esa_multimedia/" in path:
        return "esa_gallery"
    return "mastodon" if "/api/v1/" in path else "feed"
