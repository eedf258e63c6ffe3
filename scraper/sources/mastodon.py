"""One account, or one hashtag, on a server that speaks the Mastodon client API."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from scraper.capture import Access, Capture, Request
from scraper.errors import FetchError, Gone, Refused
from scraper.fediverse import makes
from scraper.fediverse.places import Place, handle
from scraper.fediverse.statuses import Edit, Status, attachments, edition
from scraper.finding import Finding
from scraper.model import Edition, History, Post
from scraper.payload import moment, published
from scraper.settings import SourceOptions
from scraper.source import Reach, Source, page_is_older

_LISTING = re.compile(r"/api/v1/accounts/([^/?#]+)/statuses")
_TAGGED = re.compile(r"/api/v1/timelines/tag/([^/?#]+)")
_HISTORY = re.compile(r"/api/v1/statuses/([^/?#]+)/history")
_WANTS_TOKEN = re.compile(r"token|authenticat|authori[sz]|log ?in|sign ?in", re.IGNORECASE)
_LOGIN = re.compile(r"/(?:auth/)?(?:login|sign_in|signin)/?", re.IGNORECASE)


class MastodonOptions(SourceOptions):
    """The account: its profile's ``url``; or ``account: user@host``; or both, to read it through the server of url.

    Or a hashtag, as the server of ``url`` (``https://host/tags/Proxima``) knows it, whoever writes.
    """

    account: str | None = None
    replies: bool = False  # also replies to others
    boosts: bool = False  # also what others wrote and the account passed on
    authors: tuple[str, ...] = ()  # of a hashtag: whose posts are taken, as someone@social.example; all without it

    @model_validator(mode="wrap")
    @classmethod
    def _name_an_account(cls, given: object, read: ModelWrapValidatorHandler[MastodonOptions]) -> MastodonOptions:
        if isinstance(given, dict) and "url" not in given and isinstance(given.get("account"), str):
            given = {**given, "url": f"https://{given['account'].rpartition('@')[2] or 'unknown'}/"}
        options = read(given)
        place = options.place()
        if options.authors and not place.tag:
            raise ValueError("authors goes with a hashtag: an account has one author")
        for author in options.authors:
            handle(author, place.host)
        return options

    def place(self) -> Place:
        """Whom to read, and through which server; ValueError when nobody is named."""
        return Place.of(self.url, self.account)


class Mastodon(Source[MastodonOptions]):
    """The public posts of one account or under one hashtag, by the client API that Mastodon, GoToSocial, Pleroma and
    Pixelfed share.

    API: https://docs.joinmastodon.org/methods/accounts/#statuses, paging: https://docs.joinmastodon.org/api/guidelines/.
    Terms and limit are the server's own (usually 300 requests in 5 minutes). Example: https://social.example/@someone.
    What is new since an id is asked for upwards by ``min_id``, so that nothing slips between two pages; without one
    the listing is read newest first until a whole page is older than ``since``. Ids are never compared. Where the
    first page upwards does not begin before ``since``, the server pages in another way (some take ``min_id`` for
    ``since_id``) or its ids are new: the listing is read newest first as well.

    A post of an account is named by the server's id. One under a hashtag may be the server's copy of another server's
    post, which is dropped after a while and gets another id when it comes again: there the name is its ``uri``, the
    same on all servers. Copies come late, too, and stand where they were written, so that a hashtag is always
    read newest first; and one that is no longer listed has perhaps only been dropped, so that nothing is gone for that.
    """

    kind: ClassVar[str] = "mastodon"
    summary: ClassVar[str] = "an account or a hashtag on a Mastodon server, or on one that speaks its API"
    example: ClassVar[str] = "https://social.example/@someone"
    options_type: ClassVar[type[SourceOptions]] = MastodonOptions
    media_access: ClassVar[Access] = Access.API
    reach: Reach = Reach.WINDOW

    def __init__(self, source_id: str, options: MastodonOptions) -> None:
        super().__init__(source_id, options)
        self._place = options.place()
        self._server, self._name = self._place.server, self._place.name
        self._authors = frozenset(handle(author, self._place.host) for author in options.authors)
        if self._place.tag:
            self.reach = Reach.NOTHING

    @classmethod
    def knows(cls, url: str) -> Iterator[Finding | Request]:
        """The address of a profile or a hashtag, or ``@someone@social.example``."""
        return makes.known(url)

    @classmethod
    def finds(cls, capture: Capture) -> Iterator[Finding | Request]:
        """The server's description of itself."""
        return makes.found(capture)

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """Look the account up, ``after`` travels with the request and becomes ``min_id``; or ask for the hashtag."""
        if self._place.tag:
            yield self._ask(f"{self._server}/api/v1/timelines/tag/{quote(self._place.tag, safe='')}?limit=40")
            return
        yield self._ask(f"{self._server}/api/v1/accounts/lookup?acct={quote(self._name, safe='@')}", carry=after)

    def history(self, post: Post) -> Request | None:
        """The list of a status's edits: https://docs.joinmastodon.org/methods/statuses/#history."""
        if post.edited_at is None or self._place.tag:  # a hashtag's posts are not named by this server's ids
            return None
        return self._ask(f"{self._server}/api/v1/statuses/{quote(post.native_id, safe='')}/history")

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request | History]:
        """The posts of a list of statuses or of a single one; of an account, the listing to ask for; a history.

        A status that cannot be read costs itself alone: the other posts and the next page are given first.

        Raises:
            ParseError: something in the answer, or all of it, was not understood.
            Refused: the answer is an error that asks for a token, or a page to log in.
        """
        if capture.body.lstrip()[:1] == b"<" and _LOGIN.fullmatch(urlsplit(capture.url).path):
            raise self._refused(capture.url, capture.status, "leads to a page to log in, as Pixelfed does")
        told = _HISTORY.search(capture.request.url)
        match capture.json():
            case list() as edits if told is not None:
                yield self._told(capture, unquote(told[1]), edits)
            case list() as statuses:
                yield from self._page(capture, statuses, since)
            case {"id": _, "content": _} as status:
                yield from self._page(capture, [status], since)
            case {"id": str() | int() as account, "acct": _} if not _LISTING.search(capture.request.url):
                yield self._listing(str(account), capture.request.carry)
            case {"error": str() as said} if _WANTS_TOKEN.search(said):
                raise self._refused(capture.url, capture.status, said[:300])
            case {"error": str() as said}:
                raise capture.parse_error(f"the server says: {said[:300]}")
            case other:
                shape = f"an object with {', '.join(list(other)[:9])}" if isinstance(other, dict) else repr(other)[:80]
                raise capture.parse_error(f"expected statuses or an account of the Mastodon API and got {shape}")

    def explain(self, error: FetchError) -> FetchError:
        """Says what to do where the server wants a token, and which account is not there."""
        if error.status in (401, 403, 422):
            return self._refused(error.url, error.status, f"answered {error.status}")
        if isinstance(error, Gone) and "/accounts/lookup" in error.url:
            return Gone(f"{error}: no account {self._name}, or no Mastodon API", url=error.url, status=error.status)
        return error

    def _refused(self, url: str, status: int | None, said: str) -> Refused:
        env = self.options.token_env
        does = f"does not take the token in {env}" if self.options.token else "answers only with a read token"
        advice = "create one with scope read:statuses and name its environment variable in token_env"
        instead = f"or read a feed that it may have, with kind: feed: {self._place.feeds}"
        return Refused(f"{url}: {said}: {urlsplit(url).netloc} {does}: {advice}, {instead}", url=url, status=status)

    def _ask(self, url: str, carry: str | None = None) -> Request:
        token = self.options.token if url.startswith(f"{self._server}/") else None
        return Request(url=url, access=Access.API, accept="application/json", token=token, carry=carry)

    def _listing(self, account: str, after: str | None) -> Request:
        left_out = {"exclude_reblogs": not self.options.boosts, "exclude_replies": not self.options.replies}
        query = {"limit": "40"} | {name: "true" for name, value in left_out.items() if value}
        newest_first = f"{self._server}/api/v1/accounts/{quote(account, safe='')}/statuses?{urlencode(query)}"
        if not after:
            return self._ask(newest_first)
        return self._ask(f"{newest_first}&{urlencode({'min_id': after})}", carry=newest_first)

    def _page(self, capture: Capture, statuses: list[object], since: datetime | None) -> Iterator[Post | Request]:
        listing = _LISTING.search(capture.request.url)
        owner = unquote(listing[1]) if listing else None  # not known for a saved page: then anybody's own posts are
        is_followed = listing is not None or _TAGGED.search(capture.request.url) is not None
        posts: list[Post] = []
        left_out: list[str] = []
        faults: list[str] = []
        for number, given in enumerate(statuses, start=1):
            try:
                status = Status.model_validate(given)
                if owner is not None and status.author_id not in (owner, None):
                    raise ValueError("it is by another account")
                if reason := self._left_out(status):
                    left_out.append(reason)
                else:
                    posts.append(self._post(status))
            except ValueError as error:
                faults.append(f"status {number} of {len(statuses)} cannot be read ({_reason(error)})")
        yield from self._linked(posts, statuses)
        if left_out and not posts and not is_followed:  # of a listing others pages may follow, of a saved one none
            faults.append(f"no post is taken from this: {left_out[0]}")
        upwards = "min_id=" in capture.request.url
        following = capture.link("prev" if upwards else "next")
        if following is not None and (upwards or not page_is_older(posts, since)):
            yield self._ask(following)
        newest_first = capture.request.carry if upwards else None
        if newest_first and since is not None and not any(_is_older(post, since) for post in posts):
            yield self._ask(newest_first)
        if faults:
            raise capture.parse_error("; ".join(faults[:3] + [f"and {len(faults) - 3} more"] * (len(faults) > 3)))

    def _told(self, capture: Capture, native_id: str, edits: list[object]) -> History:
        editions: list[Edition] = []
        for number, given in enumerate(edits, start=1):
            try:
                editions.append(edition(Edit.model_validate(given)))
            except ValueError as error:
                # the times of the others hang together with its time
                raise capture.parse_error(f"edit {number} of {len(edits)} cannot be read ({_reason(error)})") from error
        return History(source_id=self.id, native_id=native_id, editions=tuple(sorted(editions, key=lambda one: one.at)))

    def _left_out(self, status: Status) -> str:
        """Why a status is not taken; empty if it is."""
        if self._authors and handle(status.author, self._place.host) not in self._authors:
            return "it is by none of the authors that are wanted"
        if status.visibility not in ("public", "unlisted"):
            return f"it is not public but {status.visibility[:20]}"
        if status.reblog is not None:
            return "" if self.options.boosts else "it is a boost, and the option boosts is off"
        is_reply = (status.in_reply_to_id or status.in_reply_to_account_id) is not None
        dropped = is_reply and not status.continues and not self.options.replies
        return "it is a reply to another account, and the option replies is off" if dropped else ""

    def _post(self, status: Status) -> Post:
        # a boost shows another's post under an id and at a time of its own
        shown = status if status.reblog is None else Status.model_validate(status.reblog)
        by_uri = bool(self._place.tag)
        return Post(
            source_id=self.id,
            native_id=(status.uri or status.url or status.id) if by_uri else status.id,
            url=shown.url or shown.uri or None,
            author=shown.author_name.strip() or shown.author or None,
            author_url=shown.author_url or None,
            body=shown.body,
            published=published(status.created_at),
            edited_at=moment(shown.edited_at),
            attachments=attachments(shown, by_uri=by_uri),
            hashtags=shown.hashtags,
            languages=(shown.language,) if shown.language else (),
            content_warning=shown.warning,
            in_reply_to=status.in_reply_to_id if status.continues and shown is status else None,
            pinned=status.pinned is True,
            opt_outs=tuple(sorted(shown.opt_outs)),
        )

    def _linked(self, posts: list[Post], statuses: list[object]) -> Iterator[Post]:
        """The posts; under a hashtag a reply, which names this server's id, is linked where its post is on the page."""
        if not self._place.tag:
            yield from posts
            return
        uris = {
            str(status["id"]): uri
            for status in statuses
            if isinstance(status, dict) and "id" in status and isinstance(uri := status.get("uri"), str)
        }
        for post in posts:
            yield dataclasses.replace(post, in_reply_to=uris.get(post.in_reply_to or ""))


def _is_older(post: Post, since: datetime) -> bool:
    return not post.pinned and post.published is not None and not post.published.overlaps(since, None)


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
