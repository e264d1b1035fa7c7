"""The first start: the agencies of the province, and one administrator."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import accounts
from intake.models import Agency, Person
from nlp.jurisdiction import load_jurisdiction


def first_start(session: Session, province: str) -> str | None:
    """Bring the agencies up to date; make an administrator if there is nobody. Returns the password if one was made."""
    sync_agencies(session, province)
    if session.scalar(select(Person.id).limit(1)):
        return None
    _, password = accounts.add_person(session, "admin", "admin")
    return password


def sync_agencies(session: Session, province: str) -> None:
    """The agencies of nlp's tables as rows, so that cases and contacts can refer to them; none is deleted."""
    stored = {agency.id: agency for agency in session.scalars(select(Agency))}
    for row in load_jurisdiction(province).agencies.values():
        agency = stored.get(row.id)
        if agency is None:
            session.add(Agency(id=row.id, name=row.name, kind=row.kind, level=row.level, region=row.region))
        elif (agency.name, agency.kind, agency.level, agency.region) != (row.name, row.kind, row.level, row.region):
            agency.name, agency.kind, agency.level, agency.region = row.name, row.kind, row.level, row.region
