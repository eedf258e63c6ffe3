"""``cupola datasette``: the archive in a browser, by Datasette, on this machine only and for reading only."""

from __future__ import annotations

import os
import shlex
import socket
import webbrowser
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading
from jobs.errors import UsageError

if TYPE_CHECKING:
    from storage.settings import ArchiveSettings


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Where it listens, on this machine only; 0 for any free port.",
)
@click.option("--open", "opens", is_flag=True, help="Open a browser there.")
@click.option(
    "--write-only",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Start nothing: write metadata.json and plugins/ there, for a Datasette of your own, and say how to start it.",
)
@reading
@common
def datasette(port: int, opens: bool, write_only: Path | None, archive: str | None, config: Path | None) -> int:
    """Look through the archive in a browser, with its pictures, and ask it in SQL there.

    Datasette is started on this machine only, until Ctrl-C; it needs pip install 'cupola[datasette]'. The views are
    described as in docs/schema.md, whose questions are ready to be asked. Nothing can be changed, and of the archive's
    folder nothing is served but its pictures. An archive on a server is to be exported first. Exit status: 0 also when
    it was stopped with Ctrl-C, 2 when it cannot be started, 3 when the archive cannot be read.
    """
    place = archive_place(config, archive)
    if place.database is not None:
        raise UsageError(
            "Datasette reads SQLite, and this archive's database is on a server: export it first (cupola export jsonl"
            " FOLDER), bring that into an archive in a folder of its own (cupola import cupola FOLDER), and open that"
        )
    from jobs.browsing import metadata, written

    folder = place.folder.absolute()
    told = metadata(folder, _tables(place))
    if write_only is not None:
        try:
            described, plugins = written(write_only.absolute(), told)
        except OSError as error:
            raise UsageError(f"{write_only} cannot be written to: {error.strerror}") from error
        words = ("datasette", "serve", "cupola.db", "--metadata", str(described), "--plugins-dir", str(plugins))
        click.echo(f"Written. Start it with:\n  cd {shlex.quote(str(folder))} && {shlex.join(words)}")
        return DONE
    _serve(folder, told, port, opens=opens)
    return DONE


def _tables(place: ArchiveSettings) -> list[str]:
    from storage.engine import open_database
    from storage.sqlquery import asked

    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    with closing(open_database(place, read_only=True)) as database, asked(database, names) as answer:
        return [name for (name,) in answer]


def _serve(folder: Path, told: dict[str, Any], port: int, *, opens: bool) -> None:
    try:
        import uvicorn
        from datasette.app import Datasette
        from datasette.plugins import pm
    except ImportError as error:
        raise UsageError(
            f"Datasette is not installed ({error}): pip install 'cupola[datasette]'; or write its files with"
            " --write-only, for one that is installed elsewhere"
        ) from error
    from jobs import picturepages

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen()  # who comes before it is ready waits
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be listened on ({error.strerror}); name another with --port"
            ) from error
        if pm.get_plugin("cupola") is None:
            pm.register(picturepages, name="cupola")
        # it puts the path into an address without quoting it; the name alone needs none
        os.chdir(folder)
        # SQLite wants to write beside the file to read it, and cannot there; nobody else can write there either
        sealed = not os.access(folder, os.W_OK)
        files: list[str] = [] if sealed else ["cupola.db"]
        server = Datasette(files, immutables=["cupola.db"] if sealed else [], metadata=told)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/cupola/newest"
        click.echo(f"The archive is at {address} for this machine only; Ctrl-C stops it.")
        if opens:
            webbrowser.open(address)
        settings = uvicorn.Config(server.app(), log_level="warning", lifespan="on", workers=1)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listening])
