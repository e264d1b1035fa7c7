"""The desk officers work at: the queue, one candidate in hand, what is decided of it, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from intake.models import OPEN_STATES, REASONS, Agency, Alert, Candidate, Decision, Lease, Mention, Remit, now
from intake.people import access
from intake.review import decisions, errors, handled, leases, queue, search, suggestions
from intake.web import present
from intake.web.visitor import (
    Number,
    Signed,
    Visitor,
    Who,
    agencies_by_name,
    agency_named,
    go,
    hearing,
    needs,
    open_case_of,
)
from intake.web.way import FormWay, OnWay, Way
from nlp.fingerprint import similarity

router = APIRouter(include_in_schema=False)
SHOWN = 40  # mentions of one candidate on its page
CLOSES = {reason: action for action, reasons in REASONS.items() for reason in reasons}
SNOOZES = (1, 3, 7)  # days
LETTERS = dict(zip(CLOSES, "abcdefghijklmnopqrstuvwxyz", strict=False))  # after x, to close with a reason
RENEWED = 0.4  # of its length is how often a lease is renewed while somebody is active


# ---- the queue -------------------------------------------------------------------------------------------------------


@router.get("/")
def queue_page(who: Who, way: OnWay, after: str = "", pilih: str = "") -> HTMLResponse:
    """`pilih` (semua): every candidate of the page is ticked, for whoever has no script."""
    if who.person.role == "focal":
        way = replace(way, filters=replace(way.filters, state="accepted"))
    is_decider = access.may(who.person, "candidate.decide")
    budget = queue.budget(who.session, who.person) if is_decider else None
    filters = way.for_today(budget) if budget else way.filters
    page = queue.page(who.session, who.person, filters, _cursor(after))
    ids = [candidate.id for candidate in page.items]
    held = leases.holders(who.session, ids) if is_decider else {}
    return who.page(
        "queue.html",
        page=page,
        way=way,
        chosen=way.chosen(),
        is_narrowed=way.is_narrowed,
        is_decider=is_decider,
        budget=budget,
        pace=decisions.median_seconds(who.session, who.person) if is_decider else None,
        is_done=filters != way.filters,
        has_remits=_has_remits(who),
        held=held,
        names=_source_names(who.session, ids),
        count=queue.count(who.session, who.person, filters),
        most=queue.COUNTED,
        found_at_most=search.MOST,
        next_link=f"/{way.query(after=str(page.next))}" if page.next else None,
        all_link=f"/{way.query(pilih='semua', **({'after': after} if after else {}))}",
        all_ticked=pilih == "semua",
        hearing=hearing(who.session),
        closing=REASONS,
        snoozes=SNOOZES,
        agencies=agencies_by_name(who.session) if is_decider else {},
    )


def _has_remits(who: Visitor) -> bool:
    own: Iterable[Remit] = (remit for remit in who.person.remits if not remit.bounds)
    return any(own) or bool(access.covered(who.person))


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


@router.post("/antrean/berikutnya")
def take_next(who: Signed, way: FormWay, after: Annotated[int, Form(ge=0, le=queue.MOST_ID)] = 0) -> Response:
    """Take the next candidate and open it; `after` is the one in hand, which is passed over undecided."""
    needs(who, "candidate.decide")
    passed = queue.get(who.session, who.person, after) if after else None
    if passed is not None:
        way = replace(way, past=str(queue.Cursor(passed.rank, passed.id)))
        held = leases.holder(who.session, passed.id)
        if held is not None:
            leases.release(who.session, who.person, passed.id, held.token)
    return go(_next(who, way))


def _next(who: Visitor, way: Way) -> str:
    """The address of the next candidate, which the person holds from now on; of the queue, when there is none left."""
    filters = way.for_today(queue.budget(who.session, who.person))
    past = _cursor(way.past)
    if past is None:
        taken = leases.claim_next(who.session, who.person, filters, _length(who))
        return f"/kandidat/{taken[0].id}{way.query()}" if taken else f"/{way.query()}"
    for one in queue.page(who.session, who.person, replace(filters, state="candidate"), past).items:
        try:
            leases.claim(who.session, who.person, one.id, _length(who))
        except errors.ReviewError:
            continue  # somebody else has it, or just decided it
        return f"/kandidat/{one.id}{way.query()}"
    return f"/{replace(way, past='').query()}"


def _length(who: Visitor) -> timedelta:
    return timedelta(minutes=who.request.app.state.settings.lease_minutes)


# ---- one candidate ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form of the desk was filled in with; which of it counts depends on the action."""

    version: int = 0
    action: str = ""
    track: str = ""
    reason: str = ""
    duplicate_of: str = ""
    days: int = 0  # put off for; 0: it comes back
    note: str = ""
    lease: str = ""
    mentions: Sequence[int] = ()
    agency: str = ""
    region: str = ""
    district: str = ""
    sector: str = ""
    form: str = ""

    @property
    def token(self) -> int | None:
        return int(self.lease) if self.lease.isascii() and self.lease.isdigit() and len(self.lease) < 10 else None

    @property
    def original(self) -> int | None:
        number = self.duplicate_of.strip().lstrip("#")
        return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


