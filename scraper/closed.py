"""Places that show posts to people and are not open to programs, and what to do instead; pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_META = (
    "it shows posts to those who log in, and Cupola never logs in; bring what you have saved: «cupola import», "
    "docs/imports.md has a recipe for Meta's own export and for instaloader"
)
_CLOSED = {
    r"(?:twitter|x)\.com|t\.co": (
        "X shows tweets only to those who log in, and its API costs money; bring the archive of the account "
        "(«cupola import tweets PATH») or what gallery-dl has saved («cupola import gallery-dl PATH»): docs/imports.md"
    ),
    r"instagram\.com|instagr\.am": f"Instagram is not open: {_META}",
    r"facebook\.com|fb\.com|fb\.watch": f"Facebook is not open: {_META}",
    r"threads\.(?:net|com)": f"Threads is not open: {_META}",
    r"youtube\.com|youtu\.be": (
        "YouTube's pages may not be read by programs, and Cupola keeps no films; the channel's feed "
        "(https://www.youtube.com/feeds/videos.xml?channel_id=…) can be read as kind feed, if its robots.txt allows it"
    ),
    r"tiktok\.com": "TikTok is not open; bring what gallery-dl has saved («cupola import gallery-dl»): docs/imports.md",
    r"linkedin\.com|lnkd\.in": "LinkedIn is not open; bring posts as a table («cupola import csv»): docs/imports.md",
}


def closed(url: str) -> str | None:
    """Why nothing is asked at ``url`` and what to do instead, in a sentence; None where that is not known."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return None
    return next((why for name, why in _CLOSED.items() if re.search(rf"(?:^|\.)(?:{name})$", host)), None)
