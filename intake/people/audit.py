"""Who did what: a row in the transaction of the deed, chained to the row before it by its hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from intake.models import AuditHead, AuditRow, Person, now


def write(session: Session, person: Person | None, action: str, subject: str = "", **detail: Any) -> AuditRow:
    """Append an audit row; `person` None stands for the program or its command line.

    Whoever appends holds the end of the chain until the transaction is over, so that it has no gap and no fork.
    """
    session.flush()
    place, before = _end(session)
    row = AuditRow(
        place=place,
        at=now(),
        person_id=person.id if person else None,
        action=action,
        subject=subject,
        detail=json.loads(json.dumps(detail, default=str)),
    )
    row.hash = hash_of(before, row)
    session.add(row)
    session.execute(_head().values(count=place, hash=row.hash))
    session.flush()
    return row


def hash_of(before: str, row: AuditRow) -> str:
    """SHA-256 of the hash before it and all that a row says, in one fixed form."""
    said = [before, row.place, row.at.isoformat(), row.person_id, row.action, row.subject, row.detail]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _end(session: Session) -> tuple[int, str]:
    """The place of the next row, and the hash of the last; locked by the update that counts it."""
    if session.execute(_head().values(count=AuditHead.count + 1)).rowcount == 0:  # type: ignore[attr-defined]
        session.execute(insert(AuditHead).values(id=1, count=1, hash=""))
    count, digest = session.execute(select(AuditHead.count, AuditHead.hash).where(AuditHead.id == 1)).one()
    return count, digest


def _head() -> Any:
    return update(AuditHead).where(AuditHead.id == 1).execution_options(synchronize_session=False)
