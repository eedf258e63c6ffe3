"""One account of Bluesky, or of another application of the AT Protocol that has its posts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NoReturn, TypeGuard
from urllib.parse import unquote, urlencode, urlsplit

from pydantic import (
    AliasPath,
    BaseModel,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from scraper.bluesky.embeds import embedded
from scraper.bluesky.labels import labels_in, opt_outs_of, warning_of
from scraper.bluesky.names import (
    POSTS,
    RecordName,
    account_in,
    blob_url,
    document_url,
    is_did,
    is_server,
    key_made_at,
    post_url,
    profile_url,
    record_name,
    server_in,
)
from scraper.bluesky.richtext import rich_text
from scraper.capture import Access, Capture, Request
from scraper.errors import FetchError, Gone, Refused
from scraper.finding import Finding, Rank
from scraper.model import Post, Published
from scraper.payload import Items, Word, published
from scraper.settings import SourceAddress, SourceOptions
from scraper.source import Reach, Source
from scraper.text.hashtags import once_each
from scraper.text.wishes import opt_outs_in

_PROFILES = "app.bsky.actor.profile"
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}")
_WANTS_LOGIN = re.compile(r"auth|token|log ?in|session", re.IGNORECASE)
_MOST = "100"  # posts on a page
_LONGEST = 1000  # letters of what travels with each request
#: lenient: an object
_Tree = Annotated[dict[str, Any], BeforeValidator(lambda v: v if isinstance(v, dict) else {})]


class BlueskyOptions(SourceOptions):
    """The account: its profile's ``url``; or ``account``: a handle or a DID."""

    account: str | None = None
    read: Literal["feed", "repository"] = "feed"  # the AppView's author feed, or the account's own server
    service: SourceAddress = "https://public.api.bsky.app"  # the AppView; also whom a handle is looked up with
    directory: SourceAddress = "https://plc.directory"
    filter: Literal[
        "posts_with_replies", "posts_no_replies", "posts_with_media", "posts_and_author_threads", "posts_with_video"
    ] = "posts_with_replies"
    pins: bool = True  # also ask for the pinned post, wherever it stands
    replies: bool = False  # also replies to others
    reposts: bool = False  # also what others wrote and the account passed on

    @model_validator(mode="wrap")
    @classmethod
    def _name_an_account(cls, given: object, read: ModelWrapValidatorHandler[BlueskyOptions]) -> BlueskyOptions:
        if isinstance(given, dict) and "url" not in given and isinstance(given.get("account"), str):
            given = {**given, "url": f"https://bsky.app/profile/{given['account'].strip().removeprefix('@')}"}
        options = read(given)
        account_in(options.url, options.account)
        for name in ("service", "directory"):
            if not is_server(getattr(options, name)):
                raise ValueError(f"expected {name}: https://host, without a path")
        return options


class _Record(BaseModel):
    kind: str = Field(POSTS, validation_alias="$type")
    text: str
    created_at: Word = Field("", validation_alias="createdAt")
    facets: object = None
    reply: object = None
    embed: object = None
    langs: Items = []
    tags: Items = []
    labels: object = None


class _View(BaseModel):
    """A post as the AppView shows it; of one from its own server only ``uri`` and ``record`` are there."""

    uri: str
    record: _Record
    author: _Tree = {}
    embed: object = None
    indexed_at: Word = Field("", validation_alias="indexedAt")
    labels: object = None


class _Item(BaseModel):
    post: _View
    reason: _Tree = {}
    reason_kind: Word = Field("", validation_alias=AliasPath("reason", "$type"))


class _Known(BaseModel):
    """What was learnt of the account on the way to its posts; it travels with the requests."""

    did: str | None = None
    server: str | None = None
    name: str = ""
    opt_outs: list[str] = []
    pinned: str | None = None
    #: of the page before
    page: str | None = None

    @classmethod
    def with_(cls, capture: Capture) -> _Known:
        try:
            return cls.model_validate_json(capture.request.carry or "{}")
        except ValueError:  # a saved page, or another version's
            return cls()


