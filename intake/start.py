"""The first start: the agencies of the province, and one administrator; and whose texts a database holds."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler import Document
from crawler.demo.server import NAMES
from intake import sources
from intake.models import Agency, AgencyContact, Mention, Person
from intake.people import accounts
from intake.settings import DEMO_DATABASE
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


def demo_contacts(session: Session) -> None:
    """Focal points for the demo, so that a referral can be tried; what is sent to them stands in the service log."""
    if session.scalar(select(AgencyContact.id).limit(1)) is None:
        about = {"name": "Narahubung peragaan", "address": "console://"}
        session.add_all(
            AgencyContact(agency_id=agency, **about) for agency in DEMO_AGENCIES if session.get(Agency, agency)
        )


Press = Literal["demo", "real"]
DEMO_PRESS = frozenset(NAMES.values())
DEMO_AGENCIES = (  # which the demo press tells most of
    "RI-1403-DISHUB", "RI-1404-RSUD", "RI-1406-DPUPR", "RI-1408-PKM", "RI-1471-DLH", "RI-1472-DISDUKCAPIL", "RI-1401-PDAM",
    "RI-PROV-SMASMK", "VT-PLN-UP3DMI", "VT-MADRASAH",
)  # fmt: skip


def press_of(session: Session, url: str) -> Press | None:
    """Whose texts the database at `url` holds, or is meant for by its name; None while it may become either's.

    Its sources tell; where it has none, the texts that were imported do.
    """
    rows = sources.listing(session)
    if rows:
        return "demo" if any(row.options.get("demo") for row in rows) else "real"
    if url == DEMO_DATABASE or session.scalar(select(Mention.id).where(Mention.source.in_(DEMO_PRESS)).limit(1)):
        return "demo"
    return "real" if session.scalar(select(Mention.id).limit(1)) else None


def told_by(document: Document) -> Press:
    """Whose text this is."""
    return "demo" if document.source in DEMO_PRESS else "real"
