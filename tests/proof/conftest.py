"""A site that changes, archives made from it, and the command line run so that each effect on the disk has a number."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, select

from jobs.demo.mission import DemoMission, load
from jobs.demo.site import Answer, DemoSite
from storage import migrations
from storage.engine import FILE, open_database
from storage.schema import Base
from storage.settings import ArchiveSettings
from storage.verify import verify

STAGE = Path(__file__).with_name("stage.py")

#: a harvest that looks through all that there is
LOOK = ("scrape", "--since", "2010-01-01")

#: what differs between two runs that do the same: numbers of rows, and when it was
_OWN = {"id", "run_id", "capture_id", "replaced_by", "batch", "attachment_id", "at", "made_at"}
_OWN |= {"first_seen_at", "changed_at", "replaced_at", "first_run_at", "seen"}
#: of these only whether there is one
_WHETHER = {"gone_at", "back_at", "removed_at", "next_attempt_at", "undone_by", "done_at", "file"}
#: tables that are about runs, and not about what is held
_OF_RUNS = {"runs", "looks", "sightings", "failures"}
#: tables in which the same may come more than once when it is asked for again
_REPEATED = {"captures", "decisions"}


@dataclass(frozen=True)
class Ended:
    """How a command ended, what it said, and its effects in order."""

    status: int
    out: str
    err: str
    effects: tuple[str, ...]


class Stage:
    """Runs commands as processes whose effects are numbered; see ``stage.py``."""

    def __init__(self, folder: Path) -> None:
        self._told = folder / "told"
        self._process = subprocess.Popen(
            [sys.executable, str(STAGE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "ready"

    def run(self, *arguments: str, folder: Path, at: int | None = None, act: str | None = None) -> Ended:
        """A command in a folder, in which every effect counts; ``act`` happens at the one numbered ``at``."""
        order = {"arguments": arguments, "folder": str(folder), "watched": [str(folder)], "told": str(self._told)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order | {"at": at, "act": act}) + "\n")
        self._process.stdin.flush()
        status = int(self._line())
        out, err, trace = (
            self._told.with_suffix(end).read_text(errors="replace") for end in (".out", ".err", ".trace")
        )
        return Ended(status, out, err, tuple(trace.splitlines()))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where commands are run."""
    opened = Stage(tmp_path_factory.mktemp("stage"))
    yield opened
    opened.close()


class ChangingSite(DemoSite):
    """A few posts of the demo, two statuses a page; ``become`` makes it the site of another day."""

    def __init__(self) -> None:
        whole = load()
        sound = [
            s for s in whole.timeline if s.text and not s.by_others and not any(m.fault or m.video for m in s.media)
        ]
        self.pictured = [s for s in sound if s.media][:3]
        plain = [s for s in sound if not s.media][:3]
        self.everything = replace(
            whole,
            gallery=whole.gallery[:2],
            timeline=tuple(
                sorted(
                    (replace(s, pinned=False, in_reply_to=None) for s in (*self.pictured, *plain)), key=lambda s: s.at
                )
            ),
        )
        super().__init__(self.everything)

    def become(self, demo: DemoMission) -> None:
        """Show this from now on."""
        self.demo = demo
        self._gallery = {picture.id: picture for picture in demo.gallery}
        self._timeline = {status.id: status for status in demo.timeline}

    @property
    def keys(self) -> list[str]:
        """The keys of the statuses, the oldest first."""
        return [f"toots:{status.id}" for status in self.everything.timeline]

    @property
    def edited(self) -> DemoMission:
        """A text (twice) and a caption changed, a picture removed, the third status taken down, the second one back."""
        shown = self.without(2)
        first, *rest = shown.timeline
        # twice: what nobody saw in between is told by the site's own history
        changed = first.edited(f"{first.text}\n\nCorigé.", first.at + timedelta(hours=12))
        changed = changed.edited(f"{first.text}\n\nCorrigé.", first.at + timedelta(days=1))
        rest[-1] = replace(rest[-1], media=rest[-1].media[:-1])
        gallery = replace(shown.gallery[0], caption=shown.gallery[0].caption.replace(".", " !", 1))
        return replace(shown, timeline=(changed, *rest), gallery=(gallery, *shown.gallery[1:]))

    def without(self, *positions: int) -> DemoMission:
        """All but some statuses."""
        kept = [status for at, status in enumerate(self.everything.timeline) if at not in positions]
        return replace(self.everything, timeline=tuple(kept))

    def answer(self, target: str) -> Answer:
        """What the site says."""
        return super().answer(target.replace("limit=40", "limit=2"))


@pytest.fixture(scope="session")
def site() -> Iterator[ChangingSite]:
    """The site."""
    with ChangingSite() as opened:
        yield opened


