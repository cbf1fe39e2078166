"""Events, roles and rules, none of which can ever be changed or deleted."""

import sqlalchemy as sa
from alembic import op

from coreset_lib.review.migrations.append_only import forbid_changes
from coreset_lib.review.models import BigNumber, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of decisions."""
    op.create_table(
        "events",
        sa.Column("id", BigNumber, primary_key=True, autoincrement=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("sample_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("old_label", sa.Text, nullable=False),
        sa.Column("new_label", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("confidence", sa.Integer),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("target", BigNumber),
        sa.Column("previous", BigNumber, nullable=False),
        sa.Column("token", sa.Text, unique=True),
        sa.Column("decided", sa.Text, nullable=False),
        sa.UniqueConstraint("fingerprint", "sample_id", "previous", name="one_after_the_other"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "grants",
        sa.Column("id", BigNumber, primary_key=True, autoincrement=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rules",
        sa.Column("id", BigNumber, primary_key=True, autoincrement=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("second_reading", sa.Text, nullable=False),
        sa.Column("budget", sa.Integer),
        sa.Column("set_by", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    forbid_changes("events", "grants", "rules")
