"""The timeline as the Mastodon client API answers: statuses as JSON, a page of them, the links to the next ones.

Shapes: https://docs.joinmastodon.org/entities/Status/, paging: https://docs.joinmastodon.org/api/guidelines/#pagination.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from jobs.demo.content import Account, Medium, Status, Stranger

_MARKED = re.compile(
    r"(?P<url>https?://[^\s<>«»“”]*[^\s<>«»“”.,;:!?)'\"…])"
    r"|(?<![\w.@/])@(?P<who>\w+)"
    r"|(?<![\w/&#])#(?P<tag>\w*[^\W\d]\w*)"
)
_SHOWN = 30  # characters of a link that a reader sees


def _escaped(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#39;")


def _link(url: str) -> str:
    """A link as Mastodon writes it: whole in the text, of which only the middle is shown."""
    scheme = re.match(r"https?://(www\.)?", url)
    before = scheme[0] if scheme else ""
    shown, after = url[len(before) :][:_SHOWN], url[len(before) :][_SHOWN:]
    return (
        f'<a href="{_escaped(url)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{before}</span>'
        f'<span class="{"ellipsis" if after else ""}">{_escaped(shown)}</span>'
        f'<span class="invisible">{_escaped(after)}</span></a>'
    )


def _line(text: str, base: str) -> str:
    pieces, at = [], 0
    for found in _MARKED.finditer(text):
        pieces.append(_escaped(text[at : found.start()]))
        at = found.end()
        if found["url"]:
            pieces.append(_link(found["url"]))
        elif found["who"]:
            address = f"{base}/@{found['who']}"
            pieces.append(f'<span class="h-card" translate="no"><a href="{address}" class="u-url mention">')
            pieces.append(f"@<span>{found['who']}</span></a></span>")
        else:
            address = f"{base}/tags/{quote(found['tag'])}"
            pieces.append(f'<a href="{address}" class="mention hashtag" rel="tag">#<span>{found["tag"]}</span></a>')
    return "".join(pieces) + _escaped(text[at:])


def marked_up(text: str, base: str) -> str:
    """Plain text as the HTML that a Mastodon server makes of it."""
    paragraphs = re.split(r"\n{2,}", text) if text else []
    return "".join(f"<p>{'<br />'.join(_line(line, base) for line in part.split(chr(10)))}</p>" for part in paragraphs)


def tags_in(text: str) -> list[str]:
    """The hashtags of a text, as written, once each."""
    return list(dict.fromkeys(found["tag"] for found in _MARKED.finditer(text) if found["tag"]))


def stamp(at: datetime) -> str:
    """A time as the API writes it: UTC with milliseconds and ``Z``."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def media_paths(status: Status, position: int) -> tuple[str, str]:
    """The paths of a medium's file and of its small rendition (of a video: of its poster, which no status names)."""
    medium = status.media[position]
    folder = re.sub(r"(\d{3})(?=\d)", r"\1/", media_id(status, position))
    name = hashlib.sha256(f"{status.id}/{position}".encode()).hexdigest()[:16]
    extension = "mp4" if medium.video else medium.drawing.extension
    stem = f"/system/media_attachments/files/{folder}"
    return f"{stem}/original/{name}.{extension}", f"{stem}/small/{name}.{medium.drawing.extension}"


def media_id(status: Status, position: int) -> str:
    """The medium's own id: uploaded a little before its status."""
    return str(int(status.id) - (1 << 20) + position)


def _attachment(status: Status, position: int, medium: Medium, base: str) -> dict[str, Any]:
    original, small = (base + path for path in media_paths(status, position))
    width, height = medium.drawing.size
    reduced = (480, round(height * 480 / width))
    return {
        "id": media_id(status, position),
        "type": "video" if medium.video else "image",
        "url": original,
        "preview_url": None if medium.video else small,  # this server makes no posters
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {"original": _measures(width, height), "small": _measures(*reduced)},
        "description": medium.alt,
        "blurhash": None,
    }


def _measures(width: int, height: int) -> dict[str, Any]:
    return {"width": width, "height": height, "size": f"{width}x{height}", "aspect": round(width / height, 6)}


def account_json(account: Account | Stranger, base: str, count: int = 0) -> dict[str, Any]:
    """The demo's own account, or somebody else's with as much as is known."""
    own = isinstance(account, Account)
    home = f"https://{account.host}" if isinstance(account, Stranger) and account.host else base
    remote = isinstance(account, Stranger) and account.host
    return {
        "id": account.id,
        "username": account.username,
        "acct": f"{account.username}@{account.host}" if isinstance(account, Stranger) and remote else account.username,
        "display_name": account.display_name,
        "locked": False,
        "bot": False,
        "discoverable": True,
        "indexable": True,
        "group": False,
        "noindex": False,
        "created_at": f"{account.created}T00:00:00.000Z"
        if isinstance(account, Account)
        else "2023-01-01T00:00:00.000Z",
        "note": marked_up(account.note, base) if isinstance(account, Account) else "",
        "url": f"{home}/@{account.username}",
        "uri": f"{home}/users/{account.username}",
        "followers_count": 40_808 if own else 0,
        "following_count": 4,
        "statuses_count": count,
        "emojis": [],
        "roles": [],
        "fields": [],
    }


