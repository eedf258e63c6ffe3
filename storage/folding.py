"""Text as searches compare it: without case, accents, ligatures and the typography that nobody types."""

from __future__ import annotations

import unicodedata

_LETTERS = {
    "œ": "oe",
    "æ": "ae",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ı": "i",
    **dict.fromkeys("‘’‚‛ʼ′´`ˋ", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    # soft hyphen, zero-width spaces and joiners, word joiner, byte-order mark, emoji variation selector
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", ""),
}
_TABLE = str.maketrans(_LETTERS)


def fold(text: str) -> str:
    """``text`` in the one form in which it is compared; folding it again changes nothing.

    Compatibility forms are taken apart (NFKD), marks dropped, case folded, ``œ æ ß`` written out, quotes,
    apostrophes and dashes made straight, and every run of white space becomes one space.
    """
    if not text.isascii():
        # the ligatures go before the marks: NFKD takes ǽ apart, but not æ; case folding may compose again
        text = unicodedata.normalize("NFKD", text).casefold()
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if not unicodedata.combining(letter)).translate(_TABLE)
    return " ".join(text.casefold().replace("`", "'").split())


def fold_tag(tag: str) -> str:
    """A hashtag or a curator's tag in the one form in which it is compared."""
    return fold(tag).lstrip("#＃").replace(" ", "")