Short = Annotated[str, Form(max_length=200)]
Small = Annotated[int, Form(ge=0, le=queue.MOST_ID)]


def _typed(
    version: Small = 0,
    action: Short = "",
    track: Short = "",
    reason: Short = "",
    duplicate_of: Short = "",
    days: Annotated[int, Form(ge=0, le=30)] = 0,
    note: Annotated[str, Form(max_length=2000)] = "",
    lease: Short = "",
    mentions: Annotated[list[int], Form()] = [],  # noqa: B006 - what FastAPI reads
    agency: Short = "",
    region: Short = "",
    district: Short = "",
    sector: Short = "",
    form: Short = "",
) -> Typed:
    if action == "decide":  # one form for all that is told by the button alone
        action = "accept" if track else CLOSES.get(reason, "snooze")
    elif action == "close":
        action = CLOSES.get(reason, "not_relevant")
    ids = tuple(number for number in mentions if 0 < number <= queue.MOST_ID)
    place = {"region": region, "district": district, "sector": sector, "form": form}
    return Typed(version, action, track, reason, duplicate_of, days, note, lease, ids, agency, **place)


Given = Annotated[Typed, Depends(_typed)]


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
) -> HTMLResponse:
    """`refused`: why something was not done, in words; what was typed is kept in its form."""
    may_decide, is_open = access.may(who.person, "candidate.decide"), candidate.state in OPEN_STATES
    lease = leases.holder(who.session, candidate.id) if may_decide and is_open else None
    is_mine = lease is not None and lease.person_id == who.person.id
    before, following = queue.neighbours(who.session, who.person, candidate)
    last = decisions.latest(who.session, candidate.id)
    notes = access.reads(who.person, "decision.note")
    return who.page(
        "candidate.html",
        status,
        one=candidate,
        way=way,
        lease=lease,
        is_mine=is_mine,
        renewed_every=round(_length(who).total_seconds() * RENEWED),
        told_by=_told_by(who.session, candidate),
        reasons_of_rank=queue.why(candidate),
        hints=handled.hints(who.session, candidate) if may_decide else (),
        suggested=suggestions.list_for(who.session, who.person, candidate) if may_decide else (),
        similar=queue.similar(who.session, who.person, candidate),
        may_decide=may_decide,
        can_start=is_open,
        can_decide=may_decide and is_open and (lease is None or is_mine),
        last=last,
        together=_together(who.session, last),
        decisions=decisions.history(who.session, candidate.id) if notes else (),
        changes=lambda decision: _changes(who, decision),
        closing=REASONS,
        letters=LETTERS,
        snoozes=SNOOZES,
        has_reporter=decisions.has_reporter(who.session, candidate.id) if may_decide else False,
        may_reopen=candidate.state in REASONS,
        snoozed=candidate.snoozed_until if (candidate.snoozed_until or now()) > now() else None,
        case=open_case_of(who.session, candidate),
        messages=_messages(who.session, candidate),
        before=before,
        following=following,
        agencies=agencies_by_name(who.session) if may_decide else {},
        refused=refused,
        typed=typed,
        reporter=reporter or {"name": "", "contact": "", "prior_complaint": ""},
    )


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


def _together(session: Session, decision: Decision | None) -> int:
    """How many decisions an undo of this one takes back."""
    return len(_batch(session, decision)) if decision else 0


