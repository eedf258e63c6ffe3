"""Stopped at any step, or met by a failing disk there, every command leaves an archive that it then completes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from storage.errors import ArchiveMissing, SchemaOutOfDate


@dataclass(frozen=True)
class Act:
    """A command that is stopped at every step.

    ``{0}`` in it is the key of the oldest status, and so on. ``before`` names the folder that it begins with, ``copy``
    the copy of the archive that it makes or renews there, ``status`` is the one of an undisturbed run. ``edited``:
    the site has changed.
    """

    arguments: str
    before: str
    copy: str | None = None
    status: int = 0
    edited: bool = False


ACTS = {
    "first-harvest": Act("scrape --since 2010-01-01", "nothing"),
    "later-harvest": Act("scrape --since 2010-01-01", "looked", edited=True),
    "reparse": Act("reparse", "misread"),
    "resplit": Act("resplit", "missplit"),
    "forget": Act("forget {0} {3} --reason asked --yes --who Ana", "later"),
    "forget-held": Act("forget {0} --reason asked --yes --who Ana", "held"),
    "backup-links": Act("backup copy", "later", copy="copy"),
    "backup-copies": Act("backup copy --copy", "later", copy="copy"),
    "backup-renewed": Act("backup backup --copy", "backed", copy="backup"),
    "restore": Act("restore backup copy", "backed", copy="copy"),
    "upgrade-0001": Act("db upgrade", "old"),
    "upgrade-0002": Act("db upgrade", "newer"),
    "verify-mend": Act("verify --mend", "damaged", status=1),
    "retry": Act("retry", "wanted"),
    "keep": Act("keep {0} {1} --who Ana", "held"),
    "correct": Act("correct {0} --date 2016-12-03 --caption-fr Bonjour --who Ana", "held"),
}
#: steps of one command that are tried at most, evenly spread; only a first harvest and a backup have more
MOST = int(os.environ.get("CUPOLA_PROOF_STEPS", "80"))


def undone(place: Any) -> list[str]:
    """Files that are on their way, or are left of that."""
    ends = (".part", ".new", ".settled", ".lock", "-journal")
    return [str(path) for path in place.folder.rglob("*") if path.name.endswith(ends)]


class Trial:
    """One act, undisturbed and then disturbed as often as it has steps."""

    def __init__(self, act: Act, befores: Any, stage: Any, site: Any) -> None:
        self.act, self.befores, self.stage = act, befores, stage
        self.arguments = [word.format(*site.keys) for word in act.arguments.split()]
        before = befores(act.before)
        site.become(site.edited if act.edited else site.everything)
        self.known = self.damage(before.archive, before)
        self.place = place = befores.copy(act.before)
        ended = self.run(place)
        assert ended.status == act.status, ended
        self.steps = ended.effects
        self.expected = self.contents(place)
        self.assert_complete(place, ended)

    def run(self, place: Any, **disturbance: Any) -> Any:
        """The command."""
        return self.stage.run(*self.arguments, folder=place.folder, **disturbance)

    def contents(self, place: Any) -> Any:
        """What the archive holds, and the copy that the command is about."""
        found = {"archive": place.contents()}
        if self.act.copy is not None:
            found["copy"] = place.contents(place.folder / self.act.copy)
            # of itself a copy knows nothing, but for one that is made anew when nothing was left but to note it
            del found["copy"]["backups"]
        return found

    def damage(self, folder: Path, place: Any) -> list[str]:
        """What is damaged in an archive, or in a copy of it; nothing where none is yet."""
        try:
            damage: list[str] = place.damage(None if folder == place.archive else folder)[0]
        except ArchiveMissing:
            return []
        except SchemaOutOfDate:
            assert self.act.arguments == "db upgrade"
            return []
        return damage

    def assert_sound(self, place: Any) -> None:
        """What was left opens and verifies clean, and so does the copy as far as there is one."""
        assert set(self.damage(place.archive, place)) <= set(self.known)
        if self.act.copy is not None and (place.folder / self.act.copy).exists():
            assert self.damage(place.folder / self.act.copy, place) == []

    def assert_complete(self, place: Any, ended: Any) -> None:
        """The command has come to its end, all is as if nothing had happened, and nothing lies about."""
        assert ended.status == self.act.status, ended
        found = self.contents(place)
        for where, tables in self.expected.items():
            for name, rows in tables.items():
                assert found[where][name] == rows, (where, name)
        assert undone(place) == []
        if not self.act.arguments.startswith("verify"):
            assert place.damage() == ([], [])

    def disturbed(self, at: int, how: str) -> Any:
        """Disturb it at a step, look at what is left, and do it once more; how the first try ended."""
        place = self.befores.copy(self.act.before)
        ended = self.run(place, at=at, act=how)
        assert "Traceback" not in ended.err, ended.err
        self.assert_sound(place)
        if self.act.arguments.startswith("restore") and (place.folder / self.act.copy).exists():
            assert self.contents(place) == self.expected  # all that is left to do is to say so
            return ended
        self.assert_complete(place, self.run(place))
        return ended


def chosen(steps: tuple[str, ...], how: str) -> Iterator[int]:
    """The numbers of the steps at which something happens: not all of SQLite's in a row."""
    numbered = [(number, step.split()[0]) for number, step in enumerate(steps, 1)]
    for kind, burst in groupby(numbered, key=lambda each: each[1]):
        numbers = [number for number, _ in burst]
        if how == "tear" and "write" not in kind:
            continue
        if kind == "sqlite-write":
            numbers = sorted({numbers[0], numbers[len(numbers) // 2], numbers[-1]})
        yield from numbers


def some(numbers: Iterable[int], count: int) -> list[int]:
    """So many of them, spread evenly."""
    whole = list(numbers)
    return whole if len(whole) <= count else [whole[at * len(whole) // count] for at in range(count)]


def assert_stopped(trial: Trial, numbers: Iterable[int], how: str) -> None:
    """Killed, before a step or in the middle of it: what is left is sound, and the same command completes it."""
    statuses = [trial.disturbed(at, how).status for at in numbers]
    # threads come in another order each time: the last steps of one run may not be there in another one
    assert set(statuses) <= {-signal.SIGKILL, trial.act.status}
    assert statuses.count(-signal.SIGKILL) >= len(statuses) * 0.9


def assert_told(trial: Trial, numbers: Iterable[int], how: str) -> None:
    """The disk is full from a step on, or fails once: the status is 3 and says what to do, or it did not matter."""
    for at in numbers:
        ended = trial.disturbed(at, how)
        if ended.status == trial.act.status:
            continue
        assert ended.status == 3, (trial.steps[at - 1], ended)
        *_, line = ended.err.splitlines()
        assert str(trial.place.folder) in line, line
        assert re.search("make room|check", line), line


@pytest.mark.proof
@pytest.mark.parametrize("how", ["kill", "tear"])
@pytest.mark.parametrize("name", ACTS)
def test_killed_at_every_step(befores: Any, stage: Any, site: Any, name: str, how: str) -> None:
    """Each command, before each of its steps and in the middle of each write."""
    trial = Trial(ACTS[name], befores, stage, site)
    assert_stopped(trial, some(chosen(trial.steps, how), MOST), how)


@pytest.mark.proof
@pytest.mark.parametrize("how", ["full", "fail"])
@pytest.mark.parametrize("name", ACTS)
def test_the_disk_fails_at_every_step(befores: Any, stage: Any, site: Any, name: str, how: str) -> None:
    """Each command, at each of its steps: ENOSPC there and from there on, EIO there."""
    trial = Trial(ACTS[name], befores, stage, site)
    assert_told(trial, some(chosen(trial.steps, how), MOST), how)


@pytest.mark.proof
@pytest.mark.parametrize("name", ["first-harvest", "later-harvest", "forget", "upgrade-0001", "upgrade-0002"])
def test_killed_at_steps_of_an_archive_on_a_server(served_befores: Any, stage: Any, site: Any, name: str) -> None:
    """The same with the database on a PostgreSQL server: before a file's step, a statement, a commit, and after it."""
    trial = Trial(ACTS[name], served_befores, stage, site)
    assert_stopped(trial, some(chosen(trial.steps, "kill"), MOST // 4), "kill")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), [("first-harvest", "kill"), ("forget-held", "tear"), ("keep", "full")])
def test_some_of_it(befores: Any, stage: Any, site: Any, name: str, how: str) -> None:
    """Of all that `make proof` tries the part that takes a second."""
    trial = Trial(ACTS[name], befores, stage, site)
    numbers = some(chosen(trial.steps, how), 4)
    (assert_told if how == "full" else assert_stopped)(trial, numbers, how)
