"""Edited texts, other addresses of one publication, and where the answer a text was read from is kept."""

import sqlalchemy as sa
from alembic import op

from crawler import document_key
from crawler.identity import identity, site_of
from intake.database import UTCDateTime

revision = "0004"
down_revision = "0003"

NOTHING = sa.text("'{}'")
BATCH = 1000


def upgrade() -> None:
    for column in mention_columns():
        op.add_column("mention", column)
    op.create_index("ix_mention_site", "mention", ["site"])
    op.create_index("ix_mention_evidence", "mention", ["evidence"])
    op.create_table(
        "mention_alias",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mention_id"], ["mention.id"], name=op.f("fk_mention_alias_mention_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_mention_alias")),
    )
    op.create_index("ix_mention_alias_mention_id", "mention_alias", ["mention_id"])
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "hash",
            sa.String(length=64),
            nullable=False,
            comment="intake.revisions.hash_of: SHA-256 of title and text",
        ),
        sa.Column("seen_at", UTCDateTime(), nullable=False, comment="when this text was first seen"),
        sa.Column("evidence", sa.String(length=64), nullable=True, comment="as of the mention"),
        sa.Column("pii", sa.JSON(), nullable=False, comment="spans of `text` that are masked"),
        sa.ForeignKeyConstraint(
            ["mention_id"], ["mention.id"], name=op.f("fk_revision_mention_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.create_index("ix_revision_mention_id", "revision", ["mention_id"])
    op.create_index("ix_revision_evidence", "revision", ["evidence"])
    know_again(op.get_bind())


def mention_columns() -> list[sa.Column[object]]:
    return [
        sa.Column(
            "site",
            sa.String(length=255),
            nullable=False,
            server_default="",
            comment="crawler.identity.site_of(url): sources of one site share what is known",
        ),
        sa.Column(
            "stamps",
            sa.JSON(),
            nullable=False,
            server_default=NOTHING,
            comment="source -> Document.stamp, as last seen there; another one means an edit",
        ),
        sa.Column(
            "edit",
            sa.JSON(),
            nullable=True,
            comment="the text it has by now, until that is analysed: title, text, notes, evidence, seen_at",
        ),
        sa.Column(
            "edited_at",
            UTCDateTime(),
            nullable=True,
            comment="when this text was first seen, if it is not the first one",
        ),
        sa.Column(
            "evidence",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of the body of the answer this text was read from; see intake.evidence",
        ),
    ]


def know_again(connection: sa.Connection) -> None:
    """Give the mentions there are the keys and the site their addresses have by the rules of now, so that none comes twice."""
    mention = sa.table("mention", sa.column("id", sa.Integer), sa.column("key"), sa.column("url"), sa.column("site"))
    alias = sa.table("mention_alias", sa.column("key"), sa.column("mention_id"))
    last, taken = 0, set(connection.scalars(sa.select(mention.c.key)))
    while rows := connection.execute(
        sa.select(mention.c.id, mention.c.url).where(mention.c.id > last).order_by(mention.c.id).limit(BATCH)
    ).all():
        last = rows[-1].id
        sites, aliases = [], []
        for row in rows:
            try:
                site, key = site_of(row.url)[:255], document_key(identity(row.url))
            except ValueError:
                continue
            sites.append({"of": row.id, "is": site})
            if row.url and key not in taken:
                taken.add(key)
                aliases.append({"key": key, "mention_id": row.id})
        if sites:
            connection.execute(
                sa.update(mention).where(mention.c.id == sa.bindparam("of")).values(site=sa.bindparam("is")), sites
            )
        if aliases:
            connection.execute(sa.insert(alias), aliases)
