"""The first shape of the database."""

import sqlalchemy as sa
from alembic import op

from intake.database import UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=True, comment="kind of agency: DPUPR, PLN, RSUD ..."),
        sa.Column("level", sa.String(length=20), nullable=True),
        sa.Column("region", sa.String(length=13), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_address"), "sign_in_attempt", ["address"], unique=False)
    op.create_index(op.f("ix_sign_in_attempt_name"), "sign_in_attempt", ["name"], unique=False)
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("adapter", sa.String(length=40), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "region", sa.String(length=13), nullable=True, comment="home region: a hint for texts that name no place"
        ),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="article | post"),
        sa.Column("interval", sa.Integer(), nullable=False, comment="minutes between visits"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "probed",
            sa.Boolean(),
            nullable=False,
            comment="false: the address is a guess; visited only once a check answers",
        ),
        sa.Column("options", sa.JSON(), nullable=False, comment="the adapter's own: selectors, tags"),
        sa.Column("validators", sa.JSON(), nullable=False, comment="url -> {etag, last_modified} for conditional GET"),
        sa.Column(
            "status",
            sa.String(length=20),
            nullable=True,
            comment="crawler.source.Status of the last visit; null: never visited",
        ),
        sa.Column(
            "visited_at",
            UTCDateTime(),
            nullable=True,
            comment="end of the last visit, whatever came of it",
        ),
        sa.Column(
            "success_at",
            UTCDateTime(),
            nullable=True,
            comment="last visit that was ok, unchanged or empty",
        ),
        sa.Column(
            "new_at",
            UTCDateTime(),
            nullable=True,
            comment="last time a Document we did not hold arrived",
        ),
        sa.Column("requests", sa.Integer(), nullable=False, comment="of the last visit"),
        sa.Column("documents", sa.Integer(), nullable=False, comment="of the last visit, new or not"),
        sa.Column(
            "notes", sa.JSON(), nullable=False, comment="crawler.source.Note rows of the last visit: code, message, url"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
    )
    op.create_table(
        "agency_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("position", sa.String(length=120), nullable=False),
        sa.Column(
            "address", sa.Text(), nullable=False, comment="an Apprise address; 'console://' prints to the service log"
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agency_contact_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_contact")),
    )
    op.create_index(op.f("ix_agency_contact_agency_id"), "agency_contact", ["agency_id"], unique=False)
    op.create_table(
        "candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="raised by every edit; an edit names the version it saw"
        ),
        sa.Column("rank", sa.Double(), nullable=False, comment="harm x certainty x freshness x voices; queue.rank()"),
        sa.Column(
            "headline",
            sa.Text(),
            nullable=False,
            comment="title of the best article, or the first words of the best post, masked",
        ),
        sa.Column("sector", sa.String(length=3), nullable=True),
        sa.Column("form", sa.String(length=4), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=True, comment="kind of agency"),
        sa.Column("agency_id", sa.String(length=60), nullable=True),
        sa.Column("agency_reason", sa.Text(), nullable=False, comment="why this agency, in words"),
        sa.Column("place", sa.String(length=7), nullable=False),
        sa.Column("region", sa.String(length=13), nullable=True, comment="regency or city; null: unknown"),
        sa.Column("district", sa.String(length=13), nullable=True),
        sa.Column("urgency", sa.String(length=2), nullable=True),
        sa.Column("p_failure", sa.Double(), nullable=False, comment="highest of its mentions"),
        sa.Column("mention_count", sa.Integer(), nullable=False),
        sa.Column("voice_count", sa.Integer(), nullable=False, comment="independent voices: near-copies count once"),
        sa.Column("source_count", sa.Integer(), nullable=False),
        sa.Column("first_told_at", UTCDateTime(), nullable=False),
        sa.Column("last_told_at", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("duplicate_of", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_candidate_agency_id")),
        sa.ForeignKeyConstraint(["duplicate_of"], ["candidate.id"], name=op.f("fk_candidate_duplicate_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate")),
    )
    op.create_index("ix_candidate_event", "candidate", ["sector", "last_told_at"], unique=False)
    op.create_index("ix_candidate_queue", "candidate", ["state", "rank", "id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("agency_id", sa.String(length=60), nullable=True, comment="of a focal point"),
        sa.Column("password", sa.Text(), nullable=False, comment="Argon2id hash"),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_person_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("name", name=op.f("uq_person_name")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True, comment="null: the command line or the program"),
        sa.Column(
            "action",
            sa.String(length=40),
            nullable=False,
            comment="decision.accept, sign_in, user.add, alert.sent, pii.unmask ...",
        ),
        sa.Column("subject", sa.String(length=80), nullable=False, comment="candidate:12, person:3 ..."),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_audit_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "case_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False, comment="2026-0001, by year of opening in WIB"),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("track", sa.String(length=12), nullable=False),
        sa.Column("agency_id", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False, comment="open | withdrawn (its decision was undone)"),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_case_file_agency_id")),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_case_file_candidate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_file")),
        sa.UniqueConstraint("candidate_id", name=op.f("uq_case_file_candidate_id")),
        sa.UniqueConstraint("number", name=op.f("uq_case_file_number")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False, comment="accept | reject | duplicate | watch | undo"),
        sa.Column("track", sa.String(length=12), nullable=True, comment="of an accept: see TRACKS"),
        sa.Column("reason", sa.String(length=24), nullable=True, comment="of a reject: see REASONS"),
        sa.Column("duplicate_of", sa.Integer(), nullable=True, comment="of a duplicate"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False, comment="what undo restores"),
        sa.Column("undoes", sa.Integer(), nullable=True, comment="of an undo: the decision taken back"),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_decision_candidate_id")),
        sa.ForeignKeyConstraint(["duplicate_of"], ["candidate.id"], name=op.f("fk_decision_duplicate_of")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_decision_person_id")),
        sa.ForeignKeyConstraint(["undoes"], ["decision.id"], name=op.f("fk_decision_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("undoes", name=op.f("uq_decision_undoes")),
    )
    op.create_index(op.f("ix_decision_candidate_id"), "decision", ["candidate_id"], unique=False)
    op.create_table(
        "mention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False, comment="Document.key: one row per publication"),
        sa.Column("source", sa.String(length=120), nullable=False, comment="name of the Source"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="article | post"),
        sa.Column(
            "author",
            sa.String(length=120),
            nullable=True,
            comment="articles: byline; posts: pseudonym, HMAC of the handle, never the handle",
        ),
        sa.Column("home_region", sa.String(length=13), nullable=True, comment="region of the source: a hint"),
        sa.Column("reactions", sa.Integer(), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("published_at", UTCDateTime(), nullable=True),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.Column(
            "told_at",
            UTCDateTime(),
            nullable=False,
            comment="published_at, or fetched_at where the source gives none",
        ),
        sa.Column(
            "analysed_at",
            UTCDateTime(),
            nullable=True,
            comment="null: waiting for analysis",
        ),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            comment="analyses that failed; after 3 the mention is set aside with error",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="why the last analysis failed"),
        sa.Column("analysis", sa.JSON(), nullable=True, comment="nlp.Analysis.to_dict()"),
        sa.Column("model", sa.String(length=40), nullable=True),
        sa.Column("failure", sa.String(length=5), nullable=True, comment="yes | vague | no"),
        sa.Column("p_failure", sa.Double(), nullable=True, comment="calibrated probability of yes"),
        sa.Column("sector", sa.String(length=3), nullable=True),
        sa.Column("place", sa.String(length=7), nullable=True, comment="riau | other | unknown"),
        sa.Column(
            "signature", sa.LargeBinary(), nullable=True, comment="nlp.fingerprint.signature: MinHash of the words"
        ),
        sa.Column("words", sa.JSON(), nullable=False, comment="nlp.fingerprint.key_words: what the event is about"),
        sa.Column(
            "voice",
            sa.Integer(),
            nullable=True,
            comment="id of the first mention of the same wording: near-copies are one voice",
        ),
        sa.Column("candidate_id", sa.Integer(), nullable=True),
        sa.Column(
            "join_reason",
            sa.Text(),
            nullable=True,
            comment="why it joined the candidate, as message key and values (JSON)",
        ),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_mention_candidate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
        sa.UniqueConstraint("key", name=op.f("uq_mention_key")),
    )
    op.create_index(op.f("ix_mention_candidate_id"), "mention", ["candidate_id"], unique=False)
    op.create_index("ix_mention_event", "mention", ["sector", "told_at"], unique=False)
    op.create_index(
        "ix_mention_pending",
        "mention",
        ["id"],
        unique=False,
        sqlite_where=sa.text("analysed_at IS NULL"),
        postgresql_where=sa.text("analysed_at IS NULL"),
    )
    op.create_index(op.f("ix_mention_source"), "mention", ["source"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False, comment="session | token"),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_sign_in_secret_hash")),
    )
    op.create_index(op.f("ix_sign_in_person_id"), "sign_in", ["person_id"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="carries no author, no handle, no link to a personal profile"
        ),
        sa.Column("state", sa.String(length=10), nullable=False, comment="waiting | sent | failed | withdrawn"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["agency_contact.id"], name=op.f("fk_alert_contact_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_alert_decision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("decision_id", "contact_id", name=op.f("uq_alert_decision_id_contact_id")),
    )
    op.create_table(
        "mention_band",
        sa.Column("band", sa.BigInteger(), nullable=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mention_id"], ["mention.id"], name=op.f("fk_mention_band_mention_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("band", "mention_id", name=op.f("pk_mention_band")),
    )
