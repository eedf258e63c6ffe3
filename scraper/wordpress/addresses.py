"""Where a WordPress site answers: its REST API in each of its forms, its home, its feed.

https://developer.wordpress.org/rest-api/using-the-rest-api/discovery/ and
https://developer.wordpress.com/docs/api/ for sites on WordPress.com.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_PRETTY = re.compile(r"^(.*?/)?wp-json(?:/.*)?$")
_HOSTED = re.compile(r"^/(?:wp/v2|rest/v1(?:\.\d)?)/sites/([^/]+)")
_HOSTED_AT = "public-api.wordpress.com"
_HOSTED_ROOT = "/wp/v2/sites/"
#: a path as of an archive of one author, category or tag, also in pages
_ARCHIVE = re.compile(r"^(.*?/)(author|category|tag)/((?:[^/]+/)*?)([^/]+)/(?:page/\d+/)?$")
#: languages that blogs have a folder for
_LANGUAGE = re.compile(
    r"(?:ar|cs|da|de|el|en|es|et|fi|fr|hu|it|ja|ko|nl|no|pl|pt|ro|ru|sk|sv|tr|uk|zh)(?:-[a-z]{2})?", re.I
)


def root_in(url: str) -> str | None:
    """The root of the REST API that ``url`` is within: ``wp-json``, ``rest_route``, or on WordPress.com's server."""
    parts = urlsplit(url)
    if parts.hostname == _HOSTED_AT:
        site = _HOSTED.match(parts.path)
        return hosted(unquote(site[1])) if site else None
    if any(name == "rest_route" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return parts._replace(query="rest_route=/", fragment="").geturl()
    pretty = _PRETTY.match(parts.path)
    return parts._replace(path=f"{pretty[1] or '/'}wp-json/", query="", fragment="").geturl() if pretty else None


def hosted(site: str) -> str:
    """The root for a site on WordPress.com, by its domain or number."""
    return f"https://{_HOSTED_AT}{_HOSTED_ROOT}{quote(site, safe='')}/"


def is_hosted(root: str) -> bool:
    """Whether a root is on WordPress.com's server, which answers for all of its sites."""
    return urlsplit(root).hostname == _HOSTED_AT


def plain_root(home: str) -> str:
    """The root of a site that has no addresses in words; every site answers there."""
    return f"{home}?rest_route=/"


def endpoint(root: str, collection: str, query: Mapping[str, str]) -> str:
    """The address of a collection such as ``posts`` under a root."""
    parts = urlsplit(root)
    if parts.hostname == _HOSTED_AT:
        return parts._replace(path=f"{parts.path}{collection}", query=urlencode(query)).geturl()
    if parts.query:
        return parts._replace(query=urlencode({"rest_route": f"/wp/v2/{collection}", **query}, safe="/")).geturl()
    return parts._replace(path=f"{parts.path}wp/v2/{collection}", query=urlencode(query)).geturl()


def is_collection(url: str, collection: str) -> bool:
    """Whether ``url`` is that of a collection, as `endpoint` makes it."""
    parts = urlsplit(url)
    route = dict(parse_qsl(parts.query)).get("rest_route", parts.path)
    return route.rstrip("/").endswith(f"/{collection}") and root_in(url) is not None


def home_of(root: str) -> str:
    """The front page of the site that answers at ``root``."""
    parts = urlsplit(root)
    if parts.hostname == _HOSTED_AT:
        site = unquote(parts.path.removeprefix(_HOSTED_ROOT).strip("/"))
        return f"https://{site}/" if "." in site else root
    path = parts.path.removesuffix("wp-json/").removesuffix("index.php")
    return parts._replace(path=path or "/", query="", fragment="").geturl()


def folder(url: str) -> str:
    """``url`` without query, ending in a slash."""
    parts = urlsplit(url)
    path = re.sub(r"/(?:index\.(?:php|html?)|feed)?/?$", "/", parts.path)
    return parts._replace(path=path if path.endswith("/") else f"{path}/", query="", fragment="").geturl()


def archive_in(url: str) -> tuple[str, str, str] | None:
    """Of ``…/category/space/`` the site's front page, what kind of archive it is and whose; None for other pages."""
    parts = urlsplit(folder(url))
    found = _ARCHIVE.match(parts.path)
    return (parts._replace(path=found[1]).geturl(), found[2], unquote(found[4])) if found else None


def feed_of(home: str, stated: str | None, query: Mapping[str, str], page: int = 1) -> str:
    """The address of the site's feed: as its front page states it, else by WordPress' rule."""
    parts = urlsplit(stated or f"{home}feed/")
    asked = dict(parse_qsl(parts.query)) | dict(query) | ({"paged": str(page)} if page > 1 else {})
    return parts._replace(query=urlencode(asked), fragment="").geturl()


def language_folder(url: str) -> str:
    """The path up to a folder that is a language (``/thomas-pesquet/fr/``) and ends ``url``; empty where none does."""
    path = urlsplit(folder(url)).path
    return path if _LANGUAGE.fullmatch(path.rstrip("/").rpartition("/")[2]) else ""


def language_of(url: str) -> str:
    """The language that a folder in the address of a post names: of ``/fr/2017/03/12/slug`` it is ``fr``."""
    folders = urlsplit(url).path.split("/")[1:-1]
    last = folders and urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return next((name.lower() for name in folders if name != last and _LANGUAGE.fullmatch(name)), "")
