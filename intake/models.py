"""The mapped classes are the domain objects. Every doubtful column is explained once, in its comment."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from intake.database import Base, UTCDateTime

# States of a candidate. Only a person moves it; text never does. One that somebody has a live Lease on is in review.
STATES = ("candidate", "accepted", "not_relevant", "outside", "insufficient", "duplicate")
OPEN_STATES = ("candidate",)
# The legal track of an accepted candidate (docs/decisions.md): a post or an article is never itself a laporan, so that track
# needs a Reporter.
TRACKS = ("iaps", "rco", "invite", "refer", "watch", "laporan")
# Closing action -> its reasons, shown in words.
REASONS = {
    "not_relevant": ("not_service", "no_failure", "settled", "too_old", "hoax"),
    "outside": ("outside_riau", "outside_authority", "private_matter"),
    "insufficient": ("too_vague", "no_place", "no_agency"),
}
CORRECTABLE = (  # of a candidate, in place; each correction is a label
    "agency_id",
    "kind",
    "region",
    "district",
    "sector",
    "form",
    "urgency",
)
DANGER = "U1"  # of urgencies: to life, or a right about to be lost
ROLES = ("admin", "head", "officer", "focal", "analyst", "auditor")

WORDS = Text().with_variant(TSVECTOR(), "postgresql")
BY_LETTERS = String(40).with_variant(String(40, collation="C"), "postgresql")


def _words_index(table: str) -> Index:
    return Index(f"ix_{table}_words", "words", postgresql_using="gin").ddl_if(dialect="postgresql")


def _where_set(name: str, column: str) -> Index:
    """An index of the few rows that have something there."""
    is_set = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=is_set, postgresql_where=is_set)


def now() -> datetime:
    return datetime.now(UTC)


class SourceState(Base):
    """A Source in use: what was configured, and what its last visits told."""

    __tablename__ = "source"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    adapter: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(String(13), comment="home region: a hint for texts that name no place")
    kind: Mapped[str] = mapped_column(String(10), comment="article | post")
    interval: Mapped[int] = mapped_column(comment="minutes between visits")
    enabled: Mapped[bool]
    probed: Mapped[bool] = mapped_column(
        default=True, comment="false: the address is a guess; visited only once a check answers"
    )
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="the adapter's own: selectors, tags")
    validators: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, comment="url -> {etag, last_modified} for conditional GET"
    )
    status: Mapped[str | None] = mapped_column(
        String(20), comment="crawler.source.Status of the last visit; null: never visited"
    )
    visited_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime, comment="end of the last visit, whatever came of it"
    )
    success_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime, comment="last visit that was ok, unchanged or empty"
    )
    new_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="last time a Document we did not hold arrived")
    complete_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime,
        comment="end of the last visit that left nothing to ask for; what was fetched until then is taken as read",
    )
    requests: Mapped[int] = mapped_column(default=0, comment="of the last visit")
    documents: Mapped[int] = mapped_column(default=0, comment="of the last visit, new or not")
    notes: Mapped[list[dict[str, str]]] = mapped_column(
        JSON, default=list, comment="crawler.source.Note rows of the last visit: code, message, url"
    )
    left_out: Mapped[dict[str, str]] = mapped_column(
        JSON, default=dict, comment="key of an article that could not be had or read -> day of the visit"
    )
    # When it is visited next: intake.rhythm
    pace: Mapped[float | None] = mapped_column(
        comment="minutes between visits in force, adjusted around interval; null: interval"
    )
    strain: Mapped[float] = mapped_column(
        default=0.0, comment="weight of the failures since the last answer; each whole one doubles the pause"
    )
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="next visit not before; null: at once")
    wait_until: Mapped[datetime | None] = mapped_column(
        UTCDateTime, comment="the host asked to be left alone until then; it holds for every source of the host"
    )
    # How it is: intake.health, computed at each visit from the rows of `visit`
    health: Mapped[str | None] = mapped_column(String(12), comment="intake.health.State; null: never visited")
    health_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cause: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="what intake.bulletin says of the state")
    expected_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime, comment="by when its weekdays let something new be expected; null: rhythm not known yet"
    )
    figures: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, comment="intake.health.Figures: what the page draws of the last 28 days"
    )
    moved_to: Mapped[str | None] = mapped_column(Text, comment="where the address leads for good, and is read now")
    moved_from: Mapped[str | None] = mapped_column(
        Text, comment="the configured address that was given up for `url`; the province's file may still name it"
    )
    told: Mapped[str | None] = mapped_column(
        String(12), comment="the state the operator was last told of; null: nothing bad"
    )
    news_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="`told` changed and no message says so yet")


class VisitRow(Base):
    """What one visit gave, kept for 60 days: health and rhythm are computed from these."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_source", "source_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, comment="its end")
    day: Mapped[date] = mapped_column(comment="of `at`, in WIB")
    seconds: Mapped[float]
    status: Mapped[str] = mapped_column(String(20), comment="crawler.source.Status")
    failure: Mapped[str | None] = mapped_column(String(10), comment="intake.rhythm.Failure; null: it answered")
    reason: Mapped[str] = mapped_column(String(40), default="", comment="of a failure: code of crawler.notes")
    state: Mapped[str] = mapped_column(String(12), default="", comment="intake.health.State after it")
    requests: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0, comment="answers 304")
    found: Mapped[int] = mapped_column(default=0, comment="items of the lists, known or not")
    new: Mapped[int] = mapped_column(default=0, comment="documents we did not hold")
    documents: Mapped[int] = mapped_column(default=0, comment="handed over; of these have a ...")
    titles: Mapped[int] = mapped_column(default=0)
    dates: Mapped[int] = mapped_column(default=0)
    bodies: Mapped[int] = mapped_column(default=0, comment="text of their own, not the summary of a list")
    lost: Mapped[int] = mapped_column(default=0, comment="articles left out because nothing could be read in them")


