"""Accounts of others: who there is, what they are for, who stands in for them."""

from __future__ import annotations

import logging
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intake import courier
from intake.models import (
    ROLES,
    Person,
)
from intake.people import access, accounts, invitations, portfolio, totp
from intake.settings import Settings, ways_of
from intake.start import press_of
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
    needs,
)

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)


@router.get("/pengguna")
def people_page(who: Who) -> HTMLResponse:
    needs(who, "people.read")
    return _people(who)


def _people(who: Visitor, status: int = 200, wrong: Wrong | None = None, **shown: Any) -> HTMLResponse:
    """`shown`: the password or link that was just made and whose it is, or what was typed and could not be kept."""
    known = {"made": "", "password": "", "link": "", "sent_to": "", "name": "", "role": "officer", "agency": ""}
    known |= {"region": "", "bounds": "", "address": ""} | shown
    return who.page(
        "people.html",
        status,
        people=accounts.people(who.session),
        invited=invitations.waiting(who.session),
        roles=ROLES,
        agencies=agencies_by_name(who.session),
        wrong=wrong,
        **known,
    )


@router.post("/pengguna")
def add_person(
    who: Signed,
    after: BackgroundTasks,
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    agency: Annotated[str, Form(max_length=200)] = "",
    region: Annotated[str, Form(max_length=13)] = "",
    bounds: Annotated[bool, Form()] = False,
    way: Annotated[str, Form(max_length=10)] = "password",
    address: Annotated[str, Form(max_length=500)] = "",
) -> HTMLResponse:
    """The generated password, or the link of the invitation, is shown on the answer and nowhere else."""
    needs(who, "people.change")
    typed = {"name": name, "role": role, "agency": agency, "region": region, "bounds": bounds, "address": address}
    try:
        agency_id = _new_person(who.session, name, role, agency)
        to = message_address(address, who.request.app.state.settings) if address.strip() else None
        of_region = _region(who, region)
    except Wrong as wrong:
        return _people(who, 422, wrong, **typed)
    focal = agency_id if role == "focal" else None
    person, password = accounts.add_person(who.session, name, role, agency_id=focal, by=who.person)
    person.address = to
    if (agency_id and not focal) or of_region:
        only_this = bounds and role not in access.UNBOUND
        remit = (None if focal else agency_id, of_region)
        portfolio.add_remit(who.session, person, *remit, bounds=only_this, by=who.person)
    if way != "invite":
        return _people(who, made=person.name, password=password)
    return _people(who, made=person.name, **_invite(who, person, after))


def _new_person(session: Session, name: str, role: str, agency: str) -> str | None:
    """The id of the agency a new account is for, if any. Wrong says what cannot be kept, in the person's language."""
    check_name(name, 60)
    if session.scalar(select(Person.id).where(func.lower(Person.name) == name.strip().lower())):
        raise Wrong("name_taken", name=name.strip())
    return _agency_for(session, role, agency)


def _agency_for(session: Session, role: str, agency: str) -> str | None:
    """The id of the agency somebody of this role is for, if any. Raises Wrong."""
    if role not in ROLES:
        raise Wrong("role_unknown")
    if role == "focal" and not agency.strip():
        raise Wrong("agency_needed")
    return agency_named(session, agency).id if agency.strip() else None


def _region(who: Visitor, code: str) -> str | None:
    """A region of the province, or none. Raises Wrong."""
    if code and code not in who.say.tables.regions:
        raise Wrong("region_unknown")
    return code or None


def _invite(who: Visitor, person: Person, after: BackgroundTasks) -> dict[str, Any]:
    """The link of a new invitation; it is sent too, once the page has left, if the person has an address."""
    settings: Settings = who.request.app.state.settings
    link = f"{_origin(who.request, settings)}/undangan/{invitations.invite(who.session, person, who.person)}"
    if not person.address:
        return {"link": link, "sent_to": ""}
    mark = "[Peragaan] " if press_of(who.session, settings.database_url) == "demo" else ""
    after.add_task(
        _send, settings, person.address, f"{mark}Undangan ke Kentongan", INVITATION.format(person.name, link)
    )
    return {"link": link, "sent_to": who.say.address(person.address)}


