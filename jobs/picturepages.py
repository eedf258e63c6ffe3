"""A plugin of Datasette that shows an archive's pictures; it stands alone, so that it can be copied.

What it serves are files of ``media/`` by the name that their hash gives them, and nothing else. It answers requests for
this machine only, and lets a page load nothing from elsewhere. The archive's folder is told in the metadata:
``plugins: {cupola: {folder: …}}``. https://docs.datasette.io/en/stable/plugin_hooks.html
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from datasette import NotFound, Response, handle_exception, hookimpl
from datasette.utils.asgi import asgi_send_file
from markupsafe import Markup
from PIL import Image

# where rich is installed, Datasette lets it print each exception, which fails for those of a page that is not there:
# that was a 500, with a traceback
handle_exception.rich = None

NAME = "cupola"
#: pixels of a thumbnail's longer edge; pictures of a post that are shown in its row
EDGE, MOST = 320, 4
_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "tif": "image/tiff",
    "bmp": "image/bmp",
    "avif": "image/avif",
}
_FILE = re.compile(rf"media/([0-9a-f]{{2}})/([0-9a-f]{{2}})/(\1\2[0-9a-f]{{60}})\.({'|'.join(_TYPES)})")
_KEY = re.compile(r"[^\s:]+:\S+")
# a file's name is its hash: what was given under it is right for ever, but this is the reader's own machine
_HEADERS = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_STYLE = """
td.col-path img, td.col-pictures img, td.col-image_count img { max-height: 150px; max-width: 230px; margin: 2px; }
td.col-pictures, td.col-image_count { min-width: 240px; }
td[class*=col-caption], td.col-text { min-width: 17em; max-width: 34em; line-height: 1.35; }
td.col-key, td.col-post_key, td.col-sha256 { min-width: 9.5em; max-width: 13em; overflow-wrap: anywhere; }
td.col-key, td.col-post_key, td.col-sha256, td.col-credit, td.col-license { font-size: 0.9em; }
td.col-path { min-width: 11em; }
"""
_PLACEHOLDER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80"><rect width="120" height="80" fill="#ddd"/>'
    '<text x="60" y="45" text-anchor="middle" font-family="sans-serif" font-size="12" fill="#666">not held</text></svg>'
)
#: pictures of a post that are held, in its order
_OF_POST = """
SELECT 'media/' || substr(s.sha256, 1, 2) || '/' || substr(s.sha256, 3, 2) || '/' || s.sha256 || '.' || s.extension
FROM posts AS p JOIN attachments AS a ON a.post_id = p.id JOIN assets AS s ON s.sha256 = a.sha256
WHERE p.source_id = :source AND p.native_id = :native AND a.kind = 'image' AND a.state = 'stored'
    AND a.removed_at IS NULL
