"""The only reader of ``config.yaml`` and of the environment: read once, validated whole."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from jobs import __version__
from jobs.errors import ConfigError, Problem, UsageError
from jobs.faults import words
from jobs.moments import parse_duration
from scraper.model import SOURCE_ID, Mission
from scraper.settings import HttpSettings, MissionSettings, Settings, SourceOptions
from storage.settings import ArchiveSettings, as_address, has_password

DEFAULT_PATH = Path("config.yaml")


def _source_id(value: str) -> str:
    if not SOURCE_ID.fullmatch(value):
        raise ValueError("expected lower-case letters, digits and hyphens, such as esa-proxima")
    return value


def _duration(value: str) -> str:
    parse_duration(value)
    return value


def _cron(value: str) -> str:
    if len(value.split()) != 5:
        raise ValueError('expected five cron fields such as "0 */6 * * *"')
    return value


def _database(value: str) -> str:
    if has_password(value):
        raise ValueError("a password does not stand in this file: name its variable in password_env")
    return as_address(value)


class ArchiveStanza(Settings):
    """Where the archive is; a relative folder counts from the configuration file.

    ``database`` is the address of a PostgreSQL database, ``password_env`` the variable with its user's password.
    """

    folder: Path = Path("archive")
    database: Annotated[str | None, AfterValidator(lambda value: value and _database(value))] = None
    password_env: str | None = None
    warc_file_bytes: Annotated[int, Field(ge=2**20)] = 2**30  # a run's answers go on in a new file after so many


class Schedule(Settings):
    """When the daemon visits a source: an interval, or five cron fields."""

    every: Annotated[str | None, AfterValidator(lambda value: value and _duration(value))] = None
    cron: Annotated[str | None, AfterValidator(lambda value: value and _cron(value))] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Schedule:
        if (self.every is None) == (self.cron is None):
            raise ValueError('expected either every: 6h or cron: "0 */6 * * *"')
        return self


class SourceStanza(BaseModel, frozen=True, extra="allow"):
    """What is common to every source; the rest is its kind's own options, checked by the kind."""

    id: Annotated[str, AfterValidator(_source_id)]
    kind: str
    mission: str | None = None
    schedule: Schedule | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the kind."""
        return dict(self.model_extra or {})


class Config(Settings):
    """A whole configuration file, valid but for the options that only a kind of source can judge."""

    archive: ArchiveStanza = ArchiveStanza()
    http: HttpSettings = HttpSettings()
    missions: dict[str, MissionSettings] = Field(default_factory=dict)
    sources: tuple[SourceStanza, ...] = ()

    @property
    def mission_values(self) -> tuple[Mission, ...]:
        """The missions as values, in the order of the file."""
        return tuple(Mission(id=key, **dict(settings)) for key, settings in self.missions.items())


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration and the file it came from, so that an error can name the line."""

    path: Path
    config: Config
    lines: Mapping[tuple[str | int, ...], int] = field(repr=False)

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

    def error(self, key: tuple[str | int, ...], message: str) -> ConfigError:
        """The error for one key of this file."""
        return ConfigError(self.path, (_problem(key, message, self.lines),))

    def source_options(self, index: int, options_type: type[SourceOptions], *, offline: bool = False) -> SourceOptions:
        """The options of the source at ``index``, judged by its kind, with its token from the environment.

        Where nothing is fetched (``offline``) no token is wanted.

        Raises:
            ConfigError: an option is unknown or wrong, or the variable named by ``token_env`` is not set.
        """
        raw = self.config.sources[index].options
        if "token" in raw:
            raise self.error(
                ("sources", index, "token"), "a secret does not stand in this file: name its variable in token_env"
            )
        try:
            options = options_type.model_validate(raw)
        except ValidationError as error:
            problems = _problems(error, options_type, self.lines, ("sources", index))
            raise ConfigError(self.path, problems) from error
        if options.token_env is None or offline:
            return options
        token = os.environ.get(options.token_env, "").strip()
        if not token:
            message = f"the environment variable {options.token_env} is not set; it should hold a read token"
            raise self.error(("sources", index, "token_env"), message)
        return options.model_copy(update={"token": token})


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
    lines: dict[tuple[str | int, ...], int] = {}
    twice = tuple(_index(node, (), lines)) if node is not None else ()
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(path, twice + _problems(error, Config, lines, ())) from error
    problems = twice + tuple(_cross_check(config, lines))
    if problems:
        raise ConfigError(path, problems)
    return ConfigFile(path, config, lines)


def _index(node: yaml.Node, at: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> Iterator[Problem]:
    """Note the line of every key; a key that stands twice is a problem (YAML itself takes the last)."""
    if isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            key = (*at, str(key_node.value))
            if key in lines:
                yield Problem(key=_dotted(key), message="stands twice", line=key_node.start_mark.line + 1)
            lines[key] = key_node.start_mark.line + 1
            yield from _index(value, key, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[*at, number] = value.start_mark.line + 1
            yield from _index(value, (*at, number), lines)


def _cross_check(config: Config, lines: Mapping[tuple[str | int, ...], int]) -> Iterator[Problem]:
    """What no single key can know: ids that repeat, missions that are not there, ends before starts."""
    seen: dict[str, int] = {}
    for number, source in enumerate(config.sources):
        if source.id in seen:
            message = f"{source.id!r} is the id of source {seen[source.id] + 1} already"
            yield _problem(("sources", number, "id"), message, lines)
        seen.setdefault(source.id, number)
        if source.mission is not None and source.mission not in config.missions:
            message = f"there is no mission {source.mission!r}{_nearest(source.mission, config.missions)}"
            yield _problem(("sources", number, "mission"), message, lines)
    for name, mission in config.missions.items():
        if mission.start and mission.end and mission.end < mission.start:
            yield _problem(("missions", name, "end"), "lies before the mission's start", lines)


def _problems(
    error: ValidationError,
    model: type[BaseModel],
    lines: Mapping[tuple[str | int, ...], int],
    at: tuple[str | int, ...],
) -> tuple[Problem, ...]:
    found = []
    for fault in error.errors():
        key = (*at, *(part for part in fault["loc"] if part != "[key]"))
        if fault["type"] == "extra_forbidden":
            message = f"is not a key that is known here{_nearest(str(key[-1]), _fields(model, fault['loc'][:-1]))}"
        else:
            message = words(fault)
        found.append(_problem(key, message, lines))
    return tuple(sorted(found, key=lambda problem: problem.line or 0))


def _fields(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place inside a model."""
    here: Any = model
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields:
            here = here.model_fields[str(part)].annotation
        else:
            here = next((arg for arg in get_args(here) if isinstance(arg, type) and issubclass(arg, BaseModel)), here)
        options = [arg for arg in get_args(here) if isinstance(arg, type) and issubclass(arg, BaseModel)]
        if options and not isinstance(here, type) and type(None) in get_args(here):
            here = options[0]
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return []
    hidden = {"token"}
    return [name for name in here.model_fields if name not in hidden]


def _nearest(word: str, known: Any) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(names)}" if names else ""


def _problem(key: tuple[str | int, ...], message: str, lines: Mapping[tuple[str | int, ...], int]) -> Problem:
    return Problem(key=_dotted(key), message=message, line=_line(lines, key))


def _dotted(key: tuple[str | int, ...]) -> str:
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line(lines: Mapping[tuple[str | int, ...], int], key: tuple[str | int, ...]) -> int | None:
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return None
