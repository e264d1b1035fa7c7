"""Focal points of agencies, and messages that did not reach them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from intake import alerts
from intake.models import (
    AgencyContact,
)
from intake.people import audit
from intake.web.present import Wrong
from intake.web.visitor import (
    Number,
    Signed,
    Visitor,
    Who,
    agencies_by_name,
    agency_named,
    check_name,
    go,
    message_address,
    only,
)

router = APIRouter(include_in_schema=False)


@router.get("/kontak")
def contacts_page(who: Who) -> HTMLResponse:
    only(who, "admin")
    return _contacts(who)


def _contacts(who: Visitor, status: int = 200, wrong: Wrong | None = None, **typed: str) -> HTMLResponse:
    contacts = who.session.scalars(
        select(AgencyContact).options(selectinload(AgencyContact.agency)).order_by(AgencyContact.agency_id)
    ).all()
    return who.page(
        "contacts.html",
        status,
        contacts=contacts,
        agencies=agencies_by_name(who.session),
        undelivered=alerts.undelivered(who.session),
        next_try=alerts.next_try,
        wrong=wrong,
        **({"agency": "", "name": "", "address": ""} | typed),
    )


@router.post("/kontak")
def add_contact(
    who: Signed,
    agency: Annotated[str, Form(max_length=200)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
    address: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    only(who, "admin")
    try:
        of_agency = agency_named(who.session, agency)
        check_name(name, 120)
        to = message_address(address, who.request.app.state.settings)
    except Wrong as wrong:
        return _contacts(who, 422, wrong, agency=agency, name=name, address=address)
    contact = AgencyContact(agency_id=of_agency.id, name=name.strip(), address=to)
    who.session.add(contact)
    who.session.flush()
    audit.write(who.session, who.person, "contact.add", f"contact:{contact.id}", agency=of_agency.id)
    return go("/kontak", "saved")


@router.post("/kontak/pesan/{alert_id}")
def send_again(who: Signed, alert_id: Number) -> Response:
    """A failed message goes out once more, with all its tries."""
    only(who, "admin")
    if alerts.send_again(who.session, alert_id, who.person) is None:
        raise HTTPException(404)
    return go("/kontak", "again")


@router.post("/kontak/{contact_id}")
def switch_contact(who: Signed, contact_id: Number, active: Annotated[bool, Form()]) -> Response:
    only(who, "admin")
    contact = who.session.get(AgencyContact, contact_id)
    if contact is None:
        raise HTTPException(404)
    contact.active = active
    audit.write(who.session, who.person, "contact.enable" if active else "contact.disable", f"contact:{contact.id}")
    return go("/kontak", "saved")
