"""One account on a server that speaks the Mastodon client API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from pydantic import AliasPath, BaseModel, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from scraper.capture import Access, Capture, Request
from scraper.errors import FetchError, Gone, Refused
from scraper.model import Attachment, Edition, History, MediaKind, Post
from scraper.payload import Address, Id, Items, Pixels, Word, moment, published
from scraper.settings import SourceOptions
from scraper.source import Reach, Source, page_is_older
from scraper.text.markup import html_to_text
from scraper.text.wishes import opt_outs_in

_PROFILE = re.compile(r"/(?:@|users/)([\w.-]+)(?:@([\w.-]+(?::\d+)?))?(?:/(?:with_replies|media|featured)?)?")
_ACCOUNT = re.compile(r"@?([\w.-]+)@([\w.-]+(?::\d+)?)")
_LISTING = re.compile(r"/api/v1/accounts/([^/?#]+)/statuses")
_HISTORY = re.compile(r"/api/v1/statuses/([^/?#]+)/history")
_WANTS_TOKEN = re.compile(r"token|authenticat|authori[sz]|log ?in|sign ?in", re.IGNORECASE)
_KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "gifv": MediaKind.VIDEO, "audio": MediaKind.AUDIO}


class MastodonOptions(SourceOptions):
    """The account: its profile's ``url``; or ``account: user@host``; or both, to read it through the server of url."""

    account: str | None = None
    replies: bool = False  # also replies to others
    boosts: bool = False  # also what others wrote and the account passed on

    @model_validator(mode="wrap")
    @classmethod
    def _name_an_account(cls, given: object, read: ModelWrapValidatorHandler[MastodonOptions]) -> MastodonOptions:
        if isinstance(given, dict) and "url" not in given and isinstance(given.get("account"), str):
            given = {**given, "url": f"https://{given['account'].rpartition('@')[2] or 'unknown'}/"}
        options = read(given)
        options.place()
        return options

    def place(self) -> tuple[str, str]:
        """The server to ask, as ``https://host``, and the account's name there; ValueError when none is named."""
        parts = urlsplit(self.url)
        home = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
        named = _PROFILE.fullmatch(unquote(parts.path)) if self.account is None else _ACCOUNT.fullmatch(self.account)
        if named is None or "@" in home or parts.port == 0:  # a port that is no number is a ValueError of its own
            raise ValueError("expected url: https://social.example/@someone, or account: someone@social.example")
        host = (named[2] or home).lower()
        return f"{parts.scheme}://{home}", named[1] if host == home else f"{named[1]}@{host}"


class _Media(BaseModel):
    id: Id | None = None
    type: Word = ""
    url: Address = ""
    remote_url: Address = ""
    preview_url: Address = ""
    description: str | None = None
    width: Pixels = Field(None, validation_alias=AliasPath("meta", "original", "width"))
    height: Pixels = Field(None, validation_alias=AliasPath("meta", "original", "height"))


class _Status(BaseModel):
    id: Id
    visibility: str
    content: str | None
    spoiler_text: str | None = None
    media_attachments: list[_Media] | None = None
    reblog: dict[str, object] | None = None
    in_reply_to_id: Id | None = None
    in_reply_to_account_id: Id | None = None
    url: Address = ""
    uri: Address = ""
    created_at: Word = ""
    edited_at: Word = ""
    language: Word = ""
    tags: Items = []
    pinned: object = None
    author_id: Id | None = Field(None, validation_alias=AliasPath("account", "id"))
    author: Word = Field("", validation_alias=AliasPath("account", "acct"))
    author_name: Word = Field("", validation_alias=AliasPath("account", "display_name"))
    author_url: Address = Field("", validation_alias=AliasPath("account", "url"))
    author_note: Word = Field("", validation_alias=AliasPath("account", "note"))
    author_noindex: object = Field(None, validation_alias=AliasPath("account", "noindex"))

    @property
    def continues(self) -> bool:
        """Whether it replies to an earlier post of its own author."""
        return self.author_id is not None and self.in_reply_to_account_id == self.author_id


class _Edit(BaseModel):
    created_at: str
    content: str | None
    spoiler_text: str | None = None
    media_attachments: list[_Media] | None = None