class Agency(Base):
    """A body that can be answerable; loaded from nlp/jurisdictions, never typed in."""

    __tablename__ = "agency"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str | None] = mapped_column(String(20), comment="kind of agency: DPUPR, PLN, RSUD ...")
    level: Mapped[str | None] = mapped_column(String(20))
    region: Mapped[str | None] = mapped_column(String(13))
    contacts: Mapped[list[AgencyContact]] = relationship(back_populates="agency")


class AgencyContact(Base):
    """A focal point (narahubung) of an agency, and how they are told."""

    __tablename__ = "agency_contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[str] = mapped_column(ForeignKey("agency.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    position: Mapped[str] = mapped_column(String(120), default="")
    address: Mapped[str] = mapped_column(Text, comment="an Apprise address; 'console://' prints to the service log")
    active: Mapped[bool] = mapped_column(default=True)
    agency: Mapped[Agency] = relationship(back_populates="contacts")


class Mention(Base):
    """A stored Document with its Analysis. Stored first, analysed later: analysed_at is null until then."""

    __tablename__ = "mention"
    __table_args__ = (
        Index(
            "ix_mention_pending",
            "id",
            sqlite_where=text("analysed_at IS NULL"),
            postgresql_where=text("analysed_at IS NULL"),
        ),
        Index("ix_mention_event", "sector", "told_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, comment="Document.key: one row per publication")
    source: Mapped[str] = mapped_column(String(120), index=True, comment="name of the Source")
    url: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(10), comment="article | post")
    author: Mapped[str | None] = mapped_column(
        String(120), comment="articles: byline; posts: pseudonym, HMAC of the handle, never the handle"
    )
    home_region: Mapped[str | None] = mapped_column(String(13), comment="region of the source: a hint")
    reactions: Mapped[int | None]
    notes: Mapped[list[str]] = mapped_column(JSON, default=list)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fetched_at: Mapped[datetime] = mapped_column(UTCDateTime)
    told_at: Mapped[datetime] = mapped_column(
        UTCDateTime, comment="published_at, or fetched_at where the source gives none"
    )

    analysed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="null: waiting for analysis")
    attempts: Mapped[int] = mapped_column(
        default=0, comment="analyses that failed; after 3 the mention is set aside with error"
    )
    error: Mapped[str | None] = mapped_column(Text, comment="why the last analysis failed")
    analysis: Mapped[dict[str, Any] | None] = mapped_column(JSON, comment="nlp.Analysis.to_dict()")
    model: Mapped[str | None] = mapped_column(String(40))
    failure: Mapped[str | None] = mapped_column(String(5), comment="yes | vague | no")
    p_failure: Mapped[float | None] = mapped_column(comment="calibrated probability of yes")
    sector: Mapped[str | None] = mapped_column(String(3))
    place: Mapped[str | None] = mapped_column(String(7), comment="riau | other | unknown")
    signature: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="nlp.fingerprint.signature: MinHash of the words"
    )
    words: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="nlp.fingerprint.key_words: what the event is about"
    )
    voice: Mapped[int | None] = mapped_column(
        comment="id of the first mention of the same wording: near-copies are one voice"
    )
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id"), index=True)
    join_reason: Mapped[str | None] = mapped_column(
        Text, comment="why it joined the candidate, as message key and values (JSON)"
    )
    # What became of it since: intake.revisions
    site: Mapped[str] = mapped_column(
        String(255),
        default="",
        index=True,
        comment="crawler.identity.site_of(url): sources of one site share what is known",
    )
    stamps: Mapped[dict[str, str]] = mapped_column(
        JSON, default=dict, comment="source -> Document.stamp, as last seen there; another one means an edit"
    )
    edit: Mapped[dict[str, Any] | None] = mapped_column(
        JSON, comment="the text it has by now, until that is analysed: title, text, notes, evidence, seen_at"
    )
    edited_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime, comment="when this text was first seen, if it is not the first one"
    )
    evidence: Mapped[str | None] = mapped_column(
        String(64), index=True, comment="SHA-256 of the body of the answer this text was read from; see intake.evidence"
    )
    candidate: Mapped[Candidate | None] = relationship(back_populates="mentions")
    revisions: Mapped[list[Revision]] = relationship(order_by="Revision.id", passive_deletes=True)


