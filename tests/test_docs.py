"""The docs are part of the work: every command, option, key, source, dependency and error stands in them."""

from __future__ import annotations

import logging
import re
import runpy
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import yaml
from pydantic import BaseModel

from jobs import logs, stanzas
from jobs.cli.main import commands
from jobs.cli.reference import commands_of, page
from jobs.report import KEPT, Failure, Report
from scraper.registry import kinds
from scraper.settings import HttpSettings, MissionSettings, SourceOptions

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_commands_page_holds_the_help_of_every_command_as_it_is():
    """docs/commands.md is made from the program itself; `make docs` makes it anew."""
    assert text("commands.md") == page(text("commands.md"))


def test_the_modules_page_holds_every_module_and_what_it_says_of_itself():
    """docs/modules.md is made from the first lines of the modules; `make docs` makes it anew."""
    made = runpy.run_path(str(DOCS / "modules.py"))["page"]()
    assert text("modules.md") == made
    assert not [line for line in made.splitlines() if line.startswith("- ") and line.endswith(": ")]


@pytest.mark.parametrize(("name", "command"), list(commands_of(commands)))
def test_every_command_says_what_it_does(name: str, command: click.Command):
    """No command, option or argument is without its help."""
    assert command.help, name
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


def test_every_key_of_a_run_s_report_is_explained():
    """docs/commands.md names what `scrape --json` prints for a source, and for a failure."""
    report = Report(source_id="one")
    report.fail(Failure(stage="page", message="x"))
    told = report.as_json()
    for key in (*told, *told["failures"][0]):
        assert f"`{key}`" in text("commands.md"), key
    assert KEPT == 1000, "the page says so in words"


def test_every_configuration_key_is_explained():
    """docs/configuration.md names every key of every stanza."""
    words = set(re.findall(r"`([a-z_]+)`", text("configuration.md"))) | set(
        re.findall(r"## (\w+)", text("configuration.md"))
    )
    own = [item for item in vars(stanzas).values() if isinstance(item, type) and issubclass(item, BaseModel)]
    assert len(own) > 10
    for model in (*own, HttpSettings, MissionSettings, SourceOptions):
        for key in model.model_fields:
            assert key in words or key == "token", f"{model.__name__}.{key}"


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_kind_of_source_is_explained(kind: str):
    """docs/sources.md has a section for each kind, with its options and example; the sample has a stanza."""
    section = re.search(rf"^## `{kind}`$(.*?)(?=^## |\Z)", text("sources.md"), re.MULTILINE | re.DOTALL)
    assert section, kind
    assert kinds()[kind].example in section.group(1)
    for option, field in kinds()[kind].options_type.model_fields.items():
        assert (
            field.exclude or f"`{field.alias or option}`" in section.group(1) or option in SourceOptions.model_fields
        ), option
    assert f"kind: {kind}" in (ROOT / "config.yaml").read_text(encoding="utf-8")


def test_every_dependency_is_justified():
    """docs/dependencies.md has a line for each dependency of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9-]+", requirement)
        assert name
        assert re.search(rf"\b{name.group()}\b", text("dependencies.md"), re.IGNORECASE), requirement


@pytest.mark.parametrize(
    ("name", "heading", "least"),
    [("archivist.md", "## When it fails", 9), ("daemon.md", "## When something is odd", 4)],
)
def test_every_message_that_a_person_looks_up_is_one_that_cupola_says(name: str, heading: str, least: int):
    """The tables of what to do quote the messages in the words in which they are told."""
    said = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ("scraper", "storage", "jobs")
        for path in (ROOT / room).rglob("*.py")
    )
    table = text(name).split(heading)[1]
    quoted = [
        quote for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for quote in re.findall(r"`(.+?)`", row)
    ]
    assert len(quoted) >= least
    for quote in quoted:
        for part in filter(None, map(str.strip, quote.split("…"))):
            assert part in said, quote


@pytest.mark.parametrize("room", ["scraper", "storage", "jobs"])
def test_every_error_stands_in_the_tree_of_its_room(room: str):
    """The docstring of each errors.py draws every error that it defines."""
    source = (ROOT / room / "errors.py").read_text(encoding="utf-8")
    tree = source.split('"""')[1]
    for name in re.findall(r"^class (\w+)\(.*(?:Error|Exception)\)|^class (\w+)\(\w+\)", source, re.MULTILINE):
        assert (name[0] or name[1]) in tree


def _commands_told() -> Iterator[tuple[str, list[str]]]:
    """Every command of ours in a block or between backticks, with the page that it stands on."""
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        if path.name == "commands.md":
            continue
        page = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", page)
        for line in lines:
            found = re.match(r"(?:\$ )?(?:sudo )?cupola (?!-)(.*)", line.partition("  #")[0])
            if found:
                yield path.name, re.split(r" [|>;&<]+", found[1])[0].split()


def test_every_command_that_the_docs_tell_is_one_that_there_is():
    """The pages name commands and options in the words that the program takes."""
    told = list(_commands_told())
    assert len(told) > 100
    for page_name, words in told:
        command: click.Command = commands
        rest = words[:]
        while isinstance(command, click.Group) and rest:
            inner = command.get_command(click.Context(command), rest.pop(0))
            assert inner is not None, f"{page_name}: cupola {' '.join(words)}"
            command = inner
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for word in rest:
            option = word.partition("=")[0]
            known = not re.fullmatch(r"--[a-z-]+", option) or option in options | {"--help"}
            assert known, f"{page_name}: cupola {' '.join(words)}: {option}"


def test_every_piece_of_configuration_that_the_daemon_s_page_shows_is_valid():
    """What is shown can be put into config.yaml as it stands, and the names of keys in the text are keys."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", text("daemon.md"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 2
    for block in blocks:
        stanzas.Config.model_validate(yaml.safe_load(block))
    for stanza, key in re.findall(r"`(jobs|status|notify|http)\.([a-z_]+)", text("daemon.md")):
        assert key in stanzas.Config.model_fields[stanza].annotation.model_fields, f"{stanza}.{key}"


def test_the_lines_of_the_log_that_the_daemon_s_page_shows_are_such_lines():
    """The same record, written in both forms, is what stands there."""
    said = "visit:esa-proxima completed: 3 new, 3 pictures (8.2 s); next 2026-11-23 20:31:17 UTC (schedule)"
    record = logging.LogRecord("jobs.errand", logging.INFO, "", 0, said, None, None)
    record.created = datetime(2026, 11, 22, 20, 15, 4, 312_000, UTC).timestamp()
    for form in (logs.Form.TEXT, logs.Form.JSON):
        with logs.about("esa-proxima", 12):
            assert f"```\n{logs.formatter(form).format(record)}\n```" in re.sub(
                r"```(text|json)", "```", text("daemon.md")
            )


def test_no_page_points_to_a_file_that_is_not_there():
    """Relative links in the docs and the README lead somewhere."""
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
