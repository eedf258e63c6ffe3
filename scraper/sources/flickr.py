"""An account on Flickr: by its REST API, or without a key by its public feed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from pydantic import Field, ValidationError, model_validator

from scraper.capture import Access, Capture, Request
from scraper.errors import ScraperError
from scraper.feeds.items import Feed as Document
from scraper.finding import Finding, Rank
from scraper.flickr import answers, feeds
from scraper.flickr.photos import SIZES, Files, Photo, files_in, is_film, photo_of, post_of
from scraper.model import Post
from scraper.settings import SourceAddress, SourceOptions
from scraper.source import Reach, Source, page_is_older

_NUMBER = re.compile(r"\d{1,20}@N\d{1,4}")
_PROFILE = re.compile(r"/(?:photos|people)/([\w@.-]{1,100})(?:/.*)?")
#: most that one page of the API holds
PER_PAGE = 500
_EXTRAS = (
    "description,license,date_upload,date_taken,original_format,owner_name,path_alias,tags,machine_tags,media,"
    "safety_level," + ",".join(f"url_{size}" for size in SIZES)
)


class FlickrOptions(SourceOptions):
    """The account: its profile's ``url``, and ``user`` where that does not have the account's number."""

    user: Annotated[str | None, Field(min_length=1, description="the account's number (…@N01), or its screen name")] = (
        None
    )
    key_env: Annotated[str | None, Field(description="the environment variable that holds an API key")] = None
    key: Annotated[str | None, Field(repr=False, exclude=True)] = None  # filled in from key_env, never in the file
    ask_sizes: Annotated[
        int, Field(ge=0, le=3600, description="films and withheld originals asked for their sizes in a visit, at most")
    ] = 0
    api: Annotated[SourceAddress, Field(description="the REST API's address")] = "https://api.flickr.com/services/rest/"
    feeds: Annotated[SourceAddress, Field(description="the address below which the feeds are")] = (
        "https://www.flickr.com/services/feeds/"
    )

    @model_validator(mode="after")
    def _name_an_account(self) -> FlickrOptions:
        if not self.account:
            raise ValueError("expected url: https://www.flickr.com/photos/someone/")
        if self.key_env is None and not self.is_number:
            raise ValueError(
                "without an API key (key_env) the public feed is read, which wants the account's number: "
                "give it as user: 34427469121@N01"
            )
        if self.key_env is None and self.ask_sizes:
            raise ValueError("ask_sizes wants an API key: name its variable in key_env")
        return self

    @property
    def account(self) -> str:
        """The account's number or name, as it is configured."""
        parts = urlsplit(self.url)
        named = _PROFILE.fullmatch(unquote(parts.path))
        return self.user or (named[1] if named else "") or parse_qs(parts.query).get("id", [""])[0]

    @property
    def is_number(self) -> bool:
        """Whether the account's number is configured, so that it need not be asked for."""
        return bool(_NUMBER.fullmatch(self.account))


