"""Large JSON, a value at a time."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.imports import jsonstream
from scraper.imports.jsonstream import Value, values
from scraper.imports.records import Bad, NotReadable


def read(body: bytes) -> list[Any]:
    return [one.value if isinstance(one, Value) else one for one in values(io.BytesIO(body), "f")]


_VALUES = st.lists(
    st.dictionaries(
        st.text(max_size=4), st.text(max_size=9) | st.integers() | st.lists(st.text(max_size=3), max_size=3)
    ),
    max_size=6,
)


@given(_VALUES, st.integers(1, 40), st.sampled_from([None, 1]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_an_array_and_lines_give_their_values(made: list[Any], chunk: int, indent: int | None, encoding: str) -> None:
    """However it is cut into chunks, indented or encoded."""
    before, jsonstream._CHUNK = jsonstream._CHUNK, chunk
    try:
        text = (
            json.dumps(made, indent=indent, ensure_ascii=False)
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )
        made = json.loads(text)
        assert read(f"window.YTD.tweets.part0 = {text}".encode(encoding)) == made
        if made:
            assert read("\n".join(map(json.dumps, made)).encode(encoding)) == made
    finally:
        jsonstream._CHUNK = before


@pytest.mark.parametrize(
    ("body", "good", "told"),
    [
        (b'[{"a": 1}, {"b": }, {"c": 2}]', [{"a": 1}, {"c": 2}], "record 2"),
        (b'[{"a": 1}, {"b": "\xe9"}, {"c": 2}]', [{"a": 1}, {"c": 2}], "not in UTF-8"),
        (b'[{"a": 1}, nonsense, {"c": 2}]', [{"a": 1}, {"c": 2}], "record 2"),
        (b'[{"a": 1}, {"b": "cut', [{"a": 1}], "record 2"),
        (b'[{"a": 1}', [{"a": 1}], "cut off"),
        (b'{"a": 1}\n{"b": \n{"c": 2}\n', [{"a": 1}, {"c": 2}], "line 2"),
        (b'{"a": 1}\n\n{"b": "\xe9"}\n{"c": 2}', [{"a": 1}, {"c": 2}], "line 3"),
        (b'{"a": 1}\n' + b'{"x":' * 100_000 + b'\n{"c": 2}', [{"a": 1}, {"c": 2}], "line 2"),
        (b'[{"a": 1},' + b"[" * 100_000 + b"]" * 100_000 + b',{"c": 2}]', [{"a": 1}, {"c": 2}], "deeper"),
    ],
)
def test_what_cannot_be_read_costs_itself_alone(body: bytes, good: list[Any], told: str) -> None:
    """It is told with its place, once."""
    found = read(body)
    (bad,) = [one for one in found if isinstance(one, Bad)]
    assert told in f"{bad.where}: {bad.message}"
    assert [one for one in found if not isinstance(one, Bad)] == good


@pytest.mark.parametrize("body", [b"", b"  \n", b"\xef\xbb\xbf", b"<html>", b"null", b"PK\x03\x04"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Empty, a page, a zip file: as a whole."""
    with pytest.raises(NotReadable):
        read(body)


@pytest.mark.proof
def test_memory_is_flat() -> None:
    """Ten times as much JSON needs no more memory, as an array and as lines."""

    class Endless(io.RawIOBase):
        def __init__(self, count: int, parts: tuple[bytes, bytes, bytes]) -> None:
            self.left, (self.head, self.one, self.tail) = count, parts

        def read(self, size: int = -1) -> bytes:
            if self.head:
                out, self.head = self.head, b""
                return out
            if not self.left:
                out, self.tail = self.tail, b""
                return out
            taken = min(self.left, max(1, size // len(self.one)))
            self.left -= taken
            return self.one * taken

    record = json.dumps({"id": "1", "text": "Bonjour " * 200}).encode()
    for parts in ((b"[", record + b",", b"{}]"), (b"{}\n", record + b"\n", b"")):
        peaks = []
        for count in (3_000, 30_000):
            tracemalloc.start()
            assert sum(1 for _ in values(Endless(count, parts), "f")) == count + 1  # type: ignore[arg-type]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.3 * peaks[0], peaks
