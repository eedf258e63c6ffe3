"""More views: captions, hashtags, tags, runs, failures, decisions and revisions, for who asks in SQL.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

from storage.migrations.more_views import MORE_VIEWS

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the views; no table changes."""
    for view in MORE_VIEWS:
        op.execute(view(op.get_context().dialect.name))
