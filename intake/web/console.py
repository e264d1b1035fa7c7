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
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, selectinload

from intake import alerts, charts, courier, sources, trends
from intake.casework import cases
from intake.models import (
    ROLES,
    Agency,
    AgencyContact,
    Alert,
    Candidate,
    Case,
    Decision,
    Mention,
    Person,
    SignIn,
    SourceState,
    now,
)
from intake.people import accounts, audit
from intake.review import decisions, queue
from intake.settings import Settings, ways_of
from intake.start import press_of
from intake.web import present
from intake.web.i18n import LANGUAGES
from intake.web.present import Presenter, Wrong

router = APIRouter(include_in_schema=False)
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
SHOWN = 40  # mentions of one candidate on its page
SOURCES_SHOWN = 50  # on one page
Number = Annotated[int, InPath(ge=1, le=queue.MOST_ID)]  # of a row, in an address; anything else is not found


class SignInNeeded(Exception):
    """Nobody is signed in."""


# ---- what every page needs -----------------------------------------------------------------------------------------


def db(request: Request) -> Iterator[Session]:
    """One transaction per request, committed before the answer leaves."""
    with request.app.state.sessions.begin() as session:
        yield session


DB = Annotated[Session, Depends(db, scope="function")]


@dataclass(frozen=True, slots=True)
class Told:
    """What the last action was about: the decision a flash names by its number."""

    decision: Decision
    candidate: Candidate
    case: Case | None
    can_undo: bool


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
        common: dict[str, Any] = {
            "person": self.person,
            "csrf": self.sign_in.csrf,
            "told": self.told(),
            "demo": is_demo(self.request, self.session),
            "failed": alerts.failed(self.session) if self.person.role == "admin" else 0,
        }
        return render(self.request, template, self.say, status, **common, **values)

    def told(self) -> Told | None:
        """The decision that was just made or undone, if this person may see what it was about."""
        number = flash_of(self.request).get("number")
        decision = self.session.get(Decision, int(number)) if number else None
        candidate = queue.get(self.session, self.person, decision.candidate_id) if decision else None
        if decision is None or candidate is None:
            return None
        last = decisions.latest(self.session, candidate.id)
        can_undo = last is not None and last.id == decision.id and self.person.role in decisions.DECIDERS
        return Told(decision, candidate, _open_case(self.session, candidate), can_undo)


def _open_case(session: Session, candidate: Candidate) -> Case | None:
    return session.scalar(select(Case).where(Case.candidate_id == candidate.id, Case.state == "open"))


def visitor(request: Request, session: DB) -> Visitor:
    """The person behind the cookie. Raises SignInNeeded."""
    who = visitor_of(request, session)
    if who is None:
        raise SignInNeeded
    return who


def visitor_of(request: Request, session: Session) -> Visitor | None:
    """The person behind the cookie, if there is one."""
    settings: Settings = request.app.state.settings
    secret = request.cookies.get(cookie_name(settings), "")
    row = accounts.session_of(session, secret, settings) if secret else None
    return Visitor(request, session, row, Presenter(row.person.language, settings.province)) if row else None


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


def render(
    request: Request, template: str, say: Presenter, status: int = 200, *, demo: bool, **values: Any
) -> HTMLResponse:
    """A page. `demo`: it says that all is invented. `flash`: what the last action said, handed over in a short-lived cookie."""
    known: dict[str, Any] = {"person": None, "csrf": "", "told": None, "failed": 0, "demo": demo}
    known |= {"flash": flash_of(request), "path": request.url.path, "say": say, "_": say._}
    known |= {"present": present, "FLASHES": FLASHES, "DECIDERS": decisions.DECIDERS}
    html = templates.get_template(template).render(known | values)
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
    "link_known": present._("Tautan ini sudah pernah terbaca; inilah yang tersimpan."),
    "again": present._("Pesan itu akan dikirim lagi, dengan seluruh percobaannya."),
    "moved": present._("Mulai sekarang alamat yang baru yang didengarkan."),
    "password": present._("Kata sandi diganti. Masuklah dengan yang baru."),
}


def flash_of(request: Request) -> dict[str, str]:
    key, _, rest = request.cookies.get(FLASH, "").partition(":")
    number, _, name = rest.partition(":")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    return {"key": key, "number": number if is_number else "", "by": name[:60]} if key in FLASHES else {}