class Place:
    """A folder with a configuration, an archive and perhaps copies of it; the database may be on a server."""

    def __init__(self, folder: Path, site: ChangingSite, server: Any = None) -> None:
        self.folder, self.site, self.server = folder, site, server
        self.archive = folder / "archive"
        self.database: str | None = None

    def configure(self, **stanza: str) -> None:
        """Write the configuration; the mission of the sources may be another one."""
        base, demo = self.site.base_url, self.site.everything
        sources = [
            {"id": "gallery", "kind": "esa_gallery", "url": base + demo.page.address},
            {"id": "toots", "kind": "mastodon", "url": f"{base}/@{demo.account.username}"},
        ]
        http = {
            "contact": "test@cupola.test",
            "rate": "1000/s",  # pictures by threads of the one process
            "connections": 1,
            "allow_hosts": [base.removeprefix("http://")],
        }
        archive = {"folder": "archive"} | ({"database": self.database} if self.database else {})
        told = {
            "archive": archive,
            "http": http,
            "missions": {"aurore": {"name": "Aurore"}},
            "sources": [source | stanza for source in sources],
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.yaml").write_text(json.dumps(told, indent=1))

    def opened(self, folder: Path | None = None) -> Any:
        """The database of the archive, or of another one in a folder, for reading."""
        settings = ArchiveSettings(folder=folder or self.archive, database=None if folder else self.database)
        return open_database(settings, read_only=True)

    def contents(self, folder: Path | None = None) -> dict[str, Any]:
        """All that is held, without what differs between two runs that do the same."""
        database = self.opened(folder)
        try:
            with database.read() as connection:
                posts = Base.metadata.tables["posts"]
                keys = {row.id: f"{row.source_id}:{row.native_id}" for row in connection.execute(select(posts))}
                held = {
                    name: _rows(connection.execute(select(table)).mappings(), keys, name)
                    for name, table in Base.metadata.tables.items()
                    if name not in _OF_RUNS
                }
        finally:
            database.close()
        media = (folder or self.archive) / "media"
        files = [path.relative_to(media) for path in media.rglob("*") if path.is_file()]
        # a damaged file that was put aside has a name of chance
        held["files"] = sorted({re.sub(r"(\.damaged/.*)\.\w{8}$", r"\1", str(path)) for path in files})
        return held

    def damage(self, folder: Path | None = None) -> tuple[list[str], list[str]]:
        """What ``cupola verify`` finds: what is damaged, and what nothing points to."""
        database = self.opened(folder)
        try:
            found = verify(database, folder or self.archive)
        finally:
            database.close()
        return [f"{item.what}: {item.message}" for item in found.damage], list(found.orphans)


def _rows(rows: Any, keys: dict[int, str], table: str) -> list[str]:
    told = []
    for row in rows:
        kept = {
            name: keys[value] if name == "post_id" else value is not None if name in _WHETHER else _plain(value)
            for name, value in row.items()
            if name not in _OWN
            # where it lies in its file is nobody's business but that of verify
            and not (table == "captures" and name in ("offset", "length", "fetched_at", "headers"))
        }
        told.append(json.dumps(kept, default=str, sort_keys=True))
    return sorted(set(told) if table in _REPEATED else told)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


class Befores:
    """Makes the folders that acts begin with, each once; on a server when there is one."""

    def __init__(self, folder: Path, site: ChangingSite, stage: Stage, server: Any = None) -> None:
        self._folder, self._site, self._stage, self._server = folder, site, stage, server
        self._made: dict[str, Place] = {}

    def __call__(self, name: str) -> Place:
        """The folder of this name; it is not to be written in."""
        if name not in self._made:
            self._made[name] = getattr(self, name)(self._folder / name)
        return self._made[name]

    def copy(self, name: str) -> Place:
        """A copy of it, always in the one place, to be worked in."""
        before, place = self(name), Place(self._folder / "work", self._site)
        shutil.rmtree(place.folder, ignore_errors=True)
        return self._copied(before, place)

    def _copied(self, before: Place, place: Place, **stanza: str) -> Place:
        shutil.copytree(before.folder, place.folder)
        if before.database is not None:
            place.database = self._made_on_server(_database_of(before.folder.name), place.folder.name)
        place.configure(**stanza)
        return place

    def _made_on_server(self, template: str, name: str) -> str:
        """The address of a new database, as another one is."""
        database = _database_of(name)
        self._server.drop(database)
        self._server.run(f"CREATE DATABASE {database} TEMPLATE {template} ENCODING 'UTF8'")
        address: str = self._server.address(database)
        return address

    def _after(self, name: str, folder: Path, *commands: tuple[str, ...], **stanza: str) -> Place:
        place = self._copied(self(name), Place(folder, self._site), **stanza)
        for command in commands:
            ended = self._stage.run(*command, folder=folder)
            assert ended.status == 0, ended
        return place

    def _asked(self, place: Place, *statements: str) -> Place:
        database = open_database(ArchiveSettings(folder=place.archive, database=place.database))
        with database.write() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        database.close()
        return place

    def nothing(self, folder: Path) -> Place:
        """A configuration."""
        place = Place(folder, self._site)
        if self._server is not None:
            place.database = self._made_on_server("template0", "nothing")
        place.configure()
        return place

    def held(self, folder: Path) -> Place:
        """All is held that there is."""
        self._site.become(self._site.everything)
        return self._after("nothing", folder, ("scrape",))

    def looked(self, folder: Path) -> Place:
        """Of the six statuses one is gone, one was missed once, one is not there yet; some are curated."""
        name = "nothing"
        for missing in ((5,), (5, 1), (5, 1), (5, 1, 2)):
            self._site.become(self._site.without(*missing))
            before, name = name, f"{name}-"
            self._made[name] = self._after(before, folder.with_name(name), LOOK)
        keys = self._site.keys
        return self._after(
            name,
            folder,
            ("correct", keys[0], "--credit", "Camille Exemple", "--who", "Ana"),
            ("tag", "nuit", keys[3], "--who", "Ana"),
        )

    def later(self, folder: Path) -> Place:
        """After the site has changed: with revisions, a post that is gone and one that is back."""
        self._site.become(self._site.edited)
        return self._after("looked", folder, LOOK)

    def misread(self, folder: Path) -> Place:
        """As a parser that shouts would have left the rows."""
        return self._asked(
            self._after("held", folder), "UPDATE posts SET body = upper(body), content_hash = 'of an older parser'"
        )

    def missplit(self, folder: Path) -> Place:
        """As another splitter would have left the rows, and before the mission was configured."""
        return self._asked(
            self._after("held", folder, mission="aurore"),
            "UPDATE segments SET lang = 'other'",
            "UPDATE posts SET caption_fr = NULL, caption_en = NULL, content_hash = 'of another splitter'",
        )

    def backed(self, folder: Path) -> Place:
        """With a backup of a time when other files were held."""
        place = self._after("looked", folder, ("backup", "backup", "--copy"))
        self._site.become(self._site.edited)
        for command in (LOOK, ("forget", self._site.keys[0], "--reason", "asked for", "--yes", "--who", "Ana")):
            assert self._stage.run(*command, folder=folder).status == 0
        return place

    def damaged(self, folder: Path) -> Place:
        """One picture has other bytes than it should."""
        place = self._after("held", folder)
        picture = min(path for path in place.archive.glob("media/*/*/*") if path.is_file())
        picture.write_bytes(picture.read_bytes()[:-1] + b"?")
        return place

    def wanted(self, folder: Path) -> Place:
        """The same, and the picture is asked for again."""
        place = self._after("damaged", folder)
        assert self._stage.run("verify", "--mend", folder=folder).status == 1
        return place

    def old(self, folder: Path) -> Place:
        """An archive of the first schema, with all that it could hold of what is held."""
        return self._of_schema("0001", folder)

    def newer(self, folder: Path) -> Place:
        """One of the second schema."""
        return self._of_schema("0002", folder)

    def _of_schema(self, step: str, folder: Path) -> Place:
        now, place = self("later"), Place(folder, self._site)
        shutil.copytree(now.folder, folder, ignore=shutil.ignore_patterns("cupola.db*"))
        if self._server is not None:
            place.database = self._made_on_server("template0", folder.name)
        address = place.database or f"sqlite:///{place.archive / FILE}"
        engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            migrations.upgrade(connection, step)
        tables = {
            name: [column["name"] for column in inspect(engine).get_columns(name)]
            for name in inspect(engine).get_table_names()
            if name != "alembic_version"
        }
        engine.dispose()
        (_copied_by_copy if place.database else _copied_by_select)(now, place, tables)
        place.configure()
        return place


def _database_of(folder: str) -> str:
    return "of_" + folder.replace("-", "x")


def _copied_by_select(now: Place, old: Place, tables: dict[str, list[str]]) -> None:
    with closing(sqlite3.connect(old.archive / FILE)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("ATTACH ? AS now", (str(now.archive / FILE),))
        for name, columns in tables.items():
            listed = ", ".join(f'"{column}"' for column in columns)
            raw.execute(f"INSERT INTO main.{name} ({listed}) SELECT {listed} FROM now.{name}")
        raw.commit()


def _copied_by_copy(now: Place, old: Place, tables: dict[str, list[str]]) -> None:
    import psycopg

    addresses = [place.database.replace("+psycopg", "") for place in (now, old) if place.database]
    with psycopg.connect(addresses[0]) as there, psycopg.connect(addresses[1]) as here:
        here.execute("SET session_replication_role = replica")  # in any order
        for name, columns in tables.items():
            listed = ", ".join(f'"{column}"' for column in columns)
            with (
                there.cursor().copy(f"COPY {name} ({listed}) TO STDOUT") as given,
                here.cursor().copy(f"COPY {name} ({listed}) FROM STDIN") as taken,
            ):
                for data in given:
                    taken.write(data)


@pytest.fixture(scope="session")
def befores(tmp_path_factory: pytest.TempPathFactory, site: ChangingSite, stage: Stage) -> Befores:
    """Folders to begin with, their databases within."""
    return Befores(tmp_path_factory.mktemp("sqlite"), site, stage)


@pytest.fixture(scope="session")
def served_befores(tmp_path_factory: pytest.TempPathFactory, site: ChangingSite, stage: Stage, server: Any) -> Befores:
    """The same, their databases on a server."""
    return Befores(tmp_path_factory.mktemp("postgresql"), site, stage, server)