INVITATION = """Yth. {0},

Anda diundang menggunakan Kentongan, tempat kantor membaca berita dan unggahan tentang pelayanan publik.
Buka tautan ini dan pilih kata sandi Anda sendiri. Tautan berlaku tujuh hari dan hanya sekali:

{1}

Nama Anda untuk masuk: {0}
Jangan teruskan pesan ini: siapa pun yang memegang tautannya dapat memilih kata sandi Anda.
"""


def _send(settings: Settings, address: str, subject: str, body: str) -> None:
    """Whatever comes of it, the administrator has the link too."""
    try:
        if address.startswith("console:"):
            log.warning("an invitation is not written to the log: its link is a secret")
        else:
            courier.carry(address, subject, body, ways_of(settings))
    except Exception as error:
        log.warning("an invitation could not be sent: %s", type(error).__name__)


def _origin(request: Request, settings: Settings) -> str:
    return f"{'https' if settings.behind_tls else 'http'}://{request.headers.get('host', '')}"


@router.post("/pengguna/{name:path}")
def change_person(
    who: Signed, name: str, action: Annotated[str, Form()], sure: Annotated[bool, Form()] = False
) -> Response:
    """Switch an account off or on, or give it a new password; that ends its sessions, so it is asked for twice."""
    needs(who, "people.change")
    person = next((one for one in accounts.people(who.session) if one.name == name), None)
    if person is None or action not in ("password", "enable", "disable"):
        raise HTTPException(404)
    if action == "password":
        if not sure:
            return who.page("new_password.html", other=person)
        return _people(who, made=name, password=accounts.set_password(who.session, name, by=who.person))
    try:
        accounts.disable(who.session, name, who.person, disabled=action == "disable")
    except ValueError:  # the only reason there is
        return _people(who, 422, Wrong("last_admin", name=name))
    return go("/pengguna", "saved")


# ---- one person ----------------------------------------------------------------------------------------------------


@router.get("/orang/{person_id}")
def person_page(who: Who, person_id: Number) -> HTMLResponse:
    needs(who, "people.read")
    return _person(who, _found(who, person_id))


def _found(who: Visitor, person_id: int) -> Person:
    person = who.session.get(Person, person_id)
    if person is None:
        raise HTTPException(404)
    return person


def _person(who: Visitor, other: Person, status: int = 200, wrong: Wrong | None = None, **shown: str) -> HTMLResponse:
    return who.page(
        "person.html",
        status,
        other=other,
        roles=ROLES,
        agencies=agencies_by_name(who.session),
        invited_until=invitations.waiting(who.session).get(other.id),
        sessions=accounts.sessions_of(who.session, other, who.request.app.state.settings),
        tokens=accounts.tokens_of(who.session, other),
        unbound=other.role in access.UNBOUND,
        wrong=wrong,
        **leave_of(who, other),
        **({"link": "", "sent_to": ""} | shown),
    )


def leave_of(who: Visitor, person: Person) -> dict[str, Any]:
    """What the part of a page about leave shows."""
    return {
        "leaves": portfolio.leaves(who.session, person),
        "stand_ins": portfolio.stand_ins(who.session, person),
        "names": {one.id: one.name for one in accounts.people(who.session)},
    }


