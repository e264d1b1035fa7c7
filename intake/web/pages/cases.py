"""Accepted candidates: what is due, one case with its history and clocks, and every act on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Response
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.casework import cases, clocks, events, referrals, sheet
from intake.casework.cases import Filters
from intake.casework.clocks import MILESTONES, Rules
from intake.models import Agency, Case, Person, Referral, now
from intake.people import access, audit
from intake.review import decisions, queue
from intake.review.errors import Invalid, NotAllowed, ReviewError
from intake.settings import Settings
from intake.web import casework
from intake.web.pages.forms import Typed, corrected, status_of
from intake.web.pages.referral import shown, whose_of
from intake.web.present import Wrong
from intake.web.visitor import Signed, Visitor, Who, agencies_by_name, agency_named, go, needs

router = APIRouter(include_in_schema=False)
CaseNumber = Annotated[str, InPath(pattern=r"^\d{4}-\d{4,8}$")]
RowNumber = Annotated[int, Form(ge=0, le=queue.MOST_ID)]
Words = Annotated[str, Form(max_length=20_000)]
Short = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed into a form of the case page."""

    act: Short
    version: RowNumber = 0
    text: Words = ""
    agency: Short = ""
    referral: RowNumber = 0
    track: Short = ""
    outcome: Short = ""
    milestone: Short = ""
    kind: Short = ""
    way: Short = ""
    day: Short = ""
    sure: Short = ""  # of `referred`: that it was asked once more
    seen: RowNumber = 0  # the version of the candidate, of `corrected`
    region: Short = ""
    district: Short = ""
    sector: Short = ""
    form: Short = ""
    urgency: Short = ""


NOTHING = Given("")


def _note_sent(session: Session, person: Person, case_id: int, given: Given) -> object:
    try:
        day = date.fromisoformat(given.day)
    except ValueError:
        raise Invalid("wrong_day") from None
    agency = agency_named(session, given.agency)
    return cases.note_sent(
        session, person, case_id, given.version, agency_id=agency.id, way=given.way, day=day, to=given.text
    )


def _correct(session: Session, person: Person, case_id: int, given: Given) -> object:
    """What differs from what the case says is corrected of its candidate, and is a label like any other."""
    candidate = session.get_one(Case, case_id).candidate
    typed = Typed(
        agency=given.agency,
        kind=candidate.kind or "",
        region=given.region,
        district=given.district,
        sector=given.sector,
        form=given.form,
        urgency=given.urgency,
    )
    fields = corrected(session, typed, candidate)
    return decisions.decide(session, person, candidate.id, given.seen, "correct", fields=fields, note=given.text)


Act = Callable[[Session, Person, int, Given], object]
ACTS: dict[str, Act] = {
    "referred": lambda session, person, case, given: cases.refer(
        session, person, case, given.version, agency_id=agency_named(session, given.agency).id, question=given.text
    ),
    "sent": _note_sent,
    "corrected": _correct,
    "asked": lambda session, person, case, given: cases.ask_progress(
        session, person, case, given.version, referral_id=given.referral, question=given.text
    ),
    "revoked": lambda session, person, case, given: cases.revoke(
        session, person, case, given.version, referral_id=given.referral
    ),
    "heard": lambda session, person, case, given: cases.note_reply(
        session, person, case, given.version, referral_id=given.referral, kind=given.kind, text=given.text
    ),
    "progress": lambda session, person, case, given: cases.note_progress(
        session, person, case, given.version, text=given.text
    ),
    "note": lambda session, person, case, given: cases.note(
        session, person, case, given.version, text=given.text, milestone=given.milestone or None
    ),
    "paused": lambda session, person, case, given: cases.pause(session, person, case, given.version, reason=given.text),
    "resumed": lambda session, person, case, given: cases.resume(session, person, case, given.version),
    "track": lambda session, person, case, given: cases.change_track(
        session, person, case, given.version, track=given.track, note=given.text
    ),
    "closed": lambda session, person, case, given: cases.close(
        session, person, case, given.version, outcome=given.outcome, note=given.text
    ),
    "reopened": lambda session, person, case, given: cases.reopen(
        session, person, case, given.version, reason=given.text
    ),
}


