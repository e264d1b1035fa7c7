"""The review queue, casework and people: leases, views, case events, referrals, remits; the audit log is chained."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from intake.database import UTCDateTime

revision = "0005"
down_revision = "0004"

NOTHING, NONE = sa.text("'{}'"), sa.text("'[]'")
OUTSIDE, INSUFFICIENT = (
    ("outside_riau", "outside_authority"),
    ("too_vague",),
)  # the rest of the old reasons: not relevant


def upgrade() -> None:
    new_tables()
    new_columns()
    states()
    chain(op.get_bind())
    append_only(op.get_bind())
    scopes(op.get_bind())
    comments(op.get_bind())


def new_tables() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "handled_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(length=20), nullable=False, comment="lapor | simpel | agency"),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("agency_id", sa.String(length=60), nullable=True),
        sa.Column("region", sa.String(length=13), nullable=True),
        sa.Column("sector", sa.String(length=3), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False, comment="without personal data"),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_handled_record_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handled_record")),
        sa.UniqueConstraint("system", "number", name=op.f("uq_handled_record_system_number")),
    )
    op.create_index("ix_handled_record_about", "handled_record", ["region", "sector", "at"])
    op.create_table(
        "cover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False, comment="on leave"),
        sa.Column("cover_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["cover_id"], ["person.id"], name=op.f("fk_cover_cover_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_cover_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover")),
    )
    op.create_index("ix_cover_cover_id", "cover", ["cover_id"])
    op.create_index("ix_cover_person_id", "cover", ["person_id"])
    op.create_table(
        "idempotent_call",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("call_hash", sa.String(length=64), nullable=False, comment="SHA-256 of method, path and body"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_idempotent_call_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotent_call")),
    )
    op.create_index("ix_idempotent_call_at", "idempotent_call", ["at"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_invitation_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitation_secret_hash")),
    )
    op.create_index("ix_invitation_person_id", "invitation", ["person_id"])
    op.create_table(
        "mute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sector", sa.String(length=3), nullable=True),
        sa.Column("region", sa.String(length=13), nullable=True),
        sa.Column("agency_id", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True, comment="ended by a person before its time"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_mute_agency_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mute_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mute")),
    )
    op.create_table(
        "remit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.String(length=60), nullable=True, comment="null: any"),
        sa.Column("region", sa.String(length=13), nullable=True, comment="null: any"),
        sa.Column("bounds", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_remit_agency_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_remit_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remit")),
    )
    op.create_index("ix_remit_person_id", "remit", ["person_id"])
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "shared", sa.Boolean(), nullable=False, comment="everybody who may read the queue sees it, each their part"
        ),
        sa.Column("filters", sa.JSON(), nullable=False, comment="intake.review.queue.Filters"),
        sa.Column(
            "feed_hash",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of the secret in the address of its feed; null: it has none",
        ),
        sa.Column("alerts", sa.Boolean(), nullable=False, comment="its owner is told of what is new in it"),
        sa.Column("alerted_id", sa.Integer(), nullable=False, comment="highest candidate that was told of"),
        sa.Column("alerted_at", UTCDateTime(), nullable=True, comment="when it was last told of something"),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_view_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("feed_hash", name=op.f("uq_saved_view_feed_hash")),
    )
    op.create_index("ix_saved_view_person_id", "saved_view", ["person_id"])
    op.create_table(
        "lease",
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "token",
            sa.Integer(),
            nullable=False,
            comment="fencing token: raised each time somebody takes the candidate",
        ),
        sa.Column("taken_at", UTCDateTime(), nullable=False),
        sa.Column(
            "until", UTCDateTime(), nullable=False, comment="renewed by activity; in the past: nobody has it open"
        ),
        sa.Column("taken_from", sa.Integer(), nullable=True, comment="whose live lease was taken over: they are told"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_lease_candidate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_lease_person_id")),
        sa.ForeignKeyConstraint(["taken_from"], ["person.id"], name=op.f("fk_lease_taken_from")),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_lease")),
    )
    op.create_index("ix_lease_person", "lease", ["person_id", "until"])
    op.create_table(
        "reporter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("prior_complaint", sa.Text(), nullable=False, comment="where and when it was raised with the agency"),
        sa.Column("person_id", sa.Integer(), nullable=False, comment="who wrote it down"),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_reporter_candidate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reporter_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reporter")),
        sa.UniqueConstraint("candidate_id", name=op.f("uq_reporter_candidate_id")),
    )
    op.create_table(
        "suggestion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False, comment="the older one"),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False, comment="intake.review.cluster.Verdict.reasons"),
        sa.Column("state", sa.String(length=6), nullable=False, comment="open | joined | apart: a person said so"),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["first_id"], ["candidate.id"], name=op.f("fk_suggestion_first_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_suggestion_person_id")),
        sa.ForeignKeyConstraint(["second_id"], ["candidate.id"], name=op.f("fk_suggestion_second_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_suggestion_first_id_second_id")),
    )
    op.create_index("ix_suggestion_first_id", "suggestion", ["first_id"])
    op.create_index("ix_suggestion_second_id", "suggestion", ["second_id"])
    op.create_table(
        "decision_touch",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_decision_touch_candidate_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_decision_touch_decision_id")),
        sa.PrimaryKeyConstraint("decision_id", "candidate_id", name=op.f("pk_decision_touch")),
    )
    op.create_index("ix_decision_touch_candidate_id", "decision_touch", ["candidate_id"])
    op.create_table(
        "referral",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.String(length=60), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False, comment="what the agency is asked, in formal Indonesian"),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False, comment="its link says no more after that"),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_referral_agency_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_referral_case_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["agency_contact.id"], name=op.f("fk_referral_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    op.create_index("ix_referral_agency_id", "referral", ["agency_id"])
    op.create_index("ix_referral_case_id", "referral", ["case_id"])
    op.create_table(
        "case_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("referral_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.String(length=16),
            nullable=False,
            comment="opened | track | referred | acknowledged | answered | not_ours | asked | progress | paused | resumed | "
            "note | revoked | closed | reopened | withdrawn",
        ),
        sa.Column(
            "person_id",
            sa.Integer(),
            nullable=True,
            comment="null: the focal point, by the link of the referral, or the program",
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_case_event_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_case_event_person_id")),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_case_event_referral_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
    )
    op.create_index("ix_case_event_case_id", "case_event", ["case_id"])


def new_columns() -> None:
    """References are added by hand: SQLite takes them with a column, and would else rebuild the table."""
    for table, column, other in (
        ("candidate", "muted_by", "mute"),
        ("alert", "person_id", "person"),
        ("alert", "referral_id", "referral"),
    ):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT fk_{table}_{column} REFERENCES {other} (id)"
        )
    for table, columns in columns_of().items():
        for added in columns:
            op.add_column(table, added)
    op.create_index("ix_mention_band_mention_id", "mention_band", ["mention_id"])
    op.create_index("ix_candidate_duplicate_of", "candidate", ["duplicate_of"])
    op.create_index("ix_candidate_muted_by", "candidate", ["muted_by"])
    for name, column in (("agency", "agency_id"), ("region", "region"), ("sector", "sector"), ("urgency", "urgency")):
        op.create_index(f"ix_candidate_queue_{name}", "candidate", [column, "state", "rank", "id"])
    op.create_index("ix_decision_batch", "decision", ["batch"])
    op.create_index("ix_decision_person", "decision", ["person_id", "at"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def columns_of() -> dict[str, list[sa.Column[Any]]]:
    return {
        "candidate": [
            sa.Column("corrections", sa.JSON(), nullable=False, server_default=NOTHING),
            sa.Column("snoozed_until", UTCDateTime(), nullable=True),
        ],
        "decision": [
            sa.Column("changes", sa.JSON(), nullable=False, server_default=NOTHING),
            sa.Column("batch", sa.String(length=32), nullable=True),
            sa.Column("seconds", sa.Integer(), nullable=True),
        ],
        "case_file": [sa.Column("version", sa.Integer(), nullable=False, server_default="1")],
        "person": [
            sa.Column("daily_minutes", sa.Integer(), nullable=False, server_default="30"),
            sa.Column("address", sa.Text(), nullable=True),
            sa.Column("totp", sa.String(length=64), nullable=True),
            sa.Column("totp_used", sa.BigInteger(), nullable=True),
            sa.Column("recovery", sa.JSON(), nullable=False, server_default=NONE),
        ],
        "sign_in": [
            sa.Column("label", sa.String(length=120), nullable=False, server_default=""),
            sa.Column("scopes", sa.JSON(), nullable=False, server_default=NONE),
            sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.true()),
            sa.Column("expires_at", UTCDateTime(), nullable=True),
        ],
        "audit": [
            sa.Column("place", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("hash", sa.String(length=64), nullable=False, server_default=""),
        ],
    }


def states() -> None:
    """Rejected becomes one of three states by its reason. What was watched is a case on the track of that name."""
    op.execute("INSERT INTO decision_touch (decision_id, candidate_id) SELECT id, candidate_id FROM decision")
    decision = sa.table("decision", *map(sa.column, ("id", "candidate_id", "action", "reason", "track")))
    candidate = sa.table("candidate", *map(sa.column, ("id", "state", "agency_id", "last_told_at")))
    action = sa.case(
        (decision.c.reason.in_(OUTSIDE), "outside"),
        (decision.c.reason.in_(INSUFFICIENT), "insufficient"),
        else_="not_relevant",
    )
    reason = (
        sa.select(decision.c.reason)
        .where(decision.c.candidate_id == candidate.c.id, decision.c.action == "reject")
        .order_by(decision.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    state = sa.case((reason.in_(OUTSIDE), "outside"), (reason.in_(INSUFFICIENT), "insufficient"), else_="not_relevant")
    op.execute(candidate.update().where(candidate.c.state == "rejected").values(state=state))
    op.execute(decision.update().where(decision.c.action == "reject").values(action=action))
    op.execute(decision.update().where(decision.c.action == "watch").values(action="accept", track="watch"))
    watched(op.get_bind(), candidate)
    restored(op.get_bind())


def watched(connection: sa.Connection, candidate: sa.TableClause) -> None:
    """The decisions before stay undoable: what they restore is named by its new state."""
    cases = sa.table(
        "case_file",
        *map(sa.column, ("number", "candidate_id", "track", "agency_id", "state")),
        sa.column("opened_at", UTCDateTime()),
    )
    at = datetime.now(UTC)
    last = connection.scalar(sa.select(sa.func.max(cases.c.number)).where(cases.c.number.startswith(f"{at.year}-")))
    number = int(last.split("-")[1]) if last else 0
    for row in connection.execute(candidate.select().where(candidate.c.state == "watched")).all():
        known = cases.c.candidate_id == row.id
        if connection.scalar(sa.select(sa.func.count()).select_from(cases).where(known)):
            connection.execute(cases.update().where(known).values(track="watch", state="open"))
        else:
            number += 1
            of = {
                "candidate_id": row.id,
                "track": "watch",
                "agency_id": row.agency_id,
                "state": "open",
                "opened_at": at,
            }
            connection.execute(cases.insert().values(number=f"{at.year}-{number:04}", **of))
    connection.execute(candidate.update().where(candidate.c.state == "watched").values(state="accepted"))


def chain(connection: sa.Connection) -> None:
    """Chain the rows there are, in their order."""
    audit = sa.table(
        "audit",
        *map(sa.column, ("id", "person_id", "action", "subject", "place", "hash")),
        sa.column("at", UTCDateTime()),
        sa.column("detail", sa.JSON()),
    )
    before, place = "", 0
    for row in connection.execute(audit.select().order_by(audit.c.id)).all():
        place += 1
        said = [before, place, row.at.astimezone(UTC).isoformat(), row.person_id, row.action, row.subject, row.detail]
        before = hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        connection.execute(audit.update().where(audit.c.id == row.id).values(place=place, hash=before))
    op.create_index("ix_audit_place", "audit", ["place"], unique=True)
    head = sa.table("audit_head", *map(sa.column, ("id", "count", "hash")))
    connection.execute(head.insert().values(id=1, count=place, hash=before))


def append_only(connection: sa.Connection) -> None:
    """The database itself refuses to change a row of the audit log, or to delete one."""
    if connection.dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{deed.lower()} BEFORE {deed} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )


def scopes(connection: sa.Connection) -> None:
    """Tokens there are may do what the API could until now."""
    sign_in = sa.table("sign_in", sa.column("kind"), sa.column("scopes", sa.JSON()))
    could = ["read:queue", "write:decisions", "read:sources"]
    connection.execute(sign_in.update().where(sign_in.c.kind == "token").values(scopes=could))


def restored(connection: sa.Connection) -> None:
    """What undo restores, by candidate. To be watched was to wait."""
    decision = sa.table("decision", sa.column("id"), sa.column("candidate_id"), sa.column("before", sa.JSON()))
    for row in connection.execute(decision.select()).all():
        if "state" in row.before:
            state = "candidate" if row.before["state"] == "watched" else row.before["state"]
            before = {"candidates": {str(row.candidate_id): row.before | {"state": state}}, "mentions": {}}
            connection.execute(decision.update().where(decision.c.id == row.id).values(before=before))
    brought(connection)


def brought(connection: sa.Connection) -> None:
    """A text that was brought can be taken back too: it is free again, and a candidate it was alone in is closed."""
    decision = sa.table("decision", *map(sa.column, ("id", "candidate_id", "action")), *JSON_OF_DECISION)
    candidate = sa.table("candidate", sa.column("id"), sa.column("mention_count"))
    alone = sa.select(decision, candidate.c.mention_count == 1).join(
        candidate, candidate.c.id == decision.c.candidate_id
    )
    for number, candidate_id, _, before, _, made in connection.execute(alone.where(decision.c.action == "bring")).all():
        fields = {"state": "not_relevant"} if made else {}
        restored = {"candidates": {str(candidate_id): fields}, "mentions": {str(before["mention"]): [None, None]}}
        changes = {"into": candidate_id} if made else {}
        its = decision.c.id == number
        connection.execute(decision.update().where(its).values(before=restored, changes=changes))


def comments(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        for table, told in COMMENTS.items():
            for name, comment in told.items():
                op.execute(f"COMMENT ON COLUMN {table}.{name} IS '{comment.replace(chr(39), chr(39) * 2)}'")


JSON_OF_DECISION = (sa.column("before", sa.JSON()), sa.column("changes", sa.JSON()))
COMMENTS = {
    "alert": {
        "decision_id": "of what it tells, if any",
        "contact_id": "null: to `person_id`, or to the operator",
        "person_id": "of an alert of a saved view",
        "referral_id": "its signed link is made when the message is sent",
    },
    "audit": {"place": "in the chain: 1, 2, 3 without a gap", "hash": "SHA-256 of the hash before it and of this row"},
    "candidate": {
        "duplicate_of": "of a duplicate: where its mentions went",
        "corrections": "CORRECTABLE -> what a person put in its place; stands above every guess",
        "snoozed_until": "not in the queue until then",
        "muted_by": "not in the queue as long as that lasts",
    },
    "case_file": {
        "state": "open | closed | withdrawn (its decision was undone)",
        "version": "raised by every event; an act names the version it saw",
    },
    "decision": {
        "action": "accept | not_relevant | outside | insufficient | duplicate | split | "
        "correct | snooze | reopen | bring | undo",
        "reason": "of a closing action: see REASONS",
        "changes": "of a correct: field -> [old, new]; of a snooze: until; of a split: mentions, into",
        "before": "what undo restores: candidates -> their fields, mentions -> their candidate",
        "batch": "decisions that were made at once, and are undone at once",
        "seconds": "from taking the lease to deciding; shown to the person alone",
    },
    "person": {
        "daily_minutes": "what a day's queue is cut to",
        "address": "where alerts of their saved views go: an Apprise address",
        "totp": "secret of the second factor; null: none",
        "totp_used": "the last time step a code was taken of: none twice",
        "recovery": "SHA-256 of recovery codes not used yet",
    },
    "sign_in": {
        "label": "the browser of a session, the use of a token",
        "scopes": "of a token: intake.people.access.SCOPES",
        "second_factor": "false: a session that still owes its code",
        "expires_at": "of a token; null: never",
    },
}
