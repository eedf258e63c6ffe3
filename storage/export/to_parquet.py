"""Parquet: one typed table for pandas, DuckDB, R and Spark; lists and pictures are nested columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection

from storage.export.formats import Export, Format
from storage.export.items import NAMES, Item, Picture
from storage.export.place import Place

if TYPE_CHECKING:
    import pyarrow

#: batches that make one row group: some ten thousand posts, what readers skip or take at once
GROUP = 10
_TIMES = frozenset({"published_at", "edited_at", "first_seen_at", "gone_at", "fetched_at"})
_LISTS = frozenset({"hashtags", "corrected", "tags", "incomplete"})
_WHOLE = {"rating": "int8", "image_count": "int32", "run": "int64", "position": "int32", "bytes": "int64"}
_WHOLE |= {"width": "int32", "height": "int32", "start": "int32", "end": "int32"}
_YES_NO = frozenset({"needs_review", "publishable"})
_SLICE = ("lang", "start", "end")
_ABOUT = {
    "title": "Posts of an archive of what space missions publish, one row a post",
    "rights": "As each source states them, row by row: credit, license, license_url; null where nothing was stated."
    " publishable = false means that a row may not be passed on, withheld says why.",
    "times": "UTC. published_at is midnight where published_precision is day, and null where nothing says when.",
    "names": "Those of the view archive_posts; the archive's documentation (docs/export.md) explains each.",
}


class ParquetFormat(Format):
    """One typed table in one file."""

    name: ClassVar[str] = "parquet"
    summary: ClassVar[str] = "a typed table for pandas, DuckDB, R and Spark"
    extra: ClassVar[str | None] = "parquet"
    modules: ClassVar[tuple[str, ...]] = ("pyarrow",)
    segments: ClassVar[bool] = True

    @classmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """Always one file."""
        return False

    def write(self, place: Place, export: Export) -> None:
        """Write the table, a row group for every ``GROUP`` batches."""
        import pyarrow
        from pyarrow import parquet

        shape = schema().with_metadata(_ABOUT | {"made_by": export.cupola, "private": str(export.private).lower()})
        with parquet.ParquetWriter(place.file, shape, compression="zstd", compression_level=1) as writer:
            chunks = export.chunks(encode)
            while group := [_decoded(chunk) for chunk in itertools.islice(chunks, GROUP)]:
                whole = pyarrow.Table.from_batches(group).cast(shape)
                writer.write_table(whole, row_group_size=whole.num_rows)


def encode(_connection: Connection, items: list[Item]) -> bytes:
    """A batch in Arrow's own format, whole with its schema."""
    import pyarrow

    shape = schema()
    columns = list(zip(*items, strict=True))
    batch = pyarrow.record_batch([_column(field, columns[at]) for at, field in enumerate(shape)], schema=shape)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, shape) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def schema() -> pyarrow.Schema:
    """The columns and their types."""
    import pyarrow

    slices = pyarrow.struct([_field(name) for name in _SLICE])
    pictures = pyarrow.struct([_field(name) for name in Picture._fields])
    nested = {"segments": pyarrow.list_(slices), "media": pyarrow.list_(pictures)}
    return pyarrow.schema([pyarrow.field(name, nested[name]) if name in nested else _field(name) for name in NAMES])


def _field(name: str) -> pyarrow.Field:
    import pyarrow

    if name in _TIMES:
        kind = pyarrow.timestamp("s", "UTC")
    elif name in _LISTS:
        kind = pyarrow.list_(pyarrow.string())
    elif name in _YES_NO:
        kind = pyarrow.bool_()
    elif name in _WHOLE:
        kind = getattr(pyarrow, _WHOLE[name])()
    else:
        kind = pyarrow.string()
    return pyarrow.field(name, kind)


def _decoded(chunk: bytes) -> pyarrow.RecordBatch:
    import pyarrow

    return pyarrow.ipc.open_stream(chunk).read_next_batch()


def _column(field: pyarrow.Field, values: Sequence[Any]) -> pyarrow.Array:
    import pyarrow

    if pyarrow.types.is_timestamp(field.type):
        return _times(values)
    if not pyarrow.types.is_list(field.type):
        return pyarrow.array(values, field.type)
    offsets = pyarrow.array([0, *itertools.accumulate(map(len, values))], pyarrow.int32())
    flat = list(itertools.chain.from_iterable(values))
    return pyarrow.ListArray.from_arrays(offsets, _flat(field.type.value_type, flat))


def _flat(kind: pyarrow.DataType, values: Iterable[Any]) -> pyarrow.Array:
    import pyarrow

    if not pyarrow.types.is_struct(kind):
        return pyarrow.array(values, kind)
    parts = list(zip(*values, strict=True)) or [()] * kind.num_fields
    children = [pyarrow.array(part, kind[at].type) for at, part in enumerate(parts)]
    return pyarrow.StructArray.from_arrays(children, fields=list(kind))


def _times(values: Sequence[str | None]) -> pyarrow.Array:
    """Texts such as ``2016-12-03T18:40:00Z`` and ``2016-12-03``, which is its midnight."""
    import pyarrow
    from pyarrow import compute

    plain = compute.utf8_rtrim(pyarrow.array(values, pyarrow.string()), characters="Z")
    return plain.cast(pyarrow.timestamp("s")).cast(pyarrow.int64()).cast(pyarrow.timestamp("s", "UTC"))