@router.get("/kasus")
def cases_page(who: Who, state: str = "open", track: str = "", agency: str = "", after: str = "") -> HTMLResponse:
    needs(who, "case.read")
    wanted = state if state in casework.STATES else None if state == "all" else "open"
    try:
        page = cases.page(who.session, who.person, _rules(who), Filters(wanted, track, agency), after or None)
    except ValueError:
        raise HTTPException(422) from None
    chosen = {"state": state, "track": track, "agency": agency}
    with_cases = select(Agency.id, Agency.name).where(Agency.id.in_(select(Case.agency_id))).order_by(Agency.name)
    return who.page(
        "cases.html",
        page=page,
        chosen=chosen,
        is_narrowed=wanted != "open" or bool(track or agency),
        agencies=who.session.execute(with_cases).all() if who.person.role != "focal" else [],
        next_link=f"/kasus?{urlencode(chosen | {'after': page.next})}" if page.next else None,
        casework=casework,
        links_work=_settings(who).public_url is not None,
    )


@router.get("/kasus/{number}")
def case_page(who: Who, number: CaseNumber) -> HTMLResponse:
    case = _case(who, number)
    return _referred(who, case) if who.person.role == "focal" else _page(who, case)


@router.get("/kasus/{number}/lembar.pdf")
def case_sheet(who: Who, number: CaseNumber) -> Response:
    """The one-page sheet; that it was taken out is noted."""
    case = _case(who, number)
    if who.person.role == "focal":
        raise HTTPException(404)
    standing = cases.standing(case, who.person, _rules(who))
    drawn = casework.sheet_of(who.session, standing, _office(who), _settings(who).province)
    audit.write(who.session, who.person, "case.sheet", f"case:{case.number}")
    return _pdf(sheet.pdf(drawn), f"kasus-{case.number}")


@router.get("/kasus/{number}/surat.pdf")
def case_letter(who: Who, number: CaseNumber) -> Response:
    """The letter to the answerable agency, to be printed and signed; that it was taken out is noted."""
    case = _case(who, number)
    needs(who, "case.change")
    letter = casework.letter_of(who.session, case, case.agency, _office(who), _rules(who))
    audit.write(who.session, who.person, "case.letter", f"case:{case.number}")
    return _pdf(sheet.letter_pdf(letter), f"surat-{case.number}")


def _office(who: Visitor) -> str:
    province = next(region.name for region in who.say.tables.regions.values() if region.kind == "provinsi")
    return f"Perwakilan {province}"


