"""Whether an answer holds a post's words or addresses, however its format writes them: pure; in doubt it does."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

#: letters and digits that a line needs to be looked for by itself, and a whole text
LINE, WHOLE = 20, 12

_NAME = re.compile(r"""(?<=")[^"<>]{1,500}(?=")|(?<=>)[^"<>]{1,500}(?=<)|[^\s"'<>\[\]]{1,500}""")
_WORD = re.compile(r"[^\W_]+")
_NO_LETTER = re.compile(r"[\W_]+")
_TAG = re.compile(r"<[^<>]{0,4000}>")
_UNICODE_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_ESCAPE = re.compile(r"\\([nrtbf/\"\\])")


class Traces:
    """What to look for: texts as a source states them, and addresses that are of nothing else."""

    def __init__(self, texts: Iterable[str], urls: Iterable[str]) -> None:
        self._texts = tuple({piece for text in texts for piece in pieces(text)})
        self._urls = tuple(set(urls))

    def __bool__(self) -> bool:
        return bool(self._texts or self._urls)

    def are_in(self, body: bytes) -> bool:
        """Whether one of the texts or addresses stands in ``body``: plain, as JSON, HTML, XML or several of these."""
        text = _decoded(body)
        for shown in {text, _unescaped(text)}:
            addresses = html.unescape(shown)
            if any(url in addresses for url in self._urls):
                return True
            for letters in _readings(shown):
                if any(piece in letters for piece in self._texts):
                    return True
        return False


def names_in(body: bytes) -> Iterator[str]:
    """What may be the id or address of a post in an answer: its words, and all between quotes, tags or spaces."""
    text = _decoded(body)
    for shown in {text, _unescaped(text)}:
        for found in _NAME.finditer(shown):
            name = html.unescape(found[0])
            yield " ".join(name.split())
            yield from _WORD.findall(name)


def letters_in(body: bytes) -> Iterator[str]:
    """What a reader may have seen in an answer, in each way of reading it: the letters and digits alone."""
    text = _decoded(body)
    for shown in {text, _unescaped(text)}:
        yield from _readings(shown)


def pieces(text: str) -> Iterator[str]:
    """The text, and each line of it that is long enough, as ``letters_in`` has them: what is looked for."""
    whole = _letters(text)
    if len(whole) >= WHOLE:
        yield whole
    for line in text.splitlines():
        letters = _letters(line)
        if len(letters) >= LINE:
            yield letters


def _readings(text: str) -> Iterator[str]:
    """What a reader may have seen in it, letters and digits alone."""
    yield _letters(text)
    without = html.unescape(_TAG.sub("", text))
    yield _letters(without)
    # XML that holds HTML has its tags escaped
    yield _letters(html.unescape(_TAG.sub("", without)))


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text.casefold())


def _unescaped(text: str) -> str:
    """With the escapes of JSON replaced by what they mean; a line break is none."""
    text = _UNICODE_ESCAPE.sub(_from_escapes, text)
    return _ESCAPE.sub(lambda found: found[1] if found[1] in '/"\\' else " ", text)


def _from_escapes(found: re.Match[str]) -> str:
    units = bytes.fromhex(found[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _decoded(body: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
