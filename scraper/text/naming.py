"""langdetect's word on which language a part is in: a second opinion beside the split's own, never a vote in it.

The package is loaded when it is first asked for (0.3 s), and asked so that it answers the same each time: seeded, the
text in small letters; see https://github.com/Mimino666/langdetect. Its seed is kept to a detector of our own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_SEED = 0
#: more of a text tells no more
_READ = 2000


def language_of(text: str) -> tuple[str, float] | None:
    """The likeliest of 55 languages for ``text`` by langdetect, as its code, and how likely; None if it cannot tell."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.append(text[:_READ].lower())
    try:
        likely = detector.get_probabilities()
    except LangDetectException:
        return None
    return (str(likely[0].lang), float(likely[0].prob)) if likely else None


@lru_cache(maxsize=1)
def _factory() -> Any:
    from langdetect import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.seed = _SEED
    return factory
