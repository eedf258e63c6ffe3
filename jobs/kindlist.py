"""The kinds of source in words: what each reads, what it needs, which options it takes; as the kinds say it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from scraper.capture import Access
from scraper.registry import kinds
from scraper.source import Source

#: options that hold a secret, which no file holds, and those that every kind takes
_SECRET = frozenset({"token", "key"})
_OF_ALL = ("url", "token_env", "ignore_opt_outs")
_BOUND = {Access.PAGE: "robots.txt and the site's terms", Access.API: "the terms and limits of the API"}


def told(width: int = 80) -> Iterator[str]:
    """A paragraph for each kind, in alphabetical order, then what every kind takes."""
    for name, kind in kinds().items():
        yield "\n".join([name, *_lines(kind, width)])
    fields = next(iter(kinds().values())).options_type.model_fields
    rows = [("every kind", f"{option}: {fields[option].description or ''}".rstrip(": ")) for option in _OF_ALL]
    yield "\n".join(line for label, text in rows for line in _row(label, text, width))


def _lines(kind: type[Source[Any]], width: int) -> Iterator[str]:
    yield from textwrap.wrap(kind.summary, width, initial_indent="  ", subsequent_indent="  ")
    yield from _row("for example", kind.example, width)
    own = {
        field.alias or option: field
        for option, field in kind.options_type.model_fields.items()
        if option not in _OF_ALL and option not in _SECRET
    }
    needed = ["url", *(option for option, field in own.items() if field.is_required())]
    yield from _row("needs", ", ".join(needed), width)
    for option, field in own.items():
        yield from _row("option", f"{option}: {_described(field)}".rstrip(": "), width)
    yield from _row("pictures", f"bound by {_BOUND[kind.media_access]}", width)


def _described(field: FieldInfo) -> str:
    said = field.description or ""
    default = "" if field.is_required() or field.default in (None, (), False, 0) else _written(field.default)
    return f"{said} ({default} if not given)".strip() if default else said


def _written(value: object) -> str:
    return (
        ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower() if value is True else str(value)
    )


def _row(label: str, text: str, width: int) -> list[str]:
    indent = " " * 15
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"  {label:<13}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
