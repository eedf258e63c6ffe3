"""How a caption is typed must not change how it is split: measured over our own captions, and pinned."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from scraper.text.captions import split

HERE = Path(__file__).parent
_FRENCH = re.compile(r" (?=[!?:;»])|(?<=«) ")


def plain(text: str) -> str:
    """Without accents and ligatures."""
    apart = unicodedata.normalize("NFD", text.replace("œ", "oe").replace("Œ", "OE"))
    return "".join(c for c in apart if not unicodedata.combining(c))


@lru_cache(maxsize=1)
def bodies() -> list[str]:
    """Captions that are not all in capitals: capitals have no way back to what they were."""
    cases = [
        json.loads(line)
        for name in ("corpus.jsonl", "heldout.jsonl", "tune.jsonl")
        for line in (HERE / name).read_text(encoding="utf-8").splitlines()
    ]
    return [case["raw"] for case in cases if not {"upper", "v_upper"} & set(case["tags"])]


def answer(body: str) -> tuple[str, str]:
    """The letters of the French and of the English, whatever their case and accents."""
    parts = {"fr": "", "en": ""}
    for segment in split(body).segments:
        if segment.lang in parts:
            parts[segment.lang] += "".join(c for c in plain(segment.text).casefold() if c.isalpha())
    return parts["fr"], parts["en"]


@lru_cache(maxsize=1)
def answers() -> list[tuple[str, str]]:
    return [answer(body) for body in bodies()]


#: the most captions of a hundred that may be split otherwise; a bound only ever falls
BOUNDS: dict[str, tuple[float, Callable[[str], str]]] = {
    "no-break spaces": (0.0, lambda text: _FRENCH.sub("\u00a0", text)),
    "narrow no-break spaces": (0.0, lambda text: _FRENCH.sub("\u202f", text)),
    "no-break spaces everywhere": (0.0, lambda text: text.replace(" ", "\u00a0")),
    "curly apostrophes": (0.0, lambda text: text.replace("'", "’")),
    "straight quotes": (0.0, lambda text: text.replace("’", "'").replace("“", '"').replace("”", '"')),
    "accents apart": (0.0, lambda text: unicodedata.normalize("NFD", text)),
    "no accents": (1.7, plain),
    "small letters": (0.9, str.lower),
    "capitals": (0.9, str.upper),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_typing_changes_the_split_of_few_captions_or_none(name: str) -> None:
    """Spaces, quotes and composed or decomposed accents never matter; accents and case seldom do."""
    bound, typed = BOUNDS[name]
    changed = [body for body, found in zip(bodies(), answers(), strict=True) if answer(typed(body)) != found]
    assert len(changed) * 100 / len(bodies()) <= bound, changed[:5]
