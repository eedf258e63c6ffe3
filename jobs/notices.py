"""What people are told, in fixed words: what is wrong, and that it is over; what is from outside is made harmless."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.health import Ailment, Kind
from jobs.logs import printable

#: things that are told in one notice, and letters of what is from outside in each
TOLD, LETTERS = 10, 200
_TITLE = 100

# markup of Markdown, HTML and the chats, mentions (@channel, <!here>, <@U1>), escapes, placeholders: each becomes
# its full-width twin, which people read and no program obeys
_MARKUP = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in "@<>[]()*_`~|#&\\{}$^"}
_ADDRESS = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)

_OVER = {
    Kind.DATABASE: "the archive can be used again",
    Kind.NO_DAEMON: "a daemon is running",
    Kind.TROUBLE: "the daemon on {about} is well again",
    Kind.DAMAGE: "no file is damaged any more",
    Kind.DISK: "the archive's disk has room again, and pictures are taken",
    Kind.PAUSED: "{about} is visited again",
    Kind.FAILING: "{about} can be read again",
    Kind.OVERDUE: "{about} is visited in time again",
    Kind.UNPLANNED: "{about} is on the daemon's plan",
    Kind.CHORE: "{about} goes well again",
    Kind.UNVERIFIED: "every file is verified in time again",
    Kind.BACKUP: "there is a fresh backup again",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A message: plain text, without anything that a chat or a mail program obeys."""

    title: str
    body: str


def plain(text: str, limit: int = LETTERS) -> str:
    """``text`` as one harmless paragraph of at most ``limit`` letters: read as it is, obeyed by nothing.

    Control characters, marks of direction and letters without width go; markup, mentions and addresses lose the
    signs that make them so.
    """
    text = " ".join(printable(text[: 20 * limit]).split())
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    # combining marks without end are stacked over other lines
    text = re.sub(
        r"(\w?)([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{3})[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+", r"\1\2", text
    )
    text = _ADDRESS.sub(lambda found: "：" if found[0] == ":" else "．", text).translate(_MARKUP)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def wrong(ailments: Sequence[Ailment], archive: str) -> Notice:
    """The notice that these things are wrong with an archive, the gravest first."""
    lines = []
    for ailment in ailments[:TOLD]:
        said = f": {plain(ailment.said)}" if ailment.said else ""
        lines += [f"- {plain(ailment.message)}{said}", f"  What to do: {plain(ailment.advice)}"]
    first = plain(ailments[0].message, _TITLE)
    title = first if len(ailments) == 1 else f"{len(ailments):,} things are wrong"
    return Notice(f"Cupola: {title}", _body(lines, len(ailments), archive))


def over(subjects: Sequence[tuple[Kind, str]], archive: str) -> Notice:
    """The notice that what had been told of is over; of each its kind and what it was about."""
    lines = [_OVER[kind].format(about=plain(about)) for kind, about in subjects]
    title = plain(lines[0], _TITLE) if len(lines) == 1 else f"{len(lines):,} things are in order again"
    return Notice(f"Cupola: {title}", _body([f"- {line}" for line in lines[:TOLD]], len(lines), archive))


def trial(archive: str) -> Notice:
    """The notice that somebody asked for to see whether notices arrive."""
    return Notice("Cupola: a trial", f"Notices arrive here.\n\nArchive: {plain(archive)}")


def _body(lines: list[str], count: int, archive: str) -> str:
    more = [f"… and {count - TOLD:,} more"] if count > TOLD else []
    return "\n".join([*lines, *more, "", f"All of it: cupola status. Archive: {plain(archive)}"])
