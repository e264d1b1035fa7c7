"""The pages officers work with. Every action is a form and works without script; GET changes nothing."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from intake import accounts, alerts, audit, cases, charts, queue, review, sources, trends
from intake.models import ROLES, Agency, AgencyContact, Case, Mention, Person, SignIn, SourceState
from intake.settings import Settings
from intake.web import present
from intake.web.i18n import LANGUAGES
from intake.web.present import Presenter

router = APIRouter(include_in_schema=False)
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
SHOWN = 40  # mentions of one candidate on its page


class SignInNeeded(Exception):
    """Nobody is signed in."""


# ---- what every page needs -----------------------------------------------------------------------------------------


def db(request: Request) -> Iterator[Session]:
    """One transaction per request, committed before the answer leaves."""
    with request.app.state.sessions.begin() as session:
        yield session


DB = Annotated[Session, Depends(db, scope="function")]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in, and how they read."""

    request: Request
    session: Session
    sign_in: SignIn
    say: Presenter

    @property
    def person(self) -> Person:
        return self.sign_in.person

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return render(self.request, template, self.say, status, person=self.person, csrf=self.sign_in.csrf, **values)


def visitor(request: Request, session: DB) -> Visitor:
    """The person behind the cookie. Raises SignInNeeded."""
    settings: Settings = request.app.state.settings
    secret = request.cookies.get(cookie_name(settings), "")
    row = accounts.session_of(session, secret, settings) if secret else None
    if row is None:
        raise SignInNeeded
    return Visitor(request, session, row, Presenter(row.person.language, settings.province))


Who = Annotated[Visitor, Depends(visitor, scope="function")]


def signed(who: Who, csrf: Annotated[str, Form()] = "") -> Visitor:
    """The same for a form, whose token must be the session's."""
    if not hmac.compare_digest(csrf.encode(), who.sign_in.csrf.encode()):
        raise HTTPException(403)
    return who


Signed = Annotated[Visitor, Depends(signed, scope="function")]


def _only(who: Visitor, *roles: str) -> None:
    if who.person.role not in roles:
        raise HTTPException(403)


def render(request: Request, template: str, say: Presenter, status: int = 200, **values: Any) -> HTMLResponse:
    """A page; `flash` is what the last action said, handed over in a short-lived cookie."""
    known = {"person": None, "csrf": "", "flash": flash_of(request), "path": request.url.path}
    html = templates.get_template(template).render(known | {"say": say, "_": say._, "present": present} | values)
    response = HTMLResponse(html, status)
    if request.cookies.get(FLASH):
        response.delete_cookie(FLASH)
    return response


FLASH = "kentongan_flash"
# What a flash may say; the cookie holds only a key and a number, never words.
FLASHES = {
    **present.ACTIONS,
    **present.ERRORS,
    "saved": present._("Disimpan."),
    "password": present._("Kata sandi diganti. Masuklah dengan yang baru."),
    "nothing_left": present._("Antrean sudah kosong."),
}


def flash_of(request: Request) -> dict[str, str]:
    key, _, rest = request.cookies.get(FLASH, "").partition(":")
    number, _, name = rest.partition(":")
    return {"key": key, "number": number if number.isdigit() else "", "by": name[:60]} if key in FLASHES else {}


def go(path: str, flash: str = "", number: int | None = None, by: str = "") -> RedirectResponse:
    """To a page of our own, with something to say there."""
    response = RedirectResponse(path, status_code=303)
    if flash:
        safe = "".join(c for c in by if c.isascii() and (c.isalnum() or c in " ._-"))
        response.set_cookie(FLASH, f"{flash}:{number or ''}:{safe}", max_age=60, httponly=True, samesite="lax")
    return response


def error_page(request: Request, status: int, detail: str = "") -> HTMLResponse:
    """A page for what went wrong; it never tells more than the person needs."""
    settings: Settings = request.app.state.settings
    return render(request, "error.html", Presenter("id", settings.province), status, code=status, detail=detail)


