"""The desk officers work at: one candidate, taken in hand, and what is decided of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from intake.casework import cases
from intake.models import OPEN_STATES, REASONS, Agency, Alert, Candidate, Decision, Lease, Mention, now
from intake.people import access
from intake.review import decisions, errors, handled, leases, queue, suggestions
from intake.review.undo import made_with
from intake.web import casework
from intake.web.pages.forms import CLOSES, SNOOZES, Given, Short, Typed, near_names, order_of, status_of
from intake.web.pages.queue import lease_length, next_address
from intake.web.present import Wrong
from intake.web.visitor import Number, Signed, Visitor, Who, agencies_by_name, go, open_case_of
from intake.web.way import FormWay, OnWay, Way
from nlp.fingerprint import similarity

router = APIRouter(include_in_schema=False)
SHOWN = 40  # mentions of one candidate on its page
LETTERS = dict(zip(CLOSES, "abcdefghijklmnopqrstuvwxyz", strict=False))  # after x, to close with a reason
RENEWED = 0.4  # of its length is how often a lease is renewed while somebody is active


# ---- one candidate ---------------------------------------------------------------------------------------------------


@router.get("/kandidat/{candidate_id}")
def candidate_page(who: Who, candidate_id: Number, way: OnWay) -> HTMLResponse:
    """Looking at it takes it from nobody: it is in hand once the page asks for that (`hold`)."""
    return _candidate(who, _found(who, candidate_id), way)


@router.get("/kandidat/{candidate_id}/{deed}")
def back_to_candidate(
    who: Who, candidate_id: Number, deed: Literal["putusan", "sewa", "ambil-alih", "pelapor"]
) -> Response:
    """Where a refused form left its address behind."""
    return go(f"/kandidat/{candidate_id}")


def _found(who: Visitor, candidate_id: int) -> Candidate:
    candidate = queue.get(who.session, who.person, candidate_id)
    if candidate is None:
        raise HTTPException(404)
    return candidate


def _candidate(
    who: Visitor,
    candidate: Candidate,
    way: Way,
    status: int = 200,
    refused: str = "",
    typed: Typed = Typed(),
    reporter: Mapping[str, str] | None = None,
    key: str = "",
) -> HTMLResponse:
    """`refused`: why something was not done, in words, and `key` what stood against it; what was typed is kept in its form."""
    may_decide, is_open = access.may(who.person, "candidate.decide"), candidate.state in OPEN_STATES
    lease = leases.holder(who.session, candidate.id) if may_decide and is_open else None
    is_mine = lease is not None and lease.person_id == who.person.id
    before, following = queue.neighbours(who.session, who.person, candidate)
    last = decisions.latest(who.session, candidate.id)
    notes = access.reads(who.person, "decision.note")
    agencies = agencies_by_name(who.session) if may_decide else {}
    return who.page(
        "candidate.html",
        status,
        one=candidate,
        way=way,
        lease=lease,
        is_mine=is_mine,
        renewed_every=round(lease_length(who).total_seconds() * RENEWED),
        told_by=_told_by(who.session, candidate),
        reasons_of_rank=queue.why(candidate),
        hints=handled.hints(who.session, candidate) if may_decide else (),
        suggested=suggestions.list_for(who.session, who.person, candidate) if may_decide else (),
        apart=suggestions.apart_from(who.session, who.person, candidate) if may_decide else (),
        similar=queue.similar(who.session, who.person, candidate),
        may_decide=may_decide,
        can_start=is_open,
        can_decide=may_decide and is_open and (lease is None or is_mine),
        last=last,
        together=len(made_with(who.session, last)) if last else 0,
        decisions=decisions.history(who.session, candidate.id) if notes else (),
        changes=lambda decision: _changes(who, decision),
        closing=REASONS,
        letters=LETTERS,
        snoozes=SNOOZES,
        has_reporter=decisions.has_reporter(who.session, candidate.id) if may_decide else False,
        may_reopen=candidate.state in REASONS,
        snoozed=candidate.snoozed_until if (candidate.snoozed_until or now()) > now() else None,
        case=open_case_of(who.session, candidate),
        is_reached=cases.is_reached(who.session, candidate.agency_id),
        messages=_messages(who.session, candidate),
        before=before,
        following=following,
        agencies=agencies,
        near=near_names(typed.agency, agencies.values()) if key == "agency_unknown" else (),
        place_today=_place_today(who, way) if may_decide and is_open else None,
        refused=refused,
        refused_key=key,
        typed=typed,
        reporter=reporter or {"name": "", "contact": "", "prior_complaint": ""},
    )


def _place_today(who: Visitor, way: Way) -> tuple[int, int] | None:
    """Which of today's part a candidate is, and of how many; None for whoever looks for something, or is through with it."""
    budget = queue.budget(who.session, who.person)
    if way.on or way.is_narrowed or not budget.left:
        return None
    return budget.done_today + 1, budget.candidates


