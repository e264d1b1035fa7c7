"""What each person is for: agencies and regions, and who stands in while they are on leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.models import Cover, Person, Remit, now
from intake.people import access, audit

LONGEST_LEAVE = 366  # days


class NotPossible(ValueError):
    """A remit or a leave that cannot be kept as it was given; `key` is a message key of the console."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def add_remit(
    session: Session, person: Person, agency_id: str | None, region: str | None, *, bounds: bool, by: Person | None
) -> Remit:
    """Give `person` an agency, a region, or an agency in a region. NotPossible says why not."""
    if agency_id is None and region is None:
        raise NotPossible("remit_empty")
    if bounds and person.role in access.UNBOUND:
        raise NotPossible("remit_unbound")
    if any((one.agency_id, one.region) == (agency_id, region) for one in person.remits):
        raise NotPossible("remit_known")
    remit = Remit(agency_id=agency_id, region=region, bounds=bounds)
    person.remits.append(remit)
    session.flush()
    audit.write(session, by, "remit.add", f"person:{person.id}", agency=agency_id, region=region, bounds=bounds)
    return remit


def remove_remit(session: Session, person: Person, number: int, by: Person | None) -> Remit | None:
    """Take a remit away; None if the person has no such one."""
    remit = next((one for one in person.remits if one.id == number), None)
    if remit is not None:
        person.remits.remove(remit)
        told = {"agency": remit.agency_id, "region": remit.region, "bounds": remit.bounds}
        audit.write(session, by, "remit.remove", f"person:{person.id}", **told)
    return remit


def add_leave(session: Session, person: Person, cover: Person, first: date, last: date, by: Person | None) -> Cover:
    """`cover` looks after the remits of `person` from the first day to the last. NotPossible says why not."""
    if not first <= last or last < _today() or (last - first).days >= LONGEST_LEAVE:
        raise NotPossible("leave_days")
    if cover not in stand_ins(session, person):
        raise NotPossible("leave_cover")
    leave = Cover(person_id=person.id, cover_id=cover.id, first_day=first, last_day=last)
    session.add(leave)
    told = {"cover": cover.name, "first": first, "last": last}
    audit.write(session, by, "leave.add", f"person:{person.id}", **told)
    return leave


def end_leave(session: Session, person: Person, number: int, by: Person | None) -> Cover | None:
    """Take a leave back; None if the person has no such one."""
    leave = session.get(Cover, number)
    if leave is None or leave.person_id != person.id:
        return None
    session.delete(leave)
    audit.write(session, by, "leave.end", f"person:{person.id}", first=leave.first_day, last=leave.last_day)
    return leave


def end_unfit_leaves(session: Session, person: Person, by: Person | None) -> None:
    """End the leaves, of `person` or of those they stand in for, whose two are not of one role and agency any more."""
    for leave in leaves(session, person):
        away, cover = session.get_one(Person, leave.person_id), session.get_one(Person, leave.cover_id)
        if cover not in stand_ins(session, away):
            end_leave(session, away, leave.id, by)


def leaves(session: Session, person: Person) -> Sequence[Cover]:
    """The leaves of `person`, and those they stand in for, that are not over, in their order."""
    of_person = or_(Cover.person_id == person.id, Cover.cover_id == person.id)
    return session.scalars(select(Cover).where(of_person, Cover.last_day >= _today()).order_by(Cover.first_day)).all()


def stand_ins(session: Session, person: Person) -> Sequence[Person]:
    """Who can stand in for `person`: of the same role, and of a focal point the same agency."""
    same = (Person.role == person.role, Person.id != person.id, Person.disabled.is_(False))
    found = session.scalars(select(Person).where(*same).order_by(Person.name)).all()
    return [one for one in found if person.role != "focal" or one.agency_id == person.agency_id]


def _today() -> date:
    return now().astimezone(WIB).date()
