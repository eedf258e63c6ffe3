"""What stands around a caption and is no text of it: whose picture it is, files, who shared it, days in figures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scraper.text.holders import AGENCY

#: a date or a time of day
STAMP = re.compile(
    r"""(?<![\w/.,-])(?:
        \d{4}-\d\d-\d\d | \d\d?/\d\d?/\d{2,4} | \d\d?\.\d\d?\.\d{4} | \d\d?/\d\d?
      | \d\d?\.(?:I{1,3}|IV|VI{0,3}|I?X|XI{1,2})\.\d{4}
      | \d\d?[:h]\d\d(?::\d\d)?[ ]?(?:GMT|UTC|TU|CEST|CET|Z)
    )(?![\w/])""",
    re.VERBOSE | re.IGNORECASE,
)
_LINKED = r"(?:https?:|www\.|[a-z]{1,12}\.[a-z]{2,4}/)"
#: what a platform or a person puts around a post that is shared, and a pin with its place
SHARED = re.compile(r"\b(?:RT|rt) @\w{1,64} ?:|\(?\b[Vv]ia @\w{1,64}\)?|^[ ]?📍[^\n.!?]{1,60}$", re.MULTILINE)
_PARTICLE = r"d[eu]s?|l[ae]s?|of|the|and|et|à|by|par|for|pour|van|von|&|[/–|-]"
_NAMED = rf"(?:(?:d['’]|l['’])?[A-ZÀ-Þ][\w.’'/–-]{{0,30}},?|{_PARTICLE}|\d{{4}})"
#: what has pictures: «archives du musée du Lac», «Vesta consortium»
_HOLDING = (
    "archives?|collections?|fonds|service|agency|agence|museum|mus[ée]e|library|biblioth[èe]que|studios?|press|presse"
    "|consortium|team|[ée]quipe|observatory|observatoire|institute?|university|universit[ée]|mairie|office|foundation|fondation"
    "|association|laboratory|laboratoire|medialab|department|d[ée]partement|centre|center|communications?"
    "|orchestr[ae]|op[ée]ra|th[ée][âa]tre|parc|park|jardins?|gardens?|ballet|festival|soci[ée]t[ée]|society|minist[èe]re"
    "|ministry|ambassade|embassy|direction|survey|compagnie|company"
)
#: a few words with such a one, that are no sentence
_HELD = (
    rf"(?i:(?!(?:the|an?|l[ae]s?|une?|des|our|notre|nos|l['’])\b)(?=[^\n()]{{0,80}}\b(?:{_HOLDING})\b)"
    r"(?:(?!\b(?:in|on|over|from|with|at|is|are|was|dans|sur|avec|depuis|est|sont|vue?s?|seen|prise?|taken)\b)"
    r"[^\n.!?()\[\]]|(?<=\b\w)\.){2,90})"
)
_PICTURE = (
    r"(?:photo(?:graphie|graph|grapher|graphe)?s?|images?|pictures?|vid[ée]os?|clichés?|visuels?|illustrations?|source)"
)
_CREDIT = r"(?:cr[ée]dits?|copyright)"
#: what leads to a name: «Photo :», «Crédit / Credit :», «Image courtesy of», «Image … avec l'autorisation de la»
_LEADING = rf"""(?:
        (?:📷|📸|🎥)\ufe0f?(?:[ ]?:|[ ](?:by|par)\b)?
      | (?i:{_PICTURE}|{_CREDIT})(?:[ ]?[/|&]?[ ]?(?i:{_PICTURE}|{_CREDIT}|de|of|by|the|du)\b){{0,5}}[ ]?:
      | (?i:{_PICTURE})(?:[ ](?i:taken|prises?|shot|cr[ée]dits?))?[ ](?i:by|par)\b
      | (?i:(?:{_PICTURE}[ ])?{_CREDIT}(?:[ ]{_PICTURE})?)[ ][–—-](?=[ ])
      | (?i:{_CREDIT})(?:[ ](?i:{_PICTURE}))?
      | (?:(?i:{_PICTURE})[ ])?(?=[^\n]{{0,48}}(?i:courtesy|courtoisie|permission|autorisation))
        (?:(?i:used|reproduced|reproduite?s?|shown|published|publiée?s?|avec|with|by|the|kind|l['’]aimable|courtesy
            |courtoisie|permission|autorisation)[ ]?){{1,6}}(?:(?i:of|from|de|du)\b|d['’])?(?:[ ]?:)?
    )"""
#: what may follow on the name
_GRANTED = (
    r"(?:,?[ ](?:[Uu]sed[ ](?:with|by)[ ]permission|[Aa]ll[ ]rights[ ]reserved|[Tt]ous[ ]droits[ ]r[ée]serv[ée]s))"
)
#: words of a credit that says that it is one, whatever their letters: no sentence, but initials
_TOLD = r"(?:[^\n.!?#@()\[\]]|(?<=\b[A-ZÀ-Þ])\.){2,90}"
_WHOSE = rf"""(?:
        (?:(?i:{_PICTURE})[ ])?(?:©|\([cC]\)[ ])[^\n()\[\]#@]{{1,120}}
      | (?:(?i:{_PICTURE})[ ]?:[ ])?[Cc]ontains[ ]modified[ ]Copernicus[^\n#@]{{1,120}}
      | (?:{AGENCY})(?:/[^\n()#@]{{1,100}}|[ ]/[ ]{_TOLD})(?:[ ]?\([^\n()]{{2,24}}\))?
      | (?i:(?:{_PICTURE}[ ])?{_CREDIT}(?:[ ]{_PICTURE})?[ ]?[:–—-]|{_PICTURE}[ ]courtesy[ ]of)[ ]{_TOLD}
      | {_LEADING}[ ]?(?:{_NAMED}(?:[ ]{_NAMED}){{0,9}}(?:[ ]/[ ][A-ZÀ-Þ]{_TOLD})?|{_HELD}){_GRANTED}?
    )"""
#: a line, what is behind its last sentence, or brackets, that only tell whose picture it is; names by their capitals
_WHOSE_LINE = re.compile(
    rf"(?m)[ ]?[(\[]?{_WHOSE}[)\]]?(?=[ ]?[^\w\n#@]{{0,6}}$|[ ]{{1,2}}(?:[·•|–-][ ]|[#@]\w|{_LINKED}))", re.VERBOSE
)
_WHOSE_BEHIND = re.compile(r"\n|[.!?…][ ]|[ ](?=[📷📸🎥])")
_WHOSE_IN_BRACKETS = re.compile(rf"[(\[]{_WHOSE}[ ]?[)\]]", re.VERBOSE)
#: «(1/2)», a part of a thread; a camera's name for a file; a line that is only a number with letters
FILE_NAME = re.compile(
    r"""[(\[](?:(?:photo|image|picture|pic|vid[ée]o|part|partie)[ ])?\d{1,3}/\d{1,3}[)\]]
      | \b\d{8}_\d{6}\b(?:\.\w{3,4})?
      | \b(?:IMG|DSC[FN]?|PXL|VID|MVI|GOPR|P)_?\d{3,8}(?:_\d{2,9}){0,3}(?:\.\w{3,4})?\b
      | ^[ ]?[([]?(?:(?:ID|[Rr][ée]f\.?|[Nn][°ºo]\.?|[Pp]hoto|[Ii]mage|[Ff]ile|[Ff]ichier)[ ]?:?[ ]?)?
        [A-Za-z_-]{0,12}[0-9][\w-]{2,30}(?:\.\w{3,4})?[)\]]?[ ]?$""",
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def find_whose(body: str) -> Iterator[re.Match[str]]:
    """The lines, ends of lines and brackets of ``body`` that only tell whose picture it is."""
    for at in (0, *(behind.end() for behind in _WHOSE_BEHIND.finditer(body))):
        if found := _WHOSE_LINE.match(body, at):
            yield found
    yield from _WHOSE_IN_BRACKETS.finditer(body)
