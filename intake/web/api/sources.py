"""What is listened to and how well; agencies, and their focal points."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import select

from intake import sources
from intake.models import Agency, AgencyContact, SourceState
from intake.people import audit
from intake.web.api import lists
from intake.web.api.calls import (
    AS_SEEN,
    Call,
    IfMatch,
    IfNoneMatch,
    acts,
    hold,
    once,
    reads,
    router,
    single,
    unchanged,
)
from intake.web.api.fields import AGENCY, KINDS, REGION, Given, NumberInPath, Told, example
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import Refused, problems
from intake.web.present import Wrong
from intake.web.visitor import agency_named, check_name, message_address

Reader = Annotated[Call, reads("sources.read")]
Changer = Annotated[Call, acts("sources.change")]
Contacts = Annotated[Call, reads("contacts.change")]
ContactsAct = Annotated[Call, acts("contacts.change")]
routes = router("sources")
agency_routes = router("agencies")


class NoteOut(Told):
    """What a visit noted."""

    code: str = Field(description="of crawler/notes.py")
    message: str = Field(description="in Indonesian")
    url: str = Field(description="where; empty if nowhere in particular")


class SourceOut(Told):
    """A source and its health."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra=example(
            id=1, name="Koran", adapter="feed", url="https://koran.example/rss", region="14.71", enabled=True, probed=True,
            interval=30, status="ok", visited_at="2026-11-24T10:00:00Z", success_at="2026-11-24T10:00:00Z",
            new_at="2026-11-24T10:00:00Z", health="well", health_since="2026-11-20T10:00:00Z", expected_at=None,
            due_at="2026-11-24T10:30:00Z", moved_to=None, notes=[],
        ),
    )  # fmt: skip

    id: int = Field(description="its number")
    name: str = Field(description="its name")
    adapter: str = Field(description="how it is read")
    url: str = Field(description="where it is read")
    region: str | None = Field(description=f"its home: {REGION}")
    enabled: bool = Field(description="whether it is listened to")
    probed: bool = Field(description="false: its address is a guess that did not answer yet")
    interval: int = Field(description="minutes between visits, as configured")
    status: str | None = Field(description="what came of the last visit: `ok`, `unchanged`, `empty`, or how it failed")
    visited_at: datetime | None = Field(description="end of the last visit")
    success_at: datetime | None = Field(description="end of the last one that was answered")
    new_at: datetime | None = Field(description="when something new came last")
    health: str | None = Field(description="how it is, as docs/sources.md names it; null: never visited")
    health_since: datetime | None = Field(description="since when")
    expected_at: datetime | None = Field(description="by when something new can be expected; null: not known yet")
    due_at: datetime | None = Field(description="visited next not before; null: at once")
    moved_to: str | None = Field(description="where its address leads for good")
    notes: list[NoteOut] = Field(description="of the last visit")


class SourceEdit(Given):
    """What of a source changes."""

    model_config = ConfigDict(json_schema_extra=example(enabled=False))

    enabled: bool = Field(description="whether it is listened to")


class AgencyOut(Told):
    """A body that can be answerable."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra=example(
            id="VT-PLN-UP3DMI", name="PLN UP3 Dumai", kind="PLN", level="vertikal", region="14.72"
        ),
    )

    id: str = Field(description="its id")
    name: str = Field(description="its name")
    kind: str | None = Field(description=KINDS)
    level: str | None = Field(description="of the state: where it belongs")
    region: str | None = Field(description=f"{REGION}; null: the whole province")


class ContactOut(Told):
    """A focal point of an agency, and how they are told."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra=example(
            id=1,
            agency_id="VT-PLN-UP3DMI",
            name="Narahubung Rekaan",
            position="",
            address="mailto://k@contoh.id",
            active=True,
        ),
    )

    id: int = Field(description="its number")
    agency_id: str = Field(description=AGENCY)
    name: str = Field(description="who it is")
    position: str = Field(description="what they are there")
    address: str = Field(description="where messages go")
    active: bool = Field(description="whether they are told")


class ContactIn(Given):
    """A new focal point."""

    model_config = ConfigDict(
        json_schema_extra=example(agency_id="VT-PLN-UP3DMI", name="Narahubung Rekaan", address="narahubung@contoh.id")
    )

    agency_id: str = Field(max_length=60, description=AGENCY)
    name: str = Field(min_length=2, max_length=120, description="who it is")
    address: str = Field(min_length=1, max_length=500, description="where messages go: mail, or another way in use")


class ContactEdit(Given):
    """What of a focal point changes."""

    model_config = ConfigDict(json_schema_extra=example(active=False))

    active: bool = Field(description="whether they are told")


# ---- sources ---------------------------------------------------------------------------------------------------------


@routes.get("/sources", summary="Every source and its health")
def read_sources(who: Reader, after: After = None, limit: Limit = 20) -> ListOut[SourceOut]:
    """By name."""
    rows = sources.listing(who.session)
    shown, following = lists.part(rows, lambda row: (row.name, row.id), after, limit)
    return ListOut(items=[SourceOut.model_validate(row) for row in shown], next=following)


