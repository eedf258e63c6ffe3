"""The outermost frame: which commands there are, how errors become words and an exit status."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
import traceback
from keyword import iskeyword
from pathlib import Path
from typing import NoReturn

import click

from jobs import __version__
from jobs.cli import streams
from jobs.errors import AlreadyRunning, ConfigError, Interrupted, JobsError

#: objects made between two looks for rubbish: loading makes some 200,000 and no rubbish, and with Python's own 700 a
#: third of a short command's time goes into looking; rubbish in a ring, which only such a look finds, is rare here
_BETWEEN_COLLECTIONS = 20_000

#: exit statuses, a public contract: see docs/commands.md
DONE, IN_PART, WRONG_USE, NO_ARCHIVE, INTERRUPTED = 0, 1, 2, 3, 130

#: command: the module under jobs.cli that holds it (loaded only when it is asked for), and what it does
COMMANDS = {
    "scrape": ("scrape", "Fetch what the sources have published: one run now."),
    "status": ("status", "Whether all is well: what is wrong, last and next visits, disk, backups."),
    "query": ("query", "Find posts in the archive."),
    "show": ("show", "One post whole, with its provenance."),
    "sql": ("sql", "Ask the archive in SQL; nothing can be changed by it."),
    "datasette": ("datasette", "Look through the archive in a browser, with its pictures."),
    "stats": ("stats", "The archive in numbers: posts, captions, pictures, what is incomplete."),
    "export": ("export", "Posts in the formats of others: CSV, Parquet, feeds, bags."),
    "keep": ("curation", "Select posts."),
    "reject": ("curation", "Reject posts; they stay in the archive."),
    "unreview": ("curation", "Take a verdict back."),
    "rate": ("curation", "Rate posts from 0 to 5."),
    "tag": ("curation", "Put a tag of your own on posts."),
    "note": ("curation", "Write a note on posts."),
    "correct": ("curation", "Say what is right: captions, cuts, date, credit, mission, alt text."),
    "undo": ("curation", "Take back what you decided last."),
    "forget": ("forget", "Take posts out for good."),
    "import": ("imports", "Bring in what was kept elsewhere: another archive's export."),
    "split": ("split", "Split captions into French and English: JSON lines, or one text."),
    "split-report": ("splitreport", "How far the splitter agrees with what curators corrected."),
    "daemon": ("daemon", "Visit the sources by their schedules, until told to stop."),
    "retry": ("retry", "Take failed pictures again now."),
    "reparse": ("reparse", "Parse the recorded answers once more, with no network."),
    "resplit": ("reparse", "Split held texts once more, with no network."),
    "verify": ("care", "Check every held file against its hash."),
    "fingerprint": ("fingerprint", "Look at held pictures, so that those that look alike are found."),
    "backup": ("backup", "Make or renew a backup of the whole archive, while it is in use."),
    "restore": ("backup", "Bring a backup back; nothing is overwritten."),
    "sources": ("sources", "The kinds of place that can be read."),
    "config": ("configuration", "Write a first config.yaml, or check one."),
    "db": ("care", "The archive's schema."),
    "service": ("service", "Have systemd run the daemon."),
    "demo": ("demo", "Archive the bundled demo mission, over loopback."),
}


class Commands(click.Group):
    """Loads a command's module when the command is asked for, so that `cupola query` loads no web."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module loaded now."""
        if cmd_name not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"No such command {cmd_name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"jobs.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{name}_" if iskeyword(name) else name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module.__name__}.{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without loading any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cupola")
def commands() -> None:
    """Archive what a space mission publishes: posts, captions in French and English, pictures.

    First steps: `cupola demo`, then `cupola config init` and `cupola scrape --since 2016-11-17`.
    """


def cupola() -> NoReturn:
    """The console script ``cupola``."""
    _run(sys.argv[1:])


def scrape() -> NoReturn:
    """The console script ``scrape``: the same as ``cupola scrape``."""
    _run(["scrape", *sys.argv[1:]])


def _run(arguments: list[str]) -> NoReturn:
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    streams.make_ready()
    _guard()
    try:
        status = commands.main(arguments, prog_name="cupola", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the outermost frame: every error becomes words and a status
        status = _told(error)
    # all that is left ends with the process and need not be looked through once more
    gc.freeze()
    sys.exit(status if isinstance(status, int) else DONE)


def _told(error: BaseException) -> int:
    """Say what went wrong, in words for the person at the terminal; the exit status."""
    # not before the guard has seen that the three packages are ours
    from jobs.logs import printable
    from storage.errors import SourceBusy, SqlRefused, StorageError, UnknownKey

    match error:
        case SystemExit() if not isinstance(error.__context__, BrokenPipeError):
            return error.code if isinstance(error.code, int) else IN_PART
        case click.ClickException():
            error.show()
            return WRONG_USE
        case click.Abort() | KeyboardInterrupt() | Interrupted():
            click.echo("Interrupted.", err=True)
            return INTERRUPTED
        case BrokenPipeError() | SystemExit():
            # whoever read our output has had enough (`cupola query | head`): that is no error of ours; click
            # has made an exit of it already where it met it first
            streams.write_no_more()
            return DONE
        case OSError() if streams.is_output_lost(error):
            streams.write_no_more()
            click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
            return IN_PART
        case ConfigError():
            click.echo(printable(str(error)), err=True)
            return WRONG_USE
        case UnknownKey():
            hint = f" Did you mean {error.nearest[0]}?" if error.nearest else ""
            click.echo(f"Error: {printable(f'{error}{hint}')}", err=True)
            return WRONG_USE
        case SqlRefused():
            click.echo(f"Error: {printable(str(error))}", err=True)
            return WRONG_USE
        case SourceBusy() | AlreadyRunning():
            click.echo(f"Error: {printable(str(error))}", err=True)
            return IN_PART
        case StorageError():
            click.echo(f"Error: {printable(str(error))}", err=True)
            return NO_ARCHIVE
        case JobsError():
            click.echo(f"Error: {printable(str(error))}", err=True)
            return WRONG_USE
    click.echo(printable("".join(traceback.format_exception(error))), err=True, nl=False)
    click.echo("This is a defect in Cupola, please report it. What was archived so far is safe.", err=True)
    return IN_PART


def _guard() -> None:
    """Stop when the three packages do not come from one place.

    Their names are generic; a stranger's ``storage`` beside ours would be imported in silence.
    """
    import scraper
    import storage

    home = Path(__file__).resolve().parents[2]
    for module in (scraper, storage):
        found = Path(module.__file__ or "?").resolve().parents[1]
        if found != home:
            message = f"the package {module.__name__!r} comes from {found}, not from Cupola's own {home}"
            sys.exit(f"Error: {message}. Install Cupola into an environment of its own (pipx install does).")
    # `cupola query | head` ends quietly; where there is no SIGPIPE the broken pipe is an exception, dealt with above
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
