"""Runs the command line over and over, each time as a process of its own that is watched; see ``effects``.

A line of JSON in, a line with the status out. All modules are loaded once and every run is a fork of that, since to
load them takes longer than the run. What is run is the console script's own function, from ``sys.argv`` to its exit.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import threading

from effects import Effects


def main() -> None:
    """Serve until stdin ends."""
    for name in ("scraper", "storage", "jobs"):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".versions" not in found.name and "__main__" not in found.name:
                importlib.import_module(found.name)
    for name in ("sqlalchemy.dialects.sqlite", "alembic.script", "alembic.runtime.environment", "rich.table"):
        importlib.import_module(name)
    gc.freeze()
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            perform(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def perform(order: dict[str, object]) -> None:
    """One run, in the fork, to its end."""
    signal.alarm(120)  # rather than never
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, f"{order['told']}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, f"{order['told']}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        place = os.open(path, flags)
        os.dup2(place, descriptor)
        os.close(place)
    os.chdir(str(order["folder"]))
    os.environ["COLUMNS"] = "120"
    sys.argv = ["cupola", *order["arguments"]]  # type: ignore[misc]
    from jobs.cli.main import cupola

    Effects(order["watched"], f"{order['told']}.trace", order["at"], order["act"]).begin()  # type: ignore[arg-type]
    status: object = 0
    try:
        cupola()
    except SystemExit as end:
        status = end.code
    # as Python ends, but for taking all the modules apart
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    main()
