"""Who has a candidate open. Of two officers who want one, one gets it; a late write is refused.

A lease lasts a few minutes from the last activity of its holder. Its row stays when it is over, so that the fencing token
of a candidate only grows: a write that names an older one is late, whatever the clocks of two machines say.

Whoever holds the locks of a candidate and of its lease took that of the candidate first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, case, exists, literal, null, or_, select, update
from sqlalchemy.orm import Session, joinedload

from intake.database import insert_for
from intake.models import OPEN_STATES, Candidate, Decision, DecisionTouch, Lease, Person, now
from intake.people import access, audit
from intake.review import queue
from intake.review.errors import Conflict, Invalid, NotAllowed, ReviewError

LENGTH = timedelta(minutes=5)  # unless the caller names the setting lease_minutes
HELD = 5  # candidates one person has open at most; taking another one lets go of the one longest left alone
TRIES = 20  # times somebody else may be quicker before `claim_next` gives up


def claim(session: Session, person: Person, candidate_id: int, length: timedelta = LENGTH) -> Lease:
    """Take a candidate, or hold it longer under the same token. Conflict "held" if somebody else has it open."""
    _may(person, "candidate.decide")
    candidate, held = _look_at(session, person, candidate_id)
    if held is not None and held.person_id != person.id:
        raise _held(held)
    lease = _take(session, person, candidate_id, length, unless_held=True)
    if lease is None:  # somebody was quicker, in the moment between
        raise _not_free(session, candidate)
    _let_go_of_more(session, person)
    return lease


def claim_next(
    session: Session, person: Person, filters: queue.Filters = queue.Filters(), length: timedelta = LENGTH
) -> tuple[Candidate, Lease] | None:
    """Take the first open candidate that nobody else has, passing over those just being taken. None: there is none left."""
    _may(person, "candidate.decide")
    waiting = queue.chosen(person, replace(filters, state="candidate"))
    for _ in range(TRIES):
        free = waiting.where(~_with_another(person, now())).order_by(*queue.IN_ORDER).limit(1)
        candidate = session.scalar(free.with_for_update(of=Candidate, key_share=True, skip_locked=True))
        if candidate is None:
            return None
        lease = _take(session, person, candidate.id, length, unless_held=True)
        if lease is not None:
            _let_go_of_more(session, person)
            return candidate, lease
    return None


def take_over(session: Session, person: Person, candidate_id: int, length: timedelta = LENGTH) -> Lease:
    """Take a candidate from whoever has it open; they are told when they next do something with it."""
    _may(person, "lease.take_over")
    candidate, _ = _look_at(session, person, candidate_id)
    lease = _take(session, person, candidate_id, length, unless_held=False)
    if lease is None:
        raise _not_free(session, candidate)
    if lease.taken_from is not None:
        subject, told = f"candidate:{candidate_id}", {"from": lease.taken_from, "token": lease.token}
        audit.write(session, person, "lease.take_over", subject, **told)
    _let_go_of_more(session, person)
    return lease


def renew(session: Session, person: Person, candidate_id: int, token: int, length: timedelta = LENGTH) -> Lease:
    """Hold a candidate from now on. Conflict "lease_lost" once its time is over, even if nobody came in between."""
    at = now()
    longer = (
        update(Lease)
        .where(Lease.candidate_id == candidate_id, Lease.person_id == person.id, Lease.token == token, Lease.until > at)
        .values(until=at + length)
        .execution_options(synchronize_session=False)
    )
    held = session.execute(longer).rowcount == 1  # type: ignore[attr-defined]
    lease = session.get(Lease, candidate_id, populate_existing=True)
    if not held or lease is None:
        raise Conflict("lease_lost", **_what_changed(session, person, candidate_id, token, lease))
    return lease


def check(session: Session, person: Person, candidate_id: int, token: int | None) -> None:
    """Before a write: the person holds the candidate, and goes on holding it until the transaction is over.

    Without a token, that nobody else has it open: Conflict "held". With one, Conflict "lease_lost" if it is too late, and
    what changed since: `how` (taken_over, taken, decided or expired), and of all but the last `by`, `at` and `action`.
    """
    session.execute(select(Candidate.id).where(Candidate.id == candidate_id).with_for_update(key_share=True))
    if token is not None:
        renew(session, person, candidate_id, token)
    elif (lease := holder(session, candidate_id)) is not None and lease.person_id != person.id:
        raise _held(lease)


def release(session: Session, person: Person, candidate_id: int, token: int) -> None:
    """Let a candidate go. Nothing happens if it was lost before."""
    _end(session, Lease.candidate_id == candidate_id, Lease.person_id == person.id, Lease.token == token)


def release_all(session: Session, person: Person) -> None:
    """Let go of everything, as somebody does who signs out."""
    _end(session, Lease.person_id == person.id)


def holder(session: Session, candidate_id: int) -> Lease | None:
    """The live lease on a candidate, if somebody has it open."""
    return holders(session, [candidate_id]).get(candidate_id)


def holders(session: Session, candidate_ids: Iterable[int]) -> Mapping[int, Lease]:
    """Candidate id -> its live lease, of those that somebody has open."""
    live = select(Lease).where(Lease.candidate_id.in_(list(candidate_ids)), Lease.until > now())
    fresh = live.options(joinedload(Lease.person)).execution_options(populate_existing=True)
    return {lease.candidate_id: lease for lease in session.scalars(fresh)}


def _take(session: Session, person: Person, candidate_id: int, length: timedelta, *, unless_held: bool) -> Lease | None:
    """One conditional statement: of two who try, one gets a row; nobody, once the candidate is decided.

    A live lease of one's own keeps its token.
    """
    at = now()
    given = {"candidate": candidate_id, "person": person.id, "at": at, "end": at + length}
    taking = _taking(insert_for(session), unless_held=unless_held)
    lease: Lease | None = session.scalar(taking, given, execution_options={"populate_existing": True})
    return lease


@cache
def _taking(insert: Callable[..., Any], *, unless_held: bool) -> Any:
    """The statement of `_take`, made once: to make it anew for each claim takes longer than the database needs for it."""
    table: Any = Lease.__table__
    columns = table.c
    person = bindparam("person", type_=columns.person_id.type)
    at, end = bindparam("at", type_=columns.until.type), bindparam("end", type_=columns.until.type)
    live, own = Lease.until > at, Lease.person_id == person
    kept = and_(live, own)
    taken = {
        "person_id": person,
        "token": case((kept, Lease.token), else_=Lease.token + 1),
        "taken_at": case((kept, Lease.taken_at), else_=at),
        "until": end,
        "taken_from": case((kept, Lease.taken_from), (live, Lease.person_id), else_=null()),
    }
    still_open = select(Candidate.id, person, literal(1, columns.token.type), at, end)
    still_open = still_open.where(Candidate.id == bindparam("candidate"), Candidate.state.in_(OPEN_STATES))
    row = ["candidate_id", "person_id", "token", "taken_at", "until"]
    taking = insert(table).from_select(row, still_open, include_defaults=False)
    taking = taking.on_conflict_do_update(
        index_elements=[Lease.candidate_id], set_=taken, where=or_(~live, own) if unless_held else None
    )
    return select(Lease).from_statement(taking.returning(Lease))


def _with_another(person: Person, at: datetime) -> ColumnElement[bool]:
    return exists().where(Lease.candidate_id == Candidate.id, Lease.until > at, Lease.person_id != person.id)


def _let_go_of_more(session: Session, person: Person) -> None:
    """Nobody keeps a whole page of the queue from the others by opening one after the other."""
    session.execute(_LETTING_GO, {"person": person.id, "at": now()}, execution_options={"synchronize_session": False})


def _end(session: Session, *which: ColumnElement[bool]) -> None:
    session.execute(_ending(*which), {"at": now()}, execution_options={"synchronize_session": False})


def _ending(*which: ColumnElement[bool]) -> Update:
    at = bindparam("at", type_=Lease.__table__.c.until.type)
    return update(Lease).where(*which, Lease.until > at).values(until=at)


def _letting_go() -> Update:
    """Ends all leases of "person" but the last ones."""
    its = Lease.person_id == bindparam("person")
    live = select(Lease.candidate_id).where(its, Lease.until > bindparam("at", type_=Lease.__table__.c.until.type))
    kept = live.order_by(Lease.until.desc(), Lease.taken_at.desc()).limit(HELD)
    return _ending(its, Lease.candidate_id.not_in(kept))


_LETTING_GO = _letting_go()  # made once, as `_taking` is


def _may(person: Person, action: str) -> None:
    if not access.may(person, action):
        raise NotAllowed("not_allowed", role=person.role)


def _look_at(session: Session, person: Person, candidate_id: int) -> tuple[Candidate, Lease | None]:
    """An open candidate and its live lease. Whoever is just deciding about it is waited for."""
    live = and_(Lease.candidate_id == Candidate.id, Lease.until > now())
    both: Any = select(Candidate, Lease).outerjoin(Lease, live)
    locked = (
        queue.visible(both, person).where(Candidate.id == candidate_id).with_for_update(of=Candidate, key_share=True)
    )
    found = session.execute(locked.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise Invalid("no_candidate", id=candidate_id)
    candidate, lease = found
    if candidate.state not in OPEN_STATES:
        raise _closed(candidate)
    return candidate, lease


def _not_free(session: Session, candidate: Candidate) -> ReviewError:
    session.refresh(candidate, ["state"])
    return _held(holder(session, candidate.id)) if candidate.state in OPEN_STATES else _closed(candidate)


def _closed(candidate: Candidate) -> Invalid:
    return Invalid("not_from_here", state=candidate.state, action="claim")


def _held(lease: Lease | None) -> Conflict:
    return Conflict("held", by=lease.person.name, until=lease.until) if lease else Conflict("held", by="")


def _what_changed(
    session: Session, person: Person, candidate_id: int, token: int, lease: Lease | None
) -> dict[str, Any]:
    """What the holder of a late token is told: who decided meanwhile, or who has it now, or that its time is over."""
    if lease is None:
        return {"how": "expired"}
    last = _last_decision(session, candidate_id)
    closed = session.scalar(select(Candidate.state).where(Candidate.id == candidate_id)) not in OPEN_STATES
    if last is not None and (closed or last.at >= lease.taken_at):
        return {"how": "decided", "by": last.person.name, "at": last.at, "action": last.action}
    if lease.token == token and lease.person_id == person.id:
        return {"how": "expired", "at": lease.until}
    how = "taken_over" if lease.taken_from == person.id else "taken"
    return {"how": how, "by": lease.person.name, "at": lease.taken_at, "action": "claim"}


def _last_decision(session: Session, candidate_id: int) -> Decision | None:
    """Of all that touched the candidate, a merge with another one included."""
    its = select(Decision).join(DecisionTouch).where(DecisionTouch.candidate_id == candidate_id)
    return session.scalar(its.order_by(Decision.id.desc()).limit(1))
