"""The built wheel, not the checkout: installed into an empty environment it is whole and it runs."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the checkout with the build requirements that are installed."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """An environment into which pip has installed the wheel; the dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    install = ["-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, *install, str(wheel)], check=True, capture_output=True, text=True)
    # such a folder comes after the environment's own, and its .pth files (our editable install) are not read
    dependencies = next(entry for entry in sys.path if entry.endswith("site-packages"))
    next(folder.glob("lib/python*/site-packages")).joinpath("dependencies.pth").write_text(dependencies + "\n")
    return folder


def python(environment: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(environment / "bin" / "python"), *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_what_the_build_needs_is_installed_for_the_tests():
    """A fresh clone has the build requirements: `make test` builds the wheel without an environment for the build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["build-system"]["requires"]) <= set(project["project"]["optional-dependencies"]["dev"])


def test_the_wheel_holds_three_packages_and_nothing_else(wheel):
    """The top level is scraper, storage, jobs and the wheel's own record."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"scraper", "storage", "jobs"}


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    """No module, table, migration or demo picture stays behind; the sample and the page of the schema come along."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "scraper", "storage", "jobs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    assert set(tracked.stdout.split()) <= names
    assert {"jobs/sample.yaml", "jobs/schema.md"} <= names


def test_the_wheel_carries_the_licence_of_each_part_of_it(wheel):
    """The licences of the two tables lie beside them and in the wheel's record, and the metadata name them."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(archive.read(n).decode() for n in names if n.endswith(".dist-info/METADATA"))
        lines = gzip.decompress(archive.read("scraper/text/words.txt.gz")).splitlines()
    assert "License-Expression: MIT AND CC-BY-SA-4.0 AND Apache-2.0" in metadata
    kept = {n.partition(".dist-info/licenses/")[2] for n in names}
    beside = {"scraper/text/words.LICENSE", "scraper/text/letters.LICENSE"}
    assert {"LICENSE", "NOTICE", *beside} <= kept
    assert beside <= set(names)
    assert len(lines) > 200_000
    assert lines == sorted(lines)


def test_every_module_of_the_wheel_can_be_imported(environment, tmp_path):
    """From an empty folder, isolated, each module imports without a warning, and all come from the wheel."""
    script = (
        "import importlib, pkgutil, sys, scraper, storage, jobs\n"
        "for room in (scraper, storage, jobs):\n"
        "    assert 'site-packages' in room.__file__, room.__file__\n"
        "    for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "        if not module.name.endswith(('__main__', '.env')):\n"
        "            importlib.import_module(module.name)\n"
    )
    done = python(environment, tmp_path, "-I", "-W", "error", "-c", script)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["sources"], ["--help"], ["config", "init"]])
def test_the_command_runs_from_an_empty_folder(environment, tmp_path, arguments):
    """The installed console script answers, with nothing but the wheel and its dependencies."""
    command = [str(environment / "bin" / "cupola"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_scrape_is_cupola_scrape(environment, tmp_path):
    """The second console script is the command under its short name."""
    command = [str(environment / "bin" / "scrape"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cupola scrape" in done.stdout


def test_a_stranger_of_the_same_name_is_refused(environment, tmp_path):
    """A folder `storage` that is not ours is named, not imported in silence."""
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "__init__.py").write_text("")
    done = python(environment, tmp_path, "-c", "from jobs.cli.main import cupola; cupola()")
    assert done.returncode == 1
    assert "'storage' comes from" in done.stderr
