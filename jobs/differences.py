"""What differs between two states of a post, in words: the columns a person knows, old and new."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from scraper.model import CreditLine, Lang, Post, Reading, Segment, captions_of
from scraper.text.sentences import sentences_of

#: letters of a line, and lines of a field, that are told
WIDTH, LINES = 300, 12
_PROSE = frozenset(("text", "title", "caption_fr", "caption_en", "title_fr", "title_en", "content_warning"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A post that would be added or changed; ``fields`` are old and new by name, None where there is nothing."""

    key: str
    change: str
    fields: dict[str, tuple[str | None, str | None]]

    @property
    def is_slight(self) -> bool:
        """Whether nothing that anybody reads differs: the machine is only more or less sure of the same answer."""
        return self.fields.keys() <= {"confidence"}

    def lines(self) -> Iterator[str]:
        """A unified diff of each field, sentence by sentence, bounded: a line begins with ``-``, ``+`` or a space."""
        for name, (old, new) in self.fields.items():
            yield f"@@ {name}"
            lines = _diff(_pieces(name, old), _pieces(name, new)) or _diff(_lines(old), _lines(new))
            yield from (line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in lines[:LINES])
            if len(lines) > LINES:
                yield f"  … and {len(lines) - LINES} more lines"


def difference(key: str, change: str, stored: tuple[Post, Reading] | None, fresh: tuple[Post, Reading]) -> Difference:
    """How ``fresh`` differs from what is ``stored``."""
    old, new = facts(*stored) if stored is not None else {}, facts(*fresh)
    names = [name for name in new if old.get(name) != new[name]]
    return Difference(key=key, change=change, fields={name: (old.get(name), new[name]) for name in names})


def facts(post: Post, reading: Reading) -> dict[str, str | None]:
    """A post as texts by name, those of ``archive_posts`` where it has them."""
    titles = _captions(reading.title_split.segments) if reading.title_split else (None, None)
    captions = _captions(reading.split.segments)
    published = reading.published
    return {
        "url": post.url,
        "author": post.author,
        "title": post.title,
        "text": post.body or None,
        "published_at": f"{published} ({published.precision}, {published.origin})" if published else None,
        "edited_at": post.edited_at.isoformat() if post.edited_at else None,
        "mission": reading.mission,
        "caption_fr": captions[0],
        "caption_en": captions[1],
        "title_fr": titles[0],
        "title_en": titles[1],
        "segments": _bounds(reading.split.segments),
        "hashtags": " ".join(reading.hashtags) or None,
        "credit": post.credit,
        "credit_line": reading.credit.text if reading.credit else None,
        "credit_read": _credit(reading.credit),
        "confidence": f"{reading.split.confidence:.2f}",
        "needs_review": "yes" if reading.needs_review else "no",
        "content_warning": post.content_warning,
        "license": post.license,
        "license_url": post.license_url,
        "languages": " ".join(post.languages) or None,
        "in_reply_to": post.in_reply_to,
        "pinned": "yes" if post.pinned else None,
        "opt_outs": " ".join(post.opt_outs) or None,
        "attachments": "\n".join(
            " ".join(str(part) for part in (item.kind, item.url, item.alt and f"alt: {item.alt}") if part)
            for item in post.attachments
        )
        or None,
    }


def _credit(line: CreditLine | None) -> str | None:
    """What a credit line was read to say, beside its text."""
    if line is None:
        return None
    parts = (line.person, line.agency, line.mission, line.day and line.day.isoformat(), *line.files)
    return ", ".join(part for part in parts if part) or None


def _captions(segments: tuple[Segment, ...]) -> tuple[str | None, str | None]:
    found = captions_of(segments)
    fr, en = found.get(Lang.FR), found.get(Lang.EN)
    return fr.text if fr else None, en.text if en else None


def _bounds(segments: tuple[Segment, ...]) -> str | None:
    return " ".join(f"{segment.lang}:{segment.start}-{segment.end}" for segment in segments) or None


def _diff(old: list[str], new: list[str]) -> list[str]:
    told = list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]
    return [line for line in told if not line.startswith("@@")]


def _pieces(name: str, text: str | None) -> list[str]:
    """What is compared of a field: sentences, so that a long paragraph does not stand there twice; segments singly."""
    if text is None:
        return []
    if name == "segments":
        return text.split(" ")
    if name not in _PROSE:
        return _lines(text)
    # what has no sentences is cut at WIDTH, so that what differs is not beyond what is told
    return [line for start, end in sentences_of(text) for line in textwrap.wrap(text[start:end], WIDTH)]


def _lines(text: str | None) -> list[str]:
    return [] if text is None else text.splitlines()