def cookie_name(settings: Settings) -> str:
    return "__Host-kentongan" if settings.behind_tls else "kentongan"


# ---- signing in and out --------------------------------------------------------------------------------------------

LOGIN = "kentongan_login"


@router.get("/masuk")
def sign_in_page(request: Request) -> HTMLResponse:
    return _sign_in_form(request)


def _sign_in_form(request: Request, status: int = 200, error: str = "") -> HTMLResponse:
    settings: Settings = request.app.state.settings
    token = request.cookies.get(LOGIN) or secrets.token_urlsafe(32)
    response = render(
        request, "sign_in.html", Presenter("id", settings.province), status, csrf=token, error=error, minutes=5
    )
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
        return _sign_in_form(request, 403, "expired")
    settings: Settings = request.app.state.settings
    address = request.client.host if request.client else ""
    refused, secret = "", ""
    with request.app.state.sessions.begin() as session:  # a refused attempt is kept too
        try:
            secret, _ = accounts.sign_in(session, name, password, address)
        except accounts.SignInRefused as error:
            refused = str(error)
    if refused:
        return _sign_in_form(request, 429 if refused == "too_many" else 401, refused)
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


# ---- the queue -----------------------------------------------------------------------------------------------------


@router.get("/")
def queue_page(
    who: Who,
    state: str = "candidate",
    region: str = "",
    sector: str = "",
    urgency: str = "",
    text: Annotated[str, Query(max_length=100)] = "",
    after: str = "",
) -> HTMLResponse:
    filters = queue.Filters(
        state if state in present.STATES else None if state == "all" else "candidate",
        region,
        sector,
        urgency,
        None,
        text,
    )
    if who.person.role == "focal":
        filters = queue.Filters("accepted", region, sector, urgency, None, text)
    page = queue.page(who.session, who.person, filters, _cursor(after))
    chosen = {"state": state, "region": region, "sector": sector, "urgency": urgency, "text": text}
    narrowed = {name: value for name, value in chosen.items() if value and (name, value) != ("state", "candidate")}
    return who.page(
        "queue.html",
        page=page,
        filters=filters,
        chosen=chosen,
        is_narrowed=bool(narrowed),
        names=_source_names(who.session, [candidate.id for candidate in page.items]),
        count=queue.count(who.session, who.person, filters),
        most=queue.COUNTED,
        next_link="/?" + urlencode(narrowed | {"after": str(page.next)}) if page.next else None,
        hearing=_hearing(who.session),
    )


def _cursor(text: str) -> queue.Cursor | None:
    try:
        return queue.Cursor.parse(text) if text else None
    except ValueError:
        raise HTTPException(422) from None


def _source_names(session: Session, ids: list[int]) -> dict[int, list[str]]:
    """Candidate id -> names of its sources."""
    names: dict[int, list[str]] = {}
    pairs = select(Mention.candidate_id, Mention.source).where(Mention.candidate_id.in_(ids)).distinct()
    for candidate_id, source in session.execute(pairs.order_by(Mention.source)):
        assert candidate_id is not None, "asked for by id"
        names.setdefault(candidate_id, []).append(source)
    return names


def _hearing(session: Session) -> dict[str, Any]:
    """How well we hear: sources in use, those that answered last, when, and what waits for analysis."""
    rows = [row for row in sources.listing(session) if row.enabled]
    visited = [row for row in rows if row.visited_at]
    return {
        "sources": len(rows),
        "visited": len(visited),
        "answering": sum(row.status in sources.ANSWERED for row in visited),
        "last": max((row.success_at for row in rows if row.success_at), default=None),
        "waiting": sources.waiting(session),
    }


# ---- one candidate -------------------------------------------------------------------------------------------------


