"""``cupola config``: a first file, and all that is wrong with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GALLERY = "{id: %s, kind: esa_gallery, url: 'https://www.esa.int/ESA_Multimedia/Images/2021/04/X'%s}"


@pytest.fixture
def check(cupola: Callable[..., Any], tmp_path: Path) -> Callable[[str], Any]:
    """Runs ``cupola config check`` on a text."""

    def run(text: str) -> Any:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return cupola("config", "check", path)

    return run


def test_every_source_is_judged_and_told_at_once(check: Callable[[str], Any]) -> None:
    """A wrong kind, a wrong option and a wrong address, each in a source of its own, are three lines."""
    stanzas = (
        GALLERY % ("a", ""),
        "{id: b, kind: esa_galery}",
        GALLERY % ("c", ", urll: x"),
        "{id: d, kind: mastodon, url: 'https://social.example/'}",
    )
    done = check("sources:\n" + "".join(f"  - {stanza}\n" for stanza in stanzas))
    assert (done.status, done.out) == (2, "")
    lines = done.err.splitlines()
    assert [line.partition("config.yaml: ")[2][:17] for line in lines] == [
        f"line {number}, sources[{number - 2}" for number in (3, 4, 5)
    ]
    assert "known are " in lines[0]
    assert "esa_gallery, " in lines[0]


@pytest.mark.parametrize(
    ("contact", "noted"),
    [("nobody", True), ("archivist@example.org", True), ("''", True), ("marie@archives.fr", False)],
)
def test_a_contact_that_leads_to_nobody_is_noted(check: Callable[[str], Any], contact: str, noted: bool) -> None:
    """What the client will not take for a contact is told before the first run, not by it."""
    done = check(f"http: {{contact: {contact}}}\nsources: [{GALLERY % ('a', '')}]\n")
    assert done.status == 0
    assert ("http.contact is not your mail or web address yet" in done.err) is noted
    assert "is valid: 1 source, 0 missions, archive in" in done.out


def test_init_writes_a_valid_file_and_says_how_to_check_it(
    cupola: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that it names can be copied as it is; what is there already is left as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUPOLA_CONFIG", raising=False)
    assert cupola("config", "init").out.endswith("then: cupola config check\n")
    assert cupola("config", "check").status == 0
    assert cupola("config", "init", "other.yaml").out.endswith("then: cupola config check other.yaml\n")
    again = cupola("config", "init")
    assert (again.status, again.out) == (2, "")
    assert "config.yaml is there already and was left as it is" in again.err
