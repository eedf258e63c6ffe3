"""The licence that a credit line states, in its own words; none is ever inferred from an agency or a name.

What may follow a holder («…, CC BY-SA 3.0 IGO», «… All rights reserved»), and lines that state a licence and nothing
else. Every pattern is bounded.
"""

from __future__ import annotations

import re

_VERSION = r"(?:[ -]?\d\.\d)?"
_ATTRIBUTION = (
    r"(?:Attribution|Paternité)(?:[ ]?[-–][ ]?(?:Share[ -]?Alike|Non[ -]?Commercial|No[ -]?Deriv\w{0,6})){0,2}"
)
LICENSE = (
    r"(?i:"
    rf"\bCC[ ]?0{_VERSION}(?!\w)"
    r"|\bCC[ -]BY(?:[ -](?:SA|NC|ND|IGO|\d\.\d)){0,5}(?!\w)"
    rf"|\bCreative[ ]Commons[ ](?:CC[ ])?(?:0|Zero|BY(?:-\w\w){{0,2}}|{_ATTRIBUTION})"
    r"(?:[ -](?:\d\.\d|IGO|International)){0,3}(?!\w)"
    r"|\bESA[ ]Standard[ ]Licen[cs]e\b"
    rf"|\b(?:Open[ ]Government[ ]Licen[cs]e|Licence[ ]Ouverte|Etalab){_VERSION}(?!\w)"
    r"|\bpublic[ ]domain\b|\bdomaine[ ]public\b"
    r"|\ball[ ]rights[ ]reserved\b|\btous[ ]droits[ ]réservés\b"
    r")"
)
_LABEL = (
    r"(?i:(?:licen[cs]ed?|under|sous|released|available|publiée?s?|diffusée?s?|photos?|images?|la|the|a|en|in)[ ]){0,5}"
)
#: what a holder may have behind it on its line: « (CC BY 4.0)», «. All rights reserved»
BEHIND = re.compile(
    rf"[ \t\u00a0]?[,;./|–—-]?[ \t\u00a0]{{0,2}}[(\[]?(?:(?i:licen[cs]e)[ ]?:?[ ])?{_LABEL}{LICENSE}[)\]]?"
)
#: a line that states a licence and nothing else, or the same behind the last sentence
ALONE = re.compile(
    rf"""(?m)(?:^[ \t]{{0,3}}|(?<=[.!?…»"”][ ]))(?P<stated>[(\[]?(?:(?i:licen[cs]e)[ ]?:?[ ])?{_LABEL}{LICENSE}[)\]]?)
        (?=[ \t]?\.?[ \t]{{0,3}}(?:$|https?:))""",
    re.VERBOSE,
)
_STATED = re.compile(LICENSE)
_LINK = re.compile(
    r"[ \t\u00a0]{0,3}[,;:.(–—-]?\s{0,3}(https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/[a-z0-9+./-]{2,60})"
)


def license_in(text: str) -> str | None:
    """The licence that ``text`` states, in its words; None where it states none."""
    found = _STATED.search(text)
    return found.group() if found else None


def license_link_at(text: str, end: int) -> str | None:
    """The address of a Creative Commons licence right behind a credit line that ends at ``end``; None without one."""
    found = _LINK.match(text, end)
    return found[1].rstrip(".-") if found else None
