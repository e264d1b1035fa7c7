"""Who did what: a row in the transaction of the deed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from intake.models import AuditRow, Person


def write(session: Session, person: Person | None, action: str, subject: str = "", **detail: Any) -> AuditRow:
    """Add an audit row; `person` None stands for the program or its command line."""
    row = AuditRow(person_id=person.id if person else None, action=action, subject=subject, detail=detail)
    session.add(row)
    return row
