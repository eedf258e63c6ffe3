"""A caption cut into words and into what is no running text (links, tag blocks, credits, dates, labels), with offsets.

It decides what *kind* of thing stands where; it knows no language beyond a label's own.
Every pattern is bounded, so that time grows with the text's length only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from scraper.text.caseless import caseless_credits, has_no_case
from scraper.text.credit import FILE_MARK, FILE_NUMBER, find_credits, may_tell_whose
from scraper.text.hashtags import HASHTAG
from scraper.text.lexicon import LEADING_ON
from scraper.text.library import MAY_TELL_SAID, SAID
from scraper.text.markers import FLAGS, find_labels
from scraper.text.particulars import find_particulars
from scraper.text.surroundings import FILE_NAME, SHARED, STAMP, find_whose


class Kind(IntEnum):
    """What a token is."""

    WORD = 0
    #: a number within a sentence: a word that tells no language
    NUMBER = 1
    TAG = 2
    MENTION = 3
    LINK = 4
    #: a date or a time of day
    STAMP = 5
    #: a credit line or a file number
    CREDIT = 6
    #: «(EN)», «Français :»
    LABEL = 7
    FLAG = 8
    #: a custom emoji as ``:muscle:``
    SHORTCODE = 9


@dataclass(slots=True)
class Token:
    """One token, ``body[start:end]``; ``hint`` is the language of a label or flag."""

    kind: Kind
    start: int
    end: int
    hint: str | None = None


_LINK = re.compile(
    r"""(?i:https?://|www\.)[^\s<>«»"“”]{1,2000}
      | (?<![\w.@-])(?:[A-Za-z0-9][A-Za-z0-9-]{0,40}\.){1,5}
        (?:[a-z]{2,6}/[^\s<>«»"“”]{0,500}|(?:com|org|net|int|gov)\b)""",
    re.VERBOSE,
)
_MENTION = re.compile(r"(?:(?<![\w.])|(?<![\w.][\w.+-])\b[\w+-]{1,40})@\w{1,64}(?:@[\w-]{1,64})?(?:\.[\w-]{1,32}){0,4}")
_SHORTCODE = re.compile(r":[a-z][a-z0-9_+-]{1,30}:")
#: cheap test whether a text can hold an address
_DOTTED = re.compile(r"://|\.[A-Za-z0-9]")
#: the same whether it can tell who shared it
_SHARING = ("RT @", "rt @", "ia @", "📍")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
#: in one set of signs what may be within a word, for speed; an apostrophe only where a letter is behind it
_PLAIN = re.compile(
    r"(?P<word>[^\W\d_][^\W_]*(?:[\u0300-\u036f'’ʼ](?:(?<=[\u0300-\u036f])|(?=[^\W\d_]))[^\W_]*)*)"
    r"|\d(?:[\d.,:/×x–-]*\d)?"
)


def _specials(body: str) -> list[Token]:
    """All that is no plain word, in order and without overlaps (the longer of two that begin together)."""
    found: list[Token] = []

    def take(kind: Kind, pattern: re.Pattern[str]) -> None:
        found.extend([Token(kind, m.start(), m.end()) for m in pattern.finditer(body)])

    found += [Token(Kind.CREDIT, c.start, c.start + len(c.text)) for c in find_credits(body)]
    if any(map(body.__contains__, "0123456789")):
        take(Kind.STAMP, STAMP)
        found += [Token(Kind.STAMP if day else Kind.CREDIT, start, end) for start, end, day in find_particulars(body)]
        if FILE_NUMBER.search(body) or "#" in body:
            take(Kind.CREDIT, FILE_MARK)
        take(Kind.CREDIT, FILE_NAME)
    if may_tell_whose(body):
        found += [Token(Kind.CREDIT, m.start(), m.end()) for m in find_whose(body)]
    if has_no_case(body):
        found += [Token(Kind.CREDIT, start, end) for start, end in caseless_credits(body)]
    if any(map(body.__contains__, _SHARING)):
        take(Kind.CREDIT, SHARED)
    if MAY_TELL_SAID in body:
        take(Kind.CREDIT, SAID)
    if "." in body and _DOTTED.search(body):
        take(Kind.LINK, _LINK)
    if "@" in body:
        take(Kind.MENTION, _MENTION)
    if "#" in body or "＃" in body:
        take(Kind.TAG, HASHTAG)
    if ":" in body:
        take(Kind.SHORTCODE, _SHORTCODE)
    if not body.isascii():
        found += [Token(Kind.FLAG, m.start(), m.end(), FLAGS.get(m.group())) for m in _FLAG.finditer(body)]
    found += [Token(Kind.LABEL, *marker) for marker in find_labels(body)]
    if len(found) < 2:
        return found
    found.sort(key=lambda t: (t.start, -t.end))
    kept: list[Token] = []
    end = 0
    for token in found:
        if token.start >= end:
            kept.append(token)
            end = token.end
    return kept


def _plain(body: str, start: int, end: int) -> list[Token]:
    word, number = Kind.WORD, Kind.NUMBER  # an enumeration's members are slow to reach
    return [Token(word if m.lastgroup else number, m.start(), m.end()) for m in _PLAIN.finditer(body, start, end)]


def tokenize(body: str) -> list[Token]:
    """Every token of ``body``, in order; what stands in no token is space, punctuation and emoji.

    A hashtag, mention, link or date that is part of a sentence comes as ``WORD`` or ``NUMBER``; the others
    keep their kind and belong to no language.
    """
    specials = _specials(body)
    tokens: list[Token] = []
    position = 0
    for special in specials:
        tokens += _plain(body, position, special.start)
        tokens.append(special)
        position = special.end
    tokens += _plain(body, position, len(body))
    if any(token.kind in _MAY_BE_WORDS for token in specials):
        _settle(body, tokens)
    return tokens


_MAY_BE_WORDS = frozenset((Kind.TAG, Kind.MENTION, Kind.LINK, Kind.STAMP))
_SENTENCE = frozenset((Kind.WORD, Kind.NUMBER))


def _settle(body: str, tokens: list[Token]) -> None:
    """Turn the tags, mentions, links and dates that stand within a sentence into words of it, in place."""
    lower = not any(t.kind is Kind.WORD and body[t.start].isupper() for t in tokens)
    i = 0
    while i < len(tokens):
        if tokens[i].kind in _SENTENCE:
            i += 1
            continue
        j = i
        while j < len(tokens) and tokens[j].kind not in _SENTENCE:
            j += 1
        _settle_run(body, tokens, i, j, lower)
        i = j


def _settle_run(body: str, tokens: list[Token], i: int, j: int, lower: bool) -> None:
    """Decide about the run ``tokens[i:j]`` between two words of a sentence (or an end of the text)."""
    k = i
    if i:
        while k < j and _continues(body, tokens, k, alone=j - i == 1, lower=lower):
            k += 1
    if k == i and j - i == 1 and j < len(tokens) and not lower and _leads(body, tokens[i], tokens[j]):
        k = j
    for token in tokens[i:k]:
        token.kind = Kind.WORD if token.kind is Kind.TAG else Kind.NUMBER


def _continues(body: str, tokens: list[Token], k: int, *, alone: bool, lower: bool) -> bool:
    """Whether token ``k`` goes on with the sentence that the token before it belongs to."""
    token, previous = tokens[k], tokens[k - 1]
    if token.kind not in _MAY_BE_WORDS:
        return False
    gap = body[previous.end : token.start]
    if len(gap) > 4 or "\n" in gap or "\r" in gap or any(c in _SPLITS for c in gap):
        return False
    after = tokens[k + 1] if k + 1 < len(tokens) else None
    behind = body[token.end : after.start if after is not None else token.end + 3][:3]
    if token.kind is Kind.LINK:
        # an address is a word only within a sentence: «see esa.int for more», «told at https://… and worth it»
        if after is None or behind[:1] == "\n":
            return False
        address = body[token.start : token.end]
        if "/" in address or address.startswith("www"):
            small = body[after.start].islower() and not lower
            return behind[:1] in (" ", ",") and "\n" not in behind and small
        return True
    ended = any(c in ".!?…" for c in gap)
    if (behind[:1] and behind[0] in _HOLDS) or _SPACED.match(behind):
        # «la #tour.», «… en fait… #Rome. Oui», «#Puis-je»
        return not ended or (alone and after is not None and token.kind is Kind.TAG)
    if ended:
        return False
    if previous.kind is Kind.WORD and body[previous.start : previous.end].lower() in LEADING_ON:
        return True
    # «si #nous #avons tant besoin»: the tag behind it is in the sentence, too
    if after is not None and after.kind is Kind.TAG and k + 2 < len(tokens) and tokens[k + 2].kind in _SENTENCE:
        token, after = after, tokens[k + 2]
        if body[tokens[k].end : token.start] != " " or body[after.start].isupper():
            return False
    return after is not None and after.kind in _SENTENCE and "\n" not in body[token.end : after.start]


_SPLITS = frozenset("/|»”•·")
_HOLDS = frozenset(".,;!?…)'’»”\"-")
#: a mark with a space before it, as French has it
_SPACED = re.compile(" [!?;:»]")


def _leads(body: str, token: Token, after: Token) -> bool:
    """Whether ``token`` begins the sentence that goes on with ``after``: «#Proxima is over»."""
    if token.kind not in (Kind.TAG, Kind.MENTION, Kind.STAMP):
        return False
    between = body[token.end : after.start]
    return between in (" ", "\u00a0", ", ", "'", "’", "-") and (body[after.start].islower() or between in "-'’")
