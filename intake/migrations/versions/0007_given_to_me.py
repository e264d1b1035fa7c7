"""The index of the queue knows agency and region: what was given to somebody is told from it without reading each candidate."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.drop_index("ix_candidate_queue", "candidate")
    op.create_index("ix_candidate_queue", "candidate", ["state", "rank", "id", "agency_id", "region"])
