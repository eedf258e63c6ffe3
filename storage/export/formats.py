"""What a format is, and which there are: one file ``to_<name>.py`` each in this folder, found by scanning."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection

import storage.export
from storage.errors import ExportRefused
from storage.export.items import Item
from storage.export.place import Place
from storage.export.publishable import Clearance
from storage.filters import Filters

_PREFIX = "to_"


#: makes bytes of a batch of items; asked with the transaction in which they were read. A function of a module, not one
#: made on the way: other processes look for it by its name
Encode = Callable[[Connection, list[Item]], bytes]


class Order(Enum):
    """In which order a format has its items."""

    KEY = "key"  # by source and native id: an edited date moves nothing, and every database and copy has the same one
    NEWEST = "newest"  # as `cupola query` lists them: newest first, undated last


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """A source as it was configured last."""

    id: str
    kind: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person may wish beyond the posts; a format passes over what does not concern it.

    Attributes:
        base_url: where the archive's folder can be reached on the web, with ``/`` at the end: for links to pictures.
        organisation: who hands the export on.
        date: when it is made; nothing in an export tells the time by itself.
        bom: begin text with a byte-order mark, by which some spreadsheets know UTF-8.
        records_only: the public records alone, without what makes an equal archive of them.
    """

    base_url: str | None = None
    organisation: str | None = None
    date: date | None = None
    bom: bool = False
    records_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """All that a format may know beside its place; good within ``write`` only.

    Attributes:
        batches: the items, in the format's order, some thousand at a time. Nothing is in them that may not leave.
            Either these are gone through or ``chunks``, once.
        chunks: what a function makes of each batch, in the same order; several processes may be at it, where there
            are many posts. For a format in which one batch does not need to know of another.
        connection: the transaction in which they are read, for formats that ask for more; it sees one state.
        folder: the archive's folder, with ``media/`` and ``warc/``.
        with_media: whether the pictures' bytes go along; True only for a format that can.
        private: for one's own hands: items that are not publishable are among them.
        sources: the sources of the archive by their ids, in order.
        cupola: name and version of the program.
        clearance: what the configuration keeps back, for formats that ask for more.
        filters: which posts were asked for, for formats that say so.
        wishes: what a person wishes beyond the posts.
        missing: to be added to: what should have gone along and is damaged or not there, a sentence each.
        notes: to be added to: what else a person should be told, a sentence each.
    """

    batches: Iterator[list[Item]]
    chunks: Callable[[Encode], Iterator[bytes]]
    connection: Connection
    folder: Path
    with_media: bool
    private: bool
    sources: Mapping[str, SourceFacts]
    cupola: str
    clearance: Clearance = field(default_factory=Clearance)
    filters: Filters = field(default_factory=Filters)
    wishes: Wishes = field(default_factory=Wishes)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Format(ABC):
    """One way in which posts leave the archive. It takes no clock and no chance: the same posts, the same bytes."""

    #: what the command line calls it; its module is ``to_<name>``
    name: ClassVar[str]
    #: for whom it is, in one line without a full stop
    summary: ClassVar[str]
    #: the extra that has to be installed for it: ``pip install 'cupola[extra]'``; None when nothing has
    extra: ClassVar[str | None] = None
    #: the modules that come with the extra
    modules: ClassVar[tuple[str, ...]] = ()
    #: whether pictures' bytes go along when nothing is said; None: they cannot
    media: ClassVar[bool | None] = None
    #: files that a folder of this format holds: only a folder with all of them is replaced under --force
    marks: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[Order] = Order.KEY
    #: how many of the newest posts it has when no number is given; None: all
    usual: ClassVar[int | None] = None
    #: whether it wants the labelled slices of the text
    segments: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """Whether DEST is a folder; else it is a file."""

    @abstractmethod
    def write(self, place: Place, export: Export) -> None:
        """Write all of it.

        Args:
            place: where to.
            export: what.

        Raises:
            OSError: the disk of DEST is at fault; told by who has given the place.
            StorageError: the archive cannot be read.
        """


def names() -> tuple[str, ...]:
    """The names of all formats, in alphabetical order; none is loaded for it."""
    found = (module.name for module in pkgutil.iter_modules(storage.export.__path__))
    return tuple(sorted(name.removeprefix(_PREFIX) for name in found if name.startswith(_PREFIX)))


def format_of(name: str) -> type[Format]:
    """The format of that name: the one ``Format`` in its module, which is loaded now, but nothing of its extra.

    Raises:
        LookupError: there is no such format.
        TypeError: the module does not hold exactly one that calls itself so.
    """
    if name not in names():
        raise LookupError(f"there is no format {name!r}; known are {', '.join(names())}")
    module = importlib.import_module(f"{storage.export.__name__}.{_PREFIX}{name}")
    found = [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Format) and cls.__module__ == module.__name__ and not inspect.isabstract(cls)
    ]
    if len(found) != 1 or found[0].name != name:
        raise TypeError(f"{module.__name__} should hold one format of the name {name!r}, and holds {found}")
    return found[0]


def ensure_installed(kind: type[Format]) -> None:
    """See that what a format needs is there.

    Raises:
        ExportRefused: it is not; says what to install.
    """
    if any(find_spec(module) is None for module in kind.modules):
        lacking = ", ".join(module for module in kind.modules if find_spec(module) is None)
        raise ExportRefused(
            f"the format {kind.name} needs {lacking}, which is not installed; run pip install 'cupola[{kind.extra}]'"
        )
