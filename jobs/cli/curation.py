"""Curation from the command line: verdicts, ratings, tags, notes, corrections, and taking them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs.cli.keys import keys_argument, read_keys
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading
from jobs.errors import UsageError
from jobs.logs import printable

if TYPE_CHECKING:
    from storage.curation import Say
    from storage.engine import Database

F = TypeVar("F", bound=Callable[..., Any])


def deciding(command: F) -> F:
    """What every command of a curator takes: keys, who decides, and the archive."""
    who = click.option("--who", metavar="NAME", help="Who decides; else $CUPOLA_WHO, else your login name.")
    return keys_argument(who(reading(common(command))))


@click.command()
@deciding
def keep(keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None) -> int:
    """Select posts: verdict `selected`.

    KEY is <source>:<id> or the post's web address. Without any, or as -, keys are read from stdin: one a line, or
    the JSON lines of `cupola query --format jsonl`. An unknown one is exit status 2, and nothing is done.
    """
    return _verdict("selected", keys, who, archive, config)


@click.command()
@deciding
def reject(keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None) -> int:
    """Reject posts: verdict `rejected`. They stay in the archive. Keys: as for `cupola keep`."""
    return _verdict("rejected", keys, who, archive, config)


@click.command()
@deciding
def unreview(keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None) -> int:
    """Take a verdict back: `unreviewed` again. Keys: as for `cupola keep`."""
    return _verdict("unreviewed", keys, who, archive, config)


@click.command()
@click.argument("stars", type=click.Choice(("0", "1", "2", "3", "4", "5", "none")), metavar="0-5|none")
@deciding
def rate(stars: str, keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None) -> int:
    """Rate posts from 0 to 5, apart from their verdict; none takes the rating away. Keys: as for `cupola keep`."""
    from storage.curation import Say

    rating = None if stars == "none" else int(stars)
    said = "without a rating" if rating is None else f"rated {rating}"
    return _decide([Say.rating(rating)], said, keys, who, archive, config)


@click.command()
@click.argument("tag", metavar="[add|remove] TAG")
@click.option("--remove", is_flag=True, help="Take the tag off, as `cupola tag remove TAG` does.")
@deciding
def tag(
    tag: str, remove: bool, keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None
) -> int:
    """Put a tag of your own on posts, or take it off. `cupola query --tag` finds it, case and accents do not matter.

    `cupola tag TAG` is `cupola tag add TAG`; a tag that is called so needs the word twice. Keys: as for `cupola keep`:
    cupola query --text earth --format ids | cupola tag add earth
    """
    from storage.curation import Say

    if tag in ("add", "remove"):
        if not keys:
            raise UsageError(f"which tag? Say `cupola tag {tag} TAG`, and then keys, or pipe them in")
        remove, (tag, *rest) = remove or tag == "remove", keys
        keys = tuple(rest)
    said = f"{'no longer ' if remove else ''}tagged {tag}"
    return _decide([_meant(Say.tag, tag, on=not remove)], said, keys, who, archive, config)


@click.command()
@click.argument("text", metavar="TEXT")
@deciding
def note(text: str, keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None) -> int:
    """Write a note on posts, in place of the one that is there; an empty TEXT takes it away.

    Keys: as for `cupola keep`.
    """
    from storage.curation import Say

    said = "noted" if text.strip() else "without a note"
    return _decide([Say.note(text)], said, keys, who, archive, config)


@click.command()
@click.option("--caption-fr", metavar="TEXT", help="The French caption; empty: there is none.")
@click.option("--caption-en", metavar="TEXT", help="The English caption; empty: there is none.")
@click.option(
    "--segments",
    metavar="CUTS",
    help='Where the text is cut, all of it: "fr:0-120,none:120-122,en:122-" (fr, en, other or none; code points; the'
    " last may be open), or the segments of `cupola show --json`.",
)
@click.option(
    "--date", metavar="D", help="When it was published: 2016-12-03, 2016-12-03T20:15 or …:30 (UTC unless it says)."
)
@click.option("--credit", metavar="TEXT", help="The credit; empty: there is none.")
@click.option("--mission", metavar="ID", help="The mission's id; empty: there is none.")
@click.option("--alt", metavar="TEXT", help="The alternative text of a picture; empty: there is none.")
@click.option(
    "--picture",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which picture --alt is of.",
)
@click.option(
    "--machine",
    multiple=True,
    metavar="FIELD",
    help="Take a correction back: caption_fr, caption_en, segments, published_at, credit, mission or alt.",
)
@deciding
def correct(
    caption_fr: str | None,
    caption_en: str | None,
    segments: str | None,
    date: str | None,
    credit: str | None,
    mission: str | None,
    alt: str | None,
    picture: int,
    machine: tuple[str, ...],
    keys: tuple[str, ...],
    who: str | None,
    archive: str | None,
    config: Path | None,
) -> int:
    """Say what is right: a caption, where the text is cut, the date, the credit, the mission, an alt text.

    The machine's answer stays held beside yours, and yours stays whatever is fetched or read anew later. Keys: as for
    `cupola keep`.
    """
    from storage.curation import Say

    says = [_meant(Say.machine, field, position=picture - 1 if field == "alt" else None) for field in machine]
    if segments is not None:
        says.append(Say.segments(_cuts(segments)))
    texts = {"caption_fr": caption_fr, "caption_en": caption_en, "credit": credit, "mission": mission}
    says += [Say.text(field, text) for field, text in texts.items() if text is not None]
    if date is not None:
        says.append(_dated(date))
    if alt is not None:
        says.append(Say.text("alt", alt, position=picture - 1))
    if not says:
        raise UsageError("nothing is corrected: say what is right, with --caption-fr, --credit or another option")
    return _decide(says, "corrected", keys, who, archive, config)


@click.command()
@click.argument("count", type=click.IntRange(min=1), default=1, metavar="[N]")
@click.option("--who", metavar="NAME", help="Whose decisions; else $CUPOLA_WHO, else your login name.")
@reading
@common
def undo(count: int, who: str | None, archive: str | None, config: Path | None) -> int:
    """Take back what your last command (or your last N) decided, however many posts it was about."""
    from storage.curation import undo

    named = _name(who)
    database = _opened(config, archive)
    try:
        undone = undo(database, count, who=named, now=_now())
    finally:
        database.close()
    for item in undone:
        what, posts = ", ".join(item.kinds), ", ".join(item.keys[:3]) + (", …" if len(item.keys) > 3 else "")
        click.echo(
            printable(
                f"Taken back: {what} of {_posts(len(item.keys))} ({posts}), decided {item.at:%Y-%m-%d %H:%M} UTC."
            )
        )
    if not undone:
        click.echo(f"There is nothing of {named}'s to take back.")
    elif len(undone) < count:
        click.echo(f"There is nothing more of {named}'s to take back.")
    return DONE


def _verdict(verdict: str, keys: tuple[str, ...], who: str | None, archive: str | None, config: Path | None) -> int:
    from storage.curation import Say, Verdict

    return _decide([Say.verdict(Verdict(verdict))], verdict, keys, who, archive, config)


def _decide(
    says: Sequence[Say],
    said: str,
    keys: tuple[str, ...],
    who: str | None,
    archive: str | None,
    config: Path | None,
) -> int:
    from storage.curation import decide
    from storage.errors import DecisionRefused

    named, wanted = _name(who), read_keys(keys)
    database = _opened(config, archive)
    try:
        done = decide(database, wanted, says, who=named, now=_now())
    except DecisionRefused as error:
        raise UsageError(str(error)) from error
    finally:
        database.close()
    already = len(done.keys) - len(done.changed)
    click.echo(printable(f"{_posts(len(done.changed))} {said}{f', {already} already so' if already else ''}."))
    return DONE


def _posts(count: int) -> str:
    return "1 post" if count == 1 else f"{count:,} posts"


def _opened(config: Path | None, archive: str | None) -> Database:
    """The archive's database, to be written to; none is made."""
    from storage.engine import open_database

    place = archive_place(config, archive)
    open_database(place, read_only=True).close()
    return open_database(place)


