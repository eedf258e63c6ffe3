"""A caption cut into words and into what is no running text (links, tag blocks, credits, dates, labels), with offsets.

It decides what *kind* of thing stands where; it knows no language beyond a label's own.
Every pattern is bounded, so that time grows with the text's length only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from scraper.text.credit import FILE_MARK, find_credits
from scraper.text.hashtags import HASHTAG
from scraper.text.lexicon import LEADING_ON


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


_LABELS = {
    "fr": "FR Fr FRA FRE VF Français Francais FRANÇAIS Française French FRENCH français french fr",
    "en": "EN En ENG GB UK VO English ENGLISH Anglais ANGLAIS anglais english en",
    "de": "DE GER DEU Deutsch DEUTSCH German Allemand",
    "es": "ES ESP SPA Español ESPAÑOL Spanish Espagnol",
    "it": "IT ITA Italiano ITALIANO Italian Italien",
    "pt": "PT POR Português Portuguese Portugais",
    "nl": "NL NLD DUT Nederlands Dutch Néerlandais",
    "pl": "PL POL Polski Polish Polonais",
    "ru": "RU RUS Русский Russian Russe",
}
_LABEL_OF = {name: lang for lang, names in _LABELS.items() for name in names.split()}
_NAMES = "|".join(sorted(_LABEL_OF, key=len, reverse=True))
_WHERE = r"(?: (?:[Bb]elow|[Ff]ollows|[Aa]bove|[Pp]lus bas|[Cc]i-dessous|[Cc]i-après|[Ss]uit|[Aa]u-dessous)){0,1}"
_INTRO = r"(?:(?:[Ii]n|[Ee]n|[Vv]ersion) )?"
_OUTRO = r"(?: (?:[Vv]ersion|[Tt]exte?))?"
_BRACKETED = re.compile(rf"[(\[] ?{_INTRO}({_NAMES}){_OUTRO}{_WHERE} ?[)\]](?:[ \u00a0\u202f]?[:：–—-](?=\s|$))?")
_COLON = re.compile(rf"(?<![^\W_])(?<!['’@#]){_INTRO}({_NAMES}){_OUTRO}[ \u00a0\u202f]?[:：](?=\s|[«“\"A-ZÀ-Þ])")
_ALONE = re.compile(r"(?m)^ ?(EN|FR|ENG|FRA|English|Français|ENGLISH|FRANÇAIS)(?: [–—|/-](?= )| ?$)")

_FLAGS = {
    "🇫🇷": "fr", "🇬🇧": "en", "🇺🇸": "en", "🇩🇪": "de", "🇪🇸": "es", "🇮🇹": "it", "🇵🇹": "pt", "🇳🇱": "nl", "🇷🇺": "ru",
}  # fmt: skip

_LINK = re.compile(
    r"""(?:https?://|www\.)[^\s<>«»"“”]{1,2000}
      | (?<![\w.@-])(?:[A-Za-z0-9][A-Za-z0-9-]{0,40}\.){1,5}
        (?:[a-z]{2,6}/[^\s<>«»"“”]{0,500}|(?:com|org|net|int|gov)\b)""",
    re.VERBOSE,
)
_MENTION = re.compile(r"(?:(?<![\w.])|(?<![\w.][\w.+-])\b[\w+-]{1,40})@\w{1,64}(?:@[\w-]{1,64})?(?:\.[\w-]{1,32}){0,4}")
_SHORTCODE = re.compile(r":[a-z][a-z0-9_+-]{1,30}:")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_STAMP = re.compile(
    r"""(?<![\w/.,-])(?:
        \d{4}-\d\d-\d\d | \d\d?/\d\d?/\d{2,4} | \d\d?\.\d\d?\.\d{4} | \d\d?/\d\d?
      | \d\d?[:h]\d\d(?::\d\d)?[ ]?(?:GMT|UTC|TU|CEST|CET|Z)
    )(?![\w/])""",
    re.VERBOSE,
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday lundi mardi mercredi jeudi vendredi samedi dimanche"
_MONTHS = (
    "january february march april may june july august september october november december "
    "janvier février fevrier mars avril mai juin juillet août aout septembre octobre novembre décembre decembre"
)
#: a date, or a time of day, that has a line of its own, or leads to a line: «10 juin –»
_DAY_LINE = re.compile(
    rf"""(?im)^[ ]?(?:
        (?:le[ ]|on[ ])?(?:(?:{"|".join(_DAYS.split())}),?[ ])?(?:the[ ])?
        (?:
            \d{{1,2}}(?:er|st|nd|rd|th)?[ ](?:of[ ])?(?:{"|".join(_MONTHS.split())})
          | (?:{"|".join(_MONTHS.split())})[ ]\d{{1,2}}(?:st|nd|rd|th)?
          | \d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}
        )
        (?:,?[ ]\d{{4}})?
      | \d{{1,2}}[ ]?[h:][ ]?\d\d
    )[ ]?(?:$|(?=[–—:-][ ]))""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"(?P<word>[^\W\d_](?:[^\W_]|[\u0300-\u036f]|['’ʼ](?=[^\W\d_]))*)|\d(?:[\d.,:/×x]*\d)?")

_BREAKS = frozenset('.!?…/|»”")]}•·:')


def _labels(body: str) -> list[Token]:
    """The labels «(EN)», «FR:», «English :»; a language's name within a sentence is none."""
    found = []
    if "(" in body or "[" in body:
        found += [Token(Kind.LABEL, m.start(), m.end(), _LABEL_OF[m[1]]) for m in _BRACKETED.finditer(body)]
    if ":" in body or "：" in body:
        for m in _COLON.finditer(body):
            before = body[max(0, m.start() - 3) : m.start()]
            last = before.rstrip()[-1:]
            at_line = m.start() == 0 or "\n" in before or not last
            at_break = at_line or last in _BREAKS or not (last.isalnum() or last in ",;-–—'’")
            code = m[1]
            if m.end() - m.start() <= 5 and code.isupper():
                clear = True
            elif len(code) == 2:
                clear = at_line
            else:
                clear = at_break
            if clear:
                found.append(Token(Kind.LABEL, m.start(), m.end(), _LABEL_OF[code]))
    if "EN" in body or "FR" in body or "Fran" in body or "Engl" in body:
        found += [Token(Kind.LABEL, m.start(), m.end(), _LABEL_OF[m[1]]) for m in _ALONE.finditer(body)]
    return found


def _specials(body: str) -> list[Token]:
    """All that is no plain word, in order and without overlaps (the longer of two that begin together)."""
    found: list[Token] = []

    def take(kind: Kind, pattern: re.Pattern[str]) -> None:
        found.extend(Token(kind, m.start(), m.end()) for m in pattern.finditer(body))

    found += [Token(Kind.CREDIT, c.start, c.start + len(c.text)) for c in find_credits(body)]
    if any(map(body.__contains__, "0123456789")):
        take(Kind.STAMP, _STAMP)
        take(Kind.STAMP, _DAY_LINE)
        take(Kind.CREDIT, FILE_MARK)
    if "." in body:
        take(Kind.LINK, _LINK)
    if "@" in body:
        take(Kind.MENTION, _MENTION)
    if "#" in body or "＃" in body:
        take(Kind.TAG, HASHTAG)
    if ":" in body:
        take(Kind.SHORTCODE, _SHORTCODE)
    if not body.isascii():
        found += [Token(Kind.FLAG, m.start(), m.end(), _FLAGS.get(m.group())) for m in _FLAG.finditer(body)]
    found += _labels(body)
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


def _all(body: str) -> list[Token]:
    specials = _specials(body)
    tokens: list[Token] = []
    position = 0
    for special in specials:
        tokens += _plain(body, position, special.start)
        tokens.append(special)
        position = special.end
    tokens += _plain(body, position, len(body))
    return tokens


def _plain(body: str, start: int, end: int) -> list[Token]:
    return [
        Token(Kind.WORD if m.lastgroup else Kind.NUMBER, m.start(), m.end()) for m in _PLAIN.finditer(body, start, end)
    ]


def tokenize(body: str) -> list[Token]:
    """Every token of ``body``, in order; what stands in no token is space, punctuation and emoji.

    A hashtag, mention, link or date that is part of a sentence comes as ``WORD`` or ``NUMBER``; the others
    keep their kind and belong to no language.
    """
    tokens = _all(body)
    edge = [i for i, token in enumerate(tokens) if token.kind in _MAY_BE_WORDS]
    if edge:
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
        while k < j and _continues(body, tokens, k, alone=j - i == 1):
            k += 1
    if k == i and j - i == 1 and j < len(tokens) and not lower and _leads(body, tokens[i], tokens[j]):
        k = j
    for token in tokens[i:k]:
        token.kind = Kind.WORD if token.kind is Kind.TAG else Kind.NUMBER


def _continues(body: str, tokens: list[Token], k: int, *, alone: bool) -> bool:
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
            return behind[:1] in (" ", ",") and "\n" not in behind and body[after.start].islower()
        return True
    ended = any(c in ".!?…" for c in gap)
    if (behind[:1] and behind[0] in _HOLDS) or _SPACED.match(behind):
        # «la #tour.», «… en fait… #Rome. Oui», «#Puis-je»
        return not ended or (alone and after is not None)
    if ended:
        return False
    if previous.kind is Kind.WORD and body[previous.start : previous.end].lower() in LEADING_ON:
        return True
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
