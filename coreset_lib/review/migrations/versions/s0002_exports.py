"""What was handed out: exports and the samples in them."""

import sqlalchemy as sa
from alembic import op

from coreset_lib.review.migrations.append_only import forbid_changes
from coreset_lib.review.models import BigNumber, Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of exports."""
    op.create_table(
        "exports",
        sa.Column("id", BigNumber, primary_key=True, autoincrement=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("exported_by", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("last_event", BigNumber, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "exported_labels",
        sa.Column("export_id", BigNumber, sa.ForeignKey("exports.id"), primary_key=True),
        sa.Column("sample_id", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
    )
    op.create_index("exports_of_a_dataset", "exports", ["fingerprint"])
    forbid_changes("exports", "exported_labels")
