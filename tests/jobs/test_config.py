"""config.yaml: read once, validated whole, and every fault named by line, key and the nearest known word."""

import re
from pathlib import Path

import pytest

from jobs.config import Config, ConfigFile, config_path, load, parse
from jobs.errors import ConfigError
from scraper.registry import kind
from scraper.settings import SourceOptions

ROOT = Path(__file__).parents[2]


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("config.yaml"))
    return [str(problem) for problem in caught.value.problems]


def read(text: str) -> ConfigFile:
    return parse(text, Path("/somewhere/config.yaml"))


def test_the_sample_is_valid_and_enables_the_esa_page():
    """The sample configuration loads, with the ESA page as its one enabled source."""
    file = load(ROOT / "config.yaml")
    assert [(source.id, source.kind, source.mission) for source in file.config.sources] == [
        ("esa-proxima", "esa_gallery", "proxima")
    ]
    assert file.config.http.rate == "1/s"


def test_the_commented_templates_of_the_sample_are_valid_too():
    """What the sample offers as a template can be uncommented as it stands."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    opened = "\n".join(line.replace("  # - id", "  - id").replace("  #   ", "    ") for line in text.splitlines())
    stanzas = read(opened).config.sources
    assert {stanza.kind for stanza in stanzas} >= {"esa_gallery", "mastodon", "feed", "flickr"}
    for stanza in stanzas:
        kind(stanza.kind).options_type.model_validate(stanza.options)


def test_a_relative_folder_counts_from_the_file():
    """The archive's folder is found beside the file, wherever the program was started."""
    assert read("archive: {folder: held}").folder == Path("/somewhere/held")
    assert read("{}").folder == Path("/somewhere/archive")


def test_an_empty_file_is_all_defaults():
    """An empty file is a configuration without sources."""
    assert read("").config == Config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("htp: {}", "line 1, htp: is not a key that is known here; did you mean http?"),
        (
            "http:\n  conections: 3",
            "line 2, http.conections: is not a key that is known here; did you mean connections?",
        ),
        (
            "missions:\n  p: {name: P, peple: [x]}",
            "line 2, missions.p.peple: is not a key that is known here; did you mean people?",
        ),
        (
            "sources:\n  - {id: a, kind: k, schedule: {evry: 1d}}",
            "line 2, sources[0].schedule.evry: is not a key that is known here; did you mean every?",
        ),
        ("http: {rate: fast}", "line 1, http.rate: expected requests per time such as 1/s, 30/m or 300/h, or none"),
        ("sources:\n  - {id: A b, kind: k}", "line 2, sources[0].id: expected lower-case letters"),
        ("sources:\n  - {kind: k}", "line 2, sources[0].id: is missing"),
        ("sources:\n  - {id: a, kind: k, schedule: {every: soon}}", "expected a number and a unit such as 30m"),
        ("sources:\n  - {id: a, kind: k, schedule: {cron: daily}}", "expected five cron fields"),
        ("sources:\n  - {id: a, kind: k, schedule: {}}", "expected either every: 6h or cron"),
        ("sources:\n  - {id: a, kind: k}\n  - {id: a, kind: k}", "line 3, sources[1].id: 'a' is the id of source 1"),
        (
            "missions: {proxima: {name: P}}\nsources:\n  - {id: a, kind: k, mission: proxma}",
            "line 3, sources[0].mission: there is no mission 'proxma'; did you mean proxima?",
        ),
        ("missions:\n  p: {name: P, start: 2017-01-01, end: 2016-01-01}", "lies before the mission's start"),
        ("http: {rate: 1/s}\nhttp: {rate: 2/s}", "line 2, http: stands twice"),
        ("- a\n- b", "line 1: expected keys such as archive"),
        ("http:", "line 1, http: is empty; give it a value, or remove its line"),
        ("http: {connections: 0}", "http.connections: expected at least 1 (it says 0)"),
        ("http: {timeout: 0}", "http.timeout: expected more than 0.0 (it says 0)"),
        ("http: {max_pixels: 10M}", "http.max_pixels: expected a whole number (it says '10M')"),
        ("http: {allow_hosts: localhost}", "expected a list, such as [one, two] (it says 'localhost')"),
        ("sources: [nasa]", "sources[0]: expected keys with values below it (it says 'nasa')"),
        ("archive: {folder: yes}", "archive.folder: expected the path of a folder (it says true)"),
        ("missions:\n  p: {name: P, start: 2017-13-01}", "line 2, missions.p.start: expected a day such as 2016-11-17"),
        ("missions:\n  p: {name: P, end: 02/06/2017}", "missions.p.end: expected a day such as 2016-11-17 (it says"),
        ("a: \0", "is not YAML: unacceptable character #x0000"),
        ("a: [", "line 1: is not YAML"),
    ],
)
def test_a_fault_names_its_line_its_key_and_what_was_expected(text, expected):
    """Each fault is told with line and key, and with the nearest word that is known."""
    found = problems(text)
    assert any(expected in problem for problem in found), found


