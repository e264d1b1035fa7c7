"""The log of a case: each event raises its version, and is written down with what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.casework.clocks import Happened, day_of
from intake.inbox import storable
from intake.models import Case, CaseEvent, Person, Referral
from intake.people import audit
from intake.review.errors import Conflict

LONGEST = 4000  # characters of what an event says


def write(
    session: Session,
    case: Case,
    kind: str,
    person: Person | None = None,
    text: str = "",
    referral: Referral | None = None,
    **detail: Any,
) -> CaseEvent:
    """Append an event, with its audit row. `person` None: the focal point by the link, or the program."""
    event = append(session, case, kind, person, text, referral, **detail)
    about = detail | ({"referral": referral.id} if referral else {})
    audit.write(session, person, f"case.{kind}", f"case:{case.number}", **about)
    return event


def append(
    session: Session,
    case: Case,
    kind: str,
    person: Person | None = None,
    text: str = "",
    referral: Referral | None = None,
    **detail: Any,
) -> CaseEvent:
    """The event alone, for whoever writes their own audit row."""
    event = CaseEvent(
        case_id=case.id, kind=kind, person=person, text=plain(text), referral_id=referral and referral.id, detail=detail
    )
    session.add(event)
    session.flush()
    session.expire(case, ["events"])
    return event


def claim(session: Session, case: Case, version: int) -> None:
    """Raise the version from the one that was seen. Raises Conflict, who was first, and changes nothing otherwise."""
    if not raise_version(session, case, version):
        last = session.scalar(
            select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc()).limit(1)
        )
        raise Conflict(
            "case_changed", by=last.person.name if last and last.person else "", kind=last.kind if last else ""
        )


def raise_version(session: Session, case: Case, version: int) -> bool:
    """Whether it was still `version`; of two who try at once one succeeds, and the other sees what that one did."""
    changed = session.execute(
        update(Case)
        .where(Case.id == case.id, Case.version == version)
        .values(version=Case.version + 1)
        .execution_options(synchronize_session=False)
    )
    session.refresh(case)
    return changed.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def plain(text: str) -> str:
    """What may be kept of a text somebody wrote: lines in one form, nothing a database refuses, not without end."""
    return storable(text).replace("\r\n", "\n").replace("\r", "\n").strip()[:LONGEST]


def log_of(case: Case) -> list[Happened]:
    """What the clocks of a case are computed from."""
    rows = ((event.id, event.kind, event.at, event.referral_id, event.detail) for event in case.events)
    return as_log(rows, case.candidate.first_told_at, case.opened_at, case.track)


def as_log(
    rows: Iterable[tuple[int, str, datetime, int | None, dict[str, Any]]],
    told_at: datetime,
    opened_at: datetime,
    track: str,
) -> list[Happened]:
    """A log of (id, kind, at, referral, detail). A case of before there were events was opened, and nothing since.

    What was written down later than it happened stands at the beginning of its own day.
    """
    log = [Happened("told", told_at, -2)]
    for number, kind, at, referral, detail in rows:
        named = f"note:{detail['milestone']}" if kind == "note" and "milestone" in detail else kind
        log.append(Happened(named, _happened_at(at, detail), number, referral, detail.get("track")))
    if not any(one.kind == "opened" for one in log):
        log.append(Happened("opened", opened_at, -1, track=track))
    moves = [replace(one, kind=f"on:{one.track}") for one in log if one.track]
    return log + moves


def _happened_at(at: datetime, detail: dict[str, Any]) -> datetime:
    day = date.fromisoformat(detail["day"]) if "day" in detail else day_of(at)
    return at if day == day_of(at) else datetime.combine(day, time(), WIB)