class MentionAlias(Base):
    """Another key of the same publication: of its amp page, of the address that led to it."""

    __tablename__ = "mention_alias"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mention.id", ondelete="CASCADE"), index=True)


class Revision(Base):
    """A text a mention had before it was edited; the mention holds the newest."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mention.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64), comment="intake.revisions.hash_of: SHA-256 of title and text")
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, comment="when this text was first seen")
    evidence: Mapped[str | None] = mapped_column(String(64), index=True, comment="as of the mention")
    pii: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, comment="spans of `text` that are masked")


class MentionBand(Base):
    """A number a mention is found by: of its wording, or of what it is about. See intake.review.neighbours."""

    __tablename__ = "mention_band"

    band: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mention.id", ondelete="CASCADE"), primary_key=True, index=True)


class MentionWords(Base):
    """What intake.review.search finds of a mention that belongs to a candidate: its words, as they are shown, masked.

    On SQLite its triggers keep the FTS5 table mention_fts; on PostgreSQL the column itself is indexed.
    """

    __tablename__ = "mention_words"
    __table_args__ = (_words_index("mention_words"),)

    id: Mapped[int] = mapped_column(ForeignKey("mention.id", ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(WORDS, comment="on PostgreSQL with the mark of the bucket of the id")


class HeadlineWords(Base):
    """The same of the headline of a candidate."""

    __tablename__ = "headline_words"
    __table_args__ = (_words_index("headline_words"),)

    id: Mapped[int] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(WORDS, comment="on PostgreSQL with the mark of the bucket of the id")


class KnownWord(Base):
    """A word that was ever indexed: what the beginning of a word may go on as."""

    __tablename__ = "known_word"

    word: Mapped[str] = mapped_column(BY_LETTERS, primary_key=True)


class Candidate(Base):
    """One event, told by one or more mentions, waiting in the review queue. Not a case yet."""

    __tablename__ = "candidate"
    __table_args__ = (
        Index("ix_candidate_queue", "state", "rank", "id", "agency_id", "region"),
        Index("ix_candidate_queue_agency", "agency_id", "state", "rank", "id"),
        Index("ix_candidate_queue_region", "region", "state", "rank", "id"),
        Index("ix_candidate_queue_sector", "sector", "state", "rank", "id"),
        Index("ix_candidate_queue_urgency", "urgency", "state", "rank", "id"),
        Index("ix_candidate_rank", "rank", "id"),
        Index("ix_candidate_event", "sector", "last_told_at"),
        Index("ix_candidate_similar", "region", "sector", "last_told_at"),
        _where_set("ix_candidate_muted_by", "muted_by"),
        _where_set("ix_candidate_snoozed", "snoozed_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default="candidate")
    version: Mapped[int] = mapped_column(default=1, comment="raised by every edit; an edit names the version it saw")
    rank: Mapped[float] = mapped_column(default=0.0, comment="harm x certainty x freshness x voices; queue.rank()")
    headline: Mapped[str] = mapped_column(
        Text, comment="title of the best article, or the first words of the best post, masked"
    )
    sector: Mapped[str | None] = mapped_column(String(3))
    form: Mapped[str | None] = mapped_column(String(4))
    kind: Mapped[str | None] = mapped_column(String(20), comment="kind of agency")
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    agency_reason: Mapped[str] = mapped_column(Text, default="", comment="why this agency, in words")
    place: Mapped[str] = mapped_column(String(7), default="unknown")
    region: Mapped[str | None] = mapped_column(String(13), comment="regency or city; null: unknown")
    district: Mapped[str | None] = mapped_column(String(13))
    urgency: Mapped[str | None] = mapped_column(String(2))
    p_failure: Mapped[float] = mapped_column(comment="highest of its mentions")
    mention_count: Mapped[int] = mapped_column(default=0)
    voice_count: Mapped[int] = mapped_column(default=0, comment="independent voices: near-copies count once")
    source_count: Mapped[int] = mapped_column(default=0)
    first_told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    duplicate_of: Mapped[int | None] = mapped_column(
        ForeignKey("candidate.id"), index=True, comment="of a duplicate: where its mentions went"
    )
    corrections: Mapped[dict[str, str | None]] = mapped_column(
        JSON, default=dict, comment="CORRECTABLE -> what a person put in its place; stands above every guess"
    )
    snoozed_until: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="not in the queue until then")
    muted_by: Mapped[int | None] = mapped_column(
        ForeignKey("mute.id"), comment="not in the queue as long as that lasts"
    )
    mentions: Mapped[list[Mention]] = relationship(back_populates="candidate", order_by="Mention.told_at.desc()")
    agency: Mapped[Agency | None] = relationship()
    decisions: Mapped[list[Decision]] = relationship(order_by="Decision.id", foreign_keys="Decision.candidate_id")


class Suggestion(Base):
    """Two candidates that may tell of one event: not sure enough to be joined, and for a person to say."""

    __tablename__ = "suggestion"
    __table_args__ = (UniqueConstraint("first_id", "second_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    first_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), index=True, comment="the older one")
    second_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), index=True)
    score: Mapped[float]
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list, comment="intake.review.cluster.Verdict.reasons")
    state: Mapped[str] = mapped_column(String(6), default="open", comment="open | joined | apart: a person said so")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class Mute(Base):
    """What is kept out of the queue for a while, why, and until when. A danger to life (U1) is never muted."""

    __tablename__ = "mute"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sector: Mapped[str | None] = mapped_column(String(3))
    region: Mapped[str | None] = mapped_column(String(13))
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    reason: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="ended by a person before its time")
    person: Mapped[Person] = relationship()


class Lease(Base):
    """An officer has this candidate open, until a moment. The row stays, so that its token only grows."""

    __tablename__ = "lease"
    __table_args__ = (Index("ix_lease_person", "person_id", "until"),)

    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    token: Mapped[int] = mapped_column(
        default=1, comment="fencing token: raised each time somebody takes the candidate"
    )
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[datetime] = mapped_column(UTCDateTime, comment="renewed by activity; in the past: nobody has it open")
    taken_from: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), comment="whose live lease was taken over: they are told"
    )
    person: Mapped[Person] = relationship(foreign_keys=person_id)


class Decision(Base):
    """What a person decided about a candidate. Append-only: an undo is a row of its own."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_person", "person_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    action: Mapped[str] = mapped_column(
        String(12),
        comment="accept | not_relevant | outside | insufficient | duplicate | split | correct | snooze | reopen | "
        "bring | undo",
    )
    track: Mapped[str | None] = mapped_column(String(12), comment="of an accept: see TRACKS")
    reason: Mapped[str | None] = mapped_column(String(24), comment="of a closing action: see REASONS")
    duplicate_of: Mapped[int | None] = mapped_column(ForeignKey("candidate.id"), comment="of a duplicate")
    note: Mapped[str] = mapped_column(Text, default="")
    changes: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, comment="of a correct: field -> [old, new]; of a snooze: until; of a split: mentions, into"
    )
    before: Mapped[dict[str, Any]] = mapped_column(
        JSON,
        default=dict,
        comment="what undo restores: candidates -> their fields, mentions -> their candidate, suggestions it answered",
    )
    batch: Mapped[str | None] = mapped_column(
        String(32), index=True, comment="decisions that were made at once, and are undone at once"
    )
    seconds: Mapped[int | None] = mapped_column(comment="from taking the lease to deciding; shown to the person alone")
    undoes: Mapped[int | None] = mapped_column(
        ForeignKey("decision.id"), unique=True, comment="of an undo: the decision taken back"
    )
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    person: Mapped[Person] = relationship()


