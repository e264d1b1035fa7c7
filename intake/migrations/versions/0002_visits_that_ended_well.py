"""Until when a source was read completely, so that a visit that broke off is not taken for the whole."""

import sqlalchemy as sa
from alembic import op

from intake.database import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "source",
        sa.Column(
            "complete_at",
            UTCDateTime(),
            nullable=True,
            comment="end of the last visit that left nothing to ask for; what was fetched until then is taken as read",
        ),
    )
