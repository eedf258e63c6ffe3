"""What the daemon did last, what it will do next, which daemons run, and what people were told.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.portable import INTEGER, TEXT

revision = "0004"
down_revision = "0003"

_WORD = sa.String(length=16)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the daemon's three tables; they begin empty."""
    op.create_table(
        "agenda",
        sa.Column("matter", TEXT, nullable=False),
        sa.Column("source_id", TEXT),
        sa.Column("last_started_at", _TIME),
        sa.Column("last_ended_at", _TIME),
        sa.Column("last_outcome", _WORD),
        sa.Column("succeeded_at", _TIME),
        sa.Column("next_at", _TIME),
        sa.Column("why", _WORD),
        sa.Column("failures_in_a_row", INTEGER, server_default=sa.text("0"), nullable=False),
        sa.Column("paused_since", _TIME),
        sa.Column("pause_reason", TEXT),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("matter", name="pk_agenda"),
    )
    op.create_table(
        "daemons",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("boot", TEXT, nullable=False),
        sa.Column("pid", INTEGER, nullable=False),
        sa.Column("process_start", TEXT, nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("beat_at", _TIME, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("trouble", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_daemons"),
        sa.UniqueConstraint("host", "boot", "pid", "process_start", name="uq_daemons_host_boot_pid_process_start"),
    )
    op.create_table(
        "notices",
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("told_at", _TIME, nullable=False),
        sa.Column("count", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_notices"),
    )
