"""What every page needs: who looks at it, how it is drawn, and what the last action said."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Form, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from intake import alerts, courier, sources
from intake.models import (
    Agency,
    Candidate,
    Case,
    Decision,
    Mention,
    Person,
    SignIn,
)
from intake.people import access, accounts
from intake.review import decisions, queue
from intake.settings import Settings, ways_of
from intake.start import press_of
from intake.web import casework, present
from intake.web.present import Presenter, Wrong

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
Number = Annotated[int, InPath(ge=1, le=queue.MOST_ID)]  # of a row, in an address; anything else is not found


class SignInNeeded(Exception):
    """Nobody is signed in."""


class CodeNeeded(Exception):
    """Somebody gave their password, and owes the code of their second factor still."""


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
    other: Candidate | None  # what it was merged into, or what was split off
    case: Case | None  # what came of it, where that was decided
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
        went_to = decision.duplicate_of or (decision.changes.get("into") if decision.action == "split" else None)
        other = queue.get(self.session, self.person, went_to) if went_to else None
        of_case = {"accept": candidate, "duplicate": other}.get(decision.action)
        case = open_case_of(self.session, of_case) if of_case else None
        return Told(decision, candidate, other, case, can_undo)


def open_case_of(session: Session, candidate: Candidate) -> Case | None:
    return session.scalar(select(Case).where(Case.candidate_id == candidate.id, Case.state == "open"))


def visitor(request: Request, session: DB) -> Visitor:
    """The person behind the cookie. Raises SignInNeeded, CodeNeeded."""
    who = half_signed(request, session)
    if not who.sign_in.second_factor:
        raise CodeNeeded
    return who


def half_signed(request: Request, session: DB) -> Visitor:
    """The person behind the cookie, who may owe their code; only for the pages where it is given. Raises SignInNeeded."""
    who = _behind_cookie(request, session)
    if who is None:
        raise SignInNeeded
    return who


def visitor_of(request: Request, session: Session) -> Visitor | None:
    """The person behind the cookie, if there is one who owes nothing."""
    who = _behind_cookie(request, session)
    return who if who and who.sign_in.second_factor else None


def _behind_cookie(request: Request, session: Session) -> Visitor | None:
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
HalfSigned = Annotated[Visitor, Depends(half_signed, scope="function")]


def needs(who: Visitor, action: str) -> None:
    """Refuse whom the matrix of roles does not allow it."""
    who.request.state.action = action  # for the audit log
    if not access.may(who.person, action):
        raise HTTPException(403)


def only(who: Visitor, *roles: str) -> None:
    if who.person.role not in roles:
        raise HTTPException(403)


def render(
    request: Request, template: str, say: Presenter, status: int = 200, *, demo: bool, **values: Any
) -> HTMLResponse:
    """A page. `demo`: it says that all is invented. `flash`: what the last action said, handed over in a short-lived cookie."""
    known: dict[str, Any] = {"person": None, "csrf": "", "told": None, "failed": 0, "demo": demo}
    known |= {"flash": flash_of(request), "path": request.url.path, "say": say, "_": say._}
    known |= {"present": present, "FLASHES": FLASHES, "DECIDERS": decisions.DECIDERS}
    known["may"] = lambda action: (known | values)["person"] is not None and access.may(values["person"], action)
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
    **casework.DONE,
    "saved": present._("Disimpan."),
    "apart": present._("Dicatat sebagai kejadian lain; tidak diusulkan lagi."),
    "ask": present._("Usulan itu terbuka lagi."),
    "reporter": present._("Pelapor dicatat; jalur laporan terbuka."),
    "view": present._("Tampilan disimpan."),
    "view_gone": present._("Tampilan dihapus."),
    "muted": present._("Dibisukan."),
    "link_known": present._("Tautan ini sudah pernah terbaca; inilah yang tersimpan."),
    "again": present._("Pesan itu akan dikirim lagi, dengan seluruh percobaannya."),
    "moved": present._("Mulai sekarang alamat yang baru yang didengarkan."),
    "password": present._("Kata sandi diganti. Masuklah dengan yang baru."),
    "welcome": present._("Kata sandi Anda tersimpan. Masuklah dengan nama dan kata sandi itu."),
    "ended": present._("Diakhiri."),
    "unmuted": present._("Pembisuan diakhiri; yang ditahan kembali ke antrean."),
}


def flash_of(request: Request) -> dict[str, str]:
    key, _, rest = request.cookies.get(FLASH, "").partition(":")
    number, _, name = rest.partition(":")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    name, _, action = name.partition(":")
    said = {"key": key, "number": number if is_number else "", "by": name[:60], "action": action[:12]}
    return said if key in FLASHES else {}


def go(path: str, flash: str = "", number: int | None = None, by: str = "", action: str = "") -> RedirectResponse:
    """To a page of our own, with something to say there."""
    response = RedirectResponse(path, status_code=303)
    if flash:
        known = action if action in present.ACTIONS else ""
        safe = "".join(c for c in by if c.isascii() and (c.isalnum() or c in " ._-"))
        response.set_cookie(FLASH, f"{flash}:{number or ''}:{safe}:{known}", max_age=60, httponly=True, samesite="lax")
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


def hearing(session: Session) -> dict[str, Any]:
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


def check_name(name: str, most: int) -> None:
    if not 2 <= len(name.strip()) <= most or not name.strip().isprintable():
        raise Wrong("name_length", most=most)


def agencies_by_name(session: Session) -> dict[str, str]:
    """Id -> name, by name."""
    return {one.id: one.name for one in session.execute(select(Agency.id, Agency.name).order_by(Agency.name))}


def agency_named(session: Session, given: str) -> Agency:
    """The agency of that name, or of that id. Raises Wrong."""
    given = given.replace("\0", "").strip()
    named = select(Agency).where(or_(Agency.id == given, func.lower(Agency.name) == given.lower()))
    agency = session.scalar(named.limit(1))
    if agency is None:
        raise Wrong("agency_unknown", given=given)
    return agency


def message_address(typed: str, settings: Settings) -> str:
    """The address messages go to, as it was typed. Raises Wrong."""
    address = courier.as_address(typed)
    if not address.isprintable():
        raise Wrong("address_incomplete", given="?")
    try:
        courier.check_address(address, ways_of(settings))
    except courier.AddressRefused as error:
        raise Wrong(error.key, **error.values) from None
    return address