class Mastodon(Source[MastodonOptions]):
    """The public posts of one account, by the client API that Mastodon, GoToSocial, Pleroma and Pixelfed share.

    API: https://docs.joinmastodon.org/methods/accounts/#statuses, paging: https://docs.joinmastodon.org/api/guidelines/.
    Terms and limit are the server's own (usually 300 requests in 5 minutes). Example: https://social.example/@someone.
    What is new since an id is asked for upwards by ``min_id``, so that nothing slips between two pages; without one
    the listing is read newest first until a whole page is older than ``since``. Ids are never compared. Where the
    first page upwards does not begin before ``since``, the server pages in another way (some take ``min_id`` for
    ``since_id``) or its ids are new: the listing is read newest first as well.
    """

    kind: ClassVar[str] = "mastodon"
    summary: ClassVar[str] = "an account on a Mastodon server, or on one that speaks its API"
    example: ClassVar[str] = "https://social.example/@someone"
    options_type: ClassVar[type[SourceOptions]] = MastodonOptions
    media_access: ClassVar[Access] = Access.API
    reach: ClassVar[Reach] = Reach.WINDOW

    def __init__(self, source_id: str, options: MastodonOptions) -> None:
        super().__init__(source_id, options)
        self._server, self._name = options.place()

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """Look the account up; ``after`` travels with the request and becomes ``min_id``."""
        yield self._ask(f"{self._server}/api/v1/accounts/lookup?acct={quote(self._name, safe='@')}", carry=after)

    def history(self, post: Post) -> Request | None:
        """The list of a status's edits: https://docs.joinmastodon.org/methods/statuses/#history."""
        if post.edited_at is None:
            return None
        return self._ask(f"{self._server}/api/v1/statuses/{quote(post.native_id, safe='')}/history")

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request | History]:
        """The posts of a list of statuses or of a single one; of an account, the listing to ask for; a history.

        A status that cannot be read costs itself alone: the other posts and the next page are given first.

        Raises:
            ParseError: something in the answer, or all of it, was not understood.
            Refused: the answer is an error that asks for a token.
        """
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
        return Refused(f"{url}: {said}: {urlsplit(url).netloc} {does}: {advice}", url=url, status=status)

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
        posts: list[Post] = []
        left_out: list[str] = []
        faults: list[str] = []
        for number, given in enumerate(statuses, start=1):
            try:
                status = _Status.model_validate(given)
                if owner is not None and status.author_id not in (owner, None):
                    raise ValueError("it is by another account")
                if reason := self._left_out(status):
                    left_out.append(reason)
                else:
                    posts.append(self._post(status))
            except ValueError as error:
                faults.append(f"status {number} of {len(statuses)} cannot be read ({_reason(error)})")
        yield from posts
        if left_out and not posts and owner is None:  # of a listing others pages may follow, of a saved one none
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
                editions.append(_edition(_Edit.model_validate(given)))
            except ValueError as error:
                # the times of the others hang together with its time
                raise capture.parse_error(f"edit {number} of {len(edits)} cannot be read ({_reason(error)})") from error
        return History(
            source_id=self.id, native_id=native_id, editions=tuple(sorted(editions, key=lambda edition: edition.at))
        )

    def _left_out(self, status: _Status) -> str:
        """Why a status is not taken; empty if it is."""
        if status.visibility not in ("public", "unlisted"):
            return f"it is not public but {status.visibility[:20]}"
        if status.reblog is not None:
            return "" if self.options.boosts else "it is a boost, and the option boosts is off"
        is_reply = (status.in_reply_to_id or status.in_reply_to_account_id) is not None
        dropped = is_reply and not status.continues and not self.options.replies
        return "it is a reply to another account, and the option replies is off" if dropped else ""

    def _post(self, status: _Status) -> Post:
        # a boost shows another's post under an id and at a time of its own
        shown = status if status.reblog is None else _Status.model_validate(status.reblog)
        tags = [tag["name"] for tag in shown.tags if isinstance(tag, dict) and isinstance(tag.get("name"), str)]
        opt_outs = opt_outs_in(shown.author_note) | ({"noindex"} if shown.author_noindex is True else set())
        return Post(
            source_id=self.id,
            native_id=status.id,
            url=shown.url or shown.uri or None,
            author=shown.author_name.strip() or shown.author or None,
            author_url=shown.author_url or None,
            body=html_to_text(shown.content or ""),
            published=published(status.created_at),
            edited_at=moment(shown.edited_at),
            attachments=_attachments(shown),
            hashtags=tuple(dict.fromkeys(tag.removeprefix("#") for tag in tags if tag.strip("# "))),
            languages=(shown.language,) if shown.language else (),
            content_warning=_warning(shown),
            in_reply_to=status.in_reply_to_id if status.continues and shown is status else None,
            pinned=status.pinned is True,
            opt_outs=tuple(sorted(opt_outs)),
        )


def _is_older(post: Post, since: datetime) -> bool:
    return not post.pinned and post.published is not None and not post.published.overlaps(since, None)


def _edition(edit: _Edit) -> Edition:
    at = moment(edit.created_at)
    if at is None:
        raise ValueError(f"its time is {edit.created_at[:40]!r}")
    body = html_to_text(edit.content or "")
    return Edition(at=at, body=body, content_warning=_warning(edit), attachments=_attachments(edit))


def _warning(said: _Status | _Edit) -> str | None:
    return (said.spoiler_text or "").strip() or None


def _attachments(said: _Status | _Edit) -> tuple[Attachment, ...]:
    return tuple(_attachment(media) for media in said.media_attachments or ())


def _attachment(media: _Media) -> Attachment:
    kind = _KINDS.get(media.type, MediaKind.UNKNOWN)
    # the preview of a film or of a sound is a picture, not a smaller rendition
    preview = "" if kind in (MediaKind.VIDEO, MediaKind.AUDIO) else media.preview_url
    addresses = list(dict.fromkeys(filter(None, (media.url, media.remote_url, preview))))
    if not addresses and media.id is None:
        raise ValueError("a medium has neither an address nor an id")
    return Attachment(
        url=addresses[0] if addresses else None,
        kind=kind,
        alternatives=tuple(addresses[1:]),
        native_id=media.id,
        alt=(media.description or "").strip() or None,
        width=media.width,
        height=media.height,
    )


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
