"""What kind of medium an enclosure is, by what the feed says of it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from scraper.model import MediaKind
from scraper.pages.images import is_image_file

_KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_FILM = re.compile(r"\.(?:mp4|m4v|mov|webm|ogv|avi|mkv|mpe?g|flv)$", re.IGNORECASE)
_SOUND = re.compile(r"\.(?:mp3|m4a|ogg|oga|opus|wav|flac|aac)$", re.IGNORECASE)


def kind_of(media_type: str, address: str, medium: str = "") -> MediaKind | None:
    """The kind by Media RSS's ``medium``, else by type, else by the file's name; None for a web page or other text."""
    main = media_type.strip().lower().partition("/")[0]
    stated = _KINDS.get(medium.strip().lower()) or _KINDS.get(main)
    if stated:
        return stated
    if main == "text" or medium == "document" or "html" in media_type.lower():
        return None
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    if is_image_file(address):
        return MediaKind.IMAGE
    return MediaKind.VIDEO if _FILM.search(path) else MediaKind.AUDIO if _SOUND.search(path) else MediaKind.UNKNOWN