@routes.get("/sources/{source_id}", summary="One source", response_model=SourceOut, responses=problems(404) | AS_SEEN)
def read_source(who: Reader, source_id: NumberInPath, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """Its health, and what the last visit noted."""
    return single(SourceOut.model_validate(_source(who, source_id)), response, if_none_match)


@routes.patch(
    "/sources/{source_id}", summary="Switch a source", response_model=SourceOut, responses=problems(404, 412, 428)
)
@once()
def change_source(
    who: Changer, source_id: NumberInPath, given: SourceEdit, response: Response, if_match: IfMatch = None
) -> Any:
    """On or off. What was read stays."""
    hold(who.session, SourceState, _source(who, source_id).id)
    row = _source(who, source_id)
    unchanged(SourceOut.model_validate(row), if_match)
    sources.enable(who.session, row.name, given.enabled, who.person)
    who.session.flush()
    return single(SourceOut.model_validate(row), response)


@routes.post(
    "/sources/{source_id}/move",
    summary="Take over a new address",
    response_model=SourceOut,
    responses=problems(404, 409),
)
@once()
def move_source(who: Changer, source_id: NumberInPath) -> SourceOut:
    """The address a source has moved to is the one that is read from now on."""
    row = _source(who, source_id)
    try:
        sources.take_over(who.session, row, who.person)
    except ValueError:
        raise Refused(
            409, "not_moved", "It belongs to another source already, or it is not moved any more. Nothing was changed."
        ) from None
    who.session.flush()
    return SourceOut.model_validate(row)


def _source(who: Call, source_id: int) -> SourceState:
    row = who.session.get(SourceState, source_id)
    if row is None:
        raise Refused(404, "not_found", f"There is no source {source_id}.")
    return row


# ---- agencies --------------------------------------------------------------------------------------------------------


@agency_routes.get("/agencies", summary="Agencies that can be answerable")
def read_agencies(
    who: Annotated[Call, reads("queue.read")],
    name: Annotated[str | None, Query(max_length=100, description="letters of the name")] = None,
    after: After = None,
    limit: Limit = 20,
) -> ListOut[AgencyOut]:
    """By id, which is what everything else names."""
    begin = lists.place(after)
    if begin is not None and (not isinstance(begin, str) or "\0" in begin or not begin.isprintable()):
        raise lists.wrong_cursor()
    statement = select(Agency).order_by(Agency.id).limit(limit + 1)
    if begin is not None:
        statement = statement.where(Agency.id > begin)
    if name:
        statement = statement.where(Agency.name.icontains(name, autoescape=True))
    rows = who.session.scalars(statement).all()
    items = [AgencyOut.model_validate(row) for row in rows[:limit]]
    return ListOut(items=items, next=lists.cursor(items[-1].id) if len(rows) > limit else None)


@agency_routes.get("/contacts", summary="Focal points of agencies")
def read_contacts(who: Contacts, after: After = None, limit: Limit = 20) -> ListOut[ContactOut]:
    """By number."""
    begin = lists.number(after)
    statement = select(AgencyContact).order_by(AgencyContact.id).limit(limit + 1)
    rows = who.session.scalars(statement if begin is None else statement.where(AgencyContact.id > begin)).all()
    items = [ContactOut.model_validate(row) for row in rows[:limit]]
    return ListOut(items=items, next=lists.cursor(items[-1].id) if len(rows) > limit else None)


@agency_routes.get(
    "/contacts/{contact_id}", summary="One focal point", response_model=ContactOut, responses=problems(404) | AS_SEEN
)
def read_contact(who: Contacts, contact_id: NumberInPath, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """And where their messages go."""
    return single(ContactOut.model_validate(_contact(who, contact_id)), response, if_none_match)


@agency_routes.post("/contacts", status_code=201, summary="Add a focal point", response_model=ContactOut)
@once()
def add_contact(who: ContactsAct, given: ContactIn) -> ContactOut:
    """They are told of what concerns their agency from now on."""
    try:
        agency = agency_named(who.session, given.agency_id)
        check_name(given.name, 120)
        address = message_address(given.address, who.settings)
    except Wrong as error:
        raise who.wrong(error) from None
    contact = AgencyContact(agency_id=agency.id, name=given.name, address=address)
    who.session.add(contact)
    who.session.flush()
    audit.write(who.session, who.person, "contact.add", f"contact:{contact.id}", agency=agency.id)
    return ContactOut.model_validate(contact)


@agency_routes.patch(
    "/contacts/{contact_id}",
    summary="Switch a focal point",
    response_model=ContactOut,
    responses=problems(404, 412, 428),
)
@once()
def change_contact(
    who: ContactsAct, contact_id: NumberInPath, given: ContactEdit, response: Response, if_match: IfMatch = None
) -> Any:
    """Told, or not any more."""
    hold(who.session, AgencyContact, _contact(who, contact_id).id)
    contact = _contact(who, contact_id)
    unchanged(ContactOut.model_validate(contact), if_match)
    contact.active = given.active
    deed = "contact.enable" if given.active else "contact.disable"
    audit.write(who.session, who.person, deed, f"contact:{contact.id}")
    return single(ContactOut.model_validate(contact), response)


def _contact(who: Call, contact_id: int) -> AgencyContact:
    contact = who.session.get(AgencyContact, contact_id)
    if contact is None:
        raise Refused(404, "not_found", f"There is no focal point {contact_id}.")
    return contact