class Flickr(Source[FlickrOptions]):
    """The public photos of one account, such as https://www.flickr.com/photos/34427469121@N01/.

    API: https://www.flickr.com/services/api/flickr.people.getPublicPhotos.html, with a key (3600 requests an hour);
    feed: https://www.flickr.com/services/feeds/docs/photos_public/, without one: the newest 20, in small sizes.
    Terms: https://www.flickr.com/help/terms/api. The listing is read newest first until a whole page was posted before
    ``since``; this method has no parameter for it. Both ways give a photo the same name, its number.
    """

    kind: ClassVar[str] = "flickr"
    summary: ClassVar[str] = "an account on Flickr: all its public photos with an API key, the newest 20 without"
    example: ClassVar[str] = "https://www.flickr.com/photos/34427469121@N01/"
    options_type: ClassVar[type[FlickrOptions]] = FlickrOptions
    media_access: ClassVar[Access] = Access.API
    reach: Reach = Reach.EXTENT

    def __init__(self, source_id: str, options: FlickrOptions) -> None:
        super().__init__(source_id, options)
        if options.key_env is not None:
            self.reach = Reach.WINDOW

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The feed; or with a key the listing, after the account's number has been asked for where it is not known."""
        options = self.options
        if options.key_env is None:
            query = urlencode({"id": options.account, "format": "atom", "lang": "en-us"})
            yield Request(url=f"{options.feeds.rstrip('/')}/photos_public.gne?{query}", access=Access.API)
        elif options.is_number:
            yield self._listing(options.account, 1, options.ask_sizes, "")
        elif options.user is not None:
            yield self._ask("people.findByUsername", username=options.user)
        else:
            yield self._ask("urls.lookupUser", url=f"https://www.flickr.com/photos/{options.account}/")

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a page of the listing, of one photo, of its sizes or of a feed; of an account its listing.

        A photo that cannot be read costs itself alone: the others and the next page are given first.

        Raises:
            ParseError: something in the answer, or all of it, was not understood.
            Gone, Refused, FetchError: the answer says that there is no such account, that the key is not accepted,
                that the service is busy.
        """
        if _method_of(capture) == "photos.getSizes" and capture.request.carry:
            yield from self._sized(capture, capture.request.carry)
            return
        if capture.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and not answers.is_xml(capture):
            yield from self._feed(capture, feeds.xml_feed_of(capture))
            return
        match self._tree(capture):
            case {"photos": {"photo": list() as photos} as page}:
                yield from self._page(capture, page, photos, since)
            case {"photo": dict() as photo}:
                yield from self._single(capture, photo)
            case {"user": dict() as user} | {"person": dict() as user}:
                number = answers.words(user.get("nsid") or user.get("id"))
                if not _NUMBER.fullmatch(number):
                    raise capture.parse_error(f"expected an account with its number and got {str(user)[:80]}")
                yield self._listing(number, 1, self.options.ask_sizes, "")
            case {"items": _, **feed} as tree if "stat" not in feed:
                yield from self._feed(capture, feeds.json_feed_of(tree, capture))
            case {"sizes": _}:
                raise capture.parse_error("these are the sizes of a photo; its text is in another answer")
            case tree:
                names = ", ".join(str(name)[:40] for name in list(tree)[:9] if name != "stat") or "nothing"
                raise capture.parse_error(f"expected photos of Flickr's API, an account or a feed, and got {names}")

    @classmethod
    def knows(cls, url: str) -> Iterator[Finding | Request]:
        """The stanza for a profile's address; one without the account's number needs a key."""
        try:
            host = urlsplit(url).hostname or ""
            options = FlickrOptions(url=url, key_env="FLICKR_KEY")
        except ValueError:
            return
        if not re.fullmatch(r"(?:www\.)?flickr\.com|flic\.kr", host):
            return
        more = {} if options.is_number else {"key_env": "FLICKR_KEY"}
        said = (
            "without an API key its newest 20 photos, with one in key_env all"
            if options.is_number
            else ("its name alone is known, so it wants an API key, or the account's number as user")
        )
        found = f"https://www.flickr.com/photos/{options.account}/"
        reason = f"an account on Flickr: {said}"
        yield Finding(kind=cls.kind, options={"url": found, **more}, reason=reason, rank=Rank.CERTAIN)

    def _tree(self, capture: Capture) -> dict[str, Any]:
        tree = answers.tree_of(capture)
        error = answers.error_in(tree, capture, self.options.key_env)
        if error is not None:
            raise error
        return tree

    def _page(
        self, capture: Capture, page: dict[str, Any], photos: list[object], since: datetime | None
    ) -> Iterator[Post | Request]:
        asked = parse_qs(urlsplit(capture.request.url).query)
        owner, number = asked.get("user_id", [""])[0], int(_digits(asked.get("page", ["1"])[0]) or 1)
        left, _, before = (capture.request.carry or "").partition(" ")
        budget = int(_digits(left) or 0)
        posts: list[Post] = []
        faults: list[str] = []
        for at, given in enumerate(photos, start=1):
            try:
                photo = photo_of(given)
                if owner and photo.owner not in (owner, ""):
                    raise ValueError("it is by another account")
                if photo.ispublic == "0":
                    continue
                posts.append(post_of(photo, self.id))
            except ValueError as error:
                faults.append(f"photo {at} of {len(photos)} cannot be read ({_reason(error)})")
                continue
            if budget and (is_film(photo) or not isinstance(given, dict) or not given.get("url_o")):
                budget -= 1
                # its post comes with the answer, so that it is recorded once, with its best file
                yield self._ask("photos.getSizes", carry=photo.model_dump_json(), photo_id=photo.id)
            else:
                yield posts[-1]
        said, pages = (_digits(answers.words(page.get(name))) for name in ("page", "pages"))
        seen = hashlib.sha256("\n".join(post.native_id for post in posts).encode()).hexdigest()[:16]
        if said and int(said) != number:
            faults.append(f"page {number} was asked for, and page {said[:9]} came")
        elif seen == before:
            faults.append(f"page {number} is the one before it once more")
        elif not photos and int(_digits(answers.words(page.get("total"))) or 0) and number == 1:
            faults.append(f"it says that there are {answers.words(page.get('total'))[:9]} photos, and lists none")
        elif owner and photos and number < int(pages or 0) and not page_is_older(posts, since):
            yield self._listing(owner, number + 1, budget, seen)
        if faults:
            raise capture.parse_error("; ".join(faults[:3] + [f"and {len(faults) - 3} more"] * (len(faults) > 3)))

    def _single(self, capture: Capture, given: dict[str, Any]) -> Iterator[Post]:
        try:
            photo = photo_of(given)
        except ValueError as error:
            raise capture.parse_error(f"the photo cannot be read ({_reason(error)})") from error
        if photo.ispublic == "0":
            raise capture.parse_error("no post is taken from this: the photo is not public")
        yield post_of(photo, self.id)

    def _sized(self, capture: Capture, carried: str) -> Iterator[Post]:
        photo = Photo.model_validate_json(carried)
        try:
            tree = self._tree(capture)
            files = files_in(tree.get("sizes"))
            if files == Files():
                raise capture.parse_error("expected the sizes of a photo and found none")
        except ScraperError:
            # what the listing said of it is recorded all the same
            yield post_of(photo, self.id)
            raise
        yield post_of(photo, self.id, files)

    def _feed(self, capture: Capture, feed: Document) -> Iterator[Post]:
        faults = [feed.damage] if feed.damage else []
        for found in feeds.posts_of(feed, self.id):
            if isinstance(found, Post):
                yield found
            else:
                faults.append(found)
        if faults:
            raise capture.parse_error("; ".join(faults[:3] + [f"and {len(faults) - 3} more"] * (len(faults) > 3)))

    def _ask(self, method: str, carry: str | None = None, **arguments: str) -> Request:
        query = {"method": f"flickr.{method}", "format": "json", "nojsoncallback": "1", **arguments}
        key = ("api_key", self.options.key) if self.options.key else None
        return Request(url=f"{self.options.api}?{urlencode(query, safe=',@')}", access=Access.API, key=key, carry=carry)

    def _listing(self, number: str, page: int, budget: int, before: str) -> Request:
        """A page of the listing; the budget for sizes and the page before travel with it."""
        arguments = {"user_id": number, "page": str(page), "per_page": str(PER_PAGE), "extras": _EXTRAS}
        return self._ask("people.getPublicPhotos", carry=f"{budget} {before}".strip(), **arguments)


def _method_of(capture: Capture) -> str:
    return parse_qs(urlsplit(capture.request.url).query).get("method", [""])[0].removeprefix("flickr.")


def _digits(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{1,9}", text) else ""


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
