"""Columns as JSON has them and back; what is None or empty is left out, and what does not fit its column is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Boolean, Column, Date, Float, Integer, Table
from sqlalchemy import Enum as OneOf

from storage.columns import Json, Texts, UTCDateTime, safe

#: what PostgreSQL holds in a whole number, and SQLite too
_LARGEST = 2**63 - 1
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)")


def plain(value: Any) -> Any:
    """A value of a column as JSON has it."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is datetime:
        return stamp(value)
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


def stamp(at: datetime) -> str:
    """A time to the microsecond: ISO 8601 with ``Z``."""
    return f"{at.isoformat()[:-6]}Z"


def moment(value: Any) -> datetime:
    """The time that ``stamp`` wrote.

    Raises:
        ValueError: it is none, or not in UTC.
    """
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError(f"expected a time in UTC, found {told(value)}")
    return datetime.fromisoformat(value).astimezone(UTC)


def told(value: Any) -> str:
    """A value from outside in a message: cut, so that a long one does not fill the screen."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


class Codec:
    """Some columns of a table, to and from a JSON object.

    Args:
        table: the table.
        names: of its columns, in their order in JSON.
        defaults: for columns that may not be NULL: what is not written, and is meant where nothing is said.
    """

    def __init__(self, table: Table, names: Sequence[str], defaults: Mapping[str, Any] | None = None) -> None:
        self.names = tuple(names)
        self._defaults: dict[str, Any] = {}
        self._readers: dict[str, Callable[[Any], Any]] = {}
        for name in names:
            column = table.c[name]
            self._readers[name] = _reader(column)
            if not column.nullable:
                self._defaults[name] = () if isinstance(column.type, Texts) else False
        self._defaults = {
            name: value
            for name, value in self._defaults.items()
            if value == () or isinstance(table.c[name].type, Boolean)
        } | dict(defaults or {})
        self._needed = [name for name in names if not table.c[name].nullable and name not in self._defaults]

    def encode(self, values: Sequence[Any]) -> dict[str, Any]:
        """An object of the values of a row, in the order of ``names``."""
        defaults = self._defaults
        return {
            name: plain(value)
            for name, value in zip(self.names, values, strict=True)
            if value is not None and (name not in defaults or value != defaults[name])
        }

    def decode(self, said: Any, where: str) -> dict[str, Any]:
        """The columns that an object says; names that are not known are passed over.

        Raises:
            ValueError: something is missing or is no value of its column; says which.
        """
        if not isinstance(said, dict):
            raise ValueError(f"{where}: expected an object, found {told(said)}")
        values: dict[str, Any] = {}
        for name, read in self._readers.items():
            value = said.get(name)
            if value is None:
                values[name] = self._defaults.get(name)
                continue
            try:
                values[name] = read(value)
            except (ValueError, TypeError, OverflowError) as error:
                raise ValueError(f"{where}.{name}: {error}") from error
        for name in self._needed:
            if values[name] is None:
                raise ValueError(f"{where}.{name} is missing")
        return values


def text(value: Any) -> str:
    """A text, as every database can hold it."""
    if type(value) is not str:
        raise ValueError(f"expected a text, found {told(value)}")
    return safe(value)


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    """Makes a value of the column of what JSON has; raises ValueError."""
    kind = column.type
    if isinstance(kind, OneOf):
        members = kind.enum_class
        if members is None:
            raise TypeError(f"{column} has no class of its words")
        return lambda value: members(text(value))
    if isinstance(kind, UTCDateTime):
        return moment
    if isinstance(kind, Date):
        return lambda value: date.fromisoformat(text(value))
    if isinstance(kind, Boolean):
        return _boolean
    if isinstance(kind, Float):
        return _number
    if isinstance(kind, Integer):
        return _whole
    if isinstance(kind, Texts):
        return _texts
    return document if isinstance(kind, Json) else text


def document(value: Any) -> Any:
    """A small document of JSON, its texts as every database can hold them."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return {safe(name): document(item) for name, item in value.items()}
    return [document(item) for item in value] if isinstance(value, list) else value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"expected true or false, found {told(value)}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) > _LARGEST:
        raise ValueError(f"expected a whole number, found {told(value)}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, found {told(value)}")
    return float(value)


def _texts(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {told(value)}")
    return tuple([_texts(item) if isinstance(item, list) else text(item) for item in value])
