"""The options with which posts are chosen, for every command that takes filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import click

from jobs.cli.options import either, once
from jobs.errors import UsageError
from storage.filters import BEST, ORIENTATIONS, STATES, Filters
from storage.postview import LANGS, VERDICTS

F = TypeVar("F", bound=Callable[..., Any])


class _Filter(click.Option):
    """An option that stands under a heading of ``--help``."""

    def __init__(self, *args: Any, heading: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.heading = heading


_again = partial(click.option, multiple=True)
_choice = partial(click.Choice, case_sensitive=False)
#: by heading, in the order in which --help has them
_OPTIONS: dict[str, tuple[Callable[..., Any], ...]] = {
    "What is written": (
        partial(
            once,
            "--text",
            metavar="Q",
            help='Words, by stem, in both languages: montée eaux, "a phrase", mont*, aube OR aurore, -Paris, lang:fr'
            " orage, #tag; see docs/search.md.",
        ),
        partial(
            _again,
            "--lang",
            type=_choice(LANGS),
            help="There is a caption in this language; given several times, in each of them. other: in a third one, or"
            " undecided.",
        ),
        partial(
            _again,
            "--lacks",
            "--no-lang",
            "lacks_lang",
            type=_choice(LANGS),
            help="There is no caption in this language; given several times, in none of them.",
        ),
        partial(
            _again,
            "--tag",
            metavar="T",
            help="A hashtag, with or without #, or a curator's tag; case and accents do not matter. Given several"
            " times, each of them.",
        ),
        partial(_again, "--hashtag", metavar="T", help="As --tag, but the post's own hashtags alone."),
        partial(_again, "--curator-tag", metavar="T", help="As --tag, but the curator's tags alone."),
    ),
    "Whence and when": (
        partial(_again, "--source", metavar="S", help="The source's id; given several times, one of them."),
        partial(_again, "--mission", metavar="M", help="The mission's id; given several times, one of them."),
        partial(
            once,
            "--since",
            metavar="D",
            help="Posts of this day or time and later: 2016-11-17, 2016-11-17T08:00 (UTC) or 7d. A post dated to the"
            " day counts as that whole day; one without a date is left out.",
        ),
        partial(once, "--until", metavar="D", help="Posts before this day or time; as --since."),
        partial(either, "--undated/--dated", help="Whether the post has no date."),
        partial(once, "--seen-since", metavar="D", help="First archived then or later, whenever it was published."),
        partial(once, "--seen-until", metavar="D", help="First archived before then."),
    ),
    "What the curator said": (
        partial(_again, "--verdict", type=_choice(VERDICTS), help="Given several times, one of them."),
        partial(
            once,
            "--rating",
            metavar="N|N-M|N+|none",
            help=f"From 0 to {BEST}: 4 is just that, 2-4 from two to four, 4+ four or better; none: not rated.",
        ),
        partial(
            either, "--needs-review/--reviewed", help="Whether a person should look: a doubtful split, or no date."
        ),
        partial(either, "--noted/--not-noted", help="Whether there is a note."),
    ),
    "Pictures": (
        partial(either, "--with-picture/--without-picture", "has_picture", help="Whether the post shows one."),
        partial(once, "--min-size", metavar="WxH", help="The largest picture has at least so many pixels: 1920x1080."),
        partial(once, "--max-size", metavar="WxH", help="The largest picture has at most so many pixels."),
        partial(
            once,
            "--like",
            metavar="KEY|SHA256",
            help="It shows a picture of this post, or one that looks like it: in another size, quality or format, or a"
            " little cropped; or like the picture of this hash.",
        ),
        partial(once, "--orientation", type=_choice(ORIENTATIONS), help="How the largest picture lies."),
        partial(
            _again,
            "--media",
            type=_choice(STATES),
            help="Something that the post shows is held, still wanted, failed and to be tried again, gone at its"
            " source, or will not be taken; given several times, one of these.",
        ),
    ),
    "What became of it": (
        partial(either, "--edited/--unedited", help="Whether its source has changed it since it was published."),
        partial(either, "--gone/--not-gone", help="Whether it is gone at its source."),
    ),
}


def filtering(command: F) -> F:
    """The filters, given to the command by their names; ``filters_of`` takes them."""
    made = [option(cls=_Filter, heading=heading) for heading, options in _OPTIONS.items() for option in options]
    for decorate in reversed(made):
        command = decorate(command)
    return command


class Filtered(click.Command):
    """A command that takes filters: its ``--help`` has them under headings, behind its own options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options as click has them, but for the headings."""
        under: dict[str, list[tuple[str, str]]] = {"Options": [], **{heading: [] for heading in _OPTIONS}}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                under[getattr(parameter, "heading", "Options")].append(record)
        for heading, records in under.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def filters_of(
    *,
    since: str | None,
    until: str | None,
    seen_since: str | None,
    seen_until: str | None,
    rating: str | None,
    min_size: str | None,
    max_size: str | None,
    **wanted: Any,
) -> Filters:
    """What the options of ``filtering`` ask for; other fields of ``Filters`` may be given beside them.

    Raises:
        UsageError: one of them cannot be meant.
    """
    from storage.errors import QueryRefused

    wanted["since"], wanted["until"] = bounds_of(since, until)
    wanted["seen_since"], wanted["seen_until"] = bounds_of(seen_since, seen_until, "--seen-since", "--seen-until")
    least, most = _size("--min-size", min_size), _size("--max-size", max_size)
    if any(low and high and low > high for low, high in zip(least, most, strict=True)):
        raise UsageError(f"no picture has at least {min_size} and at most {max_size} pixels")
    wanted["min_width"], wanted["min_height"] = least
    wanted["max_width"], wanted["max_height"] = most
    try:
        return Filters(**_rating(rating), **wanted)
    except (ValueError, QueryRefused) as error:
        raise UsageError(str(error)) from error


def _rating(given: str | None) -> dict[str, Any]:
    if given is None:
        return {}
    if given.strip().lower() == "none":
        return {"unrated": True}
    found = re.fullmatch(r"\s*([0-9]{1,4})\s*(?:([-–])\s*([0-9]{1,4})|(\+|-|–))?\s*", given, re.ASCII)
    if found is None:
        raise UsageError(f"--rating {given!r} is not understood: expected 4, 2-4, 4+ or none")
    least, span, most, open_ = found.groups()
    return {"rating": int(least), "rating_most": int(most) if span else None if open_ else int(least)}


def _size(option: str, given: str | None) -> tuple[int | None, int | None]:
    """Width and height; one of them may be left out."""
    if given is None:
        return None, None
    found = re.fullmatch(r"\s*([0-9]{0,12})\s*[xX×*]\s*([0-9]{0,12})\s*", given, re.ASCII)
    if found is None or not any(found.groups()):
        raise UsageError(
            f"{option} {given!r} is not understood: expected width and height as 1920x1080, or one as 1920x"
        )
    width, height = (int(number) if number else None for number in found.groups())
    return width, height


def bounds_of(since: str | None, until: str | None, from_: str = "--since", to: str = "--until") -> tuple[Any, Any]:
    """The moments that two options name; None for one that is not given.

    Raises:
        UsageError: one is no moment, or they are the wrong way round.
    """
    if since is None and until is None:
        return None, None
    from datetime import UTC, datetime

    from jobs.moments import parse_moment

    now = datetime.now(UTC)
    start, end = (parse_moment(bound, now) if bound is not None else None for bound in (since, until))
    if start is not None and end is not None and start >= end:
        raise UsageError(f"{from_} {since} does not lie before {to} {until}")
    return start, end
