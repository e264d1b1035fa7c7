"""Accounts, by administrators; and one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intake.models import (
    ROLES,
    Person,
)
from intake.people import accounts
from intake.web.i18n import LANGUAGES
from intake.web.present import Wrong
from intake.web.visitor import (
    Signed,
    Visitor,
    Who,
    agencies_by_name,
    agency_named,
    check_name,
    go,
    only,
)

router = APIRouter(include_in_schema=False)


@router.get("/pengguna")
def people_page(who: Who) -> HTMLResponse:
    only(who, "admin")
    return _people(who)


def _people(who: Visitor, status: int = 200, wrong: Wrong | None = None, **shown: str) -> HTMLResponse:
    """`shown`: the password that was just made and whose it is, or what was typed and could not be kept."""
    known = {"made": "", "password": "", "name": "", "role": "officer", "agency": ""} | shown
    return who.page(
        "people.html",
        status,
        people=accounts.people(who.session),
        roles=ROLES,
        agencies=agencies_by_name(who.session),
        wrong=wrong,
        **known,
    )


@router.post("/pengguna")
def add_person(
    who: Signed,
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    agency: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:
    """The generated password is shown on the answer and nowhere else."""
    only(who, "admin")
    try:
        agency_id = _new_person(who.session, name, role, agency)
        person, password = accounts.add_person(who.session, name, role, agency_id=agency_id, by=who.person)
    except Wrong as wrong:
        return _people(who, 422, wrong, name=name, role=role, agency=agency)
    return _people(who, made=person.name, password=password)


def _new_person(session: Session, name: str, role: str, agency: str) -> str | None:
    """The id of the agency a new account belongs to, if any. Wrong says what cannot be kept, in the person's language."""
    check_name(name, 60)
    if role not in ROLES:
        raise Wrong("role_unknown")
    if session.scalar(select(Person.id).where(func.lower(Person.name) == name.strip().lower())):
        raise Wrong("name_taken", name=name.strip())
    if role == "focal" and not agency.strip():
        raise Wrong("agency_needed")
    return agency_named(session, agency).id if agency.strip() else None


@router.post("/pengguna/{name:path}")
def change_person(
    who: Signed, name: str, action: Annotated[str, Form()], sure: Annotated[bool, Form()] = False
) -> Response:
    """Switch an account off or on, or give it a new password; that ends its sessions, so it is asked for twice."""
    only(who, "admin")
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


@router.get("/akun")
def account_page(who: Who) -> HTMLResponse:
    return who.page("account.html", error="")


@router.post("/akun/bahasa")
def change_language(who: Signed, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
    if language in LANGUAGES:
        who.person.language = language
    return go(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")


@router.post("/akun/sandi")
def change_password(
    who: Signed, old: Annotated[str, Form(max_length=1024)], new: Annotated[str, Form(max_length=1024)]
) -> Response:
    if not accounts.knows_password(who.person, old):
        return who.page("account.html", 422, error="wrong")
    try:
        accounts.set_password(who.session, who.person.name, new, by=who.person)
    except ValueError:
        return who.page("account.html", 422, error="short")
    return go("/masuk", "password")
