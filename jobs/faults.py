"""What pydantic finds wrong with a value, in the words of somebody who edits a file and knows no Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scraper.masking import shown
from storage.settings import masked

#: by the type of the fault, or by the part of it before the underscore; {limits} are pydantic's own
#: https://docs.pydantic.dev/latest/errors/validation_errors/
_EXPECTED = {
    "bool": "expected true or false",
    "date": "expected a day such as 2016-11-17",
    "dict": "expected keys with values below it",
    "float": "expected a number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "int": "expected a whole number",
    "less_than_equal": "expected at most {le}",
    "list": "expected a list, such as [one, two]",
    "model": "expected keys with values below it",
    "path": "expected the path of a folder",
    "string": "expected text; put it into quotes",
    "string_too_short": "expected at least {min_length} characters",
    "tuple": "expected a list, such as [one, two]",
}

#: user and password before the host of an address, which are no more to be told than a token
_PASSWORD = re.compile(r"[^/@:\s'\"]*:[^/@\s]*@")


def words(fault: Mapping[str, Any]) -> str:
    """One of ``ValidationError.errors()`` as a sentence: what was expected, and what the file says."""
    kind, value = fault["type"], fault["input"]
    if kind == "missing":
        return "is missing"
    if kind != "value_error" and value is None:
        return "is empty; give it a value, or remove its line"
    expected = _EXPECTED.get(kind) or _EXPECTED.get(kind.partition("_")[0])
    message = expected.format(**fault.get("ctx", {})) if expected else fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return message if isinstance(value, dict | list) else f"{message} (it says {_as_written(value)})"


def _as_written(value: object) -> str:
    """A scalar as it stands in YAML, more or less."""
    if isinstance(value, bool):
        return str(value).lower()
    return (
        "nothing"
        if value is None
        else _PASSWORD.sub("***@", masked(repr(shown(value) if isinstance(value, str) else value)))
    )
