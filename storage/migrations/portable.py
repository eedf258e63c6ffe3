"""The column types of the schema's history, which mean the same on SQLite and on PostgreSQL and never change.

Text on PostgreSQL is compared by code point (collation ``C``), as SQLite does, whatever the server's language:
the same order, the same ranges, the same keys. Whole numbers there have 64 bits, as SQLite's have.
"""

import sqlalchemy as sa

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def stamp(dialect: str, column: str) -> str:
    """A time as ISO 8601 in UTC with ``Z``, for a view."""
    if dialect == "postgresql":
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') COLLATE "C\""""
    return f"substr({column}, 1, 10) || 'T' || substr({column}, 12, 8) || 'Z'"


def day(dialect: str, column: str) -> str:
    """The day of a time in UTC, for a view."""
    if dialect == "postgresql":
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD') COLLATE "C\""""
    return f"substr({column}, 1, 10)"
