"""What stands around a caption and is no text of it: dates, whose picture it is, file names, who shared it."""

from __future__ import annotations

import re

#: a date or a time of day
STAMP = re.compile(
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
DAY_LINE = re.compile(
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
#: what a platform or a person puts around a post that is shared, and a pin with its place
SHARED = re.compile(r"\bRT @\w{1,64} ?:|\(?\b[Vv]ia @\w{1,64}\)?|^[ ]?📍[^\n.!?]{1,60}$", re.MULTILINE)
#: a line that only tells whose picture it is; names are known by their capitals
WHOSE = re.compile(
    r"""(?m)^[ ]?(?:
        (?:©|\(c\)[ ])[^\n]{1,120}
      | \(?[Cc]ontains[ ]modified[ ]Copernicus[^\n]{1,120}
      | (?:ESA|NASA|CNES|JAXA|CSA|ASC|DLR|ASI)/[^\n]{1,100}
      | (?:📷|📸|(?i:photos?|images?|pictures?|vid[ée]os?|cr[ée]dits?(?:[ ]photos?)?)(?:[ ]?:|[ ]by|[ ]par|[ ]de))[ ]?
        (?:[A-ZÀ-Þ][\w.’'-]{0,30}|d[eu]s?|l[ae]s?|of|the|and|et|d['’]\w{1,30}|von|van|&|/|–|-)
        (?:[ ](?:[A-ZÀ-Þ][\w.’'-]{0,30}|d[eu]s?|l[ae]s?|of|the|and|et|d['’]\w{1,30}|von|van|&|/|–|-)){0,9}
        (?=[ ]?$|[ ]https?:)
    )""",
    re.VERBOSE,
)
#: «(1/2)», a part of a thread
FILE_NAME = re.compile(r"\(\d{1,2}/\d{1,2}\)|\b(?:IMG|DSC[FN]?|PXL|VID|MVI|GOPR|P)_?\d{3,8}(?:_\d{2,9}){0,3}\b")
