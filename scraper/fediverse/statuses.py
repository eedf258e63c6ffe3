"""The entities of the API, as far as they are read: https://docs.joinmastodon.org/entities/Status/.

Pleroma and Akkoma add an object ``pleroma``: https://docs.pleroma.social/backend/development/API/differences_in_mastoapi_responses/.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasPath, BaseModel, BeforeValidator, Field

from scraper.model import Attachment, Edition, MediaKind
from scraper.payload import Address, Id, Items, Pixels, Word, moment
from scraper.text.markup import html_to_text
from scraper.text.wishes import opt_outs_in

_KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "gifv": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_PLAIN = AliasPath("pleroma", "content", "text/plain")

#: lenient: an object, empty where it is none
Tree = Annotated[dict[str, object], BeforeValidator(lambda v: v if isinstance(v, dict) else {})]


class Media(BaseModel):
    """A medium; ``remote_url`` is the file on its author's own server, where that is another one."""

    id: Id | None = None
    type: Word = ""
    url: Address = ""
    remote_url: Address = ""
    preview_url: Address = ""
    preview_remote_url: Address = ""
    description: str | None = None
    media_type: Word = Field("", validation_alias=AliasPath("pleroma", "mime_type"))
    width: Pixels = Field(None, validation_alias=AliasPath("meta", "original", "width"))
    height: Pixels = Field(None, validation_alias=AliasPath("meta", "original", "height"))


class Said(BaseModel):
    """What a status says, or said before an edit."""

    content: str | None
    spoiler_text: str | None = None
    media_attachments: list[Media] | None = None
    plain: Word = Field("", validation_alias=_PLAIN)

    @property
    def body(self) -> str:
        """The text; Pleroma's plain one only where there is no other: its line breaks are lost with the markup."""
        return html_to_text(self.content or "") or self.plain

    @property
    def warning(self) -> str | None:
        """The content warning."""
        return (self.spoiler_text or "").strip() or None


class Status(Said):
    """A status; the fields that describe it are lenient, those that make it are not."""

    id: Id
    visibility: str
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
    author_fields: Items = Field([], validation_alias=AliasPath("account", "fields"))
    author_noindex: object = Field(None, validation_alias=AliasPath("account", "noindex"))

    @property
    def continues(self) -> bool:
        """Whether it replies to an earlier post of its own author."""
        return self.author_id is not None and self.in_reply_to_account_id == self.author_id

    @property
    def hashtags(self) -> tuple[str, ...]:
        """The names that the server lists, without their sign, once each."""
        names = [tag["name"] for tag in self.tags if isinstance(tag, dict) and isinstance(tag.get("name"), str)]
        return tuple(dict.fromkeys(name.removeprefix("#") for name in names if name.strip("# ")))

    @property
    def opt_outs(self) -> set[str]:
        """What the author's profile asks: its switch, its note, and the table beneath that."""
        cells = [
            cell for row in self.author_fields if isinstance(row, dict) for cell in (row.get("name"), row.get("value"))
        ]
        wishes = opt_outs_in("\n".join([self.author_note, *(cell for cell in cells if isinstance(cell, str))]))
        return wishes | ({"noindex"} if self.author_noindex is True else set())


class Edit(Said):
    """One state of a status: https://docs.joinmastodon.org/entities/StatusEdit/."""

    created_at: str


def edition(edit: Edit) -> Edition:
    """The state as the archive keeps it.

    Raises:
        ValueError: it has no time.
    """
    at = moment(edit.created_at)
    if at is None:
        raise ValueError(f"its time is {edit.created_at[:40]!r}")
    return Edition(at=at, body=edit.body, content_warning=edit.warning, attachments=attachments(edit))


def attachments(said: Said, *, by_uri: bool = False) -> tuple[Attachment, ...]:
    """The media; of a film its poster, a picture, comes first.

    Args:
        said: what has them.
        by_uri: whether it is named by its address for all servers. Then a copy of another server's file is named by its
            address there, too: dropped and made again, the copy gets another number.

    Raises:
        ValueError: a medium has neither an address nor an id.
    """
    return tuple(made for media in said.media_attachments or () for made in _made(media, by_uri=by_uri))


def _made(media: Media, *, by_uri: bool) -> list[Attachment]:
    kind = _KINDS.get(media.type, MediaKind.UNKNOWN)
    is_played = kind in (MediaKind.VIDEO, MediaKind.AUDIO)
    # the preview of a film or of a sound is a picture, not a smaller rendition; the file on the author's own server
    # is the one that was uploaded, this server's copy may have been made anew
    previews = [media.preview_remote_url, media.preview_url]
    stated = [media.remote_url, media.url, *([] if is_played else previews)]
    addresses = list(dict.fromkeys(filter(None, stated)))
    if not addresses and media.id is None:
        raise ValueError("a medium has neither an address nor an id")
    native_id = None if by_uri and media.remote_url else media.id
    medium = Attachment(
        url=addresses[0] if addresses else None,
        kind=kind,
        alternatives=tuple(addresses[1:]),
        native_id=native_id,
        alt=(media.description or "").strip() or None,
        media_type=media.media_type if "/" in media.media_type else None,
        width=media.width,
        height=media.height,
    )
    posters = [url for url in dict.fromkeys(filter(None, previews)) if url not in addresses] if is_played else []
    if kind is not MediaKind.VIDEO or not posters:
        return [medium]
    name = f"{native_id}/poster" if native_id else None
    return [Attachment(url=posters[0], alternatives=tuple(posters[1:]), native_id=name), medium]