def go(path: str, flash: str = "", number: int | None = None, by: str = "") -> RedirectResponse:
    """To a page of our own, with something to say there."""
    response = RedirectResponse(path, status_code=303)
    if flash:
        safe = "".join(c for c in by if c.isascii() and (c.isalnum() or c in " ._-"))
        response.set_cookie(FLASH, f"{flash}:{number or ''}:{safe}", max_age=60, httponly=True, samesite="lax")
    return response


def error_page(request: Request, status: int, detail: str = "") -> HTMLResponse:
    """A page for what went wrong, in the person's language; it never tells more than the person needs."""
    settings: Settings = request.app.state.settings
    stranger, about = Presenter("id", settings.province), {"code": status, "detail": detail}
    try:
        with request.app.state.sessions.begin() as session:
            if who := visitor_of(request, session):
                return who.page("error.html", status, **about)
            return render(request, "error.html", stranger, status, demo=is_demo(request, session), **about)
    except SQLAlchemyError:  # this page comes even where the database does not
        return render(request, "error.html", stranger, status, demo=False, **about)


def is_demo(request: Request, session: Session) -> bool:
    """Whether what stands here is invented; every page says so then."""
    settings: Settings = request.app.state.settings
    return press_of(session, settings.database_url) == "demo"


def cookie_name(settings: Settings) -> str:
    return "__Host-kentongan" if settings.behind_tls else "kentongan"


# ---- signing in and out --------------------------------------------------------------------------------------------

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
    """How well we hear: sources in use, those that answered last, when, what waits for analysis, what ever came of it."""
    rows = [row for row in sources.listing(session) if row.enabled]
    visited = [row for row in rows if row.visited_at]
    return {
        "sources": len(rows),
        "visited": len(visited),
        "answering": sum(row.status in sources.ANSWERED for row in visited),
        "last": max((row.success_at for row in rows if row.success_at), default=None),
        "waiting": sources.waiting(session),
        "texts": session.scalar(select(Mention.id).limit(1)) is not None,
        "candidates": session.scalar(select(Candidate.id).limit(1)) is not None,
    }


# ---- one candidate -------------------------------------------------------------------------------------------------


@router.get("/kandidat/{candidate_id}")
def candidate_page(who: Who, candidate_id: Number) -> HTMLResponse:
    candidate = queue.get(who.session, who.person, candidate_id)
    if candidate is None:
        raise HTTPException(404)
    mentions = who.session.scalars(
        select(Mention)
        .where(Mention.candidate_id == candidate.id)
        .options(selectinload(Mention.revisions))
        .order_by(Mention.told_at.desc())
        .limit(SHOWN)
    ).all()
    before, following = queue.neighbours(who.session, who.person, candidate)
    return who.page(
        "candidate.html",
        one=candidate,
        mentions=mentions,
        similar=queue.similar(who.session, who.person, candidate),
        may_decide=who.person.role in decisions.DECIDERS,
        can_start=candidate.state in ("candidate", "watched"),
        last=decisions.latest(who.session, candidate.id),
        decisions=candidate.decisions,
        case=_open_case(who.session, candidate),
        messages=_messages(who.session, candidate),
        before=before,
        following=following,
    )


@router.get("/sebutan/{mention_id}/asli")
def original(who: Who, mention_id: Number) -> RedirectResponse:
    """To the post itself, whose address names its author; that somebody looked is noted."""
    mention = who.session.get(Mention, mention_id)
    if mention is None or mention.candidate_id is None or not who.say.link(mention.url):
        raise HTTPException(404)
    if queue.get(who.session, who.person, mention.candidate_id) is None:
        raise HTTPException(404)
    audit.write(who.session, who.person, "pii.unmask", f"mention {mention.id}")
    return RedirectResponse(mention.url, 303)


def _messages(session: Session, candidate: Candidate) -> list[Alert]:
    """Who was told about the candidate, or is to be told."""
    of_candidate = select(Decision.id).where(Decision.candidate_id == candidate.id)
    told = select(Alert).where(Alert.decision_id.in_(of_candidate), Alert.state != "withdrawn")
    return list(session.scalars(told.options(selectinload(Alert.contact)).order_by(Alert.id)))


