"""Words and flags that only name the language of the text beside them: «(EN)», «Français :», «English below», 🇫🇷."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from scraper.text.lexicon import POINTING


class Marker(NamedTuple):
    """A marker, ``body[start:end]``; ``lang`` is the language of the text that it begins, if it begins one."""

    start: int
    end: int
    lang: str | None


_LABELS = {
    "fr": "FR Fr fr FRA Fra fra FRE VF vf Français Francais FRANÇAIS FRANCAIS français francais Française Francaise"
    " française francaise French FRENCH french",
    "en": "EN En en ENG Eng eng GB UK VO VA English ENGLISH english Anglais ANGLAIS anglais",
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
_INTRO = r"(?:(?:[Ii]n|[Ee]n|[Vv]ersion|IN|EN|VERSION)[ ])?"
_OUTRO = r"(?: (?:[Vv]ersion|[Tt]exte?|VERSION))?"
_NAME = rf"{_INTRO}({_NAMES}){_OUTRO}"
#: what may stand before and behind a label that has its line: emoji, arrows, rules
_ORNAMENT = r"[^\w\n\"'«»“”()\[\]#@.,!?]{0,8}"
_BRACKETED = re.compile(
    rf"(?<!\w)[(\[{{<〈【*_]{{1,3}} ?{_ORNAMENT}{_NAME}(?P<both>[ ]?[/|+&,-][ ]?(?:{_NAMES}))?{_ORNAMENT} ?"
    r"[)\]}>〉】*_]{1,3}(?:[ \u00a0\u202f]?[:：–—-](?=\s|$))?(?!\w)"
)
#: a name with a colon, or with a dash or bar behind it
_COLON = re.compile(
    rf"(?<![^\W_])(?<!['’@#]){_NAME}(?:[ \u00a0\u202f]?[:：](?=\s|[«“\"A-ZÀ-Þ])|(?P<sign>[ ][–—|>-])(?=[ ]))"
)
_ALONE = re.compile(
    rf"""(?m)^{_ORNAMENT}(?:
        {_INTRO}(?P<line>{_NAMES}){_OUTRO}(?:[ ][–—|/>-](?=[ ])|[ ]?[▸►▶➤➜→⟶➡〉❯›]\ufe0f?(?=[ ])|{_ORNAMENT}$)
      | {_INTRO}(?P<stop>{_NAMES})[.)](?=[ ]\S)
    )
    | (?:^|[.!?…][ ]|[ ][|–—][ ])(?P<slash>fr|en|FR|EN|Fr|En)/(?=[ ])
    | [ ][^\w\s.,;:!?'"’«»“”()\[\]\#@&+*–—-]{{1,4}}[ ]?(?P<behind>FR|EN|ENG|FRA|VF|VA)$
    | ^(?P<both>(?:FR|EN|ENG|FRA)[-/|+&](?:FR|EN|ENG|FRA))[ ]?(?::(?=\s)|$)
    | (?<!\w)(?P<within>Fr|En|FR|EN)\.(?=[ ][«“"]?[ ]?[A-ZÀ-Þ])""",
    re.VERBOSE,
)
#: «F : … E : …», each at the start of a line or behind a sign that parts; one alone not at the start of the text
_INITIALS = (re.compile(r"(?m)(?:^|(?<=[|/–—] ))F ?: "), re.compile(r"(?m)(?:^|(?<=[|/–—] ))[EA] ?: "))
#: «Traduction :», «(English translation)»: a part begins, of whatever language
_TRANSLATION = re.compile(
    r"""(?im)^[(\[*]?(?:(?:english|french)[ ])?(?:translation|traduction|trad\.)
        (?:[ ](?:anglaise|fran[cç]aise|in[ ]english|en[ ]fran[cç]ais))?
        [)\]*]?(?:[ \u00a0\u202f]?:(?=\s)|[ ]?$|(?<=[)\]*])(?=[ ]))""",
    re.VERBOSE,
)
#: «(English below)», «*version française ci-dessous*»: where a part stands, not that it begins here
_WHERE = re.compile(
    r"""(?i)(?<!\bin[ ])(?<!\ben[ ])[(\[*]?(?:\b(?:the|le|l['’])[ ]?)?\b(?:
        (?:en|fr|vf|va|eng\.?|english|french|anglais|français
        |version[ ](?:anglaise|fran[cç]aise)
        |(?:english|french)[ ](?:version|text))
        (?:[ ](?:text|version))?
        [ ](?:below|follows|above|ci-dessous|ci-après|plus[ ]bas|suit|(?:in|on|dans|en|sur)[ ](?:[\w']{1,8}[ ])?
        (?:comments?|thread|replies|reply|website|site|page|link|lien|commentaires?|fil|réponses?|next[ ]post)
        ))\b[)\]*]?""",
    re.VERBOSE,
)
#: a line, or what stands in brackets, that may be nothing but such words
_SAYS = re.compile(
    r"(?im)(?:^|[(\[*])(?=[^\n()\[\]*]{0,48}\b(?:english|french|anglais|fran[cç]ais|anglaise|fran[cç]aise|v[af])\b)"
    r"[^\n()\[\]*]{4,64}(?:$|[)\]*])"
)
#: cheap tests whether there can be such
_PLACES = (
    "below", "follow", "above", "ci-", "plus bas", "suit", "comment", "thread", "repl", "site", "page", "link", "lien",
    "fil", "réponse", "next post",
)  # fmt: skip
_TONGUES = ("english", "french", "anglais", "français", "francais", "vf", "va ")
_THERE = re.compile(r"(?:en|fr|v[af]|eng\.?|english|french|anglais|fran[cç]ais|anglaise|fran[cç]aise|text|version) ")
#: the same for labels as they are written
_OPENING = "([{<〈【*_"
_SIGNS = (":", "：", " – ", " — ", " | ", " > ", " - ")
_SIGN = re.compile("[:：–—|>-]")
_BEFORE_SIGN = (*_LABEL_OF, "ersion", "ext", "exte", "VERSION")
_SPACES = (" ", "\u00a0", "\u202f")
_AT_LINE = re.compile(rf"{_ORNAMENT}{_INTRO}(?:{_NAMES})(?![^\W_])")
_ELSEWHERE = ("Fr.", "En.", "FR.", "EN.", "fr/ ", "en/ ", "Fr/ ", "En/ ", "FR", "EN", "VF", "VA")
_INITIAL = ("F: ", "F : ", "E: ", "E : ")
_LINE_END = re.compile("\n")
_WORD = re.compile(r"[^\W\d_]+")

#: what a flag may mean; it mostly means a place
FLAGS = {
    "🇫🇷": "fr", "🇬🇧": "en", "🇺🇸": "en", "🇩🇪": "de", "🇪🇸": "es", "🇮🇹": "it", "🇵🇹": "pt", "🇳🇱": "nl", "🇷🇺": "ru",
}  # fmt: skip

_BREAKS = frozenset('.!?…/|»”")]}•·:')


def find_labels(body: str) -> Iterator[Marker]:
    """The labels «(EN)», «FR:», «English :»; a language's name within a sentence is none."""
    has = body.__contains__
    for m in _BRACKETED.finditer(body) if any(map(has, _OPENING)) else ():
        yield Marker(m.start(), m.end(), None if m["both"] else _LABEL_OF[m[1]])
    if any(map(has, _SIGNS)) and any(_may_be_named(body, m.start()) for m in _SIGN.finditer(body)):
        yield from _with_colon(body)
    if any(map(has, _INITIAL)):
        yield from _with_initials(body)
    for m in _ALONE.finditer(body) if any(map(has, _ELSEWHERE)) or _begins_a_line(body) else ():
        name = m["line"] or m["stop"] or m["within"] or m["slash"]
        at = m.start("slash") if m["slash"] else m.start()
        yield Marker(at, m.end(), _LABEL_OF[name] if name else None)
    small = body.lower()
    has = small.__contains__
    for m in _WHERE.finditer(body) if any(map(has, _PLACES)) and _THERE.search(small) else ():
        yield Marker(m.start(), m.end(), None)
    for m in _SAYS.finditer(body) if any(map(has, _TONGUES)) else ():
        words = _WORD.findall(m[0].lower())
        if len(words) > 1 and POINTING.issuperset(words):
            yield Marker(m.start(), m.end(), None)
    for m in _TRANSLATION.finditer(body) if "trad" in small or "translation" in small else ():
        yield Marker(m.start(), m.end(), None)


def _may_be_named(body: str, at: int) -> bool:
    """Whether the sign at ``at``, or the space before it, stands right behind what a label's name ends with."""
    return body.endswith(_BEFORE_SIGN, 0, at - 1 if body[at - 1 : at] in _SPACES else at)


def _begins_a_line(body: str) -> bool:
    """Whether a line begins with a label's name."""
    return any(_AT_LINE.match(body, at) for at in (0, *(m.end() for m in _LINE_END.finditer(body))))


def _with_colon(body: str) -> Iterator[Marker]:
    """The names with a colon that are labels: by where they stand, or because one of another language is a label."""
    found = [(m, _LABEL_OF[m[1]]) for m in _COLON.finditer(body)]
    clear = {lang for m, lang in found if _is_clear(body, m)}
    for m, lang in found:
        if lang not in ("fr", "en") and body[m.start() - 1 : m.start()] == "(" and len(m[1]) > 3:
            continue  # «Gênes (en italien : Genova)»
        # «FR – … / EN – …», «fr : … en : …»: what stands beside a clear one of another language is one, too
        if _is_clear(body, m) or (clear - {lang} and not (m["sign"] and body[: m.start()].rstrip()[-1:].isalnum())):
            yield Marker(m.start(), m.end(), lang)


def _with_initials(body: str) -> Iterator[Marker]:
    """The «F : » and «E : » that begin a text."""
    french, english = (initial.search(body) for initial in _INITIALS)
    for own, other, lang in ((french, english, "fr"), (english, french, "en")):
        if own and (other or own.start()) and (other or lang == "fr" or own[0][0] == "E"):
            yield Marker(own.start(), own.end(), lang)


def _is_clear(body: str, m: re.Match[str]) -> bool:
    """Whether a name with a colon is a label; short and small ones are at the start of a line or sentence only."""
    code = m[1]
    if not m["sign"] and (m[0].startswith(("In ", "En ", "Version ")) or (m.end() - m.start() <= 5 and code.isupper())):
        return True
    before = body[max(0, m.start() - 3) : m.start()]
    last = before.rstrip()[-1:]
    at_line = m.start() == 0 or "\n" in before or not last
    if len(code) == 2 or m["sign"]:
        return at_line
    return at_line or last in _BREAKS or not (last.isalnum() or last in ",;-–—'’")
