"""What to look at next, why, and how much of it is meant for one day."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, or_, select, true
from sqlalchemy.orm import Session, aliased, joinedload, object_session

from crawler.dates import WIB
from intake.models import DANGER, OPEN_STATES, STATES, Candidate, Decision, Mute, Person, not_undone, now
from intake.people import access
from intake.review import search

HARM = {"U1": 8.0, "U2": 4.0, "U3": 2.0, "U4": 1.0, None: 1.0}
HALF_LIFE_DAYS = 3.0
ABOVE_ALL = 1000.0  # added for a danger to life: it stands above everything else, however old
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
COUNTED = 1000  # a count goes no further
MOST_ID = 2**31 - 1  # the largest number a key can have in PostgreSQL
IN_ORDER = (Candidate.rank.desc(), Candidate.id.desc())
PACE = 100  # seconds for one candidate, until a person's own decisions tell
QUICKEST, SLOWEST = 45, 600  # no pace beyond these is planned with
TIMED, FEW = 50, 5  # decisions a pace is taken from: the last ones; fewer tell nothing yet
ASIDE = ("snoozed", "muted")  # of the open ones, what is kept out of the queue: looked at like a state
_One = aliased(Candidate)  # once: each of its own would be looked through anew by every statement
UNDECIDED = ("undo", "bring", "correct", "split", "reopen")  # actions that leave something to decide: no part of a day


def rank(urgency: str | None, certainty: float, voices: int, told_at: datetime) -> float:
    """harm x certainty x voices, halved every three days; as a logarithm, so that ageing never changes the order.

    log2(harm * certainty * (1 + log2(voices) / 2)) + days since a fixed day / 3. Higher is sooner.
    """
    return round(sum(_shares(urgency, certainty, voices, told_at).values()), 6)


def _shares(urgency: str | None, certainty: float, voices: int, told_at: datetime) -> dict[str, float]:
    """What each of the four adds to the rank: one more is worth twice as much, or three days."""
    age = (told_at - EPOCH).total_seconds() / 86_400
    return {
        "urgency": math.log2(HARM.get(urgency, 1.0)) + (ABOVE_ALL if urgency == DANGER else 0.0),
        "certainty": math.log2(max(certainty, 0.01)),
        "freshness": age / HALF_LIFE_DAYS,
        "voices": math.log2(1 + math.log2(max(voices, 1)) / 2),
    }


@dataclass(frozen=True, slots=True)
class Why:
    """One of the four things a rank is made of."""

    key: str  # urgency | certainty | freshness | voices
    values: Mapping[str, Any]  # what the words for it speak of
    share: float  # of the rank, which is their sum


def why(candidate: Candidate) -> tuple[Why, ...]:
    """Why a candidate stands where it stands."""
    one = candidate
    shares = _shares(one.urgency, one.p_failure, one.voice_count, one.last_told_at)
    values: dict[str, dict[str, Any]] = {
        "urgency": {"urgency": one.urgency},
        "certainty": {"p": one.p_failure},
        "freshness": {"at": one.last_told_at},
        "voices": {"voices": one.voice_count, "mentions": one.mention_count},
    }
    return tuple(Why(key, values[key], share) for key, share in shares.items())


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue is looked at; None does not narrow."""

    state: str | None = "candidate"  # or one of ASIDE
    region: str | None = None
    sector: str | None = None
    urgency: str | None = None
    agency_id: str | None = None
    text: str | None = None  # what is looked for in headlines and mentions: intake.review.search
    mine: bool = False  # only what was given to the viewer, or to whom they stand in for; all, if nothing was


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
    return _page_of(session, chosen(viewer, filters), after, limit)


def counted_page(
    session: Session, viewer: Person, filters: Filters = Filters(), after: Cursor | None = None, limit: int = 20
) -> tuple[Page, int]:
    """A page, and how many there are in all, as `count` says; what is looked for is sought once for both."""
    statement = chosen(viewer, filters)
    return _page_of(session, statement, after, limit), _count_of(session, statement)