class DecisionTouch(Base):
    """Every candidate a decision changed: a merge or a split changes two, and is undone only as the last of both."""

    __tablename__ = "decision_touch"

    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), primary_key=True, index=True)


class SavedView(Base):
    """Filters with a name: a queue, a feed, an alert and an API query in one."""

    __tablename__ = "saved_view"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    shared: Mapped[bool] = mapped_column(
        default=False, comment="everybody who may read the queue sees it, each their part"
    )
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="intake.review.queue.Filters")
    feed_hash: Mapped[str | None] = mapped_column(
        String(64), unique=True, comment="SHA-256 of the secret in the address of its feed; null: it has none"
    )
    alerts: Mapped[bool] = mapped_column(default=False, comment="its owner is told of what is new in it")
    alerted_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="when it was last told of something")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    person: Mapped[Person] = relationship()


class ViewTold(Base):
    """A candidate that the owner of a view was told of, or that was in it when they asked to be told: no news."""

    __tablename__ = "view_told"

    view_id: Mapped[int] = mapped_column(ForeignKey("saved_view.id", ondelete="CASCADE"), primary_key=True)
    candidate_id: Mapped[int] = mapped_column(
        ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    danger: Mapped[bool] = mapped_column(comment="as one to life (U1); one that becomes it later is told of once more")


class HandledRecord(Base):
    """What another system says is being handled already: a number of LAPOR! or SIMPeL. A hint, never a decision."""

    __tablename__ = "handled_record"
    __table_args__ = (UniqueConstraint("system", "number"), Index("ix_handled_record_about", "region", "sector", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(String(20), comment="lapor | simpel | agency")
    number: Mapped[str] = mapped_column(String(40))
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    region: Mapped[str | None] = mapped_column(String(13))
    sector: Mapped[str | None] = mapped_column(String(3))
    subject: Mapped[str] = mapped_column(Text, default="", comment="without personal data")
    state: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Case(Base):
    """An accepted candidate on a legal track. What happened to it is in its events; its clocks are computed from them."""

    __tablename__ = "case_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True, comment="2026-0001, by year of opening in WIB")
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), unique=True)
    track: Mapped[str] = mapped_column(String(12))
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    state: Mapped[str] = mapped_column(
        String(12), default="open", comment="open | closed | withdrawn (its decision was undone)"
    )
    version: Mapped[int] = mapped_column(default=1, comment="raised by every event; an act names the version it saw")
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    candidate: Mapped[Candidate] = relationship()
    agency: Mapped[Agency | None] = relationship()
    events: Mapped[list[CaseEvent]] = relationship(order_by="CaseEvent.id")
    referrals: Mapped[list[Referral]] = relationship(order_by="Referral.id")


class CaseEvent(Base):
    """What happened to a case, append-only: the log that every clock is computed from."""

    __tablename__ = "case_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    referral_id: Mapped[int | None] = mapped_column(ForeignKey("referral.id"))
    kind: Mapped[str] = mapped_column(
        String(16),
        comment="opened | track | referred | acknowledged | answered | not_ours | asked | progress | paused | resumed | "
        "note | revoked | closed | reopened | withdrawn",
    )
    person_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), comment="null: the focal point, by the link of the referral, or the program"
    )
    text: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    person: Mapped[Person | None] = relationship()


