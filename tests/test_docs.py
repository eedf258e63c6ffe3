"""The docs are part of the work: every command, option, key, source, dependency and error stands in them."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from jobs import stanzas
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
    for option in kinds()[kind].options_type.model_fields:
        assert option == "token" or f"`{option}`" in section.group(1) or option in SourceOptions.model_fields, option
    assert f"kind: {kind}" in (ROOT / "config.yaml").read_text(encoding="utf-8")


def test_every_dependency_is_justified():
    """docs/dependencies.md has a line for each dependency of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9-]+", requirement)
        assert name
        assert re.search(rf"\b{name.group()}\b", text("dependencies.md"), re.IGNORECASE), requirement


def test_every_message_that_the_archivist_looks_up_is_one_that_cupola_says():
    """The table « When it fails » quotes the messages in the words in which they are told."""
    said = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ("scraper", "storage", "jobs")
        for path in (ROOT / room).rglob("*.py")
    )
    table = text("archivist.md").split("## When it fails")[1]
    quoted = [
        quote for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for quote in re.findall(r"`(.+?)`", row)
    ]
    assert len(quoted) > 8
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


def test_no_page_points_to_a_file_that_is_not_there():
    """Relative links in the docs and the README lead somewhere."""
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
