"""Full-text search: the words of headlines and of what was told; and what pages of a long queue are found by."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from intake.review import search

revision = "0006"
down_revision = "0005"

BATCH = 1000
MARKED = "on PostgreSQL with the mark of the bucket of the id"
INDEXED = {"mention_words": ("mention", "mention_fts"), "headline_words": ("candidate", "headline_fts")}


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    letters = sa.String(40, collation="C") if on_postgres else sa.String(40)
    op.create_table(
        "known_word",
        sa.Column("word", letters, nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_known_word")),
    )
    for name, (of, fts) in INDEXED.items():
        op.create_table(
            name,
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("words", TSVECTOR() if on_postgres else sa.Text(), nullable=False, comment=MARKED),
            sa.ForeignKeyConstraint(["id"], [f"{of}.id"], name=op.f(f"fk_{name}_id"), ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        )
        if on_postgres:
            op.create_index(f"ix_{name}_words", name, ["words"], postgresql_using="gin")
        else:
            fts_of(name, fts)
    index_all(op.get_bind())
    op.create_index("ix_candidate_rank", "candidate", ["rank", "id"])
    op.create_index("ix_candidate_similar", "candidate", ["region", "sector", "last_told_at"])
    op.create_index("ix_alert_state", "alert", ["state"])


def fts_of(name: str, fts: str) -> None:
    """An FTS5 table that holds no texts of its own; triggers tell it of every row, whoever writes it."""
    op.execute(f"CREATE VIRTUAL TABLE {fts} USING fts5(words, content='{name}', content_rowid='id')")
    add = f"INSERT INTO {fts}(rowid, words) VALUES (new.id, new.words);"  # noqa: S608
    take = f"INSERT INTO {fts}({fts}, rowid, words) VALUES ('delete', old.id, old.words);"  # noqa: S608
    for deed, does in (("INSERT", add), ("DELETE", take), ("UPDATE", take + add)):
        op.execute(f"CREATE TRIGGER {fts}_{deed.lower()} AFTER {deed} ON {name} BEGIN {does} END")


def index_all(connection: sa.Connection) -> None:
    """The texts there are."""
    for table, index in (("mention", search.index_mentions), ("candidate", search.index_headlines)):
        for ids in batches(connection, sa.table(table, sa.column("id")).c.id):
            index(connection, ids)


def batches(connection: sa.Connection, number: sa.ColumnElement[int]) -> Iterator[list[int]]:
    last = 0
    while ids := list(connection.scalars(sa.select(number).where(number > last).order_by(number).limit(BATCH))):
        yield ids
        last = ids[-1]
