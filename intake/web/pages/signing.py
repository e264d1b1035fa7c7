"""Signing in, with a second factor where there is one; an invitation; signing out."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from intake.models import Person
from intake.people import access, accounts, invitations, totp
from intake.people.seal import seal_of
from intake.review import leases
from intake.settings import Settings
from intake.web.present import Presenter
from intake.web.visitor import (
    DB,
    HalfSigned,
    Signed,
    Visitor,
    cookie_name,
    go,
    is_demo,
    render,
)

router = APIRouter(include_in_schema=False)


LOGIN = "kentongan_login"
# What a browser calls itself -> the name people know; the first that is found. Most call themselves by several.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
DEVICES = {name: name for name in ("iPhone", "iPad", "Android", "Windows")}
DEVICES |= {"Macintosh": "Mac", "CrOS": "Chromebook", "Linux": "Linux"}


def label_of(user_agent: str) -> str:
    """`Firefox, Windows`; empty if it calls itself by no name we know."""
    found = (next((name for mark, name in known.items() if mark in user_agent), "") for known in (BROWSERS, DEVICES))
    return ", ".join(filter(None, found))


@router.get("/masuk")
def sign_in_page(request: Request) -> HTMLResponse:
    return _open_page(request, "sign_in.html", error="", name="")


def _open_page(request: Request, template: str, status: int = 200, **about: Any) -> HTMLResponse:
    """A page for whoever is not signed in, with a token for its form in a cookie of its own."""
    settings: Settings = request.app.state.settings
    token = request.cookies.get(LOGIN) or secrets.token_urlsafe(32)
    with request.app.state.sessions.begin() as session:
        about["demo"] = is_demo(request, session)
    known: dict[str, Any] = {"csrf": token, "minutes": 5}
    response = render(request, template, Presenter("id", settings.province), status, **(known | about))
    response.set_cookie(LOGIN, token, max_age=3600, httponly=True, samesite="strict", secure=settings.behind_tls)
    return response


def _is_ours(request: Request, csrf: str) -> bool:
    return bool(csrf) and hmac.compare_digest(csrf.encode(), request.cookies.get(LOGIN, "").encode())


@router.post("/masuk")
def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    if not _is_ours(request, csrf):
        return _open_page(request, "sign_in.html", 403, error="expired", name=name)
    settings: Settings = request.app.state.settings
    refused, label = "", label_of(request.headers.get("user-agent", ""))
    with request.app.state.sessions.begin() as session:  # a refused attempt is kept too
        required = () if is_demo(request, session) else settings.second_factor_roles
        given = name.replace("\0", ""), password, _address(request)
        try:
            secret, row = accounts.sign_in(session, *given, label=label, required=required)
            person, is_whole = row.person, row.second_factor
        except accounts.SignInRefused as error:
            refused = str(error)
    if refused:
        status = 429 if refused == "too_many" else 401
        return _open_page(request, "sign_in.html", status, error=refused, name=name)
    response = go(_home(person) if is_whole else "/masuk/kode")
    _keep(response, secret, settings)
    response.delete_cookie(LOGIN)
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _home(person: Person) -> str:
    """Where somebody begins."""
    return "/" if access.may(person, "queue.read") else "/jejak"


def _keep(response: Response, secret: str, settings: Settings) -> None:
    response.set_cookie(
        cookie_name(settings), secret, path="/", httponly=True, samesite="lax", secure=settings.behind_tls
    )


# ---- the second factor ---------------------------------------------------------------------------------------------


@router.get("/masuk/kode")
def code_page(who: HalfSigned) -> Response:
    return go(_home(who.person)) if who.sign_in.second_factor else _code_form(who)


def _code_form(who: Visitor, status: int = 200, error: str = "", secret: str = "") -> HTMLResponse:
    """Where the code is given; or, where there is no second factor yet, where one is set up."""
    about: dict[str, Any] = {"csrf": who.sign_in.csrf, "error": error, "minutes": 5, "name": who.person.name}
    if who.person.totp is None:
        about |= enrolment(who.person, secret)
    template = "code.html" if who.person.totp else "code_needed.html"
    return render(who.request, template, who.say, status, demo=is_demo(who.request, who.session), **about)


def enrolment(person: Person, secret: str = "") -> dict[str, Any]:
    """What the page shows on which a second factor is set up; a new secret, if none was shown before."""
    secret = secret or totp.new_secret()
    width, squares = totp.picture(secret, person.name)
    return {"secret": secret, "spelled": totp.spelled(secret), "width": width, "squares": squares}


@router.post("/masuk/kode")
def give_code(
    who: HalfSigned,
    code: Annotated[str, Form(max_length=100)] = "",
    secret: Annotated[str, Form(max_length=64)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    if not hmac.compare_digest(csrf.encode(), who.sign_in.csrf.encode()):
        raise HTTPException(403)
    if who.sign_in.second_factor:
        return go(_home(who.person))
    if who.person.totp is None:
        return _enrol(who, secret, code)
    seal = seal_of(who.request.app.state.settings)
    try:
        whole = accounts.give_code(who.session, who.sign_in, code, _address(who.request), seal)
    except accounts.SignInRefused as error:
        return _code_form(who, 429 if str(error) == "too_many" else 422, str(error))
    response = go(_home(who.person))
    _keep(response, whole, who.request.app.state.settings)
    return response


def _enrol(who: Visitor, secret: str, code: str) -> Response:
    codes = totp.enrol(who.session, who.person, secret, code, seal_of(who.request.app.state.settings))
    if codes is None:
        return _code_form(who, 422, "wrong", secret if totp.is_secret(secret) else "")
    whole = accounts.complete(who.session, who.sign_in)
    response = who.page("recovery.html", codes=codes, onward=_home(who.person))
    _keep(response, whole, who.request.app.state.settings)
    return response


@router.post("/masuk/batal")
def not_me(who: HalfSigned, csrf: Annotated[str, Form()] = "") -> Response:
    """Leave without giving the code."""
    if not hmac.compare_digest(csrf.encode(), who.sign_in.csrf.encode()):
        raise HTTPException(403)
    return _leave(who)


@router.post("/keluar")
def sign_out(who: Signed) -> Response:
    """Leave; what was open is free for the others."""
    leases.release_all(who.session, who.person)
    return _leave(who)


def _leave(who: Visitor) -> Response:
    accounts.sign_out(who.session, who.sign_in)
    response = go("/masuk")
    response.delete_cookie(cookie_name(who.request.app.state.settings), path="/")
    return response


# ---- invitations ---------------------------------------------------------------------------------------------------


@router.get("/undangan/{secret}")
def invitation_page(request: Request, session: DB, secret: str) -> HTMLResponse:
    row = invitations.find(session, secret)
    if row is None:
        return _open_page(request, "invitation.html", 404, invited=None, error="")
    return _open_page(request, "invitation.html", invited=row.person, error="")


@router.post("/undangan/{secret}")
def accept_invitation(
    request: Request,
    session: DB,
    secret: str,
    password: Annotated[str, Form(max_length=1024)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    row = invitations.find(session, secret)
    if row is None:
        return _open_page(request, "invitation.html", 404, invited=None, error="")
    if not _is_ours(request, csrf):
        return _open_page(request, "invitation.html", 403, invited=row.person, error="expired")
    try:
        accepted = invitations.accept(session, secret, password)
    except accounts.PasswordRefused as refused:
        return _open_page(request, "invitation.html", 422, invited=row.person, error=refused.key)
    return go("/masuk", "welcome") if accepted else go(request.url.path)


@router.get("/sehat")
def health() -> JSONResponse:
    """For the machine that watches: the service answers."""
    return JSONResponse({"status": "ok"})