ORDER BY a.position LIMIT 1 OFFSET :place
"""


@hookimpl
def render_cell(row: Any, value: Any, column: str, datasette: Any) -> Markup | None:
    """Pictures for a path and for a post's number of them, a link to its page for a post's key."""
    if column == "path" and isinstance(value, str) and _FILE.fullmatch(value):
        return _picture(datasette, f"/-/{NAME}/{value}", f"/-/{NAME}/small/{value}")
    if column in ("pictures", "image_count") and isinstance(value, int) and value > 0:
        return _of_post(row, value, datasette)
    if column in ("key", "post_key") and isinstance(value, str) and _KEY.fullmatch(value):
        link = datasette.urls.path(f"/cupola/post?key={quote(value, safe='')}")
        return Markup('<a href="{}">{}</a>').format(link, value)
    return None


def _of_post(row: Any, count: int, datasette: Any) -> Markup | None:
    try:
        key = quote(row["key"], safe="")
    except (KeyError, IndexError, TypeError):
        return None
    each = (f"/-/{NAME}/of?key={key}&place={place}" for place in range(min(count, MOST)))
    more = Markup(" and {} more").format(count - MOST) if count > MOST else Markup("")
    return Markup(" ").join(_picture(datasette, f"{url}&whole=1", url) for url in each) + more


def _picture(datasette: Any, whole: str, small: str) -> Markup:
    path = datasette.urls.path
    return Markup('<a href="{}"><img loading="lazy" alt="" src="{}"></a>').format(path(whole), path(small))


@hookimpl
def extra_css_urls(datasette: Any) -> list[str]:
    """Widths that suit captions and pictures."""
    return [datasette.urls.path(f"/-/{NAME}/style.css")]


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """The pictures: whole, small, and by their place in a post; the style."""
    return [
        (rf"^/-/{NAME}/style\.css$", style),
        (rf"^/-/{NAME}/of$", of_post),
        (rf"^/-/{NAME}/(?P<small>small/)?(?P<name>media/[^/]+/[^/]+/[^/]+)$", by_name),
    ]


async def style() -> Any:
    """The style as a file, since pages may hold none of their own."""
    return Response(_STYLE, content_type="text/css; charset=utf-8", headers=dict(_HEADERS))


async def by_name(request: Any, send: Any, datasette: Any) -> Any:
    """The picture of this file name."""
    return await _given(send, datasette, request.url_vars["name"], small=bool(request.url_vars["small"]))


async def of_post(request: Any, send: Any, datasette: Any) -> Any:
    """The picture in this place among those that are held of a post; a grey one where there is none."""
    source, _, native = (request.args.get("key") or "").partition(":")
    place = request.args.get("place") or "0"
    if not re.fullmatch(r"[0-9]{1,4}", place):
        raise NotFound("place is a number")
    values = {"source": source, "native": native, "place": int(place)}
    held = (await datasette.get_database("cupola").execute(_OF_POST, values)).first()
    if held is None:
        return Response(_PLACEHOLDER, content_type="image/svg+xml", headers={"x-content-type-options": "nosniff"})
    return await _given(send, datasette, held[0], small="whole" not in request.args)


async def _given(send: Any, datasette: Any, name: str, *, small: bool) -> Any:
    path = _held(Path(datasette.plugin_config(NAME)["folder"]), name)
    thumbnail = await asyncio.to_thread(_thumbnail, path) if small else None
    if thumbnail is not None:
        return Response(thumbnail, content_type="image/jpeg", headers=dict(_HEADERS))
    await asgi_send_file(send, path, content_type=_TYPES[path.suffix[1:]], headers=dict(_HEADERS))
    return None


def _held(folder: Path, name: str) -> Path:
    """The file of this name, when it is one of the archive's pictures and lies in its ``media/``."""
    if not _FILE.fullmatch(name):
        raise NotFound("no such picture")
    media, path = (folder / "media").resolve(), (folder / name).resolve()
    if not path.is_relative_to(media) or not path.is_file():
        raise NotFound("no such picture")
    return path


def _thumbnail(path: Path) -> bytes | None:
    """The picture small, as JPEG; None when it cannot be made smaller, as one with too many pixels."""
    out = io.BytesIO()
    try:
        with Image.open(path) as image:
            image.draft("RGB", (EDGE * 2, EDGE * 2))
            image.thumbnail((EDGE, EDGE))
            image.convert("RGB").save(out, "JPEG", quality=80)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return out.getvalue()


@hookimpl
def asgi_wrapper() -> Callable[[Any], Any]:
    """Only requests that name this machine are answered, and pages load nothing from elsewhere."""

    def wrapped(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            async def send_guarded(event: Any) -> None:
                if event["type"] == "http.response.start":
                    guards = [(b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                    event = event | {"headers": [*event.get("headers", ()), *guards]}
                await send(event)

            if not _is_here(dict(scope["headers"]).get(b"host", b"").decode("latin-1")):
                await Response.text("this is for the machine itself\n", status=403).asgi_send(send_guarded)
                return
            await app(scope, receive, send_guarded)

        return answer

    return wrapped


def _is_here(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
