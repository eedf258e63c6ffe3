"""The only reader of ``config.yaml`` and of the environment: read once, validated whole."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from jobs import __version__
from jobs.errors import ConfigError, Problem, UsageError
from jobs.pinpoint import Key, Lines, dotted, nearest, problem_at, problems_of
from jobs.secrecy import hide
from jobs.stanzas import ArchiveStanza, Config, Schedule, SourceStanza
from scraper.errors import OptionsError
from scraper.settings import SourceOptions
from storage.settings import ArchiveSettings

__all__ = [
    "ArchiveStanza",
    "Config",
    "ConfigFile",
    "Schedule",
    "SourceStanza",
    "config_path",
    "curator",
    "load",
    "parse",
]

DEFAULT_PATH = Path("config.yaml")
#: an option that names a variable: the option that its value becomes, and what it should hold
_SECRETS = {"token_env": ("token", "a read token"), "key_env": ("key", "an API key")}


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration and the file it came from, so that an error can name the line."""

    path: Path
    config: Config
    lines: Lines = field(repr=False)

    @property
    def folder(self) -> Path:
        """The archive's folder, absolute."""
        return (self.path.parent / self.config.archive.folder).resolve()

    @property
    def place(self) -> ArchiveSettings:
        """Where the archive is, with the database's password from the environment.

        Raises:
            ConfigError: the variable named by ``password_env`` is not set.
        """
        stanza, password = self.config.archive, None
        if stanza.password_env is not None:
            password = os.environ.get(stanza.password_env)
            if not password:
                message = f"the environment variable {stanza.password_env} is not set; it should hold a password"
                raise self.error(("archive", "password_env"), message)
        return ArchiveSettings(
            folder=self.folder,
            database=stanza.database,
            password=password,
            warc_file_bytes=stanza.warc_file_bytes,
            software=f"cupola/{__version__}",
        )

    @property
    def notice_urls(self) -> tuple[str, ...]:
        """Where people are told (apprise's addresses, which hold secrets), from the environment; none when it is off.

        Raises:
            ConfigError: the variable named by ``notify.urls_env`` is not set.
        """
        name = self.config.notify.urls_env
        if name is None:
            return ()
        urls = tuple(os.environ.get(name, "").split())
        if not urls:
            message = f"the environment variable {name} is not set; it should hold addresses, with spaces between them"
            raise self.error(("notify", "urls_env"), message)
        return urls

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log is to tell: the values of the environment's variables that this file names."""
        config = self.config
        named = [config.archive.password_env, config.notify.urls_env]
        named += [str(stanza.options.get(key, "")) for stanza in config.sources for key in _SECRETS]
        return tuple(filter(None, (os.environ.get(name) for name in named if name)))

    def error(self, key: Key, message: str) -> ConfigError:
        """The error for one key of this file."""
        return ConfigError(self.path, (problem_at(key, message, self.lines),))

    def source_options(self, index: int, options_type: type[SourceOptions], *, offline: bool = False) -> SourceOptions:
        """The options of the source at ``index``, judged by its kind, with its token or key from the environment.

        Where nothing is fetched (``offline``) neither is wanted. From now on they are told in no log.

        Raises:
            ConfigError: an option is unknown or wrong, or the variable named by ``token_env`` or ``key_env`` is unset.
        """
        raw = self.config.sources[index].options
        for naming, (secret, _) in _SECRETS.items():
            if secret in raw and naming in options_type.model_fields:
                message = f"a secret does not stand in this file: name its variable in {naming}"
                raise self.error(("sources", index, secret), message)
        try:
            options = options_type.model_validate(raw)
        except ValidationError as error:
            problems = problems_of(error, options_type, self.lines, ("sources", index))
            raise ConfigError(self.path, problems) from error
        for naming, (secret, what) in _SECRETS.items():
            variable = getattr(options, naming, None)
            if variable is None or offline:
                continue
            value = os.environ.get(variable, "").strip()
            if not value:
                message = f"the environment variable {variable} is not set; it should hold {what}"
                raise self.error(("sources", index, naming), message)
            hide((value,))
            options = options.model_copy(update={secret: value})
        return options

    def options_error(self, index: int, error: OptionsError) -> ConfigError:
        """The error for options of the source at ``index`` that do not go together."""
        at: Key = ("sources", index, *error.key)
        if isinstance(error.__cause__, ValidationError) and error.model is not None:
            return ConfigError(self.path, problems_of(error.__cause__, error.model, self.lines, at))
        return self.error(at, str(error))