def _name(who: str | None) -> str:
    from jobs.config import curator

    return curator(who)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _meant(say: Callable[..., Say], *arguments: Any, **options: Any) -> Say:
    try:
        return say(*arguments, **options)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _dated(text: str) -> Say:
    import re

    from jobs.moments import parse_moment
    from scraper.model import Precision
    from storage.curation import Say

    found = re.fullmatch(r"\s*\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(:\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?\s*", text)
    refused = f"{text!r} is not a date: expected 2016-12-03, 2016-12-03T20:15 or 2016-12-03T20:15:30"
    if found is None:
        raise UsageError(refused)
    precision = Precision.SECOND if found[1] else Precision.MINUTE if ":" in text else Precision.DAY
    try:
        return Say.date(parse_moment(text, _now()), precision)
    except UsageError as error:
        # a 13th month; while a moment may be « 7d », a date may not
        raise UsageError(refused) from error


def _cuts(text: str) -> list[tuple[Any, int, Any]]:
    import json
    import re

    from scraper.model import Lang

    try:
        if text.lstrip().startswith("["):
            return [(Lang(item["lang"]), int(item["start"]), int(item["end"])) for item in json.loads(text)]
        cuts: list[tuple[Any, int, Any]] = []
        for piece in re.split(r"[\s,]+", text.strip()):
            found = re.fullmatch(r"(fr|en|other|none):(\d+)[-–](\d*)", piece)
            if found is None:
                raise ValueError(f"{piece!r} is no segment")
            cuts.append((Lang(found[1]), int(found[2]), int(found[3]) if found[3] else None))
        return cuts
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--segments is not understood ({error}): expected fr:0-120,none:120-122,en:122-") from error
