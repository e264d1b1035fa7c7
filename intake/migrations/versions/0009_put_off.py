"""What is put off or muted is found by indexes that hold nothing else: few are, of however many wait."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.drop_index("ix_candidate_muted_by", "candidate")
    for name, column in (("ix_candidate_muted_by", "muted_by"), ("ix_candidate_snoozed", "snoozed_until")):
        aside = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "candidate", [column], sqlite_where=aside, postgresql_where=aside)