def _pdf(drawn: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(drawn, media_type="application/pdf", headers=headers)


@router.post("/kasus/{number}")
def act(who: Signed, number: CaseNumber, given: Annotated[Given, Depends()]) -> Response:
    """One act on a case; what was typed stays where it is refused. Before anything leaves the office it is asked once more."""
    case, act = _case(who, number), given.act
    if act not in ACTS:
        raise HTTPException(404)
    try:
        if act == "referred" and not given.sure and access.may(who.person, "case.change") and case.state == "open":
            return _page(who, case, given=given, sending=_sending(who.session, given.agency))
        ACTS[act](who.session, who.person, case.id, given)
    except NotAllowed:
        raise HTTPException(403) from None
    except ReviewError as error:
        return _page(who, case, status_of(error), casework.error(who.say, error.key, error.values), given)
    except Wrong as wrong:
        return _page(who, case, 422, who.say.wrong(wrong.key, wrong.values), given)
    return go(f"/kasus/{number}", f"case_{given.kind if act == 'heard' else act}")


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to leave the office, and to whom."""

    agency: Agency
    contacts: Sequence[str]


def _sending(session: Session, typed: str) -> Sending:
    agency = agency_named(session, typed)
    contacts = cases.reached(session).get(agency.id)
    if not contacts:
        raise Invalid("no_contact")
    return Sending(agency, contacts)


@router.post("/kasus/{number}/buka")
def unmask(who: Signed, number: CaseNumber, reason: Words = "") -> HTMLResponse:
    """The same page with the personal data of the case, once, for a reason that is noted."""
    case = _case(who, number)
    try:
        cases.unmask(who.session, who.person, case, reason)
    except NotAllowed:
        raise HTTPException(403) from None
    except ReviewError as error:
        return _page(who, case, 422, casework.error(who.say, error.key, error.values))
    return _page(who, case, plain=True)


def _page(
    who: Visitor,
    case: Case,
    status: int = 200,
    error: str = "",
    given: Given = NOTHING,
    *,
    plain: bool = False,
    sending: Sending | None = None,
) -> HTMLResponse:
    standing = cases.standing(case, who.person, _rules(who))
    mentions = casework.mentions_of(who.session, case)
    may_change = access.may(who.person, "case.change")
    return who.page(
        "case.html",
        status,
        standing=standing,
        one=case,
        reporter=cases.reporter_of(who.session, case) if access.may(who.person, "reporter.read") else None,
        may_change=may_change,
        may_unmask=access.may(who.person, "reporter.read"),
        is_paused=clocks.is_paused(events.log_of(case)),
        names=casework.names_of(who.session, case.events, case.referrals),
        texts=casework.texts(case.events, plain=plain),
        can_stop=any(clock.ended is None and clock.limit.stops for clock in standing.clocks),
        note=casework.note_of(who.session, case) if access.reads(who.person, "decision.note") else "",
        mentions=mentions,
        long_ago=casework.long_ago(mentions),
        can_be_asked=_can_be_asked(who.session, case),
        is_reached=cases.is_reached(who.session, case.agency_id),
        agencies=agencies_by_name(who.session) if may_change else {},
        today=clocks.day_of(now()).isoformat(),
        questions=referrals.QUESTIONS,
        sending=sending,
        milestones=MILESTONES,
        casework=casework,
        error=error,
        typed=given,
        plain=plain,
    )


def _can_be_asked(session: Session, case: Case) -> dict[str, str]:
    """Agencies with a focal point who was not asked yet: id -> name."""
    asked = {one.agency_id for one in case.referrals if one.revoked_at is None and one.contact and one.contact.active}
    ids = cases.reached(session).keys() - asked
    named = select(Agency.id, Agency.name).where(Agency.id.in_(ids)).order_by(Agency.name)
    return {row.id: row.name for row in session.execute(named)}


# ---- a focal point with an account -----------------------------------------------------------------------------------


@router.post("/kasus/{number}/balas")
def reply(
    who: Signed,
    number: CaseNumber,
    act: Short,
    referral: RowNumber = 0,
    seen: RowNumber = 0,
    text: Words = "",
    agency: Short = "",
) -> Response:
    """A focal point answers where they are signed in."""
    case = _case(who, number)
    one = next((one for one in _theirs(who, case) if one.id == referral), None)
    if who.person.role != "focal" or one is None:
        raise HTTPException(404)
    try:
        referrals.reply(who.session, one, act, text, seen=seen, person=who.person, whose=whose_of(who.session, agency))
    except ReviewError as error:
        typed = Given(act, text=text, agency=agency)
        return _referred(who, case, status_of(error), casework.error(who.say, error.key, error.values), typed)
    return go(f"/kasus/{number}", f"case_{act}")


def _referred(who: Visitor, case: Case, status: int = 200, error: str = "", typed: Given = NOTHING) -> HTMLResponse:
    """What the agency is asked: the page a link shows, with the forms of an account."""
    theirs = _theirs(who, case)
    referral = theirs[-1]
    happened = referrals.said(who.session, referral)
    hidden = {"csrf": who.sign_in.csrf, "referral": referral.id, "seen": happened[-1].id}
    standing = cases.standing(case, who.person, _rules(who))
    told = shown(who.session, case, referral, standing.clocks)
    return who.page(
        "referral.html", status, action=f"/kasus/{case.number}/balas", hidden=hidden, error=error, typed=typed, **told
    )


def _theirs(who: Visitor, case: Case) -> list[Referral]:
    return [one for one in case.referrals if one.agency_id == who.person.agency_id and one.revoked_at is None]


def _case(who: Visitor, number: str) -> Case:
    needs(who, "case.read")
    case = cases.get(who.session, who.person, number)
    if case is None:
        raise HTTPException(404)
    return case


def _settings(who: Visitor) -> Settings:
    settings: Settings = who.request.app.state.settings
    return settings


def _rules(who: Visitor) -> Rules:
    return clocks.rules_of(_settings(who))
