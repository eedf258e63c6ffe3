"""The values of a large JSON file one at a time, whatever its size: a value a line, or the elements of an array.

What cannot be read costs itself alone, and the place is told. Memory is that of the largest single value.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from scraper.imports.records import Bad, NotReadable, shortened

#: bytes (or characters) of the longest value that is read
LONGEST = 32 * 2**20
_CHUNK = 2**18
_HEAD = 4096
_ASSIGNED = re.compile(r"\s*window\.[\w.]+(?:\[[^\]]*\])?\s*=\s*")
_SPACE = re.compile(r"\s*")
_BETWEEN = re.compile(r"[\s,]*")
_MARKS = re.compile(r'["\[\]{}]')
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)
#: bytes that are no UTF-8, as they are carried along
_FOREIGN = re.compile("[\udc80-\udcff]")
_NOT_UTF8 = "is not in UTF-8"


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it stood."""

    where: str
    value: Any


def values(file: IO[bytes], name: str) -> Iterator[Value | Bad]:
    """The values of a file: one on each line, or the elements of an array, or one that has many lines.

    ``window.YTD.tweets.part0 =`` before them is passed over, as is a byte-order mark; UTF-16 is known by its mark.

    Raises:
        NotReadable: it is empty, or begins as no JSON does.
    """
    text = _Text(file)
    text.pass_over(_ASSIGNED)
    first = text.ahead()
    if not first:
        raise NotReadable(f"{name} is empty")
    if first not in "[{":
        raise NotReadable(f"{name} is no JSON: it begins with {shortened(text.peek(40))}")
    if first == "[":
        text.step()
        yield from _elements(text, name)
    elif text.has_a_value_a_line():
        yield from _lines(text, name)
    else:
        yield from _documents(text, name)


def _elements(text: _Text, name: str) -> Iterator[Value | Bad]:
    number = 0
    while True:
        first = text.ahead(_BETWEEN)
        number += 1
        where = f"{name}, record {number}"
        if not first:
            if not text.is_lost:
                yield Bad(where=where, message="the file is cut off: its array has no end")
            return
        if first == "]":
            return
        yield from text.read(where)


def _documents(text: _Text, name: str) -> Iterator[Value | Bad]:
    while text.ahead():
        yield from text.read(f"{name}, line {text.line}")


def _lines(text: _Text, name: str) -> Iterator[Value | Bad]:
    while (found := text.next_line()) is not None:
        line, number = found
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        if len(line) > LONGEST:
            yield Bad(where=where, message=f"is longer than {LONGEST:,} characters")
        elif _FOREIGN.search(line):
            yield Bad(where=where, message=_NOT_UTF8)
        else:
            yield _parsed(line, where)


def _parsed(line: str, where: str) -> Value | Bad:
    try:
        return Value(where, json.loads(line))
    except ValueError as error:
        return Bad(where=where, message=f"cannot be read as JSON ({error})")
    except RecursionError:
        return Bad(where=where, message="is nested deeper than can be read")


