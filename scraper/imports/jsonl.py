"""Our own jsonl: a post a line, as ``docs/imports.md`` describes it."""

from __future__ import annotations

from collections.abc import Iterator

from scraper.imports.bundle import Bundle
from scraper.imports.jsonstream import values
from scraper.imports.plain import FIELDS, Plain, Wrong, nearest
from scraper.imports.records import Bad, Note, NotReadable, Record, shortened

#: names of fields that are not known, which are told
_TOLD = 20


def read(bundle: Bundle, plain: Plain) -> Iterator[Record]:
    """The posts of a file.

    Raises:
        NotReadable: PATH is no such file.
    """
    if bundle.single is None:
        raise NotReadable(f"{bundle.path} is no file; name the .jsonl file, its pictures lie beside it or in --media")
    strange: set[str] = set()
    with bundle.open(bundle.single) as file:
        for found in values(file, bundle.single):
            if isinstance(found, Bad):
                yield found
            elif not isinstance(found.value, dict):
                yield Bad(where=found.where, message=f"is {shortened(found.value)}, and an object was expected")
            else:
                for name in found.value.keys() - set(FIELDS) - strange:
                    if len(strange) < _TOLD:
                        strange.add(name)
                        yield Note(message=unknown(name, found.where))
                try:
                    yield plain.item(found.value, found.where)
                except Wrong as error:
                    yield Bad(where=found.where, message=str(error))


def unknown(name: str, where: str) -> str:
    """What is told of a field that is not known."""
    near = nearest(name)
    return f"{where}: the field {shortened(name)} is not known and not used{f'; is {near} meant?' if near else ''}"