def _page_of(session: Session, statement: Select[Candidate], after: Cursor | None, limit: int) -> Page:
    statement = statement.options(joinedload(Candidate.agency))
    if after is not None:  # bounded first: the index starts at the cursor's rank instead of reading all before it
        statement = statement.where(
            Candidate.rank <= after.rank, or_(Candidate.rank < after.rank, Candidate.id < after.id)
        )
    items = session.scalars(statement.order_by(*IN_ORDER).limit(limit + 1)).all()
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
    mine = visible(select(Candidate.id), viewer).where(*_in_state(candidate.state))
    rank, number = candidate.rank, candidate.id
    before = mine.where(Candidate.rank >= rank, or_(Candidate.rank > rank, Candidate.id > number))
    after = mine.where(Candidate.rank <= rank, or_(Candidate.rank < rank, Candidate.id < number))
    return (
        session.scalar(before.order_by(Candidate.rank, Candidate.id).limit(1)),
        session.scalar(after.order_by(*IN_ORDER).limit(1)),
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
    return _count_of(session, chosen(viewer, filters))


def _count_of(session: Session, statement: Select[Candidate], most: int = COUNTED) -> int:
    some = statement.with_only_columns(Candidate.id).order_by(*IN_ORDER).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


@dataclass(frozen=True, slots=True)
class Aside:
    """How many open candidates are kept out of the queue, each counted to COUNTED."""

    snoozed: int
    muted: int


def aside(session: Session, viewer: Person) -> Aside:
    """What `viewer` may see, and does not see in the queue."""
    return Aside(*(count(session, viewer, Filters(state)) for state in ASIDE))


def chosen(viewer: Person, filters: Filters) -> Select[Candidate]:
    """What `viewer` may see and `filters` leave, in no order. Of open candidates, those that are neither put off nor muted."""
    statement = visible(select(Candidate), viewer).where(*_narrow(filters))
    if filters.mine:
        statement = statement.where(_is_of(viewer))
    session = object_session(viewer)
    return search.narrowed(session, statement, filters.text) if filters.text and session else statement


def visible(statement: Select[Any], viewer: Person) -> Select[Any]:
    """A statement over Candidate, narrowed to what `viewer` may see."""
    return access.visible(statement, viewer)


@dataclass(frozen=True, slots=True)
class Budget:
    """What of the queue is meant for a person's day: 30 minutes, 18 candidates."""

    minutes: int
    candidates: int  # as many as fit at the person's own pace, and no more than there were
    done_today: int  # since midnight in WIB and not undone; what was decided at once counts once
    left: int
    median_seconds: int  # the person's own pace before today; shown to nobody else

    @property
    def is_spent(self) -> bool:
        """Whether as much is done as was meant for the day, not only all that waits."""
        return self.done_today >= _fit(self.minutes, self.median_seconds)


def budget(session: Session, person: Person, at: datetime | None = None) -> Budget:
    """How much of today's part is done, and how much is left. Whoever is quick today is given no more for it."""
    midnight = (at or now()).astimezone(WIB).replace(hour=0, minute=0, second=0, microsecond=0)
    pace, done = _pace(session, person, midnight), _done_since(session, person, midnight)
    fit = _fit(person.daily_minutes, pace)
    left = _at_most(session, person, max(fit - done, 0))
    return Budget(person.daily_minutes, min(fit, done + left), done, left, pace)


def _fit(minutes: int, pace: int) -> int:
    return round(minutes * 60 / pace)


def _at_most(session: Session, person: Person, most: int) -> int:
    """How many wait for the person, counted no further than `most`."""
    return _count_of(session, chosen(person, Filters()), most) if most else 0


def for_today(filters: Filters, budget: Budget) -> Filters:
    """What is still to be looked at today: after the day's part nothing but dangers to life, which no budget holds back."""
    return replace(filters, urgency=DANGER) if budget.is_spent else filters


def _pace(session: Session, person: Person, before: datetime) -> int:
    seconds = timed(session, person, before)
    return PACE if len(seconds) < FEW else round(min(max(median(seconds), QUICKEST), SLOWEST))


def timed(session: Session, person: Person, before: datetime | None = None) -> list[int]:
    """How many seconds their last decisions took them, from opening a candidate; of the ones before a moment, if any."""
    took = select(Decision.seconds).where(Decision.person_id == person.id, Decision.seconds.is_not(None))
    if before is not None:
        took = took.where(Decision.at < before)
    return [one for one in session.scalars(took.order_by(Decision.at.desc()).limit(TIMED)) if one is not None]


def _done_since(session: Session, person: Person, moment: datetime) -> int:
    deed = func.coalesce(Decision.batch, cast(Decision.candidate_id, String))
    counted = select(func.count(deed.distinct())).where(
        Decision.person_id == person.id,
        Decision.at >= moment,
        Decision.action.not_in(UNDECIDED),
        not_undone(),
    )
    return session.scalar(counted) or 0


def _in_state(state: str | None) -> list[ColumnElement[bool]]:
    """Those of a state; of open ones what is neither put off nor muted, or only that. A danger to life is never muted."""
    if not state:
        return []
    if state not in (*OPEN_STATES, *ASIDE):
        return [Candidate.state == state]
    moment = now()
    mutes = select(Mute.id).where(Mute.ended_at.is_(None), Mute.until > moment)
    if state in ASIDE:  # few of however many wait: nothing here lets the database begin with those that wait
        is_muted = and_(_One.muted_by.is_not(None), _One.muted_by.in_(mutes), _One.urgency.is_distinct_from(DANGER))
        few = select(_One.id).where(_One.snoozed_until > moment if state == "snoozed" else is_muted)
        closed = [name for name in STATES if name not in OPEN_STATES]
        return [Candidate.id.in_(few), Candidate.state.not_in(closed)]
    return [
        Candidate.state == state,
        or_(Candidate.snoozed_until.is_(None), Candidate.snoozed_until <= moment),
        or_(Candidate.muted_by.is_(None), Candidate.muted_by.not_in(mutes), Candidate.urgency == DANGER),
    ]


def _is_of(viewer: Person) -> ColumnElement[bool]:
    """Whether it is of the agencies and regions that were given to `viewer`, or to somebody they stand in for today."""
    remits = [remit for remit in viewer.remits if not remit.bounds] + access.covered(viewer)
    return or_(*map(access.concerns, remits)) if remits else true()


def _narrow(filters: Filters) -> list[ColumnElement[bool]]:
    exact = {
        Candidate.region: filters.region,
        Candidate.sector: filters.sector,
        Candidate.urgency: filters.urgency,
        Candidate.agency_id: filters.agency_id,
    }
    return _in_state(filters.state) + [column == value for column, value in exact.items() if value]
