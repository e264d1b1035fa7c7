"""Each view knows what its owner was told of: what matches it only later is told too, once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

REACH = 20_000  # newest candidates; older ones are never told
# Of what was there before a view last told of something nobody can say what had matched it: none of that is news.
KNOWN = f"""
INSERT INTO view_told (view_id, candidate_id, danger)
SELECT saved_view.id, candidate.id, candidate.urgency IS NOT NULL AND candidate.urgency = 'U1'
FROM saved_view JOIN candidate ON candidate.id <= saved_view.alerted_id
WHERE saved_view.alerts AND candidate.id > (SELECT max(id) FROM candidate) - {REACH}
"""  # noqa: S608
RESTORED = "what undo restores: candidates -> their fields, mentions -> their candidate, suggestions it answered"


def upgrade() -> None:
    op.create_table(
        "view_told",
        sa.Column("view_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column(
            "danger",
            sa.Boolean(),
            nullable=False,
            comment="as one to life (U1); one that becomes it later is told of once more",
        ),
        sa.ForeignKeyConstraint(["view_id"], ["saved_view.id"], name="fk_view_told_view_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name="fk_view_told_candidate_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("view_id", "candidate_id", name=op.f("pk_view_told")),
    )
    op.create_index("ix_view_told_candidate_id", "view_told", ["candidate_id"])
    op.execute(KNOWN)
    op.drop_column("saved_view", "alerted_id")
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("decision", "before", comment=RESTORED)
