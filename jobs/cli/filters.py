"""The options with which posts are chosen, for every command that takes filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs.cli.options import once
from jobs.errors import UsageError
from storage.postview import LANGS, VERDICTS

if TYPE_CHECKING:
    # loaded when a query is made: SQLAlchemy takes 0.2 s, which --help has not to wait for
    from storage.filters import Filters

F = TypeVar("F", bound=Callable[..., Any])

#: in the order in which --help has them
_OPTIONS = (
    once(
        "--text",
        metavar="Q",
        help="It stands in the body, a caption, the title, a credit or an alt text; case and accents do not matter.",
    ),
    click.option(
        "--lang",
        multiple=True,
        type=click.Choice(LANGS),
        help="There is a caption in this language; given several times, in each of them.",
    ),
    once("--source", metavar="S", help="The source's id."),
    once("--mission", metavar="M", help="The mission's id."),
    once(
        "--since",
        metavar="D",
        help="Posts of this day or time and later: 2016-11-17, 2016-11-17T08:00 (UTC) or 7d. A post dated to the day"
        " counts as that whole day; one without a date is left out.",
    ),
    once("--until", metavar="D", help="Posts before this day or time; as --since."),
    once("--verdict", type=click.Choice(VERDICTS), help="What the curator said."),
    once(
        "--tag", metavar="T", help="A hashtag, with or without #, or a curator's tag; case and accents do not matter."
    ),
    click.option("--needs-review", is_flag=True, help="Posts that a person should look at."),
)


def filtering(command: F) -> F:
    """The filters, given to the command by their names; ``filters_of`` takes them."""
    for decorate in reversed(_OPTIONS):
        command = decorate(command)
    return command


def filters_of(*, since: str | None, until: str | None, needs_review: bool, **wanted: Any) -> Filters:
    """What the options of ``filtering`` ask for; other fields of ``Filters`` may be given beside them.

    Raises:
        UsageError: one of them cannot be meant.
    """
    from storage.errors import QueryRefused
    from storage.filters import Filters

    start, end = bounds_of(since, until)
    for name in ("source", "mission", "verdict", "tag"):
        # each may be given once here
        wanted[name] = () if wanted[name] is None else (wanted[name],)
    try:
        return Filters(since=start, until=end, needs_review=needs_review or None, **wanted)
    except (ValueError, QueryRefused) as error:
        raise UsageError(str(error)) from error


def bounds_of(since: str | None, until: str | None) -> tuple[Any, Any]:
    """The moments that --since and --until name; None for one that is not given.

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
        raise UsageError(f"--since {since} does not lie before --until {until}")
    return start, end
