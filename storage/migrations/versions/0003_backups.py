"""Which backups were made, so that it can be told what still holds a post that was taken out.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.portable import INTEGER, TEXT

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the list of backups; it begins empty."""
    op.create_table(
        "backups",
        sa.Column("path", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posts", INTEGER, nullable=False),
        sa.Column("files", INTEGER, nullable=False),
        sa.Column("bytes", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_backups"),
    )