class _Loader(yaml.SafeLoader):
    """Leaves days as they are written: YAML's own reading of « 2016-13-01 » fails without saying where."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as in the base
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def config_path(given: Path | None) -> Path:
    """The file to read: the one given, else ``$CUPOLA_CONFIG``, else ``./config.yaml``."""
    if given is not None:
        return given
    named = os.environ.get("CUPOLA_CONFIG")
    return Path(named) if named else DEFAULT_PATH


def curator(given: str | None) -> str:
    """Who decides: the name given, else ``$CUPOLA_WHO``, else the login name.

    Raises:
        UsageError: there is none.
    """
    name = (given if given is not None else os.environ.get("CUPOLA_WHO") or _login()).strip()
    if not name:
        raise UsageError("nobody is named who decides: say --who, or set CUPOLA_WHO")
    return name


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # a container may have no name for its user
        return ""


def load(path: Path) -> ConfigFile:
    """Read and validate a configuration file.

    Raises:
        ConfigError: it is not there, is not YAML, or holds something that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        elsewhere = "" if path == DEFAULT_PATH else f" {shlex.quote(str(path))}"
        message = f"there is no such file; make one with: cupola config init{elsewhere}"
        raise ConfigError(path, (Problem(key="", message=message),)) from error
    except UnicodeDecodeError as error:
        message = f"cannot be read: its byte {error.start + 1} is not UTF-8; save it as UTF-8"
        raise ConfigError(path, (Problem(key="", message=message),)) from error
    except OSError as error:
        raise ConfigError(path, (Problem(key="", message=f"cannot be read: {error.strerror}"),)) from error
    return parse(text, path)


def parse(text: str, path: Path) -> ConfigFile:
    """Validate the text of a configuration file; ``path`` names it and anchors relative paths.

    Raises:
        ConfigError: as ``load``.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader) if node is not None else {}  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).partition("\n")[0] or "nested too deeply"
        problem = Problem(key="", message=f"is not YAML: {what}", line=mark.line + 1 if mark else None)
        raise ConfigError(path, (problem,)) from error
    if not isinstance(data, dict):
        raise ConfigError(
            path, (Problem(key="", message="expected keys such as archive, http, missions, sources", line=1),)
        )
    lines: dict[Key, int] = {}
    twice = tuple(_index(node, (), lines)) if node is not None else ()
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(path, twice + problems_of(error, Config, lines, ())) from error
    problems = twice + tuple(_cross_check(config, lines))
    if problems:
        raise ConfigError(path, problems)
    return ConfigFile(path, config, lines)


def _index(node: yaml.Node, at: Key, lines: dict[Key, int]) -> Iterator[Problem]:
    """Note the line of every key; a key that stands twice is a problem (YAML itself takes the last)."""
    if isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            key = (*at, str(key_node.value))
            if key in lines:
                yield Problem(key=dotted(key), message="stands twice", line=key_node.start_mark.line + 1)
            lines[key] = key_node.start_mark.line + 1
            yield from _index(value, key, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[*at, number] = value.start_mark.line + 1
            yield from _index(value, (*at, number), lines)


def _cross_check(config: Config, lines: Lines) -> Iterator[Problem]:
    """What no single key can know: ids that repeat, missions that are not there, ends before starts."""
    seen: dict[str, int] = {}
    for number, source in enumerate(config.sources):
        if source.id in seen:
            message = f"{source.id!r} is the id of source {seen[source.id] + 1} already"
            yield problem_at(("sources", number, "id"), message, lines)
        seen.setdefault(source.id, number)
        if source.mission is not None and source.mission not in config.missions:
            message = f"there is no mission {source.mission!r}{nearest(source.mission, config.missions)}"
            yield problem_at(("sources", number, "mission"), message, lines)
    for name, mission in config.missions.items():
        if mission.start and mission.end and mission.end < mission.start:
            yield problem_at(("missions", name, "end"), "lies before the mission's start", lines)
