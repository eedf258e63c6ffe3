"""The systemd unit: its words, what systemd itself makes of it, and that nobody's edits are lost."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.service import Service, is_as_written, unit, unit_name

SERVICE = Service(
    program=("/bin/sh",),
    config=Path("/srv/proxima/config.yaml"),
    writable=(Path("/srv/proxima/archive"),),
    environment=Path("/srv/proxima/cupola.env"),
)
ODD = Path('/srv/one "two"/100% of $HOME\\n')


def lines_of(service: Service, key: str) -> list[str]:
    return [line.partition("=")[2] for line in unit(service).splitlines() if line.startswith(f"{key}=")]


def systemd_analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of a unit; skipped where it is not installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here: apt-get install systemd")
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "SYSTEMD_LOG_LEVEL": "info"}
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("user", [None, "daemon"])
@pytest.mark.parametrize("odd", [False, True])
def test_systemd_finds_nothing_wrong_with_a_unit(tmp_path: Path, user: str | None, odd: bool):
    """Of the user and of the system, with plain paths and with spaces, quotes, dollars and percent signs."""
    config = (ODD if odd else Path("/srv/proxima")) / "config.yaml"
    service = replace(
        SERVICE, config=config, writable=(config.parent / "archive",), environment=config.parent / "x.env", user=user
    )
    path = tmp_path / "cupola.service"
    path.write_text(unit(service))
    verified = systemd_analyze(tmp_path, "verify", *(["--user"] if user is None else []), str(path))
    assert (verified.returncode, verified.stderr) == (0, "")


def test_a_unit_of_the_system_exposes_little(tmp_path: Path):
    """By systemd's own measure, of 10 for a unit without any limits."""
    path = tmp_path / "cupola.service"
    path.write_text(unit(replace(SERVICE, user="daemon")))
    told = systemd_analyze(tmp_path, "security", "--offline=true", "--threshold=20", str(path))
    score = re.search(r"Overall exposure level for cupola.service: ([\d.]+)", told.stdout)
    assert score, told.stdout + told.stderr
    assert float(score[1]) <= 2.0


def test_paths_are_written_so_that_systemd_reads_what_was_meant():
    """% and, within a command, $ are doubled; quotes and backslashes within quotes are escaped."""
    service = replace(SERVICE, config=ODD / "config.yaml", writable=(ODD, Path("/srv/plain")), user="daemon")
    assert lines_of(service, "ExecStart") == [
        '/bin/sh daemon --config "/srv/one \\"two\\"/100%% of $$HOME\\\\n/config.yaml"'
    ]
    assert lines_of(service, "ReadWritePaths") == ['"/srv/one \\"two\\"/100%% of $HOME\\\\n" /srv/plain']
    assert lines_of(service, "WorkingDirectory") == ['/srv/one "two"/100%% of $HOME\\n']


def test_a_path_that_no_unit_can_hold_is_refused():
    """A line break would begin a setting of its own."""
    with pytest.raises(UsageError, match="line break"):
        unit(replace(SERVICE, config=Path("/srv/a\nExecStartPre=/bin/false/config.yaml")))


def test_a_unit_of_a_user_names_no_user_and_needs_no_namespaces():
    """What needs more than a user's own systemd may have is in the unit of the system alone."""
    assert lines_of(SERVICE, "User") == lines_of(SERVICE, "ProtectSystem") == []
    assert lines_of(SERVICE, "WantedBy") == ["default.target"]
    system = replace(SERVICE, user="archivist")
    assert lines_of(system, "User") == ["archivist"]
    assert lines_of(system, "ProtectSystem") == ["strict"]
    assert lines_of(system, "WantedBy") == ["multi-user.target"]


def test_an_archive_in_tmp_is_not_hidden_from_its_own_service():
    """What systemd would cover with an empty folder is left as it is; elsewhere it is private."""
    assert lines_of(replace(SERVICE, user="daemon"), "PrivateTmp") == ["yes"]
    place = Path("/", "tmp", "x")
    inside = replace(SERVICE, user="daemon", config=place / "config.yaml", writable=(place / "archive",))
    assert lines_of(inside, "PrivateTmp") == []