class Referral(Base):
    """A case sent to an agency's focal point. Its link is signed, never stored; what came of it is in the case's events."""

    __tablename__ = "referral"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    agency_id: Mapped[str] = mapped_column(ForeignKey("agency.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("agency_contact.id"))
    question: Mapped[str] = mapped_column(Text, default="", comment="what the agency is asked, in formal Indonesian")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, comment="its link says no more after that")
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    agency: Mapped[Agency] = relationship()
    contact: Mapped[AgencyContact | None] = relationship()


class Reporter(Base):
    """A victim who reports: without one no case is a laporan. Kept apart from the case; every look at it is noted."""

    __tablename__ = "reporter"

    id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str] = mapped_column(Text, default="")
    prior_complaint: Mapped[str] = mapped_column(
        Text, default="", comment="where and when it was raised with the agency"
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), comment="who wrote it down")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class Alert(Base):
    """A message to be sent: written in the transaction of what it tells, sent afterwards by a job (an outbox).

    One without a contact is for the operator: see `operator_address` in docs/configuration.md.
    """

    __tablename__ = "alert"
    __table_args__ = (UniqueConstraint("decision_id", "contact_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), comment="of what it tells, if any")
    contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("agency_contact.id"), comment="null: to `person_id`, or to the operator"
    )
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), comment="of an alert of a saved view")
    referral_id: Mapped[int | None] = mapped_column(
        ForeignKey("referral.id"), comment="its signed link is made when the message is sent"
    )
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text, comment="carries no author, no handle, no link to a personal profile")
    state: Mapped[str] = mapped_column(
        String(10), default="waiting", index=True, comment="waiting | sent | failed | withdrawn"
    )
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    contact: Mapped[AgencyContact | None] = relationship()
    person: Mapped[Person | None] = relationship()


