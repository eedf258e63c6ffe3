"""How ESA's photo library and image pages lead to the posts that they quote: the sentences before the quotations.

«This image was taken on 25/05/2017 by … during the … mission and was published on social media with the following
comments in English and French. "…" "…"», «He posted it on social media saying "…"».
"""

from __future__ import annotations

import re

from scraper.text.days import DIGITS
from scraper.text.holders import PERSON

_LANGUAGE = r"(?:English|French)"
#: when a picture was taken, by whom, on which mission, and perhaps that its captions follow
TAKEN = re.compile(
    rf"""(?<!\w)(?:(?:This|The)\s)?(?i:image|photo|photograph|picture)\s(?:was\s)?taken\son\s{DIGITS}
        \sby\s(?:(?:the\s)?(?:ESA|NASA)\sastronaut\s)?(?P<person>{PERSON})
        (?:,?\sduring\s(?:the\s|his\s|her\s)?(?P<mission>\w[\w'’-]{{0,30}})\smission)?
        (?:\sand\s(?:was\s)?(?:published|posted|shared)\son\s(?:his\s|her\s)?social\smedia
           (?:\swith\sthe\sfollowing\s(?:comment|caption|text)s?)?(?:\sin\s{_LANGUAGE}(?:\sand\s{_LANGUAGE})?)?)?
        (?:[ ]?[.:]|(?=\s*(?:$|["“«])))""",
    re.VERBOSE,
)
#: that somebody said on social media what is quoted behind
SAID = re.compile(
    r"""(?<!\w)(?:[A-Z][\w’'-]{1,30}\s|[A-Z]\.\s){1,3}(?:has\s)?(?:posted|shared|published|wrote)(?:\s(?:it|this|the\s\w{1,12}))?
        \son\s(?:his\s|her\s|their\s)?social\smedia(?:,?\s(?:saying|writing|with\sthe\s(?:words|caption|comment)))?
        \s?[,:]?(?=\s{0,3}["“«])""",
    re.VERBOSE,
)
#: what a text has in it that may have either; cheap tests before the patterns
MAY_TELL_TAKEN, MAY_TELL_SAID = "taken on", "social media"