def test_an_edit_is_noticed():
    """The text carries its own hash; any change of it, and any other text, is none of ours."""
    text = unit(SERVICE)
    assert is_as_written(text)
    assert not is_as_written(text.replace("RestartSec=30", "RestartSec=5"))
    assert not is_as_written(text + "\n")
    assert not is_as_written("")


@pytest.mark.parametrize("name", ["../x", "", "a b", "-x", "a/b", ".service"])
def test_a_name_that_is_no_units_is_refused(name: str):
    """Nothing is written beside the folder of the units."""
    with pytest.raises(UsageError, match="no name"):
        unit_name(name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with a schedule, and a home of the test's own for units."""
    config = tmp_path / "my archive" / "config.yaml"
    config.parent.mkdir()
    source = '{id: one, kind: feed, url: "http://127.0.0.1/feed", schedule: {every: 6h}, token_env: NOT_SET_HERE}'
    config.write_text(f"sources: [{source}]\njobs: {{backup: {{every: 1d, folder: copies}}}}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUPOLA_CONFIG", str(config))
    return tmp_path / "home" / "systemd" / "user" / "cupola.service"


def test_install_writes_the_unit_and_says_what_comes_next(cupola, place: Path):
    """It starts nothing; the archive's folder is there then; secrets are not asked for; again it changes nothing."""
    answer = cupola("service", "install")
    assert answer.status == 0
    assert is_as_written(place.read_text())
    assert [line.strip() for line in answer.out.splitlines()][:4] == [
        f"{place} is written.",
        "Next:",
        "systemctl --user daemon-reload",
        "systemctl --user enable --now cupola.service",
    ]
    assert "loginctl enable-linger" in answer.out
    config = Path(os.environ["CUPOLA_CONFIG"])
    assert f'--config "{config}"' in place.read_text()
    assert sorted(path.name for path in config.parent.iterdir()) == ["archive", "config.yaml", "copies"]
    again = cupola("service", "install", "--user")
    assert again.status == 0
    assert "is as it should be" in again.out
    assert "restart cupola.service" in again.out


def test_a_unit_that_was_edited_is_neither_overwritten_nor_removed(cupola, place: Path):
    """Both refuse, and do it when told to; show says how it stands."""
    assert "is not there" in cupola("service", "show").err
    cupola("service", "install")
    assert "is this one" in cupola("service", "show").err
    edited = place.read_text().replace("RestartSec=30", "RestartSec=1")
    place.write_text(edited)
    shown = cupola("service", "show")
    assert "was edited" in shown.err
    assert is_as_written(shown.out)
    for command in ("install", "remove"):
        refused = cupola("service", command)
        assert refused.status == 2
        assert "--force" in refused.err
        assert place.read_text() == edited
    assert cupola("service", "install", "--force").status == 0
    assert place.read_text() == shown.out
    assert cupola("service", "remove").status == 0
    assert not place.exists()
    assert cupola("service", "remove").status == 2


def test_secrets_that_others_may_read_are_pointed_out(cupola, place: Path):
    """The file is beside the configuration; with the right mode nothing is said."""
    secrets = Path(os.environ["CUPOLA_CONFIG"]).parent / "cupola.env"
    secrets.write_text("SOMEONE_TOKEN=abc\n")
    secrets.chmod(0o644)
    assert "chmod 600" in cupola("service", "install").err
    secrets.chmod(0o600)
    assert cupola("service", "install").err == ""


def test_several_archives_have_units_of_their_own_names(cupola, place: Path):
    """--name; and without a schedule there is nothing to run."""
    assert cupola("service", "install", "--name", "proxima").status == 0
    assert (place.parent / "proxima.service").exists()
    config = Path(os.environ["CUPOLA_CONFIG"])
    config.write_text(config.read_text().replace(", schedule: {every: 6h}", ""))
    refused = cupola("service", "install")
    assert refused.status == 2
    assert "no source of" in refused.err
