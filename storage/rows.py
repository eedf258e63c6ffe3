"""The one mapping between values and rows, both ways; a test walks every field through it.

A text with NUL or lone surrogates comes back with U+FFFD in their place (``storage.columns.safe``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scraper.model import (
    Attachment,
    CreditLine,
    Lang,
    Post,
    Published,
    Reading,
    Segment,
    Split,
    captions_of,
)
from storage.folding import fold_tag
from storage.states import Part

Row = Mapping[Any, Any]


def post_row(post: Post, reading: Reading) -> dict[str, Any]:
    """The columns of ``posts`` that come from a post and its reading.

    Raises:
        ValueError: a split does not rebuild the text that it is of, so that its offsets would lie.
    """
    _check(reading.split, post.body, "body")
    if reading.title_split is not None:
        _check(reading.title_split, post.title or "", "title")
    captions = captions_of(reading.split.segments)
    titles = captions_of(reading.title_split.segments) if reading.title_split else {}
    credit, title_split = reading.credit, reading.title_split
    fr, en = captions.get(Lang.FR), captions.get(Lang.EN)
    title_fr, title_en = titles.get(Lang.FR), titles.get(Lang.EN)
    return {
        "source_id": post.source_id,
        "native_id": post.native_id,
        "url": post.url,
        "author": post.author,
        "author_url": post.author_url,
        "title": post.title,
        "body": post.body,
        **_published_row("published", reading.published),
        **_published_row("stated", post.published),
        "shown_at": reading.published and reading.published.at,
        "edited_at": post.edited_at,
        "languages": post.languages,
        "content_warning": post.content_warning,
        "credit": post.credit,
        "license": post.license,
        "license_url": post.license_url,
        "in_reply_to": post.in_reply_to,
        "pinned": post.pinned,
        "opt_outs": post.opt_outs,
        "stated_hashtags": post.hashtags,
        "hashtags": reading.hashtags,
        "mission": reading.mission,
        "credit_line": credit and credit.text,
        "credit_line_start": credit and credit.start,
        "credit_person": credit and credit.person,
        "credit_agency": credit and credit.agency,
        "credit_mission": credit and credit.mission,
        "credit_day": credit and credit.day,
        "credit_other_reading": credit and credit.other_reading,
        "credit_files": credit and credit.files,
        "split_confidence": reading.split.confidence,
        "split_needs_review": reading.split.needs_review,
        "title_confidence": title_split and title_split.confidence,
        "title_needs_review": title_split and title_split.needs_review,
        "needs_review": reading.needs_review,
        "caption_fr": fr and fr.text,
        "caption_en": en and en.text,
        "title_fr": title_fr and title_fr.text,
        "title_en": title_en and title_en.text,
    }


def segment_rows(post_id: int, reading: Reading) -> list[dict[str, Any]]:
    """The rows of ``segments`` for one post."""
    splits = ((Part.BODY, reading.split), (Part.TITLE, reading.title_split))
    return [
        {
            "post_id": post_id,
            "part": part,
            "position": position,
            "lang": segment.lang,
            "start": segment.start,
            "stop": segment.end,
        }
        for part, split in splits
        if split is not None
        for position, segment in enumerate(split.segments)
    ]


def hashtag_rows(post_id: int, reading: Reading) -> list[dict[str, Any]]:
    """The rows of ``hashtags`` for one post."""
    return [
        {"post_id": post_id, "position": position, "tag": tag, "folded": fold_tag(tag)}
        for position, tag in enumerate(reading.hashtags)
    ]


def attachment_row(attachment: Attachment) -> dict[str, Any]:
    """The columns of ``attachments`` that come from what a source states."""
    return {
        "key": attachment.key,
        "url": attachment.url,
        "kind": attachment.kind,
        "alternatives": attachment.alternatives,
        "native_id": attachment.native_id,
        "alt": attachment.alt,
        "media_type": attachment.media_type,
        "width": attachment.width,
        "height": attachment.height,
        "size": attachment.size,
        "credit": attachment.credit,
    }


def entry_of(post: Row, segments: Iterable[Row], attachments: Iterable[Row]) -> tuple[Post, Reading]:
    """A post and its reading from its rows; ``segments`` and ``attachments`` are those of it, in order."""
    of_part: dict[Part, list[Row]] = {Part.BODY: [], Part.TITLE: []}
    for segment in segments:
        of_part[segment["part"]].append(segment)
    stated = Post(
        source_id=post["source_id"],
        native_id=post["native_id"],
        url=post["url"],
        author=post["author"],
        author_url=post["author_url"],
        title=post["title"],
        body=post["body"],
        published=_published_of("stated", post),
        edited_at=post["edited_at"],
        attachments=tuple(map(attachment_of, attachments)),
        hashtags=post["stated_hashtags"],
        languages=post["languages"],
        content_warning=post["content_warning"],
        credit=post["credit"],
        license=post["license"],
        license_url=post["license_url"],
        in_reply_to=post["in_reply_to"],
        pinned=post["pinned"],
        opt_outs=post["opt_outs"],
    )
    title_split = None
    if post["title_confidence"] is not None:
        title_split = Split(
            segments=_segments_of(of_part[Part.TITLE], post["title"] or ""),
            confidence=post["title_confidence"],
            needs_review=post["title_needs_review"],
        )
    reading = Reading(
        split=Split(
            segments=_segments_of(of_part[Part.BODY], post["body"]),
            confidence=post["split_confidence"],
            needs_review=post["split_needs_review"],
        ),
        title_split=title_split,
        credit=_credit_of(post),
        mission=post["mission"],
        published=_published_of("published", post),
        hashtags=post["hashtags"],
    )
    return stated, reading


def attachment_of(row: Row) -> Attachment:
    """An attachment as its source stated it."""
    return Attachment(
        url=row["url"],
        kind=row["kind"],
        alternatives=row["alternatives"],
        native_id=row["native_id"],
        alt=row["alt"],
        media_type=row["media_type"],
        width=row["width"],
        height=row["height"],
        size=row["size"],
        credit=row["credit"],
    )


def _check(split: Split, text: str, part: str) -> None:
    if split.segments and split.body != text:
        raise ValueError(f"the segments of the {part} do not rebuild it")


def _published_row(prefix: str, published: Published | None) -> dict[str, Any]:
    return {
        f"{prefix}_at": published and published.at,
        f"{prefix}_precision": published and published.precision,
        f"{prefix}_origin": published and published.origin,
        f"{prefix}_zone_known": published and published.zone_known,
    }


def _published_of(prefix: str, row: Row) -> Published | None:
    if row[f"{prefix}_at"] is None:
        return None
    return Published(
        at=row[f"{prefix}_at"],
        precision=row[f"{prefix}_precision"],
        origin=row[f"{prefix}_origin"],
        zone_known=row[f"{prefix}_zone_known"],
    )


def _segments_of(rows: Sequence[Row], text: str) -> tuple[Segment, ...]:
    return tuple(
        Segment(lang=row["lang"], text=text[row["start"] : row["stop"]], start=row["start"], end=row["stop"])
        for row in rows
    )


def _credit_of(row: Row) -> CreditLine | None:
    if row["credit_line"] is None:
        return None
    return CreditLine(
        text=row["credit_line"],
        start=row["credit_line_start"],
        person=row["credit_person"],
        agency=row["credit_agency"],
        mission=row["credit_mission"],
        day=row["credit_day"],
        other_reading=row["credit_other_reading"],
        files=row["credit_files"],
    )