class _Text:
    """What was read of a file and not dealt with, and the place in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        head = file.read(4)
        is_wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        self._decoder = codecs.getincrementaldecoder("utf-16" if is_wide else "utf-8-sig")(
            "replace" if is_wide else "surrogateescape"
        )
        self._decode = json.JSONDecoder().raw_decode
        self._held, self._at = self._decoder.decode(head), 0
        self._is_whole = False
        #: whether all up to the end was passed over, because nobody can tell where a wrong value ends
        self.is_lost = False
        self.line = 1

    def _more(self, size: int = _CHUNK) -> bool:
        """Read on; whether there was more. What is dealt with is let go."""
        while not self._is_whole:
            chunk = self._file.read(size)
            self._is_whole = not chunk
            text = self._decoder.decode(chunk, self._is_whole)
            if text:
                self._held, self._at = self._held[self._at :] + text, 0
                return True
        return False

    def _go(self, to: int) -> None:
        self.line += self._held.count("\n", self._at, to)
        self._at = to

    def peek(self, count: int) -> str:
        """The next few characters."""
        return self._held[self._at : self._at + count]

    def step(self) -> None:
        """Go on behind one character."""
        self._go(self._at + 1)

    def pass_over(self, pattern: re.Pattern[str]) -> None:
        """Go on behind what the pattern is found to be, near here."""
        while len(self._held) - self._at < _HEAD and self._more():
            pass
        if found := pattern.match(self._held, self._at):
            self._go(found.end())

    def ahead(self, between: re.Pattern[str] = _SPACE) -> str:
        """The next character that is not between values; empty at the end."""
        while True:
            found = between.match(self._held, self._at)
            self._go(found.end() if found else self._at)
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def has_a_value_a_line(self) -> bool:
        """Whether the first line looks whole, and does not end as a document of many lines does."""
        while "\n" not in self._held[self._at :] and len(self._held) - self._at <= LONGEST and self._more():
            pass
        line = self._held[self._at : self._line_end()].rstrip()
        return line != "{" and not line.endswith((",", "{", "[", ":"))

    def _line_end(self) -> int:
        end = self._held.find("\n", self._at)
        return len(self._held) if end < 0 else end

    def next_line(self) -> tuple[str, int] | None:
        """A line and its number; of one that is too long only its beginning."""
        size, searched = _CHUNK, self._at
        while (end := self._held.find("\n", searched)) < 0:
            searched = len(self._held) - self._at
            if searched > LONGEST or not self._more(size):
                break
            size *= 2
        number = self.line
        if end >= 0:
            line = self._held[self._at : end]
            self._go(end + 1)
            return line, number
        line = self._held[self._at :]
        self._go(len(self._held))
        if not line and self._is_whole:
            return None
        if len(line) > LONGEST:
            self._to_next_line()
        return line, number

    def _to_next_line(self) -> None:
        while (end := self._held.find("\n", self._at)) < 0:
            self._go(len(self._held))
            if not self._more():
                return
        self._go(end + 1)

    def read(self, where: str) -> Iterator[Value | Bad]:
        """The value that stands here; the place is then behind it, or, where that cannot be told, at the end."""
        size = _CHUNK
        while True:
            try:
                value, end = self._decode(self._held, self._at)
            except ValueError as error:
                # cut off by the end of what was read, or wrong: reading on tells
                if len(self._held) - self._at <= LONGEST and self._end() is None and self._more(size):
                    size *= 2
                    continue
                yield self._passed(where, f"cannot be read as JSON ({error})")
                return
            except RecursionError:
                if len(self._held) - self._at <= LONGEST and self._end() is None and self._more(size):
                    size *= 2
                    continue
                yield self._passed(where, "is nested deeper than can be read")
                return
            if end == len(self._held) and not isinstance(value, (dict, list, str)) and self._more():
                continue
            is_foreign = _FOREIGN.search(self._held, self._at, end) is not None
            self._go(end)
            yield Bad(where=where, message=_NOT_UTF8) if is_foreign else Value(where, value)
            return

    def _passed(self, where: str, message: str) -> Bad:
        """Go on behind what stands here, found by its brackets alone."""
        end = self._end()
        if end is not None:
            self._go(end)
            return Bad(where=where, message=message)
        if self._held[self._at] not in "[{":
            found = re.compile(r"[^,\]\n]*").match(self._held, self._at)
            if found and found.end() < len(self._held):
                self._go(max(found.end(), self._at + 1))
                return Bad(where=where, message=message)
        self.is_lost = True
        while True:
            self._go(len(self._held))
            if not self._more():
                return Bad(where=where, message=f"{message}; where it ends cannot be told, and all behind it is lost")

    def _end(self) -> int | None:
        """Where the brackets that open here are closed; None where they are not, as far as was read."""
        if self._held[self._at : self._at + 1] not in ("{", "["):
            return None
        depth, at = 0, self._at
        while found := _MARKS.search(self._held, at):
            at = found.end()
            if found[0] == '"':
                closed = _STRING_END.match(self._held, at)
                if closed is None:
                    return None
                at = closed.end()
            else:
                depth += 1 if found[0] in "[{" else -1
                if depth == 0:
                    return at
        return None
