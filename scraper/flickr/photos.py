"""A photo as Flickr's API tells it, in a list or alone, turned into a post; and the sizes that it comes in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from scraper.flickr.answers import words
from scraper.flickr.licences import licence_of
from scraper.model import Attachment, DateOrigin, MediaKind, Post, Precision, Published
from scraper.payload import Id
from scraper.text.markup import html_to_text

#: the sizes of a picture, the largest first; squares are cut, and left out
SIZES = ("o", "6k", "5k", "4k", "3k", "k", "h", "l", "c", "z", "m", "w", "n", "s", "t")
_ADDRESS = re.compile(r"https?://\S{1,4000}")
_WARNINGS = {"1": "moderate", "2": "restricted"}
#: what Flickr's own programs put there about themselves
_OF_A_PROGRAM = re.compile(r"(?:uploaded:by|flickr\w*app:\w+)=")

Words = Annotated[str, BeforeValidator(words)]


class Photo(BaseModel):
    """A photo of ``people.getPublicPhotos``; what only describes it is empty where it is not what it should be."""

    id: Id
    owner: Words = ""
    ownername: Words = ""
    pathalias: Words = ""
    title: Words = ""
    description: Words = ""
    dateupload: Words = ""
    license: Words = ""
    tags: Words = ""
    machine_tags: Words = ""
    media: Words = "photo"
    safety_level: Words = ""
    ispublic: Words = "1"
    #: its tags as they were typed, where the answer has them
    typed: tuple[str, ...] = ()
    #: address, width and height of each size that is stated, the largest first
    files: tuple[tuple[str, int | None, int | None], ...] = Field(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of one photo: pictures, the largest first, and for a film what plays, the best first."""

    pictures: tuple[tuple[str, int | None, int | None], ...] = ()
    films: tuple[str, ...] = ()


def photo_of(given: object) -> Photo:
    """A photo in a list, or the only one of ``photos.getInfo``.

    Raises:
        ValueError: it is no photo, or has no id.
    """
    if not isinstance(given, dict):
        raise ValueError("it is no photo")
    flat = dict(given)
    if isinstance(given.get("owner"), dict):
        owner, dates, seen = given["owner"], _object(given.get("dates")), _object(given.get("visibility"))
        tags = _items(_object(given.get("tags")).get("tag"))
        flat |= {
            "owner": owner.get("nsid"),
            "ownername": owner.get("realname") or owner.get("username"),
            "pathalias": owner.get("path_alias"),
            "dateupload": given.get("dateuploaded") or dates.get("posted"),
            "ispublic": seen.get("ispublic", "1"),
            "tags": "",
            "typed": tuple(filter(None, (words(_object(tag).get("raw")) for tag in tags))),
        }
    else:
        flat.pop("typed", None)
    flat["files"] = tuple(
        (url, _pixels(flat.get(f"width_{size}")), _pixels(flat.get(f"height_{size}")))
        for size in SIZES
        if isinstance(url := flat.get(f"url_{size}"), str) and _ADDRESS.fullmatch(url)
    )
    return Photo.model_validate(flat)


def files_in(sizes: object) -> Files:
    """The files that an answer of ``photos.getSizes`` lists: the original, then by their size."""
    pictures: list[tuple[str, int | None, int | None]] = []
    films: list[tuple[int, str]] = []
    original: str | None = None
    for item in _items(_object(sizes).get("size")):
        size = _object(item)
        url, label = words(size.get("source")), words(size.get("label"))
        if not _ADDRESS.fullmatch(url) or "Square" in label:
            continue
        width, height = _pixels(size.get("width")), _pixels(size.get("height"))
        if size.get("media") == "video":
            # the player is a program of long ago, and no film
            if not url.partition("?")[0].endswith(".swf"):
                films.append((width or 0, url))
        else:
            pictures.append((url, width, height))
            original = url if label == "Original" else original
    pictures.sort(key=lambda file: (file[0] != original, -(file[1] or 0) * (file[2] or 0)))
    return Files(pictures=tuple(pictures), films=tuple(url for _, url in sorted(films, key=lambda film: -film[0])))


def post_of(photo: Photo, source_id: str, files: Files | None = None) -> Post:
    """The post that a photo is; ``files`` are those that it was asked for, in front of those that the list states.

    It is dated by when it was posted: when it was taken is the camera's word, without a zone, and often invented.
    """
    licence, licence_url = licence_of(photo.license)
    who = photo.pathalias or photo.owner
    return Post(
        source_id=source_id,
        native_id=photo.id,
        url=f"https://www.flickr.com/photos/{who}/{photo.id}/" if _is_name(who) else None,
        author=photo.ownername.strip() or None,
        author_url=f"https://www.flickr.com/photos/{who}/" if _is_name(who) else None,
        title=html_to_text(photo.title).strip() or None,
        body=html_to_text(photo.description, typed=True),
        published=_posted(photo.dateupload),
        attachments=_attachments(photo, files or Files()),
        hashtags=_hashtags(photo),
        content_warning=_WARNINGS.get(photo.safety_level),
        license=licence,
        license_url=licence_url,
    )


def is_film(photo: Photo) -> bool:
    """Whether it moves; what is stated of it are then pictures of it."""
    return photo.media == "video"


def _attachments(photo: Photo, files: Files) -> tuple[Attachment, ...]:
    known = list(dict.fromkeys([*files.pictures, *photo.files]))
    urls = list(dict.fromkeys(url for url, _, _ in known))
    found: list[Attachment] = []
    if urls:
        found.append(
            Attachment(
                url=urls[0],
                alternatives=tuple(urls[1:]),
                native_id=f"{photo.id}/poster" if is_film(photo) else photo.id,
                width=known[0][1],
                height=known[0][2],
            )
        )
    if is_film(photo):
        first, *others = files.films or (None,)
        film = tuple(url for url in others if url is not None)
        found.append(Attachment(url=first, kind=MediaKind.VIDEO, alternatives=film, native_id=photo.id))
    return tuple(found)


def _hashtags(photo: Photo) -> tuple[str, ...]:
    """Its tags: as typed, where that is told, else in one word each, as the API squeezes them."""
    given: Iterable[str] = photo.typed or (*photo.tags.split(), *photo.machine_tags.split())
    kept = (" ".join(tag.split()).lstrip("#") for tag in given if not _OF_A_PROGRAM.match(tag))
    return tuple(dict.fromkeys(filter(None, kept)))


def _posted(seconds: str) -> Published | None:
    """The date that seconds since 1970 are; None for what is no such number."""
    if not re.fullmatch(r"[0-9]{1,12}", seconds) or not int(seconds):
        return None
    try:
        at = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)


def _pixels(value: object) -> int | None:
    """A width or a height, which Flickr writes as a number or as a text."""
    text = str(value) if type(value) in (int, str) else ""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None


def _is_name(who: str) -> bool:
    return bool(re.fullmatch(r"[\w@.-]{1,100}", who))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
