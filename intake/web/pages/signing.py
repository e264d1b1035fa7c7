"""Signing in and out."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from intake.people import accounts
from intake.settings import Settings
from intake.web.present import Presenter
from intake.web.visitor import (
    Signed,
    cookie_name,
    go,
    is_demo,
    render,
)

router = APIRouter(include_in_schema=False)


LOGIN = "kentongan_login"


@router.get("/masuk")
def sign_in_page(request: Request) -> HTMLResponse:
    return _sign_in_form(request)


def _sign_in_form(request: Request, status: int = 200, error: str = "", name: str = "") -> HTMLResponse:
    settings: Settings = request.app.state.settings
    token = request.cookies.get(LOGIN) or secrets.token_urlsafe(32)
    with request.app.state.sessions.begin() as session:
        demo = is_demo(request, session)
    about: dict[str, Any] = {"csrf": token, "error": error, "name": name, "minutes": 5, "demo": demo}
    response = render(request, "sign_in.html", Presenter("id", settings.province), status, **about)
    response.set_cookie(LOGIN, token, max_age=3600, httponly=True, samesite="strict", secure=settings.behind_tls)
    return response


@router.post("/masuk")
def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    if not csrf or not hmac.compare_digest(csrf.encode(), request.cookies.get(LOGIN, "").encode()):
        return _sign_in_form(request, 403, "expired", name)
    settings: Settings = request.app.state.settings
    address = request.client.host if request.client else ""
    refused, secret = "", ""
    with request.app.state.sessions.begin() as session:  # a refused attempt is kept too
        try:
            secret, _ = accounts.sign_in(session, name.replace("\0", ""), password, address)
        except accounts.SignInRefused as error:
            refused = str(error)
    if refused:
        return _sign_in_form(request, 429 if refused == "too_many" else 401, refused, name)
    response = go("/")
    response.set_cookie(
        cookie_name(settings), secret, path="/", httponly=True, samesite="lax", secure=settings.behind_tls
    )
    response.delete_cookie(LOGIN)
    return response


@router.post("/keluar")
def sign_out(who: Signed) -> Response:
    accounts.sign_out(who.session, who.sign_in)
    response = go("/masuk")
    response.delete_cookie(cookie_name(who.request.app.state.settings), path="/")
    return response


@router.get("/sehat")
def health() -> JSONResponse:
    """For the machine that watches: the service answers."""
    return JSONResponse({"status": "ok"})