@router.get("/kandidat/{candidate_id}")
def candidate_page(who: Who, candidate_id: int) -> HTMLResponse:
    candidate = queue.get(who.session, who.person, candidate_id)
    if candidate is None:
        raise HTTPException(404)
    mentions = who.session.scalars(
        select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.told_at.desc()).limit(SHOWN)
    ).all()
    decided = review.latest(who.session, candidate.id)
    return who.page(
        "candidate.html",
        one=candidate,
        mentions=mentions,
        similar=queue.similar(who.session, who.person, candidate),
        may_decide=who.person.role in review.DECIDERS,
        can_start=candidate.state in ("candidate", "watched"),
        last=decided,
        decisions=candidate.decisions,
        case=who.session.scalar(select(Case).where(Case.candidate_id == candidate.id)),
    )


@router.post("/kandidat/{candidate_id}/putusan")
def decide(
    who: Signed,
    candidate_id: int,
    version: Annotated[int, Form()],
    action: Annotated[str, Form()],
    track: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    duplicate_of: Annotated[str, Form()] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Decide, and on to the next one."""
    original = int(number) if (number := duplicate_of.strip().lstrip("#")).isdigit() and len(number) < 12 else None
    try:
        decision = review.decide(
            who.session,
            who.person,
            candidate_id,
            version,
            action,
            track=track or None,
            reason=reason or None,
            duplicate_of=original,
            note=note,
        )
    except review.ReviewError as error:
        return go(f"/kandidat/{candidate_id}", error.key, by=str(error.values.get("by", "")))
    following = queue.next_item(who.session, who.person)
    return go(f"/kandidat/{following.id}" if following else "/", action, decision.id)


@router.post("/putusan/{decision_id}/urungkan")
def undo(who: Signed, decision_id: int) -> Response:
    try:
        undone = review.undo(who.session, who.person, decision_id)
    except review.ReviewError as error:
        return go("/", error.key, by=str(error.values.get("by", "")))
    return go(f"/kandidat/{undone.candidate_id}", "undo")


# ---- cases and trends ----------------------------------------------------------------------------------------------


@router.get("/kasus")
def cases_page(who: Who, before: int | None = None) -> HTMLResponse:
    shown, following = cases.page(who.session, who.person, before)
    return who.page("cases.html", cases=shown, following=following)


@router.get("/tren")
def trends_page(
    who: Who, region: str = "", sector: str = "", weeks: Annotated[int, Query(ge=4, le=53)] = 12
) -> HTMLResponse:
    _only(who, "admin", "head", "officer", "analyst", "auditor")
    cells = trends.weekly(who.session, weeks=weeks, sector=sector or None, region=region or None)
    totals: dict[tuple[str | None, str | None, str | None], list[int]] = {}
    for cell in cells:
        row = totals.setdefault((cell.sector, cell.agency_id, cell.region), [0, 0])
        row[0] += cell.voices
        row[1] += cell.mentions
    agencies = {one.id: one.name for one in who.session.execute(select(Agency.id, Agency.name))}
    return who.page(
        "trends.html",
        rows=sorted(totals.items(), key=lambda item: (-item[1][0], str(item[0])))[:100],
        agencies=agencies,
        chosen={"region": region, "sector": sector, "weeks": weeks},
        query=urlencode({"region": region, "sector": sector, "weeks": weeks}),
        hearing=_hearing(who.session),
    )


@router.get("/tren.svg")
def trends_chart(
    who: Who, region: str = "", sector: str = "", weeks: Annotated[int, Query(ge=4, le=53)] = 12
) -> Response:
    _only(who, "admin", "head", "officer", "analyst", "auditor")
    cells = trends.weekly(who.session, weeks=weeks, sector=sector or None, region=region or None)
    say = who.say
    drawn = charts.line_chart(
        cells,
        trends.last_weeks(weeks),
        (lambda cell: say.region(cell.region)) if sector else (lambda cell: say.sector(cell.sector, short=True)),
        title=say._("Suara mandiri per pekan"),
        description=say._("{n} suara dalam {weeks} pekan terakhir", n=sum(c.voices for c in cells), weeks=weeks),
        value_label=say._("suara mandiri"),
        rest_label=say._("lainnya"),
    )
    return Response(drawn, media_type="image/svg+xml")


# ---- sources, people, contacts -------------------------------------------------------------------------------------


@router.get("/sumber")
def sources_page(who: Who) -> HTMLResponse:
    _only(who, "admin", "head", "officer", "analyst", "auditor")
    return who.page("sources.html", rows=sources.listing(who.session), hearing=_hearing(who.session))


@router.post("/sumber/{source_id}")
def switch_source(who: Signed, source_id: int, enabled: Annotated[bool, Form()]) -> Response:
    _only(who, "admin")
    row = who.session.get(SourceState, source_id)
    if row is None:
        raise HTTPException(404)
    sources.enable(who.session, row.name, enabled, who.person)
    return go("/sumber", "saved")


@router.get("/pengguna")
def people_page(who: Who) -> HTMLResponse:
    _only(who, "admin")
    return _people(who)


def _people(who: Visitor, status: int = 200, **told: str) -> HTMLResponse:
    known = {"made": "", "password": "", "error": ""} | told
    return who.page("people.html", status, people=accounts.people(who.session), roles=ROLES, **known)


@router.post("/pengguna")
def add_person(
    who: Signed, name: Annotated[str, Form()], role: Annotated[str, Form()], agency_id: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """The generated password is shown on the answer and nowhere else."""
    _only(who, "admin")
    try:
        person, password = accounts.add_person(
            who.session, name, role, agency_id=agency_id.strip() or None, by=who.person
        )
    except ValueError as error:
        return _people(who, 422, error=str(error))
    return _people(who, made=person.name, password=password)


@router.post("/pengguna/{name}")
def change_person(who: Signed, name: str, action: Annotated[str, Form()]) -> Response:
    _only(who, "admin")
    try:
        if action == "password":
            return _people(who, made=name, password=accounts.set_password(who.session, name, by=who.person))
        accounts.disable(who.session, name, who.person, disabled=action == "disable")
    except ValueError as error:
        return _people(who, 422, error=str(error))
    return go("/pengguna", "saved")


@router.get("/kontak")
def contacts_page(who: Who, error: str = "") -> HTMLResponse:
    _only(who, "admin")
    return _contacts(who)


def _contacts(who: Visitor, status: int = 200, error: str = "") -> HTMLResponse:
    contacts = who.session.scalars(
        select(AgencyContact).options(selectinload(AgencyContact.agency)).order_by(AgencyContact.agency_id)
    ).all()
    agencies = who.session.execute(select(Agency.id, Agency.name).order_by(Agency.name)).all()
    return who.page("contacts.html", status, contacts=contacts, agencies=agencies, error=error)


@router.post("/kontak")
def add_contact(
    who: Signed,
    agency_id: Annotated[str, Form()],
    name: Annotated[str, Form(min_length=2, max_length=120)],
    address: Annotated[str, Form(max_length=500)],
) -> Response:
    _only(who, "admin")
    try:
        alerts.check_address(address)
        if who.session.get(Agency, agency_id) is None:
            raise ValueError(f"no agency has the id {agency_id!r}.")
    except ValueError as error:
        return _contacts(who, 422, str(error))
    contact = AgencyContact(agency_id=agency_id, name=name.strip(), address=address.strip())
    who.session.add(contact)
    who.session.flush()
    audit.write(who.session, who.person, "contact.add", f"contact:{contact.id}", agency=agency_id)
    return go("/kontak", "saved")


@router.post("/kontak/{contact_id}")
def switch_contact(who: Signed, contact_id: int, active: Annotated[bool, Form()]) -> Response:
    _only(who, "admin")
    contact = who.session.get(AgencyContact, contact_id)
    if contact is None:
        raise HTTPException(404)
    contact.active = active
    audit.write(who.session, who.person, "contact.enable" if active else "contact.disable", f"contact:{contact.id}")
    return go("/kontak", "saved")


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
