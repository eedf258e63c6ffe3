"""What the tables are declared on: which type a Python type becomes, and how constraints are named.

Apart from ``storage.columns``, because the ORM takes 0.1 s to load, which reading does not need.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from scraper.capture import Access
from scraper.model import DateOrigin, Lang, MediaKind, MediaState, Precision
from storage.columns import WHOLE, Counts, SafeText, Texts, UTCDateTime, one_of
from storage.states import Act, Because, Ending, Part, RunStatus, Stage, Verdict, Why


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way of configuring; read once
        str: SafeText,
        int: WHOLE,
        datetime: UTCDateTime,
        tuple[Any, ...]: Texts,
        dict[str, int]: Counts,
        RunStatus: one_of(RunStatus),
        Stage: one_of(Stage),
        Part: one_of(Part),
        Why: one_of(Why),
        Verdict: one_of(Verdict),
        Act: one_of(Act),
        Ending: one_of(Ending),
        Because: one_of(Because),
        Lang: one_of(Lang),
        Precision: one_of(Precision),
        DateOrigin: one_of(DateOrigin),
        MediaKind: one_of(MediaKind),
        MediaState: one_of(MediaState),
        Access: one_of(Access),
    }