@router.post("/orang/{person_id}/peran")
def change_role(
    who: Signed,
    person_id: Number,
    role: Annotated[str, Form(max_length=20)] = "",
    agency: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Their sessions and tokens end; one's own too."""
    needs(who, "people.change")
    other = _found(who, person_id)
    try:
        accounts.change_role(who.session, other, role, _agency_for(who.session, role, agency), who.person)
    except Wrong as wrong:
        return _person(who, other, 422, wrong)
    except accounts.LastAdministrator:
        return _person(who, other, 422, Wrong("last_admin", name=other.name))
    return go(f"/orang/{other.id}", "saved")


@router.post("/orang/{person_id}/tugas")
def add_remit(
    who: Signed,
    person_id: Number,
    agency: Annotated[str, Form(max_length=200)] = "",
    region: Annotated[str, Form(max_length=13)] = "",
    bounds: Annotated[bool, Form()] = False,
) -> Response:
    needs(who, "remit.change")
    other = _found(who, person_id)
    try:
        agency_id = agency_named(who.session, agency).id if agency.strip() else None
        portfolio.add_remit(who.session, other, agency_id, _region(who, region), bounds=bounds, by=who.person)
    except Wrong as wrong:
        return _person(who, other, 422, wrong)
    except portfolio.NotPossible as why:
        return _person(who, other, 422, Wrong(why.key))
    return go(f"/orang/{other.id}", "saved")


@router.post("/orang/{person_id}/tugas/{remit_id}")
def remove_remit(who: Signed, person_id: Number, remit_id: Number) -> Response:
    needs(who, "remit.change")
    if portfolio.remove_remit(who.session, _found(who, person_id), remit_id, who.person) is None:
        raise HTTPException(404)
    return go(f"/orang/{person_id}", "saved")


@router.post("/orang/{person_id}/cuti")
def add_leave(
    who: Signed,
    person_id: Number,
    cover: Annotated[int, Form(ge=0)] = 0,
    first: Annotated[str, Form(max_length=10)] = "",
    last: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    needs(who, "remit.change")
    other = _found(who, person_id)
    try:
        keep_leave(who, other, cover, first, last)
    except Wrong as wrong:
        return _person(who, other, 422, wrong)
    return go(f"/orang/{other.id}", "saved")


def keep_leave(who: Visitor, person: Person, cover: int, first: str, last: str) -> None:
    """Note who stands in for `person`, from one day to another (ISO). Raises Wrong."""
    stand_in = next((one for one in portfolio.stand_ins(who.session, person) if one.id == cover), None)
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise Wrong("leave_days") from None
    if stand_in is None:
        raise Wrong("leave_cover")
    try:
        portfolio.add_leave(who.session, person, stand_in, *days, by=who.person)
    except portfolio.NotPossible as why:
        raise Wrong(why.key) from None


@router.post("/orang/{person_id}/cuti/{leave_id}")
def end_leave(who: Signed, person_id: Number, leave_id: Number) -> Response:
    needs(who, "remit.change")
    if portfolio.end_leave(who.session, _found(who, person_id), leave_id, who.person) is None:
        raise HTTPException(404)
    return go(f"/orang/{person_id}", "saved")


@router.post("/orang/{person_id}/kode")
def reset_second_factor(who: Signed, person_id: Number) -> Response:
    """For somebody who lost both their phone and their recovery codes."""
    needs(who, "people.change")
    other = _found(who, person_id)
    totp.remove(who.session, other, who.person)
    accounts.end_sessions(who.session, other, who.person, but=who.sign_in)
    return go(f"/orang/{other.id}", "saved")


@router.post("/orang/{person_id}/sesi")
def end_sessions(who: Signed, person_id: Number) -> Response:
    """Every session and every token."""
    needs(who, "people.change")
    other = _found(who, person_id)
    accounts.end_sessions(who.session, other, who.person, but=who.sign_in)
    for token in accounts.tokens_of(who.session, other):
        accounts.end(who.session, other, token.id, who.person)
    return go(f"/orang/{other.id}", "ended")


@router.post("/orang/{person_id}/undangan")
def invite_again(who: Signed, person_id: Number, after: BackgroundTasks) -> Response:
    needs(who, "people.change")
    other = _found(who, person_id)
    return _person(who, other, **_invite(who, other, after))