@dataclass(frozen=True, slots=True)
class ToldBy:
    """A mention as the page shows it; a copy of one that is shown says of which, and how alike they are."""

    mention: Mention
    copy_of: Mention | None
    alike: float | None


def _told_by(session: Session, candidate: Candidate) -> list[ToldBy]:
    """Newest voices first, each followed by its copies, whose words are not printed again."""
    newest = select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.told_at.desc(), Mention.id)
    mentions = session.scalars(newest.options(selectinload(Mention.revisions)).limit(SHOWN)).all()
    by_id = {one.id: one for one in mentions}
    copies: dict[int, list[Mention]] = {}
    for one in mentions:
        if one.voice in by_id and one.voice != one.id:
            copies.setdefault(by_id[one.voice].id, []).append(one)
    found = []
    for first in mentions:
        if first.voice in by_id and first.voice != first.id:
            continue
        found.append(ToldBy(first, None, None))
        found += [ToldBy(one, first, _alike(one, first)) for one in copies.get(first.id, ())]
    return found


def _alike(one: Mention, two: Mention) -> float | None:
    return similarity(one.signature, two.signature) if one.signature and two.signature else None


def _changes(who: Visitor, decision: Decision) -> list[str]:
    """What a decision changed, beyond its name: corrected fields, until when, into which candidate."""
    changes, say = decision.changes, who.say
    if decision.action == "snooze" and changes.get("until"):
        return [say._("sampai {when}", when=say.moment(datetime.fromisoformat(changes["until"])))]
    if decision.action == "split" and "into" in changes:
        return [say._("{n} penyebutan", n=len(changes["mentions"])), f"#{changes['into']}"]
    if decision.action == "duplicate" and decision.duplicate_of:
        return [f"#{decision.duplicate_of}"]
    if decision.action != "correct":
        return []
    return [f"{say._(casework.FIELDS[name])}: {_value(who, name, new)}" for name, (_old, new) in changes.items()]


def _value(who: Visitor, name: str, code: str | None) -> str:
    say = who.say
    if name == "agency_id":
        agency = who.session.get(Agency, code) if code else None
        return agency.name if agency else say._("belum diketahui")
    if name == "district":
        known = say.tables.districts.get(code or "")
        return known.name if known else say._("belum diketahui")
    words = {"region": say.region, "sector": say.sector, "form": say.form, "kind": say.kind, "urgency": say.urgency}
    return words[name](code) or say._("belum diketahui")


def _messages(session: Session, candidate: Candidate) -> list[Alert]:
    """Who was told about the candidate, or is to be told."""
    of_candidate = select(Decision.id).where(Decision.candidate_id == candidate.id)
    told = select(Alert).where(Alert.decision_id.in_(of_candidate), Alert.state != "withdrawn")
    return list(session.scalars(told.options(selectinload(Alert.contact)).order_by(Alert.id)))


# ---- in hand ---------------------------------------------------------------------------------------------------------


@router.post("/kandidat/{candidate_id}/sewa")
def hold(request: Request, who: Signed, candidate_id: Number, way: FormWay, typed: Given) -> Response:
    """Take a candidate in hand; with the token of a lease, go on holding it. The page's script asks for JSON."""
    by_script = request.headers.get("accept") == "application/json"
    candidate = _found(who, candidate_id)
    try:
        if typed.token is None:
            lease = leases.claim(who.session, who.person, candidate_id, lease_length(who))
        else:
            lease = leases.renew(who.session, who.person, candidate_id, typed.token, lease_length(who))
    except errors.ReviewError as error:
        words = who.say.error(error.key, error.values)
        if by_script:
            return JSONResponse({"words": words}, status_of(error))
        return _candidate(who, candidate, way, status_of(error), words, typed)
    if by_script:
        return JSONResponse({"token": lease.token, "words": _held_until(who, lease)})
    return _candidate(who, candidate, way, typed=typed) if typed.note else go(f"/kandidat/{candidate_id}{way.query()}")


