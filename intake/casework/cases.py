"""An accepted candidate on a legal track."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from intake.models import Candidate, Case, Person, now
from intake.review import queue

WIB = ZoneInfo("Asia/Jakarta")


def open_case(session: Session, candidate: Candidate, track: str) -> Case:
    """The case of an accepted candidate; one that was withdrawn is opened again under its old number."""
    case = session.scalar(select(Case).where(Case.candidate_id == candidate.id))
    if case is None:
        case = Case(number=_next_number(session), candidate_id=candidate.id)
        session.add(case)
    case.track, case.agency_id, case.state = track, candidate.agency_id, "open"
    session.flush()
    return case


def withdraw(session: Session, candidate: Candidate) -> None:
    """Its decision was undone: the case stays as a number, withdrawn."""
    case = session.scalar(select(Case).where(Case.candidate_id == candidate.id))
    if case is not None:
        case.state = "withdrawn"


def page(
    session: Session, viewer: Person, before: int | None = None, limit: int = 50
) -> tuple[Sequence[Case], int | None]:
    """Open cases `viewer` may see, newest first, and the id before which the next page begins."""
    statement = queue.visible(
        select(Case).join(Candidate, Candidate.id == Case.candidate_id).options(joinedload(Case.candidate)), viewer
    ).where(Case.state == "open")
    if before is not None:
        statement = statement.where(Case.id < before)
    cases = session.scalars(statement.order_by(Case.id.desc()).limit(limit + 1)).all()
    return cases[:limit], cases[limit - 1].id if len(cases) > limit else None


def _next_number(session: Session) -> str:
    """`2026-0001`: the year of opening in WIB and a running number; its unique key decides a race."""
    year = now().astimezone(WIB).year
    last = session.scalar(select(func.max(Case.number)).where(Case.number.startswith(f"{year}-")))
    return f"{year}-{int(last.split('-')[1]) + 1 if last else 1:04}"
