"""An answer of Flickr's REST API as one tree, be it JSON, JSONP or XML, and the error that it may be.

Errors come with HTTP status 200. https://www.flickr.com/services/api/response.json.html
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from xml.parsers import expat

from scraper.capture import Capture
from scraper.errors import FetchError, Gone, Refused, ScraperError
from scraper.masking import named

#: JSONP: `jsonFlickrApi({…})`, `jsonFlickrFeed({…})`
_WRAPPED = re.compile(rb"\A\s*jsonFlickr\w{1,20}\(\s*(.*?)\s*\)\s*;?\s*\Z", re.DOTALL)
#: an escape that JavaScript has and JSON has not
_APOSTROPHE = re.compile(rb"(?<!\\)((?:\\\\)*)\\'")
_DEEPEST = 20
#: codes that every method shares, in kinds: https://www.flickr.com/services/api/flickr.people.getPublicPhotos.html
_BUSY = frozenset({"0", "10", "105", "201"})
_BAD_KEY = frozenset({"100"})
_WANTS_LOGIN = frozenset({"95", "96", "97", "98", "99"})


def is_xml(capture: Capture) -> bool:
    """Whether the body is the API's own XML (a feed and a web page are not)."""
    return b"<rsp" in capture.body[:300]


def tree_of(capture: Capture) -> dict[str, Any]:
    """What a REST answer holds, in the shape of its JSON.

    Raises:
        ParseError: neither JSON nor XML of the API.
    """
    if is_xml(capture):
        return _read_xml(capture)
    wrapped = _WRAPPED.match(capture.body)
    body = wrapped[1] if wrapped else capture.body
    if b"\\'" in body:
        body = _APOSTROPHE.sub(rb"\1'", body)
    value = dataclasses.replace(capture, body=body).json()
    if not isinstance(value, dict):
        raise capture.parse_error(f"expected an answer of Flickr's API and got {str(value)[:80]!r}")
    return value


def error_in(tree: dict[str, Any], capture: Capture, key_env: str | None) -> ScraperError | None:
    """The error that an answer is; None where it is none.

    Args:
        tree: the answer.
        capture: where it came from.
        key_env: the variable that holds the key.
    """
    if tree.get("stat") != "fail":
        return None
    told = tree["err"] if isinstance(tree.get("err"), dict) else tree
    code = str(told.get("code", ""))[:20]
    said = str(told.get("message") or told.get("msg") or "no reason")[:200]
    message = f"{named(capture.url)}: Flickr says: {said} (code {code or 'not given'})"
    if code in _BUSY:
        return FetchError(f"{message}; ask again later", url=capture.url, retriable=True, status=capture.status)
    if code in _BAD_KEY:
        where = f"check the value of the environment variable {key_env}" if key_env else "name its variable in key_env"
        return Refused(f"{message}: {where}; it should hold an API key", url=capture.url, status=capture.status)
    if code == "2" or code in _WANTS_LOGIN:
        return Refused(f"{message}: it is private, or wants a login", url=capture.url, status=capture.status)
    if code == "1":
        return Gone(f"{message}: check the address; what is private is told as not found", url=capture.url)
    return capture.parse_error(f"Flickr says: {said} (code {code or 'not given'})")


def words(value: object) -> str:
    """A text, also where it is wrapped as ``{"_content": …}``; empty for anything else."""
    if isinstance(value, dict):
        value = value.get("_content")
    return value if isinstance(value, str) else str(value) if type(value) is int else ""


def _read_xml(capture: Capture) -> dict[str, Any]:
    root: dict[str, Any] = {}
    open_elements: list[tuple[str, dict[str, Any], list[str]]] = [("", root, [])]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > _DEEPEST:
            raise ValueError("nested too deeply")
        element: dict[str, Any] = dict(attributes)
        around, parent, _ = open_elements[-1]
        if around == f"{name}s":
            parent.setdefault(name, [])
            if isinstance(parent[name], list):
                parent[name].append(element)
        else:
            parent[name] = element
        open_elements.append((name, element, []))

    def end(_: str) -> None:
        _, element, pieces = open_elements.pop()
        element["_content"] = "".join(pieces)

    def refuse(*_: object) -> None:
        raise ValueError("a document type is not expected")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = lambda text: open_elements[-1][2].append(text)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(capture.body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise capture.parse_error(f"the XML of Flickr's API cannot be read ({error})") from error
    answer = root.get("rsp")
    if not isinstance(answer, dict):
        raise capture.parse_error("expected an answer of Flickr's API and got other XML")
    return answer
