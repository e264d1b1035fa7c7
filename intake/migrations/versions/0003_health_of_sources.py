"""A row per visit, and what is computed from them: when a source is visited next, and how it is; messages to the operator."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from intake.database import UTCDateTime

revision = "0003"
down_revision = "0002"

NOTHING = sa.text("'{}'")
TO_OPERATOR = "null: to the operator"


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False, comment="its end"),
        sa.Column("day", sa.Date(), nullable=False, comment="of `at`, in WIB"),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False, comment="crawler.source.Status"),
        sa.Column("failure", sa.String(length=10), nullable=True, comment="intake.rhythm.Failure; null: it answered"),
        sa.Column("reason", sa.String(length=40), nullable=False, comment="of a failure: code of crawler.notes"),
        sa.Column("state", sa.String(length=12), nullable=False, comment="intake.health.State after it"),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False, comment="answers 304"),
        sa.Column("found", sa.Integer(), nullable=False, comment="items of the lists, known or not"),
        sa.Column("new", sa.Integer(), nullable=False, comment="documents we did not hold"),
        sa.Column("documents", sa.Integer(), nullable=False, comment="handed over; of these have a ..."),
        sa.Column("titles", sa.Integer(), nullable=False),
        sa.Column("dates", sa.Integer(), nullable=False),
        sa.Column("bodies", sa.Integer(), nullable=False, comment="text of their own, not the summary of a list"),
        sa.Column(
            "lost",
            sa.Integer(),
            nullable=False,
            comment="articles left out because nothing could be read in them",
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_visit_source_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index("ix_visit_source", "visit", ["source_id", "day"], unique=False)
    for column in source_columns():
        op.add_column("source", column)
    op.execute(
        "UPDATE source SET health_since = visited_at, "
        "health = CASE WHEN status IN ('ok', 'unchanged', 'empty') THEN 'well' ELSE status END"
    )
    with op.batch_alter_table("alert") as alert:
        for name in ("decision_id", "contact_id"):
            alert.alter_column(name, existing_type=sa.Integer(), nullable=True, comment=TO_OPERATOR)


def source_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            "left_out",
            sa.JSON(),
            nullable=False,
            server_default="{}",
            comment="key of an article that could not be had or read -> day of the visit",
        ),
        sa.Column(
            "pace",
            sa.Double(),
            nullable=True,
            comment="minutes between visits in force, adjusted around interval; null: interval",
        ),
        sa.Column(
            "strain",
            sa.Double(),
            nullable=False,
            server_default="0",
            comment="weight of the failures since the last answer; each whole one doubles the pause",
        ),
        sa.Column("due_at", UTCDateTime(), nullable=True, comment="next visit not before; null: at once"),
        sa.Column(
            "wait_until",
            UTCDateTime(),
            nullable=True,
            comment="the host asked to be left alone until then; it holds for every source of the host",
        ),
        sa.Column("health", sa.String(length=12), nullable=True, comment="intake.health.State; null: never visited"),
        sa.Column("health_since", UTCDateTime(), nullable=True),
        sa.Column(
            "cause",
            sa.JSON(),
            nullable=False,
            server_default=NOTHING,
            comment="what intake.bulletin says of the state",
        ),
        sa.Column(
            "expected_at",
            UTCDateTime(),
            nullable=True,
            comment="by when its weekdays let something new be expected; null: rhythm not known yet",
        ),
        sa.Column(
            "figures",
            sa.JSON(),
            nullable=False,
            server_default=NOTHING,
            comment="intake.health.Figures: what the page draws of the last 28 days",
        ),
        sa.Column("moved_to", sa.Text(), nullable=True, comment="where the address leads for good, and is read now"),
        sa.Column(
            "moved_from",
            sa.Text(),
            nullable=True,
            comment="the configured address that was given up for `url`; the province's file may still name it",
        ),
        sa.Column(
            "told",
            sa.String(length=12),
            nullable=True,
            comment="the state the operator was last told of; null: nothing bad",
        ),
        sa.Column("news_at", UTCDateTime(), nullable=True, comment="`told` changed and no message says so yet"),
    ]