def _held_until(who: Visitor, lease: Lease) -> str:
    return who.say._("Anda pegang sampai {clock}.", clock=who.say.clock(lease.until))


@router.post("/kandidat/{candidate_id}/ambil-alih")
def take_over(who: Signed, candidate_id: Number, way: FormWay, typed: Given) -> Response:
    """Take a candidate from whoever has it open; what was typed meanwhile comes along."""
    candidate = _found(who, candidate_id)
    try:
        leases.take_over(who.session, who.person, candidate_id, lease_length(who))
    except errors.ReviewError as error:
        return _candidate(who, candidate, way, status_of(error), who.say.error(error.key, error.values), typed)
    return _candidate(who, candidate, way, typed=typed) if typed.note else go(f"/kandidat/{candidate_id}{way.query()}")


@router.post("/kandidat/{candidate_id}/lepas")
def let_go(who: Signed, candidate_id: Number, way: FormWay, typed: Given) -> Response:
    """Free for the others again."""
    if typed.token is not None:
        leases.release(who.session, who.person, candidate_id, typed.token)
    return go(f"/{replace(way, past='').query()}")


# ---- deciding --------------------------------------------------------------------------------------------------------


@router.post("/kandidat/{candidate_id}/putusan")
def decide(who: Signed, candidate_id: Number, way: FormWay, typed: Given) -> Response:
    """Decide, and on to the next one; what leaves the candidate open stays with it."""
    candidate = _found(who, candidate_id)
    try:
        order = order_of(who, typed, candidate)
        decision = decisions.decide(
            who.session, who.person, candidate_id, typed.version, typed.action, lease=typed.token, **order
        )
    except errors.ReviewError as error:
        words = who.say.error(error.key, error.values)
        return _candidate(who, candidate, way, status_of(error), words, typed, key=error.key)
    except Wrong as wrong:
        return _candidate(who, candidate, way, 422, who.say.wrong(wrong.key, wrong.values), typed, key=wrong.key)
    stays = typed.action in decisions.STAYS_OPEN
    return go(f"/kandidat/{candidate_id}{way.query()}" if stays else next_address(who, way), typed.action, decision.id)


@router.post("/kandidat/{candidate_id}/saran/{suggestion_id}")
def answer_suggestion(who: Signed, candidate_id: Number, suggestion_id: Number, way: FormWay, typed: Given) -> Response:
    """Two candidates are one event (duplicate), or they are not (apart), which is taken back (ask)."""
    candidate = _found(who, candidate_id)
    try:
        if typed.action == "duplicate":
            joined = suggestions.join(who.session, who.person, suggestion_id, candidate_id, typed.version, typed.token)
            leads = joined.candidate_id != candidate_id  # and is still to be decided
            path = f"/kandidat/{candidate_id}{way.query()}" if leads else next_address(who, way)
            return go(path, "duplicate", joined.id)
        answer = suggestions.ask_again if typed.action == "ask" else suggestions.dismiss
        answer(who.session, who.person, suggestion_id)
    except errors.ReviewError as error:
        return _candidate(who, candidate, way, status_of(error), who.say.error(error.key, error.values), typed)
    return go(f"/kandidat/{candidate_id}{way.query()}", "ask" if typed.action == "ask" else "apart")


@router.post("/kandidat/{candidate_id}/pelapor")
def attach_reporter(
    who: Signed,
    candidate_id: Number,
    way: FormWay,
    name: Short = "",
    contact: Short = "",
    prior_complaint: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Who reports, without whom nothing is a laporan."""
    candidate = _found(who, candidate_id)
    try:
        decisions.attach_reporter(who.session, who.person, candidate_id, name, contact, prior_complaint)
    except errors.ReviewError as error:
        words = who.say.error(error.key, error.values)
        given = {"name": name, "contact": contact, "prior_complaint": prior_complaint}
        return _candidate(who, candidate, way, status_of(error), words, reporter=given)
    return go(f"/kandidat/{candidate_id}{way.query()}", "reporter")