def _batch(session: Session, decision: Decision) -> Sequence[Decision]:
    if decision.batch is None:
        return [decision]
    return session.scalars(select(Decision).where(Decision.batch == decision.batch).order_by(Decision.id)).all()


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
    return [f"{say._(FIELDS[name])}: {_value(who, name, new)}" for name, (_old, new) in changes.items()]


FIELDS = {
    "agency_id": present._("Instansi"),
    "region": present._("Daerah"),
    "district": present._("Kecamatan"),
    "sector": present._("Layanan"),
    "form": present._("Dugaan maladministrasi"),
}


def _value(who: Visitor, name: str, code: str | None) -> str:
    say = who.say
    if name == "agency_id":
        agency = who.session.get(Agency, code) if code else None
        return agency.name if agency else say._("belum diketahui")
    if name == "district":
        known = say.tables.districts.get(code or "")
        return known.name if known else say._("belum diketahui")
    words = {"region": say.region, "sector": say.sector, "form": say.form}
    return words[name](code)


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
            lease = leases.claim(who.session, who.person, candidate_id, _length(who))
        else:
            lease = leases.renew(who.session, who.person, candidate_id, typed.token, _length(who))
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
        leases.take_over(who.session, who.person, candidate_id, _length(who))
    except errors.ReviewError as error:
        return _candidate(who, candidate, way, status_of(error), who.say.error(error.key, error.values), typed)
    return _candidate(who, candidate, way, typed=typed) if typed.note else go(f"/kandidat/{candidate_id}{way.query()}")


@router.post("/kandidat/{candidate_id}/lepas")
def let_go(who: Signed, candidate_id: Number, way: FormWay, typed: Given) -> Response:
    """Free for the others again."""
    if typed.token is not None:
        leases.release(who.session, who.person, candidate_id, typed.token)
    return go(f"/{replace(way, past='').query()}")


def status_of(error: errors.ReviewError) -> int:
    return 409 if isinstance(error, errors.Conflict) else 403 if isinstance(error, errors.NotAllowed) else 422


# ---- deciding --------------------------------------------------------------------------------------------------------


@router.post("/kandidat/{candidate_id}/putusan")
def decide(who: Signed, candidate_id: Number, way: FormWay, typed: Given) -> Response:
    """Decide, and on to the next one; what leaves the candidate open stays with it."""
    candidate = _found(who, candidate_id)
    try:
        order = _order(who, typed, candidate)
        decision = decisions.decide(
            who.session, who.person, candidate_id, typed.version, typed.action, lease=typed.token, **order
        )
    except errors.ReviewError as error:
        return _candidate(who, candidate, way, status_of(error), who.say.error(error.key, error.values), typed)
    except present.Wrong as wrong:
        return _candidate(who, candidate, way, 422, who.say.wrong(wrong.key, wrong.values), typed)
    stays = typed.action in decisions.STAYS_OPEN
    return go(f"/kandidat/{candidate_id}{way.query()}" if stays else _next(who, way), typed.action, decision.id)


def _order(who: Visitor, typed: Typed, candidate: Candidate | None) -> dict[str, Any]:
    """What is decided besides the action; of `candidate` only what it is not yet is corrected. Raises Wrong."""
    until = now() + timedelta(days=typed.days, minutes=-1) if typed.action == "snooze" and typed.days else None
    return {
        "track": typed.track or None,
        "reason": typed.reason or None,
        "duplicate_of": typed.original,
        "until": until,
        "mentions": typed.mentions,
        "fields": _corrected(who, typed, candidate) if typed.action == "correct" else None,
        "note": typed.note,
    }


def _corrected(who: Visitor, typed: Typed, candidate: Candidate | None) -> dict[str, str | None]:
    """Of many at once the agency alone."""
    if candidate is None:
        return {"agency_id": agency_named(who.session, typed.agency).id}
    given = {name: getattr(typed, name) or None for name in ("region", "district", "sector", "form")}
    changed = {name: value for name, value in given.items() if value != getattr(candidate, name)}
    if typed.agency.strip() != (candidate.agency.name if candidate.agency else ""):
        changed["agency_id"] = agency_named(who.session, typed.agency).id if typed.agency.strip() else None
    return changed


