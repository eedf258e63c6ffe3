"""What links posts, as numbers that are equal in posts that share it; ``archive_links`` is a view over them.

    picture, look       a picture that the post shows: its bytes, and its fingerprint
    caption fr, en      the caption in that language, as searches compare it, without its links; of some length
    twin fr, en         of a post in this language alone: its author, with a picture
    near fr, en         likewise: its author, with a link, or with all numbers and hashtags; not of one dated to the day
    own fr, en          likewise: its author, with its key
    answer fr, en       likewise: its author, with the key that it replies to

A twin is a post of the same author in the other language alone, so each kind of a French one is looked up under that of
an English one, and the other way round. Values are 64 bits of a hash: what is equal is the same, but for an accident of
one in ten thousand millions in an archive of a million posts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from storage import likeness
from storage.facts import SECOND, tie_of
from storage.folding import fold, fold_tag

#: letters and digits of a caption that is long enough to be known by; shorter ones are said again by chance
LONG = 40
#: the second of a post without a date: after all others
UNDATED = 1 << 40
#: links of one post that it is known by
_LINKS = 8

#: kind, value, second, tie
Trait = tuple[str, int, int, int]

_WORDS = re.compile(r"[^\W_]+")
_LINK = re.compile(r"https?://([^\s<>\"'«»]+)", re.IGNORECASE)
#: with separators of thousands or decimals, which the two languages write differently
_NUMBER = re.compile(r"\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?", re.ASCII)
_NOT_DIGITS = re.compile(r"\D", re.ASCII)
_TAG = re.compile(r"[#＃]\w+")


def renew(connection: Connection, ids: Sequence[int]) -> None:
    """Make the traits of these posts what the tables say; what is as it should be costs no write."""
    wanted, held = read(connection, ids), _held(connection, ids)
    gone = [(post_id, trait) for post_id, traits in held.items() for trait in traits - wanted.get(post_id, set())]
    new = [(post_id, trait) for post_id, traits in wanted.items() for trait in traits - held.get(post_id, set())]
    for at in range(0, len(gone), 500):
        those = ",".join(
            f"('{kind}',{value},{second},{tie},{post})" for post, (kind, value, second, tie) in gone[at : at + 500]
        )
        connection.exec_driver_sql(
            f"DELETE FROM traits WHERE (kind, value, second, tie, post_id) IN (VALUES {those})"  # noqa: S608 - numbers
        )
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    if new:
        connection.exec_driver_sql(
            f"INSERT INTO traits (kind, value, second, tie, post_id) VALUES ({', '.join([mark] * 5)})",  # noqa: S608
            sorted((*trait, post_id) for post_id, trait in new),
        )
    likeness.settle(connection, {value for _, (kind, value, _, _) in new if kind == "look"})


def differing(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these posts that are linked by something else than they say."""
    wanted, held = read(connection, ids), _held(connection, ids)
    return {post_id for post_id in ids if wanted.get(post_id, set()) != held.get(post_id, set())}


def read(connection: Connection, ids: Sequence[int]) -> dict[int, set[Trait]]:
    """The traits of these posts, as the tables are."""
    those = f"IN ({','.join(map(str, ids)) or 'NULL'})"
    pictures: defaultdict[int, list[tuple[str, int | None]]] = defaultdict(list)
    for post_id, sha256, look in connection.exec_driver_sql(_PICTURES.format(those)):
        pictures[post_id].append((sha256, look))
    rows = connection.exec_driver_sql(_POSTS.format(those, second=SECOND[connection.dialect.name]))
    return {row[0]: _placed(pictures.get(row[0], ()), *row[1:]) for row in rows}


def _held(connection: Connection, ids: Sequence[int]) -> dict[int, set[Trait]]:
    query = (
        f"SELECT post_id, kind, value, second, tie FROM traits WHERE post_id IN ({','.join(map(str, ids)) or 'NULL'})"  # noqa: S608 - numbers
    )
    found: defaultdict[int, set[Trait]] = defaultdict(set)
    for post_id, *trait in connection.exec_driver_sql(query):
        found[post_id].add(tuple(trait))
    return found


def _placed(
    pictures: Sequence[tuple[str, int | None]], source: str, native_id: str, second: int | None, *rest: Any
) -> set[Trait]:
    """A post's traits with its place: its date, the number in its id where others have that second, its key."""
    key = f"{source}:{native_id}"
    at = UNDATED if second is None else second
    tie = tie_of(native_id) << 39 | _hashed(key) & (1 << 39) - 1
    return {(kind, value, at, tie) for kind, value in _traits(pictures, source, key, *rest)}


def _traits(
    pictures: Sequence[tuple[str, int | None]],
    source: str,
    key: str,
    precision: str | None,
    author: str | None,
    in_reply_to: str | None,
    body: str,
    hashtags: str,
    fr: str | None,
    en: str | None,
) -> Iterator[tuple[str, int]]:
    for sha256, look in pictures:
        yield "picture", likeness.signed(int(sha256[:16], 16))
        if look is not None:
            yield "look", look
    for lang, caption in (("fr", fr), ("en", en)):
        if caption and len(words := " ".join(_WORDS.findall(fold(_LINK.sub(" ", caption))))) >= LONG:
            yield f"caption {lang}", _hashed(lang, words)
    if bool(fr) is bool(en):
        return
    lang = "fr" if fr else "en"
    who = f"author {folded}" if author and (folded := fold(author)) else f"source {source}"
    for sha256, _ in pictures:
        yield f"twin {lang}", _hashed(who, "picture", sha256)
    yield f"own {lang}", _hashed(who, "post", key)
    if in_reply_to:
        yield f"answer {lang}", _hashed(who, "post", f"{source}:{in_reply_to}")
    if precision in ("second", "minute"):
        for what in _particulars(body, json.loads(hashtags)):
            yield f"near {lang}", _hashed(who, *what)


def _particulars(body: str, hashtags: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What both halves of a twin say alike: an address beyond that of a site, or the same numbers and hashtags."""
    links = (found.rstrip(".,;:!?)]}»…").rstrip("/") for found in _LINK.findall(body))
    for link in sorted({link for link in links if "/" in link})[:_LINKS]:
        yield "link", link
    text = _TAG.sub(" ", _LINK.sub(" ", body))
    numbers = sorted(_NOT_DIGITS.sub("", number).lstrip("0") for number in _NUMBER.findall(text))
    tags = sorted({fold_tag(tag) for tag in hashtags})
    # one number of one digit, or numbers alone, are in many posts
    if any(len(number) > 1 for number in numbers) and (tags or len(numbers) > 1):
        yield "numbers", *numbers, "hashtags", *tags


def _hashed(*words: str) -> int:
    """64 bits of these words, as a database has them."""
    joined = "\0".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "big", signed=True)


_PICTURES = """
SELECT a.post_id, a.sha256, f.hash
FROM attachments AS a LEFT JOIN fingerprints AS f ON f.sha256 = a.sha256
WHERE a.kind = 'image' AND a.removed_at IS NULL AND a.sha256 IS NOT NULL AND a.post_id {0}
"""
_POSTS = """
SELECT p.id, p.source_id, p.native_id, {second},
    coalesce(c.published_precision, p.published_precision), p.author, p.in_reply_to, p.body, p.hashtags,
    CASE WHEN c.caption_fr IS NULL THEN p.caption_fr ELSE nullif(c.caption_fr, '') END,
    CASE WHEN c.caption_en IS NULL THEN p.caption_en ELSE nullif(c.caption_en, '') END
FROM posts AS p LEFT JOIN curation AS c ON c.post_id = p.id
WHERE p.id {0}
"""
