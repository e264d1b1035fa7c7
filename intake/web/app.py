"""The web application: wiring, headers, errors. Nothing of it trusts what a request says of itself."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from intake import charts
from intake.database import Sessions
from intake.links import Understand
from intake.models import Person
from intake.people import accounts, totp
from intake.people import audit as audit_log
from intake.people.seal import seal_of
from intake.settings import Settings
from intake.web import api, visitor
from intake.web.api import wiring
from intake.web.api.problems import Refused, problem
from intake.web.api.rates import Rates
from intake.web.guesses import Guesses
from intake.web.pages import (
    account,
    audit,
    bulk,
    cases,
    contacts,
    desk,
    download,
    link,
    mutes,
    original,
    people,
    queue,
    referral,
    signing,
    sources,
    trends,
    views,
)

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
MOST_BYTES = 1024 * 1024  # of a request
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_app(sessions: Sessions, settings: Settings, understand: Understand = lambda mention_id: None) -> FastAPI:
    """The console and the API over one database; `understand` analyses a mention before all that waits."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with sessions.begin() as session:
            totp.seal_plain(session, seal_of(settings))
        Thread(target=charts.warm_up, name="charts warm-up", daemon=True).start()
        yield

    app = FastAPI(
        title="Kentongan",
        description=api.__doc__ or "",
        version=version("kentongan"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.sessions, app.state.settings, app.state.understand = sessions, settings, understand
    app.state.rates, app.state.guesses = Rates(), Guesses()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(wiring.router)
    pages = (
        signing,
        queue,
        desk,
        bulk,
        original,
        views,
        mutes,
        link,
        cases,
        referral,
        trends,
        download,
        sources,
        people,
        account,
        audit,
        contacts,
    )
    for page in pages:
        app.include_router(page.router)
    app.middleware("http")(_guarded)
    app.add_exception_handler(visitor.SignInNeeded, _to_sign_in)
    app.add_exception_handler(visitor.CodeNeeded, _to_code)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)
    return app


async def _guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Limits before, headers after."""
    if int(request.headers.get("content-length") or 0) > MOST_BYTES or "chunked" in request.headers.get(
        "transfer-encoding", ""
    ):
        response: Response = await _error(request, 413)
    elif not _is_known_host(request):
        response = await _error(request, 400, "this host name is not the console's")
    elif b"%00" in request.scope["query_string"]:  # no text holds it, and PostgreSQL takes none that does
        response = await _error(request, 422, "the address holds a NUL character")
    elif request.method not in SAFE_METHODS and _is_foreign(request):
        response = await _error(request, 403)
    else:
        response = await call_next(request)
        if response.status_code == 403:
            await run_in_threadpool(_note_refusal, request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.url.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.app.state.settings.behind_tls:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _note_refusal(request: Request) -> None:
    """Who is signed in, or whose token this is, was refused: that stands in the audit log, whatever page it was."""
    pattern = getattr(request.scope.get("route"), "path_format", "?")
    tried = getattr(request.state, "action", None) or f"{request.method} {pattern}"[:80]
    try:
        with request.app.state.sessions.begin() as session:
            person = _person_of(request, session)
            if person is not None:
                audit_log.refused(session, person, tried, pattern)
    except SQLAlchemyError as error:  # it is refused all the same
        log.error("a refusal could not be noted: %s", type(error).__name__)


def _person_of(request: Request, session: Session) -> Person | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if request.url.path.startswith("/api/"):
        token = accounts.token_of(session, secret.strip()) if scheme.lower() == "bearer" else None
        return token.person if token else None
    who = visitor.visitor_of(request, session)
    return who.person if who else None


def _is_foreign(request: Request) -> bool:
    """Whether a browser says that another site sent this; the form's own token is checked besides."""
    origin = request.headers.get("origin")
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site") or (
        origin is not None and origin != "null" and origin.partition("://")[2] != request.headers.get("host")
    )


def _is_known_host(request: Request) -> bool:
    """Without TLS the console stands on this machine alone, under this machine's names: a foreign site whose name is made
    to lead here gets nothing. Behind TLS the proxy decides which names there are."""
    settings: Settings = request.app.state.settings
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        return settings.behind_tls or host in ("localhost", settings.host.lower()) or ip_address(host).is_loopback
    except ValueError:
        return False


async def _to_sign_in(request: Request, error: Exception) -> Response:
    return RedirectResponse("/masuk", status_code=303)


async def _to_code(request: Request, error: Exception) -> Response:
    return RedirectResponse("/masuk/kode", status_code=303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not request.url.path.startswith("/api/"):
        return await _error(request, error.status_code)
    if isinstance(error, Refused):
        return _problem(error.status_code, error.detail, error.headers, code=error.code, **error.more)
    return _problem(error.status_code, error.detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [".".join(map(str, one["loc"])) for one in error.errors()]
    wrong = "; ".join(f"{place}: {one['msg']}" for place, one in zip(places, error.errors(), strict=True))
    in_path = any(place.startswith("path.") for place in places)  # a number no row can have
    return await _error(request, 404 if in_path else 422, wrong)


async def _failed(request: Request, error: Exception) -> Response:
    """The last resort: the person gets a number, the log gets the reason."""
    number = secrets.token_hex(4)
    route = request.scope.get("route")  # as it is declared: an address may hold a secret, of a feed or of a referral
    log.error("error %s at %s %s", number, request.method, getattr(route, "path", "?"), exc_info=error)
    response = await _error(request, 500, number)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _error(request: Request, status: int, detail: str = "") -> Response:
    if request.url.path.startswith("/api/"):
        return _problem(status, detail)
    return await run_in_threadpool(visitor.error_page, request, status, detail)


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """What went wrong, as RFC 9457 puts it."""
    return JSONResponse(problem(status, detail, **more), status, headers, media_type="application/problem+json")
