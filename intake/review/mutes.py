"""What is kept out of the queue for a while: of a service, a region or an agency, with a reason and an end.

A candidate carries the mute that lasts longest of those that hold for it (`Candidate.muted_by`); the queue looks besides
whether that one lasts still, so an end needs no job to come true. A danger to life (U1) is never muted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from intake.models import DANGER, OPEN_STATES, Agency, Candidate, Mute, Person, Remit, now
from intake.people import access, audit
from intake.review import queue
from intake.review.errors import Invalid, NotAllowed
from nlp.jurisdiction import load_taxonomy

LONGEST = timedelta(days=90)
SHORTEST_REASON, LONGEST_REASON = 5, 500  # characters
_REGION = re.compile(r"\d\d\.\d\d")


@dataclass(frozen=True, slots=True)
class Held:
    """A mute, and how many open candidates it keeps back from a viewer now, counted to queue.COUNTED."""

    mute: Mute
    candidates: int


def mute(
    session: Session,
    person: Person,
    *,
    reason: str,
    until: datetime,
    sector: str | None = None,
    region: str | None = None,
    agency_id: str | None = None,
) -> Mute:
    """Keep what matches all that is named out of the queue; open candidates at once. Raises NotAllowed, Invalid."""
    why, at = reason.replace("\0", "").strip(), now()
    _may(person, sector, region, agency_id)
    _is_known(session, sector, region, agency_id)
    if not SHORTEST_REASON <= len(why) <= LONGEST_REASON:
        raise Invalid("needs_mute_reason")
    if not at < until <= at + LONGEST:
        raise Invalid("needs_mute_end", days=LONGEST.days)
    row = Mute(person=person, sector=sector, region=region, agency_id=agency_id, reason=why, until=until)
    session.add(row)
    session.flush()
    held = _apply(session, row)
    told = {"sector": sector, "region": region, "agency": agency_id, "until": until.isoformat(), "reason": why}
    audit.write(session, person, "mute.set", f"mute:{row.id}", candidates=held, **told)
    return row


def end(session: Session, person: Person, mute_id: int) -> Mute:
    """Before its time; this is its undo too. What it held back is in the queue again, unless another mute holds for it."""
    row = session.scalar(select(Mute).where(Mute.id == mute_id).with_for_update())
    if row is None or not _lasts(row):
        raise Invalid("no_mute")
    _may(person, row.sector, row.region, row.agency_id)
    row.ended_at = now()
    session.flush()
    audit.write(session, person, "mute.end", f"mute:{row.id}", candidates=_lift(session, Candidate.muted_by == row.id))
    return row


def live(session: Session) -> Sequence[Mute]:
    """Those that last still, the one that ends first before the others."""
    at = now()
    lasting = select(Mute).where(Mute.ended_at.is_(None), Mute.until > at).order_by(Mute.until, Mute.id)
    return session.scalars(lasting.options(joinedload(Mute.person))).all()


def held(session: Session, viewer: Person) -> Sequence[Held]:
    """Every live mute, and what it holds back of what `viewer` may see."""
    return [Held(row, _count(session, viewer, row)) for row in live(session)]


def muted_by(session: Session, candidate: Candidate) -> int | None:
    """The live mute that holds for a candidate as it is now: `candidate.muted_by`, whenever it was computed anew."""
    if candidate.urgency == DANGER or candidate.state not in (*OPEN_STATES, None):  # None: not flushed yet
        return None
    its = (candidate.sector, candidate.region, candidate.agency_id)
    holding = [row for row in live(session) if _covers((row.sector, row.region, row.agency_id), its)]
    return holding[-1].id if holding else None


def lift_expired(session: Session) -> int:
    """Tidy up after mutes whose time is over. Returns how many candidates carried one."""
    over = select(Mute.id).where(or_(Mute.ended_at.is_not(None), Mute.until <= now()))
    return _lift(session, Candidate.muted_by.in_(over))


def _may(person: Person, *named: str | None) -> None:
    """Whoever sees but a part of everything mutes only within that part."""
    if not access.may(person, "mute.set"):
        raise NotAllowed("not_allowed", role=person.role)
    bounds = access.bounds_of(person)
    if bounds and not any(_lies_in(remit, *named) for remit in bounds):
        raise NotAllowed("mute_beyond")


def _lies_in(remit: Remit, sector: str | None, region: str | None, agency_id: str | None) -> bool:
    return _covers((None, remit.region, remit.agency_id), (sector, region, agency_id))


def _covers(named: tuple[str | None, ...], its: tuple[str | None, ...]) -> bool:
    """Whether all that is named is so; None names nothing."""
    return all(value in (None, other) for value, other in zip(named, its, strict=True))


def _is_known(session: Session, sector: str | None, region: str | None, agency_id: str | None) -> None:
    if not (sector or region or agency_id):
        raise Invalid("needs_mute_what")
    wrong = (
        (sector is not None and sector not in load_taxonomy().sectors)
        or (region is not None and not _REGION.fullmatch(region))
        or (agency_id is not None and session.get(Agency, agency_id) is None)
    )
    if wrong:
        raise Invalid("needs_mute_what")


def _lasts(row: Mute) -> bool:
    return row.ended_at is None and row.until > now()


def _matches(row: Mute) -> ColumnElement[bool]:
    named = ((Candidate.sector, row.sector), (Candidate.region, row.region), (Candidate.agency_id, row.agency_id))
    is_danger = and_(Candidate.urgency.is_not(None), Candidate.urgency == DANGER)
    return and_(Candidate.state.in_(OPEN_STATES), ~is_danger, *(column == value for column, value in named if value))


def _apply(session: Session, row: Mute) -> int:
    """Put it on open candidates that carry none, one that is over, or one that ends sooner. Returns on how many."""
    longer = select(Mute.id).where(Mute.ended_at.is_(None), Mute.until >= row.until, Mute.id != row.id)
    free = or_(Candidate.muted_by.is_(None), Candidate.muted_by.not_in(longer))
    return _set(session, and_(_matches(row), free), row.id)


def _lift(session: Session, which: ColumnElement[bool]) -> int:
    """Take mutes off, then put those that last on what they hold for."""
    count = _set(session, which, None)
    for row in live(session) if count else ():
        _apply(session, row)
    return count


def _set(session: Session, which: ColumnElement[bool], value: int | None) -> int:
    """In the order of their numbers, as whoever decides about several locks them."""
    ids = select(Candidate.id).where(which).order_by(Candidate.id).with_for_update(key_share=True)
    statement = update(Candidate).where(Candidate.id.in_(ids)).values(muted_by=value)
    done = session.execute(statement.execution_options(synchronize_session="fetch"))
    return done.rowcount  # type: ignore[attr-defined, no-any-return]


def _count(session: Session, viewer: Person, row: Mute) -> int:
    kept = queue.visible(select(Candidate.id), viewer).where(Candidate.muted_by == row.id, _matches(row))
    some = kept.limit(queue.COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0