class Bluesky(Source[BlueskyOptions]):
    """The public posts of one account, from an AppView's author feed or from the account's own server (PDS).

    API: https://docs.bsky.app/docs/api/app-bsky-feed-get-author-feed and
    https://docs.bsky.app/docs/api/com-atproto-repo-list-records, neither wants a login; limits:
    https://docs.bsky.app/docs/advanced-guides/rate-limits. Example: https://bsky.app/profile/someone.bsky.social.
    Both ways lead over the DID document, which says where the pictures are as they were uploaded. The feed is read
    newest first until a whole page is older than ``since``; it is sorted by what is earlier, the date that the
    author's client stated or the one on which the platform saw the post, and that is a post's date here as well.
    Its own server knows the client's word alone.
    """

    kind: ClassVar[str] = "bluesky"
    summary: ClassVar[str] = "an account on Bluesky: its author feed, or its own server (AT Protocol)"
    example: ClassVar[str] = "https://bsky.app/profile/someone.bsky.social"
    options_type: ClassVar[type[SourceOptions]] = BlueskyOptions
    media_access: ClassVar[Access] = Access.API
    reach: Reach = Reach.WINDOW

    def __init__(self, source_id: str, options: BlueskyOptions) -> None:
        super().__init__(source_id, options)
        self._account = account_in(options.url, options.account)
        self._site = "{0.scheme}://{0.netloc}".format(urlsplit(options.url))
        self._service = options.service.rstrip("/")

    @classmethod
    def knows(cls, url: str) -> Iterator[Finding | Request]:
        """The address of a profile, a DID, or a handle as people write it (``@someone.bsky.social``)."""
        try:
            host = (urlsplit(url).hostname or "").lower() if "://" in url else ""
        except ValueError:  # half an IPv6 address
            return
        typed = url.removeprefix("@")
        is_name = "://" not in url and "/" not in url and (url != typed or typed.startswith("did:"))
        if not (host in ("bsky.app", "www.bsky.app") or is_name or typed.endswith(".bsky.social")) or "@" in typed:
            return
        given = {"url": url} if host else {"url": f"https://bsky.app/profile/{typed}"}
        with suppress(ValidationError):
            BlueskyOptions.model_validate(given)
            reason = "an account on Bluesky, by the feed that its AppView shows to everybody"
            yield Finding(kind=cls.kind, options=given, reason=reason, rank=Rank.CERTAIN)

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """Ask who the account is: the AppView for its profile, or whose handle it is; a DID needs no look-up."""
        if self.options.read == "feed":
            yield self._ask(self._service, "app.bsky.actor.getProfile", actor=self._account)
        elif is_did(self._account):
            yield self._document(self._account, _Known(did=self._account))
        else:
            yield self._ask(self._service, "com.atproto.identity.resolveHandle", handle=self._account)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a page of the author feed, of a list of records, of a thread or of a single post.

        Of a profile, a resolved handle, a DID document: what to ask next. A post that cannot be read costs itself
        alone: the others and the next page are given first.

        Raises:
            ParseError: something in the answer, or all of it, was not understood.
            Refused: the answer is an error that asks for a login.
        """
        known = _Known.with_(capture)
        match capture.json():
            case {"error": str() as code, **rest} if not rest.keys() - {"message"}:
                self._fail(capture, f"{code}: {rest.get('message') or 'no reason'}")
            case {"feed": list() as items} as page:
                yield from self._page(capture, known, items, page.get("cursor"), since)
            case {"records": list() as records} as page if known.server and _collection(capture) == _PROFILES:
                yield self._listing(known.model_copy(update=_profile_in(records)))
            case {"records": list() as records} as page:
                items = [{"post": _as_view(record)} for record in records]
                yield from self._page(capture, known, items, page.get("cursor"), since)
            case {"thread": {"post": dict()} as item} | ({"post": dict()} as item):
                yield from self._page(capture, known, [item], None, since)
            case {"posts": list() as posts}:
                yield from self._page(capture, known, [{"post": post} for post in posts], None, since)
            case {"uri": str(), "value": dict()} as record:
                yield from self._page(capture, known, [{"post": _as_view(record)}], None, since)
            case {"id": str(), "service": _} as document if known.did is not None:
                yield self._at_home(capture, document, known)
            case {"did": str() as did} as profile if _is_look_up(capture):
                yield self._found(capture, did, profile)
            case other:
                shape = f"an object with {', '.join(list(other)[:9])}" if isinstance(other, dict) else repr(other)[:80]
                raise capture.parse_error(f"expected posts or an account of the AT Protocol and got {shape}")

    def explain(self, error: FetchError) -> FetchError:
        """Says what an account that is not there looks like, for each of those that are asked."""
        told = {
            "app.bsky.actor.getProfile": f"no account {self._account}, or it is deactivated or taken down",
            "com.atproto.identity.resolveHandle": f"nobody has the handle {self._account}",
            "app.bsky.feed.getAuthorFeed": f"{self._account} is deactivated, taken down, or shown to nobody",
            "com.atproto.repo.listRecords": f"the server has no repository of {self._account} (any more)",
        }
        method = _method(error.url)
        if error.status in (400, 404) and method in told:
            return Gone(f"{error.url}: answered {error.status}: {told[method]}", url=error.url, status=error.status)
        if isinstance(error, Gone) and not method:
            return Gone(f"{error}: no document of this DID", url=error.url, status=error.status)
        return error

    def _fail(self, capture: Capture, said: str) -> NoReturn:
        if _WANTS_LOGIN.search(said):
            advice = "the public AppView wants none: see the option service"
            raise Refused(f"{capture.url}: wants a login ({said[:200]}); {advice}", url=capture.url)
        raise capture.parse_error(f"the server says: {said[:300]}")

    def _ask(self, server: str, method: str, known: _Known | None = None, **parameters: str) -> Request:
        return Request(
            url=f"{server}/xrpc/{method}?{urlencode(parameters, safe=':')}",
            access=Access.API,
            accept="application/json",
            token=self.options.token if server == self._service else None,
            carry=known.model_dump_json(exclude_defaults=True) if known else None,
        )

    def _document(self, did: str, known: _Known) -> Request:
        carry = known.model_dump_json(exclude_defaults=True)
        return Request(
            url=document_url(did, self.options.directory), access=Access.API, accept="application/json", carry=carry
        )

    def _found(self, capture: Capture, did: str, profile: dict[str, Any]) -> Request:
        if is_did(self._account) and did != self._account:
            raise capture.parse_error(f"it is of {did[:80]}, not of {self._account}")
        try:
            return self._document(did, _Known(did=did, **_profile_of(profile, profile.get("labels"))))
        except ValueError as error:
            raise capture.parse_error(str(error)) from error

    def _at_home(self, capture: Capture, document: dict[str, Any], known: _Known) -> Request:
        """Where to go on, once the account's own server is known."""
        try:
            known = known.model_copy(update={"server": server_in(document, str(known.did))})
        except ValueError as error:
            raise capture.parse_error(str(error)) from error
        if self.options.read == "feed":
            return self._listing(known)
        server, did = str(known.server), str(known.did)
        # a list, for it answers with none where an account has no profile
        return self._ask(server, "com.atproto.repo.listRecords", known, repo=did, collection=_PROFILES, limit="1")

    def _listing(self, known: _Known, cursor: str | None = None) -> Request:
        onward = {} if cursor is None else {"cursor": cursor}
        did = str(known.did)
        if self.options.read == "repository":
            query = {"repo": did, "collection": POSTS, "limit": _MOST} | onward
            return self._ask(str(known.server), "com.atproto.repo.listRecords", known, **query)
        # posts_and_author_threads would drop a thread that a page's end cuts in two: replies are sorted out here
        query = {"actor": did, "limit": _MOST, "filter": self.options.filter}
        query |= {"includePins": "true"} if self.options.pins else {}
        return self._ask(self._service, "app.bsky.feed.getAuthorFeed", known, **query, **onward)

    def _page(
        self, capture: Capture, known: _Known, items: list[Any], cursor: object, since: datetime | None
    ) -> Iterator[Post | Request]:
        dates: list[Published | None] = []
        left_out: list[str] = []
        faults: list[str] = []
        given, is_recent = 0, False
        for number, found in enumerate(items, start=1):
            try:
                name = record_name(_text(found, "post", "uri"))
                if name.collection != POSTS:
                    raise ValueError(f"it is no post but {name.collection[:60]}")
                item = _Item.model_validate(found)
                if item.post.record.kind != POSTS:
                    raise ValueError(f"it is no post but {item.post.record.kind[:60]}")
                at = _date_of(item)
                is_pinned = item.reason_kind.endswith("#reasonPin") or item.post.uri == known.pinned
                dates += [] if is_pinned else [at]
                is_recent |= self._is_listed_since(since, name)
                reason = self._left_out(item, name, known)
                if reason is None:
                    missing: list[str] = []
                    yield self._post(item, name, at, known, is_pinned, missing)
                    given += 1
                    faults += [f"post {number} of {len(items)}: {fault}" for fault in missing]
                else:
                    left_out.append(reason)
            except ValueError as error:
                dates.append(None)
                faults.append(f"post {number} of {len(items)} cannot be read ({_reason(error)})")
        if left_out and not given and known.did is None:  # of a listing others pages may follow, of a saved one none
            faults.append(f"no post is taken from this: {left_out[0]}")
        if cursor is not None and not (isinstance(cursor, str) and cursor):
            faults.append(f"its cursor is {str(cursor)[:40]!r}")
        elif cursor is not None and known.did is not None and (is_recent or not _is_older(dates, since)):
            page = _fingerprint(items)
            if items and page == known.page:
                faults.append("the page before came again under another cursor; no further one is asked for")
            else:
                yield self._listing(known.model_copy(update={"page": page}), cursor)
        if faults:
            raise capture.parse_error("; ".join(faults[:3] + [f"and {len(faults) - 3} more"] * (len(faults) > 3)))

    def _is_listed_since(self, since: datetime | None, name: RecordName) -> bool:
        """Whether a list of records has this one among those since ``since``, whatever date it states.

        Thousands of posts that were brought over from another network, with their dates of then, may stand before what
        was posted last week.
        """
        if self.options.read != "repository" or since is None:
            return False
        made_at = key_made_at(name.rkey)
        return made_at is not None and made_at >= since

    def _left_out(self, item: _Item, name: RecordName, known: _Known) -> str | None:
        """Why a post is not taken; None if it is."""
        if item.reason_kind.endswith("#reasonRepost"):
            return None if self.options.reposts else "it is a repost, and the option reposts is off"
        if known.did is not None and name.did != known.did:
            if item.reason_kind.endswith("#reasonPin"):
                return "it is pinned, and another account's"
            raise ValueError(f"it is by another account, {name.did[:80]}")
        if item.post.record.reply is None or self.options.replies:
            return None
        parent, root = _reply(item.post.record.reply)
        is_own = parent.did == root.did == name.did
        return None if is_own else "it is a reply to another account, and the option replies is off"

    def _post(
        self, item: _Item, name: RecordName, at: Published | None, known: _Known, is_pinned: bool, missing: list[str]
    ) -> Post:
        view, record, author = item.post, item.post.record, item.post.author
        is_repost = item.reason_kind.endswith("#reasonRepost")
        by = _text(item.reason, "by", "did") if is_repost else ""
        original: Callable[[str], str] | None = None
        if (server := known.server) is not None and name.did == known.did:
            original = lambda cid: blob_url(server, name.did, cid)  # noqa: E731 - it is named by what it is for
        inside = embedded(record.embed, view.embed, original)
        missing += inside.faults
        text = rich_text(record.text, record.facets)
        labels = labels_in(view.labels, record.labels)
        opt_outs = opt_outs_of(labels_in(author.get("labels"))) | opt_outs_of(labels)
        quoted = post_url(self._site, inside.quoted) if inside.quoted else None
        own_name = known.name if name.did == known.did else ""
        parent = _reply(record.reply)[0] if record.reply is not None else None
        return Post(
            source_id=self.id,
            # a repost stands beside the post that it shows, which may be the account's own
            native_id=f"{by or known.did or 'repost'}/repost/{name.native_id}" if is_repost else name.native_id,
            url=post_url(self._site, name),
            author=_text(author, "displayName") or _text(author, "handle") or own_name or None,
            author_url=profile_url(self._site, name.did),
            body=_with_links(text.body, inside.link, quoted),
            published=at,
            attachments=tuple(inside.attachments),
            hashtags=once_each(text.hashtags, (tag.strip() for tag in record.tags if isinstance(tag, str))),
            languages=tuple(dict.fromkeys(lang for lang in record.langs if _is_language(lang))),
            content_warning=warning_of(labels),
            in_reply_to=parent.native_id if parent is not None and parent.did == name.did and not is_repost else None,
            pinned=is_pinned,
            opt_outs=tuple(sorted(opt_outs | (set(known.opt_outs) if name.did == known.did else set()))),
        )