@router.post("/kandidat/{candidate_id}/putusan")
def decide(
    who: Signed,
    candidate_id: Number,
    version: Annotated[int, Form(ge=0, le=queue.MOST_ID)],
    action: Annotated[str, Form()],
    track: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    duplicate_of: Annotated[str, Form()] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Decide, and on to the next one."""
    number = duplicate_of.strip().lstrip("#")
    original = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
    try:
        decision = decisions.decide(
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
    except decisions.ReviewError as error:
        return go(f"/kandidat/{candidate_id}", error.key, by=str(error.values.get("by", "")))
    following = queue.next_item(who.session, who.person)
    return go(f"/kandidat/{following.id}" if following else "/", action, decision.id)


@router.post("/putusan/{decision_id}/urungkan")
def undo(who: Signed, decision_id: Number) -> Response:
    """Take a decision back, and to its candidate either way."""
    try:
        undone = decisions.undo(who.session, who.person, decision_id)
    except decisions.ReviewError as error:
        decision = who.session.get(Decision, decision_id)
        about = queue.get(who.session, who.person, decision.candidate_id) if decision else None
        return go(f"/kandidat/{about.id}" if about else "/", error.key, by=str(error.values.get("by", "")))
    return go(f"/kandidat/{undone.candidate_id}", "undo", undone.id)


# ---- cases and trends ----------------------------------------------------------------------------------------------


@router.get("/kasus")
def cases_page(who: Who, before: Annotated[int | None, Query(ge=1, le=queue.MOST_ID)] = None) -> HTMLResponse:
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
    who: Who,
    region: str = "",
    sector: str = "",
    weeks: Annotated[int, Query(ge=4, le=53)] = 12,
    narrow: bool = False,
) -> Response:
    """The chart as a picture; `narrow` draws it for a phone."""
    _only(who, "admin", "head", "officer", "analyst", "auditor")
    cells = trends.weekly(who.session, weeks=weeks, sector=sector or None, region=region or None)
    say = who.say
    drawn = charts.line_chart(
        cells,
        trends.last_weeks(weeks),
        (lambda cell: say.region(cell.region)) if sector else (lambda cell: say.sector(cell.sector, short=True)),
        title=say._("Sumber berbeda per pekan"),
        description=say._("{n} sumber dalam {weeks} pekan terakhir", n=sum(c.voices for c in cells), weeks=weeks),
        value_label=say._("sumber berbeda"),
        rest_label=say._("lainnya"),
        narrow=narrow,
    )
    return Response(drawn, media_type="image/svg+xml")


# ---- sources, people, contacts -------------------------------------------------------------------------------------


@router.get("/sumber")
def sources_page(
    who: Who,
    group: str = "",
    text: Annotated[str, Query(max_length=100)] = "",
    number: Annotated[int, Query(ge=1, le=queue.MOST_ID)] = 1,
) -> HTMLResponse:
    _only(who, "admin", "head", "officer", "analyst", "auditor")
    rows = sources.listing(who.session)
    named = [row for row in rows if text.strip().lower() in row.name.lower()]
    groups = {name: [row for row in named if sources.group_of(row) == name] for name in sources.GROUPS}
    shown = groups[group] if group in groups else [row for name in sources.GROUPS for row in groups[name]]
    begin = (number - 1) * SOURCES_SHOWN
    more = urlencode({"group": group, "text": text, "number": number + 1})
    return who.page(
        "sources.html",
        rows=shown[begin : begin + SOURCES_SHOWN],
        resting=sources.waits(rows, now()),
        host_of=sources.host_of,
        counts={name: len(found) for name, found in groups.items()},
        chosen={"group": group, "text": text},
        next_link=f"/sumber?{more}" if begin + SOURCES_SHOWN < len(shown) else None,
        hearing=_hearing(who.session),
    )


@router.post("/sumber/{source_id}")
def switch_source(who: Signed, source_id: Number, enabled: Annotated[bool, Form()]) -> Response:
    sources.enable(who.session, _source(who, source_id).name, enabled, who.person)
    return go("/sumber", "saved")


@router.post("/sumber/{source_id}/pindah")
def move_source(who: Signed, source_id: Number) -> Response:
    """Take over the address a source has moved to."""
    try:
        sources.take_over(who.session, _source(who, source_id), who.person)
    except ValueError:
        return go("/sumber", "not_moved")
    return go("/sumber", "moved")


def _source(who: Visitor, source_id: int) -> SourceState:
    """A source, for whoever may change it."""
    _only(who, "admin")
    row = who.session.get(SourceState, source_id)
    if row is None:
        raise HTTPException(404)
    return row


@router.get("/pengguna")
def people_page(who: Who) -> HTMLResponse:
    _only(who, "admin")
    return _people(who)


def _people(who: Visitor, status: int = 200, wrong: Wrong | None = None, **shown: str) -> HTMLResponse:
    """`shown`: the password that was just made and whose it is, or what was typed and could not be kept."""
    known = {"made": "", "password": "", "name": "", "role": "officer", "agency": ""} | shown
    return who.page(
        "people.html",
        status,
        people=accounts.people(who.session),
        roles=ROLES,
        agencies=_agencies(who.session),
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
    _only(who, "admin")
    try:
        agency_id = _new_person(who.session, name, role, agency)
        person, password = accounts.add_person(who.session, name, role, agency_id=agency_id, by=who.person)
    except Wrong as wrong:
        return _people(who, 422, wrong, name=name, role=role, agency=agency)
    return _people(who, made=person.name, password=password)


def _new_person(session: Session, name: str, role: str, agency: str) -> str | None:
    """The id of the agency a new account belongs to, if any. Wrong says what cannot be kept, in the person's language."""
    _check_name(name, 60)
    if role not in ROLES:
        raise Wrong("role_unknown")
    if session.scalar(select(Person.id).where(func.lower(Person.name) == name.strip().lower())):
        raise Wrong("name_taken", name=name.strip())
    if role == "focal" and not agency.strip():
        raise Wrong("agency_needed")
    return _agency(session, agency).id if agency.strip() else None


def _check_name(name: str, most: int) -> None:
    if not 2 <= len(name.strip()) <= most or not name.strip().isprintable():
        raise Wrong("name_length", most=most)


def _agencies(session: Session) -> dict[str, str]:
    """Id -> name, by name."""
    return {one.id: one.name for one in session.execute(select(Agency.id, Agency.name).order_by(Agency.name))}


def _agency(session: Session, given: str) -> Agency:
    """The agency of that name, or of that id. Raises Wrong."""
    given = given.replace("\0", "").strip()
    named = select(Agency).where(or_(Agency.id == given, func.lower(Agency.name) == given.lower()))
    agency = session.scalar(named.limit(1))
    if agency is None:
        raise Wrong("agency_unknown", given=given)
    return agency


@router.post("/pengguna/{name:path}")
def change_person(
    who: Signed, name: str, action: Annotated[str, Form()], sure: Annotated[bool, Form()] = False
) -> Response:
    """Switch an account off or on, or give it a new password; that ends its sessions, so it is asked for twice."""
    _only(who, "admin")
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


@router.get("/kontak")
def contacts_page(who: Who) -> HTMLResponse:
    _only(who, "admin")
    return _contacts(who)


def _contacts(who: Visitor, status: int = 200, wrong: Wrong | None = None, **typed: str) -> HTMLResponse:
    contacts = who.session.scalars(
        select(AgencyContact).options(selectinload(AgencyContact.agency)).order_by(AgencyContact.agency_id)
    ).all()
    return who.page(
        "contacts.html",
        status,
        contacts=contacts,
        agencies=_agencies(who.session),
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
    _only(who, "admin")
    try:
        of_agency = _agency(who.session, agency)
        _check_name(name, 120)
        to = _address(address, who.request.app.state.settings)
    except Wrong as wrong:
        return _contacts(who, 422, wrong, agency=agency, name=name, address=address)
    contact = AgencyContact(agency_id=of_agency.id, name=name.strip(), address=to)
    who.session.add(contact)
    who.session.flush()
    audit.write(who.session, who.person, "contact.add", f"contact:{contact.id}", agency=of_agency.id)
    return go("/kontak", "saved")


def _address(typed: str, settings: Settings) -> str:
    """The address messages go to. Raises Wrong."""
    address = courier.as_address(typed)
    if not address.isprintable():
        raise Wrong("address_incomplete", given="?")
    try:
        courier.check_address(address, ways_of(settings))
    except courier.AddressRefused as error:
        raise Wrong(error.key, **error.values) from None
    return address


@router.post("/kontak/pesan/{alert_id}")
def send_again(who: Signed, alert_id: Number) -> Response:
    """A failed message goes out once more, with all its tries."""
    _only(who, "admin")
    if alerts.send_again(who.session, alert_id, who.person) is None:
        raise HTTPException(404)
    return go("/kontak", "again")


@router.post("/kontak/{contact_id}")
def switch_contact(who: Signed, contact_id: Number, active: Annotated[bool, Form()]) -> Response:
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