def status_json(status: Status, author: Account | Stranger, base: str) -> dict[str, Any]:
    """One status; a boost holds the other's status whole."""
    writer = account_json(author, base)
    home = writer["url"].rpartition("/@")[0]
    answered = status.answered.id if status.answered else (author.id if status.in_reply_to else None)
    mentions = sorted({found["who"] for found in _MARKED.finditer(status.text) if found["who"]})
    boosted = None
    if status.boosted is not None and status.boosted_author is not None:
        boosted = status_json(status.boosted, status.boosted_author, base)
    return {
        "id": status.id,
        "created_at": stamp(status.at),
        "in_reply_to_id": status.in_reply_to,
        "in_reply_to_account_id": answered,
        "sensitive": bool(status.warning),
        "spoiler_text": status.warning,
        "visibility": "public",
        "language": status.language,
        "uri": f"{home}/users/{author.username}/statuses/{status.id}",
        "url": f"{home}/@{author.username}/{status.id}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "quotes_count": 0,
        "edited_at": stamp(status.edited_at) if status.edited_at else None,
        "pinned": status.pinned,
        "content": marked_up(status.text, base),
        "reblog": boosted,
        "application": None,
        "account": writer,
        "media_attachments": [_attachment(status, n, medium, base) for n, medium in enumerate(status.media)],
        "mentions": [
            {"id": str(7_000_000 + n), "username": who, "url": f"{base}/@{who}", "acct": who}
            for n, who in enumerate(mentions)
        ],
        "tags": [{"name": tag.lower(), "url": f"{base}/tags/{quote(tag.lower())}"} for tag in tags_in(status.text)],
        "emojis": [],
        "quote": None,
        "card": None,
        "poll": None,
    }


def history_json(status: Status, author: Account, base: str) -> list[dict[str, Any]]:
    """What a status has been, oldest first (https://docs.joinmastodon.org/entities/StatusEdit/)."""
    writer = account_json(author, base)
    return [
        {
            "content": marked_up(edition.text, base),
            "spoiler_text": edition.warning,
            "sensitive": bool(edition.warning),
            "created_at": stamp(edition.edited_at or edition.at),
            "account": writer,
            "media_attachments": [_attachment(edition, n, medium, base) for n, medium in enumerate(edition.media)],
            "emojis": [],
        }
        for edition in status.editions
    ]


def _order(status_id: str) -> tuple[int, str]:
    return len(status_id), status_id


def page(timeline: Iterable[Status], query: Mapping[str, str], path: str) -> tuple[list[Status], str | None]:
    """The statuses that a query of the account's listing asks for, newest first, and the ``Link`` header's paths.

    ``min_id`` gives the oldest ones above it, ``since_id`` the newest. A page that is not full is the last one and
    links to no next; an empty one has no links at all. The addresses in the header are relative to ``base``:
    the caller puts the host in front of each ``<``.
    """

    def on(name: str) -> bool:
        return query.get(name, "").lower() in ("1", "true", "on")

    limit = query.get("limit", "20")
    most = min(max(int(limit), 1), 40) if limit.isdecimal() else 20
    kept = sorted(
        (status for status in timeline if not (on("pinned") and not status.pinned)), key=lambda s: _order(s.id)
    )
    if on("exclude_reblogs"):
        kept = [status for status in kept if status.boosted is None]
    if on("exclude_replies"):
        kept = [status for status in kept if status.answered is None]
    if on("only_media"):
        kept = [status for status in kept if status.media]
    if tagged := query.get("tagged", "").lower():
        kept = [status for status in kept if tagged in map(str.lower, tags_in(status.text))]
    if "max_id" in query:
        kept = [status for status in kept if _order(status.id) < _order(query["max_id"])]
    for bound in ("since_id", "min_id"):
        if bound in query:
            kept = [status for status in kept if _order(status.id) > _order(query[bound])]
    chosen = kept[:most] if "min_id" in query else kept[-most:]
    chosen.reverse()
    if not chosen:
        return [], None
    rest = {key: value for key, value in query.items() if key not in ("max_id", "min_id", "since_id")}
    links = [f'<{path}?{urlencode({**rest, "min_id": chosen[0].id})}>; rel="prev"']
    if len(chosen) == most:
        links.insert(0, f'<{path}?{urlencode({**rest, "max_id": chosen[-1].id})}>; rel="next"')
    return chosen, ", ".join(links)
