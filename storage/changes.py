"""What a fresh post means for the one that is held: pure, and the only place of the rule about empty values.

A value that turns empty upstream does not erase a good one, nor does its own beginning, cut off with «[…]». Exempt are
attachments (one that is left out is marked as removed, never deleted) and opt-outs (one that was withdrawn must count);
and the address of a licence or an author goes with the name that it belongs to.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from operator import attrgetter
from typing import Any

from scraper.model import Attachment, CreditLine, MediaKind, Post, Published, Reading, Segment, Split

#: a post and what its text was read to say
Entry = tuple[Post, Reading]

#: raise it when the same post shall be looked at anew although nothing of it changed
HASH_VERSION = 1

#: how blogs end what they cut off
_CUT = re.compile(r"\s*\[(?:…|\.\.\.)\]\s*$")

_EXEMPT = frozenset({"attachments", "opt_outs"})
#: of one thing: what was said of the one before is not kept beside what is said of another one now
_PAIRS = (("license", "license_url"), ("author", "author_url"))


class Change(StrEnum):
    """What became of a post that was recorded."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    #: it was taken out for good, and stays out
    BURIED = "buried"
    #: it says something else than the same run has seen elsewhere, or is an older edit than what is held: left alone
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a fresh post: ``why`` are the fields that differ, ``entry`` is what to hold from now on.

    ``is_edited`` says that the source states something else; without it the same statement was read anew.
    ``is_slight`` that nothing anybody reads differs, only how sure the split is: no state of the post to keep.
    """

    change: Change
    why: tuple[str, ...] = ()
    is_edited: bool = False
    is_slight: bool = False
    entry: Entry


def decide(stored: Entry | None, fresh: Entry, *, buried: bool = False, read_anew: bool = False) -> Decision:
    """Whether ``fresh`` is new, changed or the same as ``stored``, and what the two make together.

    Args:
        stored: what is held, with the attachments that the post points to at present; None when nothing is.
        fresh: what came now.
        buried: whether it was taken out for good.
        read_anew: whether ``fresh`` is the very statement that is held, and that alone, read once more: then what is
            empty in the reading was never there, and a value that was misread goes.
    """
    if buried:
        return Decision(change=Change.BURIED, entry=fresh)
    if stored is None:
        return Decision(change=Change.ADDED, entry=fresh)
    if not read_anew and _is_excerpt(fresh[0].body, stored[0].body):
        fresh = (replace(fresh[0], body=""), fresh[1])
    post = _merged_post(stored[0], fresh[0])
    reading = fresh[1] if read_anew else _merged_reading(stored, fresh, post)
    edited = _differing(stored[0], post)
    why = dict.fromkeys((*edited, *_differing(stored[1], reading)))
    change = Change.UPDATED if why else Change.UNCHANGED
    slight = bool(why) and not edited and _as_sure(stored[1], reading) == reading
    return Decision(change=change, why=tuple(why), is_edited=bool(edited), is_slight=slight, entry=(post, reading))


def _is_excerpt(text: str, whole: str) -> bool:
    """Whether ``text`` is the beginning of ``whole``, cut off with «[…]»: as a feed gives what an API gives whole."""
    cut = _CUT.search(text[-12:])
    if cut is None:
        return False
    words = text[: len(text) - len(cut[0])].split()
    return (
        len(words) >= 5 and words[:-1] == whole.split(maxsplit=len(words))[: len(words) - 1] and len(text) < len(whole)
    )


def _as_sure(reading: Reading, other: Reading) -> Reading:
    """``reading`` as sure of its splits as another one is."""

    def like(split: Split, sure: Split) -> Split:
        return replace(split, confidence=sure.confidence, needs_review=sure.needs_review)

    title = reading.title_split and other.title_split and like(reading.title_split, other.title_split)
    return replace(reading, split=like(reading.split, other.split), title_split=title)


def differing(one: Entry, other: Entry) -> tuple[str, ...]:
    """The fields of a post and its reading that differ between two of its states."""
    return tuple(dict.fromkeys((*_differing(one[0], other[0]), *_differing(one[1], other[1]))))


def contradicts(stored: Post, fresh: Post, *, seen_before: bool) -> bool:
    """Whether a post that differs from the stored one is no news, so that two pages cannot take turns in changing it.

    An older edit never replaces a newer one. Of what two pages of one run say the newer edit counts, else what was
    seen first.

    Args:
        stored: what is held.
        fresh: what came now.
        seen_before: whether the same run has seen the post already.
    """
    if stored.edited_at is not None and fresh.edited_at is not None and stored.edited_at != fresh.edited_at:
        return fresh.edited_at < stored.edited_at
    return seen_before and not (stored.edited_at is None and fresh.edited_at is not None)


def match(stored: Sequence[Attachment], fresh: Sequence[Attachment]) -> list[int | None]:
    """For each fresh attachment the index of the stored one that it is, or None when it is a new one.

    The key decides, then the address (an id of the platform's may come or go), then, where one of
    the two has neither yet, the position. A new address with other measures is another medium even
    under the same id, so that what was held before stays held.
    """
    found: list[int | None] = [None] * len(fresh)
    free = set(range(len(stored)))

    def pair(name: Callable[[Attachment], str | None], same: Callable[[Attachment, Attachment], bool]) -> None:
        named: dict[str | None, deque[int]] = defaultdict(deque)
        for at in sorted(free):
            named[name(stored[at])].append(at)
        for index, item in enumerate(fresh):
            candidates = named.get(name(item))
            if found[index] is None and candidates and same(stored[candidates[0]], item):
                at = candidates.popleft()
                found[index] = at
                free.discard(at)

    pair(lambda item: item.key, lambda old, new: not _replaced(old, new))
    pair(lambda item: item.url, lambda old, new: old.url is not None and not (old.native_id and new.native_id))
    for index, item in enumerate(fresh):
        if found[index] is None and index in free and not (stored[index].key and item.key):
            found[index] = index
            free.discard(index)
    return found


def content_hash(entry: Entry) -> str:
    """A digest of every field of a post and its reading, equal for equal ones in every process."""
    facts = repr((_facts(entry[0]), _facts(entry[1])))
    digest = hashlib.blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"{HASH_VERSION}:{digest.hexdigest()}"


def _replaced(old: Attachment, new: Attachment) -> bool:
    if old.url == new.url or old.url is None or new.url is None:
        return False
    measures = ((old.width, new.width), (old.height, new.height), (old.size, new.size))
    return any(was is not None and now is not None and was != now for was, now in measures)


def _merged_post(stored: Post, fresh: Post) -> Post:
    pairs = match(stored.attachments, fresh.attachments)
    attachments = tuple(
        item if at is None else _merged_attachment(stored.attachments[at], item)
        for at, item in zip(pairs, fresh.attachments, strict=True)
    )
    return replace(fresh, **_kept(stored, fresh), attachments=attachments)


def _merged_attachment(stored: Attachment, fresh: Attachment) -> Attachment:
    kind = stored.kind if fresh.kind is MediaKind.UNKNOWN else fresh.kind
    return replace(fresh, **_kept(stored, fresh), kind=kind)


def _merged_reading(stored: Entry, fresh: Entry, post: Post) -> Reading:
    """The reading that belongs to the merged post: a text that was kept keeps what was read in it."""
    (old_post, old), (new_post, new) = stored, fresh
    body_kept = not new_post.body and bool(old_post.body)
    title_kept = not new_post.title and bool(old_post.title)
    date_kept = new_post.published is None and old_post.published is not None
    return replace(
        new,
        split=old.split if body_kept else new.split,
        credit=old.credit if body_kept else new.credit,
        title_split=old.title_split if title_kept else new.title_split,
        published=old.published if date_kept else new.published or old.published,
        mission=new.mission or old.mission,
        hashtags=new.hashtags or old.hashtags,
    )


def _kept(stored: Post | Attachment, fresh: Post | Attachment) -> dict[str, Any]:
    """The stored values where the fresh ones are empty (None, no text, no items)."""
    names = (field.name for field in fields(fresh) if field.name not in _EXEMPT)
    empty = {name for name in names if getattr(fresh, name) in (None, "", ())}
    for pair in _PAIRS if isinstance(fresh, Post) else ():
        said = [name for name in pair if name not in empty and getattr(stored, name)]
        if any(getattr(fresh, name) != getattr(stored, name) for name in said):
            empty.difference_update(pair)
    return {name: getattr(stored, name) for name in empty}


def _differing(one: Post | Reading, other: Post | Reading) -> list[str]:
    if one == other:
        return []
    return [field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)]


_GETTERS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    cls: attrgetter(*(field.name for field in fields(cls)))
    for cls in (Post, Attachment, Published, Reading, Split, CreditLine)
}


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _facts(value: Any) -> Any:
    """``value`` as nested tuples of plain values, the fields in the order of their class."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return tuple([_facts(item) for item in value])
    if kind is Segment:
        # its text is the body's
        return value.lang.value, value.start, value.end
    getter = _GETTERS.get(kind)
    if getter is not None:
        return tuple([item if type(item) in _PLAIN else _facts(item) for item in getter(value)])
    return value.value if isinstance(value, Enum) else value.isoformat()