@router.post("/kandidat/{candidate_id}/saran/{suggestion_id}")
def answer_suggestion(who: Signed, candidate_id: Number, suggestion_id: Number, way: FormWay, typed: Given) -> Response:
    """Two candidates are one event (duplicate), or they are not, which is never asked again."""
    candidate = _found(who, candidate_id)
    try:
        if typed.action == "duplicate":
            joined = suggestions.join(who.session, who.person, suggestion_id, candidate_id, typed.version, typed.token)
            return go(_next(who, way), "duplicate", joined.id)
        suggestions.dismiss(who.session, who.person, suggestion_id)
    except errors.ReviewError as error:
        return _candidate(who, candidate, way, status_of(error), who.say.error(error.key, error.values), typed)
    return go(f"/kandidat/{candidate_id}{way.query()}", "saved")


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
    return go(f"/kandidat/{candidate_id}{way.query()}", "saved")


@router.post("/putusan/bersama")
def decide_all(who: Signed, way: FormWay, typed: Given, item: Annotated[list[str], Form()] = []) -> Response:  # noqa: B006
    """The same about several, each named as ID:VERSION: about all of them, or none."""
    items = _items(item)
    try:
        order = _order(who, typed, None)
        results = decisions.decide_all(who.session, who.person, items, typed.action, **order)
    except errors.ReviewError as error:
        return _results(who, way, (), typed, who.say.error(error.key, error.values), status_of(error))
    except present.Wrong as wrong:
        return _results(who, way, (), typed, who.say.wrong(wrong.key, wrong.values), 422)
    made = [one.decision for one in results if one.decision]
    if made:
        return go(f"/putusan/{made[0].id}/hasil{way.query()}")
    return _results(who, way, results, typed, items=dict(items), status=409)


def _items(given: Sequence[str]) -> list[tuple[int, int]]:
    pairs = [one.partition(":") for one in given]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for one in pairs for part in (one[0], one[2])):
        raise HTTPException(422)
    return [(int(number), int(version)) for number, _, version in pairs]


@router.get("/putusan/{decision_id}/hasil")
def results_page(who: Who, decision_id: Number, way: OnWay) -> HTMLResponse:
    """What became of each of those that were decided at once, and one undo for all."""
    decision = who.session.get(Decision, decision_id)
    if decision is None or queue.get(who.session, who.person, decision.candidate_id) is None:
        raise HTTPException(404)
    needs(who, "candidate.decide")
    made = _batch(who.session, decision)
    return _results(who, way, [decisions.Result(one.candidate_id, one) for one in made])


def _results(
    who: Visitor,
    way: Way,
    results: Sequence[decisions.Result],
    typed: Typed = Typed(),
    refused: str = "",
    status: int = 200,
    items: Mapping[int, int] | None = None,
) -> HTMLResponse:
    found = {one.candidate_id: queue.get(who.session, who.person, one.candidate_id) for one in results}
    made = [one.decision for one in results if one.decision]
    undone = who.session.scalar(select(Decision).where(Decision.undoes == made[0].id)) if made else None
    left = {number: version for number, version in (items or {}).items() if _was_only_left(results, number)}
    return who.page(
        "bulk.html",
        status,
        way=way,
        results=[(one, found[one.candidate_id]) for one in results if found[one.candidate_id]],
        made=made,
        undone=undone,
        left=left,
        typed=typed,
        refused=refused,
        may_decide=access.may(who.person, "candidate.decide"),
    )


def _was_only_left(results: Sequence[decisions.Result], number: int) -> bool:
    """Whether nothing stood against it but that something stood against another one."""
    return any(one.candidate_id == number and one.key == "not_alone" for one in results)


@router.post("/putusan/{decision_id}/urungkan")
def undo(who: Signed, decision_id: Number) -> Response:
    """Take a decision back with all that were made at once with it, and to its candidate either way."""
    try:
        undone = decisions.undo(who.session, who.person, decision_id)
    except errors.ReviewError as error:
        decision = who.session.get(Decision, decision_id)
        about = queue.get(who.session, who.person, decision.candidate_id) if decision else None
        by, action = (str(error.values.get(name, "")) for name in ("by", "action"))
        return go(f"/kandidat/{about.id}" if about else "/", error.key, by=by, action=action)
    if _together(who.session, who.session.get(Decision, decision_id)) > 1:
        return go(f"/putusan/{decision_id}/hasil")
    return go(f"/kandidat/{undone.candidate_id}", "undo", undone.id)