def _method(url: str) -> str:
    """The method that is asked for by ``url``; empty where it is none of XRPC."""
    return urlsplit(url).path.partition("/xrpc/")[2]


def _collection(capture: Capture) -> str:
    found = re.search(r"[?&]collection=([^&#]+)", capture.request.url)
    return unquote(found[1]) if found else ""


def _is_look_up(capture: Capture) -> bool:
    return _method(capture.request.url) in ("app.bsky.actor.getProfile", "com.atproto.identity.resolveHandle")


def _profile_in(records: list[Any]) -> dict[str, Any]:
    """What the account's own profile says, where it has one."""
    first = records[0] if records and isinstance(records[0], dict) else {}
    profile = first.get("value")
    return _profile_of(profile, profile.get("labels")) if isinstance(profile, dict) else {}


def _profile_of(profile: dict[str, Any], labels: object) -> dict[str, Any]:
    wishes = opt_outs_in(_text(profile, "description")) | opt_outs_of(labels_in(labels))
    name = _text(profile, "displayName") or _text(profile, "handle")
    pinned = _text(profile, "pinnedPost", "uri")
    return {
        "name": name[:_LONGEST],
        "opt_outs": sorted(wishes),
        "pinned": pinned if 0 < len(pinned) <= _LONGEST else None,
    }


