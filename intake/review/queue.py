"""What to look at next."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from intake.models import Candidate, Mention, Person

HARM = {"U1": 8.0, "U2": 4.0, "U3": 2.0, "U4": 1.0, None: 1.0}
HALF_LIFE_DAYS = 3.0
DANGER = 1000.0  # added for U1: a danger to life stands above everything else, however old
_PERSONAL = re.compile(r"\d{4}|@")
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
COUNTED = 1000  # a count goes no further
SEARCHED = 50_000  # newest mentions whose texts a search reads: about 0.3 s
MOST_ID = 2**31 - 1  # the largest number a key can have in PostgreSQL


def rank(urgency: str | None, certainty: float, voices: int, told_at: datetime) -> float:
    """harm x certainty x voices, halved every three days; as a logarithm, so that ageing never changes the order.

    log2(harm * certainty * (1 + log2(voices) / 2)) + days since a fixed day / 3. Higher is sooner.
    """
    weight = HARM.get(urgency, 1.0) * max(certainty, 0.01) * (1 + math.log2(max(voices, 1)) / 2)
    age = (told_at - EPOCH).total_seconds() / 86_400
    return round(math.log2(weight) + age / HALF_LIFE_DAYS + (DANGER if urgency == "U1" else 0.0), 6)


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue is looked at; None does not narrow."""

    state: str | None = "candidate"
    region: str | None = None
    sector: str | None = None
    urgency: str | None = None
    agency_id: str | None = None
    text: str | None = None  # words of the headline or of a mention


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after which a page begins; as text `RANK~ID`."""

    rank: float
    id: int

    def __str__(self) -> str:
        return f"{self.rank!r}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """ValueError if `text` is not a cursor we gave."""
        rank, _, number = text.partition("~")
        cursor = cls(float(rank), int(number))
        if not math.isfinite(cursor.rank) or not 0 <= cursor.id <= MOST_ID:
            raise ValueError(f"{text!r} is not a cursor.")
        return cursor


@dataclass(frozen=True, slots=True)
class Page:
    """Candidates in the order they should be looked at, and where the next page begins (None: the last)."""

    items: Sequence[Candidate]
    next: Cursor | None


def page(
    session: Session, viewer: Person, filters: Filters = Filters(), after: Cursor | None = None, limit: int = 20
) -> Page:
    """One page of what `viewer` may see."""
    statement = visible(select(Candidate).options(joinedload(Candidate.agency)), viewer).where(*_narrow(filters))
    if after is not None:  # bounded first: the index starts at the cursor's rank instead of reading all before it
        statement = statement.where(
            Candidate.rank <= after.rank, or_(Candidate.rank < after.rank, Candidate.id < after.id)
        )
    items = session.scalars(statement.order_by(Candidate.rank.desc(), Candidate.id.desc()).limit(limit + 1)).all()
    more = len(items) > limit
    items = items[:limit]
    return Page(items, Cursor(items[-1].rank, items[-1].id) if more else None)


def next_item(session: Session, viewer: Person, filters: Filters = Filters()) -> Candidate | None:
    """The first candidate of the queue."""
    return next(iter(page(session, viewer, filters, limit=1).items), None)


def get(session: Session, viewer: Person, candidate_id: int) -> Candidate | None:
    """One candidate, if `viewer` may see it."""
    found: Candidate | None = session.scalar(visible(select(Candidate), viewer).where(Candidate.id == candidate_id))
    return found


def neighbours(session: Session, viewer: Person, candidate: Candidate) -> tuple[int | None, int | None]:
    """Ids of the candidates before and after this one in the queue, among those in the same state."""
    mine = visible(select(Candidate.id), viewer).where(Candidate.state == candidate.state)
    rank, number = candidate.rank, candidate.id
    before = mine.where(Candidate.rank >= rank, or_(Candidate.rank > rank, Candidate.id > number))
    after = mine.where(Candidate.rank <= rank, or_(Candidate.rank < rank, Candidate.id < number))
    return (
        session.scalar(before.order_by(Candidate.rank, Candidate.id).limit(1)),
        session.scalar(after.order_by(Candidate.rank.desc(), Candidate.id.desc()).limit(1)),
    )


def similar(session: Session, viewer: Person, candidate: Candidate, limit: int = 8) -> Sequence[Candidate]:
    """Candidates of the same sector told about nearest in time: what this one may be a duplicate of."""
    statement = visible(select(Candidate), viewer).where(
        Candidate.sector == candidate.sector,
        Candidate.id != candidate.id,
        Candidate.state != "duplicate",
        Candidate.last_told_at <= candidate.last_told_at,
    )
    if candidate.region:
        statement = statement.where(Candidate.region == candidate.region)
    return session.scalars(statement.order_by(Candidate.last_told_at.desc()).limit(limit)).all()


def count(session: Session, viewer: Person, filters: Filters = Filters()) -> int:
    """How many there are, counted to 1,000 and no further."""
    some = visible(select(Candidate.id), viewer).where(*_narrow(filters)).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def visible(statement: Select[Any], viewer: Person) -> Select[Any]:
    """A focal point sees what concerns their agency, and only once it was accepted; the others see all."""
    if viewer.role != "focal":
        return statement
    return statement.where(
        and_(Candidate.agency_id == viewer.agency_id, Candidate.agency_id.is_not(None), Candidate.state == "accepted")
    )


def _narrow(filters: Filters) -> list[ColumnElement[bool]]:
    exact = {
        Candidate.state: filters.state,
        Candidate.region: filters.region,
        Candidate.sector: filters.sector,
        Candidate.urgency: filters.urgency,
        Candidate.agency_id: filters.agency_id,
    }
    conditions = [column == value for column, value in exact.items() if value]
    if filters.text:
        conditions.append(_tells_of(filters.text))
    return conditions


def _tells_of(words: str) -> ColumnElement[bool]:
    """Whether the headline holds these letters, or the title or text of one of the newest mentions.

    Texts are stored as they were published and shown masked. Long numbers and accounts are sought in headlines only, or a
    search could spell out, digit by digit, the identity number that the page covers.
    """
    in_headline = Candidate.headline.icontains(words, autoescape=True)
    if _PERSONAL.search(words):
        return in_headline
    newest = select(func.max(Mention.id)).scalar_subquery()
    told = select(Mention.candidate_id).where(
        Mention.candidate_id.is_not(None),
        Mention.id > newest - SEARCHED,
        or_(Mention.text.icontains(words, autoescape=True), Mention.title.icontains(words, autoescape=True)),
    )
    return or_(in_headline, Candidate.id.in_(told))