class Person(Base):
    """Somebody with an account."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    role: Mapped[str] = mapped_column(String(10))
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"), comment="of a focal point")
    password: Mapped[str] = mapped_column(Text, comment="Argon2id hash")
    language: Mapped[str] = mapped_column(String(2), default="id")
    disabled: Mapped[bool] = mapped_column(default=False)
    daily_minutes: Mapped[int] = mapped_column(default=30, comment="what a day's queue is cut to")
    address: Mapped[str | None] = mapped_column(
        Text, comment="where alerts of their saved views go: an Apprise address"
    )
    totp: Mapped[str | None] = mapped_column(String(64), comment="secret of the second factor; null: none")
    totp_used: Mapped[int | None] = mapped_column(
        BigInteger, comment="the last time step a code was taken of: none twice"
    )
    recovery: Mapped[list[str]] = mapped_column(JSON, default=list, comment="SHA-256 of recovery codes not used yet")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    remits: Mapped[list[Remit]] = relationship(order_by="Remit.id", cascade="all, delete-orphan")


class Remit(Base):
    """What a person is for: with `bounds`, the only part of everything they may see; without, what they see first."""

    __tablename__ = "remit"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"), comment="null: any")
    region: Mapped[str | None] = mapped_column(String(13), comment="null: any")
    bounds: Mapped[bool] = mapped_column(default=False)


class Cover(Base):
    """Who looks after whose remits during a leave; days in WIB, both included."""

    __tablename__ = "cover"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True, comment="on leave")
    cover_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]


class Invitation(Base):
    """A link by which a new person sets their own password, once."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    person: Mapped[Person] = relationship()


class SignIn(Base):
    """A server-side session or an API token; only the SHA-256 of the secret is kept."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(7), comment="session | token")
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    csrf: Mapped[str] = mapped_column(String(64), default="")
    label: Mapped[str] = mapped_column(String(120), default="", comment="the browser of a session, the use of a token")
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list, comment="of a token: intake.people.access.SCOPES")
    second_factor: Mapped[bool] = mapped_column(default=True, comment="false: a session that still owes its code")
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime, comment="of a token; null: never")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    used_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    person: Mapped[Person] = relationship()


class SignInAttempt(Base):
    """A failed sign-in, for the rate limit; older ones are deleted by the retention job."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class IdempotentCall(Base):
    """What an API call with an Idempotency-Key was answered: sent again, it is answered the same and done once."""

    __tablename__ = "idempotent_call"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    call_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of method, path and body")
    status: Mapped[int]
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)


class AuditHead(Base):
    """The end of the chain: one row, locked by whoever appends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default="")


class AuditRow(Base):
    """Who did what, append-only; written in the transaction of the deed. Each row's hash covers the one before it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    person_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), comment="null: the command line or the program"
    )
    action: Mapped[str] = mapped_column(
        String(40), comment="decision.accept, sign_in, user.add, alert.sent, pii.unmask ..."
    )
    subject: Mapped[str] = mapped_column(String(80), default="", index=True, comment="candidate:12, person:3 ...")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    place: Mapped[int] = mapped_column(index=True, unique=True, comment="in the chain: 1, 2, 3 without a gap")
    hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the hash before it and of this row")


_Undo = aliased(Decision)  # once: each of its own would be looked through anew by every statement


def not_undone() -> ColumnElement[bool]:
    """Whether a Decision that a statement asks for stands."""
    return ~select(_Undo.id).where(_Undo.undoes == Decision.id).exists()