def _as_view(record: object) -> dict[str, Any]:
    """A record from the account's own server in the shape in which an AppView shows posts."""
    tree = record if isinstance(record, dict) else {}
    return {"uri": tree.get("uri"), "record": tree.get("value")}


def _reply(reply: object) -> tuple[RecordName, RecordName]:
    """What a post replies to, and where that thread began."""
    match reply:
        case {"parent": {"uri": parent}, "root": {"uri": root}}:
            return record_name(parent), record_name(root)
        case _:
            raise ValueError("it replies to something that is not named")


def _date_of(item: _Item) -> Published | None:
    """When it was posted, or passed on: what is earlier of the client's word and the platform's."""
    if item.reason_kind.endswith("#reasonRepost"):
        return published(_text(item.reason, "indexedAt"))
    stated, seen = published(item.post.record.created_at), published(item.post.indexed_at)
    if stated is None or seen is None:
        return stated or seen
    return seen if seen.at < stated.at else stated


def _is_older(dates: list[Published | None], since: datetime | None) -> bool:
    """Whether a whole page of unpinned posts is older than ``since``, those that are left out included."""
    if since is None or not dates:
        return False
    return all(at is not None and not at.overlaps(since, None) for at in dates)


def _fingerprint(items: list[Any]) -> str:
    """What is on a page: its posts and why they are there, not how many liked them."""
    named = [(_text(item, "post", "uri"), _text(item, "reason", "$type")) for item in items]
    return hashlib.blake2b(repr(named).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _with_links(body: str, *links: str | None) -> str:
    """The text, and below it what a client shows as a card or a quotation, unless the text has that address itself."""
    missing = [link for link in links if link and link.rstrip("/") not in body]
    return "\n\n".join(filter(None, [body, *missing]))


def _is_language(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def _text(tree: object, *names: str) -> str:
    value = tree
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
