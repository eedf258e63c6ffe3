"""What differs between two states of a post, in words: the columns a person knows, old and new."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from scraper.model import Lang, Post, Reading, Segment, captions_of

#: letters of a line, and lines of a field, that are told
WIDTH, LINES = 300, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A post that would be added or changed; ``fields`` are old and new by name, None where there is nothing."""

    key: str
    change: str
    fields: dict[str, tuple[str | None, str | None]]

    def lines(self) -> Iterator[str]:
        """A unified diff of each field, bounded: a line's first sign is ``-``, ``+`` or a space."""
        for name, (old, new) in self.fields.items():
            yield f"@@ {name}"
            told = difflib.unified_diff(_lines(old), _lines(new), n=1, lineterm="")
            lines = [line for line in told if not line.startswith(("---", "+++", "@@"))]
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


def _captions(segments: tuple[Segment, ...]) -> tuple[str | None, str | None]:
    found = captions_of(segments)
    fr, en = found.get(Lang.FR), found.get(Lang.EN)
    return fr.text if fr else None, en.text if en else None


def _bounds(segments: tuple[Segment, ...]) -> str | None:
    return " ".join(f"{segment.lang}:{segment.start}-{segment.end}" for segment in segments) or None


def _lines(text: str | None) -> list[str]:
    return [] if text is None else text.splitlines()
