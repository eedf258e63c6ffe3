"""What answers one caption of ``cupola split``, as plain values: its parts, how sure they are, what else is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.postview import PostView


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The two languages to cut for, and what an answer is to hold besides the contract's fields."""

    pair: tuple[str, str] = ("fr", "en")
    credit: bool = False
    answers: bool = False


def record_of(name: Any, raw: str, wanted: Wanted) -> dict[str, Any]:
    """What answers the caption ``raw`` whose id is ``name``."""
    from scraper.text.parts import parts_of

    found = parts_of(raw, wanted.pair)
    record: dict[str, Any] = {
        "id": name,
        **found.texts,
        "segments": [{"lang": s.lang, "text": s.text, "start": s.start, "end": s.end} for s in found.spans],
        "confidence": found.confidence,
        "part_confidence": found.sure,
        "needs_review": found.needs_review,
    }
    if wanted.credit:
        record["credit"] = _credits(raw)
    if wanted.answers:
        first, second = (found.texts[language] for language in wanted.pair)
        record |= aligned(first, second, wanted.pair)
    return record


def aligned(first: str | None, second: str | None, pair: tuple[str, str] = ("fr", "en")) -> dict[str, Any]:
    """Which sentence answers which, how likely both captions say the same, and whether they most likely do not."""
    if not first or not second:
        return {"alignment": [], "alignment_score": None, "alignment_doubtful": None}
    from scraper.text.alignment import PAIR, align, answers

    found = align(first, second, pair)
    return {
        "alignment": answers(first, second, found, pair),
        "alignment_score": found.score,
        # where the line lies was measured for French and English only
        "alignment_doubtful": found.doubtful if set(pair) == set(PAIR) else None,
    }


def sure_of(post: PostView) -> dict[str, float | None] | None:
    """How likely each caption of a post is right; None if the split of now would cut it otherwise than it is held."""
    from scraper.text.parts import parts_of

    found = parts_of(post.text)
    if [(s.lang, s.start, s.end) for s in found.spans] != [(s.lang, s.start, s.end) for s in post.segments]:
        return None
    return dict(found.sure)


def encoded(record: dict[str, Any]) -> bytes:
    """``record`` as a line of JSON."""
    try:
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        # a lone surrogate has no bytes in UTF-8; as \udXXX it goes out as it came in
        return (json.dumps(record) + "\n").encode()


def _credits(raw: str) -> list[dict[str, Any]]:
    from scraper.text.credit import find_credits
    from scraper.text.licences import license_in

    return [
        {
            "text": found.text,
            "start": found.start,
            "end": found.start + len(found.text),
            "person": found.person,
            "agency": found.agency,
            "mission": found.mission,
            "date": found.day and found.day.isoformat(),
            "other_reading": found.other_reading and found.other_reading.isoformat(),
            "license": license_in(found.text),
            "files": list(found.files),
        }
        for found in find_credits(raw)
    ]