def test_all_faults_are_told_at_once():
    """A file with three faults is not corrected in three rounds."""
    assert len(problems("htp: {}\nhttp: {rate: x, connections: 0}")) == 3


def test_no_fault_is_told_in_the_words_of_python():
    """Whoever edits the file has never heard of dictionaries, tuples, None or our classes."""
    text = "archive:\nhttp: {rate: , proxy: [], timeout: x, attempts: 1.5, contact: 5}\nmissions: []\nsources: {a: b}"
    for problem in problems(text):
        assert not re.search(r"dict|tuple|None|instance|Settings|Stanza|pathlib|valid|input", problem), problem


def test_a_missing_file_says_how_to_make_one(tmp_path, monkeypatch):
    """Without a file the error is the command that writes one there, ready to be copied."""
    with pytest.raises(ConfigError, match=rf"init '{re.escape(str(tmp_path / 'my config.yaml'))}'$"):
        load(tmp_path / "my config.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^config\.yaml: there is no such file; make one with: cupola config init$"):
        load(Path("config.yaml"))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    """Bytes that are not UTF-8 are an error of the file, not a traceback."""
    (tmp_path / "config.yaml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigError, match="cannot be read: its byte 6 is not UTF-8"):
        load(tmp_path / "config.yaml")


def test_the_path_is_the_option_then_the_variable_then_the_folder(monkeypatch):
    """--config wins over $CUPOLA_CONFIG, which wins over ./config.yaml."""
    monkeypatch.delenv("CUPOLA_CONFIG", raising=False)
    assert config_path(None) == Path("config.yaml")
    monkeypatch.setenv("CUPOLA_CONFIG", "/etc/cupola.yaml")
    assert config_path(None) == Path("/etc/cupola.yaml")
    assert config_path(Path("mine.yaml")) == Path("mine.yaml")


SOURCE = 'sources:\n  - {id: a, kind: k, url: "https://social.example/@a", %s}'


def test_a_token_comes_from_the_variable_that_the_file_names(monkeypatch):
    """The file holds the variable's name; the secret is never in it, nor shown."""
    monkeypatch.setenv("READ_TOKEN", "s3cret")
    options = read(SOURCE % "token_env: READ_TOKEN").source_options(0, SourceOptions)
    assert options.token == "s3cret"
    assert "s3cret" not in repr(options)


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    """A missing secret is told by its variable and its line."""
    monkeypatch.delenv("READ_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"line 2, sources\[0\]\.token_env: the environment variable READ_TOKEN"):
        read(SOURCE % "token_env: READ_TOKEN").source_options(0, SourceOptions)


def test_a_secret_in_the_file_is_refused():
    """A token written into the file is an error and is not repeated in the message."""
    with pytest.raises(ConfigError) as caught:
        read(SOURCE % "token: abc123").source_options(0, SourceOptions)
    assert "token_env" in str(caught.value)
    assert "abc123" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        'http: {proxy: "ann:hush@proxy.example:3128"}',
        'http: {proxy: "socks://ann:hush@proxy.example"}',
        'sources:\n  - {id: a, kind: k, url: "https://ann:hush@social.example/"}',
        'sources:\n  - {id: a, kind: k, url: "ftp://ann:hush@social.example/"}',
        'sources:\n  - {id: a, kind: k, url: "https://social.example/feed?page=1&api_key=hush"}',
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(text):
    """The fault names the place; user and password are masked in what it quotes."""
    with pytest.raises(ConfigError, match=r"proxy|url") as caught:
        read(text).source_options(0, SourceOptions)
    assert "hush" not in str(caught.value)


def test_an_unknown_option_of_a_kind_is_named_with_the_nearest():
    """The kind's own options are judged as strictly as the rest."""
    with pytest.raises(
        ConfigError, match=r"sources\[0\]\.tokn_env: is not a key that is known here; did you mean token_env"
    ):
        read(SOURCE % "tokn_env: X").source_options(0, SourceOptions)


def test_the_secrets_that_a_file_names_are_known_to_whoever_masks_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of the database, of the notices and of each source, as they stand in the environment; what is not set is none."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "archive: {database: postgresql://me@host/db, password_env: DB_WORD}\n"
        "notify: {urls_env: TELL}\n"
        "sources: [{id: one, kind: mastodon, token_env: TOKEN}, {id: two, kind: feed, token_env: NOT_SET}]\n"
    )
    for name, value in (("DB_WORD", "geheim"), ("TELL", "ntfy://topic"), ("TOKEN", "abc")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NOT_SET", raising=False)
    assert load(path).secrets == ("geheim", "ntfy://topic", "abc")
