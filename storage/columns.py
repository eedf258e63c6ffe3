"""The column types of our own: aware times, text that every database can hold, small lists as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, DateTime, Dialect, Enum, Integer, Text
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)

# made once: ``json.dumps`` makes one for every call, a tenth of the time that a post takes
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

#: text of our own making; PostgreSQL is told to compare it by code point, as SQLite does
PLAIN_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
#: a whole number; those of SQLite have 64 bits anyway
WHOLE = Integer().with_variant(BigInteger(), "postgresql")

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE = {0: _REPLACEMENT, **dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)}


def safe(text: str) -> str:
    """``text`` as every database can hold it: NUL and lone surrogates become U+FFFD.

    SQLite refuses lone surrogates (they have no UTF-8) and PostgreSQL refuses NUL. One code point
    stands for one, so that offsets into the text stay true. The capture keeps the original bytes.
    """
    if "\0" not in text:
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.translate(_UNSTORABLE)
        return text
    return text.translate(_UNSTORABLE)


class SafeText(TypeDecorator[str]):
    """Text from outside; see ``safe`` for the one rule about what cannot be held."""

    impl = PLAIN_TEXT
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is stored."""
        return None if value is None else safe(value)


class UTCDateTime(TypeDecorator[datetime]):
    """A time: aware in, aware UTC out, whatever the database does with zones. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is stored; SQLite keeps no zone, hence always UTC.

        Raises:
            ValueError: the time is naive.
        """
        if value is None:
            return None
        offset = value.utcoffset()
        if offset is None:
            raise ValueError(f"a time without a zone is not stored: {value!r}")
        return value.astimezone(UTC) if offset != timedelta(0) else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


def _as_safe(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return {name: _as_safe(item) for name, item in value.items()}
    return [_as_safe(item) for item in value] if isinstance(value, (tuple, list)) else value


class Texts(TypeDecorator[tuple[Any, ...]]):
    """A short tuple of texts, or of pairs of texts, as a JSON array that plain SQL can read."""

    impl = PLAIN_TEXT
    cache_ok = True

    def process_bind_param(self, value: tuple[Any, ...] | None, dialect: Dialect) -> str | None:
        """JSON, in its own letters."""
        if value is None:
            return None
        return _JSON.encode(_as_safe(value)) if value else "[]"

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Any, ...] | None:
        """Tuples, as they went in."""
        if value is None:
            return None
        return () if value == "[]" else tuple(_as_tuples(json.loads(value)))


class Json(TypeDecorator[Any]):
    """A small document (texts, numbers, lists, objects) as JSON that plain SQL can read; None is NULL."""

    impl = PLAIN_TEXT
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """JSON, in its own letters."""
        return None if value is None else _JSON.encode(_as_safe(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The document: lists for tuples."""
        return None if value is None else json.loads(value)


class Counts(TypeDecorator[dict[str, int]]):
    """Numbers by name, as a JSON object that plain SQL can read."""

    impl = PLAIN_TEXT
    cache_ok = True

    def process_bind_param(self, value: dict[str, int] | None, dialect: Dialect) -> str | None:
        """JSON, in the order given."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, int] | None:
        """The numbers, as they went in."""
        return None if value is None else {str(name): int(number) for name, number in json.loads(value).items()}


def one_of(enum: type[E]) -> Enum:
    """A column that holds the values of ``enum`` as plain words; a new member needs no migration."""
    return Enum(
        enum,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )
