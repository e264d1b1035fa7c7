"""An accepted candidate on a legal track: what is done with it, each act an event of its log.

Every act names the version of the case that was looked at, and changes nothing where it raises a ReviewError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Integer, Select, cast, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from crawler.dates import WIB
from intake import alerts
from intake.casework import clocks, events, referrals
from intake.casework.clocks import Clock, Rules
from intake.models import (
    DANGER,
    TRACKS,
    Agency,
    AgencyContact,
    Candidate,
    Case,
    CaseEvent,
    Decision,
    Person,
    Referral,
    Reporter,
    now,
)
from intake.people import access, audit
from intake.review import queue
from intake.review.errors import Invalid, NotAllowed

# How a case ends; the names of the law's reasons stand in intake/web/casework.py.
OUTCOMES = ("handled", "no_maladministration", "outside", "incomplete", "taken_back", "passed_on")
STATES = ("open", "overdue", "paused", "closed", "withdrawn")
MOST_OPEN = 2000  # open cases, the oldest, that are put in the order of what is due
SHORTEST_REASON = 5  # characters
WAYS = ("letter", "phone")  # by which an officer told an agency without us


# ---- from a decision -------------------------------------------------------------------------------------------------


def open_case(session: Session, candidate: Candidate, track: str, person: Person | None = None) -> Case:
    """The case of an accepted candidate; one that was withdrawn is opened again under its old number."""
    audit.write(session, person, "case.opened", f"candidate:{candidate.id}", track=track)  # before a number is taken
    case = session.scalar(select(Case).where(Case.candidate_id == candidate.id))
    if case is None:
        case = Case(number=_next_number(session), candidate_id=candidate.id, version=0)
        session.add(case)
    case.track, case.agency_id, case.state = track, candidate.agency_id, "open"
    session.flush()
    events.raise_version(session, case, case.version)
    events.append(session, case, "opened", person, track=track)
    return case


def withdraw(session: Session, candidate: Candidate, person: Person | None = None) -> None:
    """Its decision was undone: the case stays as a number, withdrawn; its links open nothing, what was not sent is not."""
    case = session.scalar(select(Case).where(Case.candidate_id == candidate.id))
    if case is None or case.state == "withdrawn":
        return
    events.raise_version(session, case, case.version)
    for referral in _live(case):
        referrals.revoke(session, case, referral, person)
    alerts.withdraw_referrals(session, case)
    case.state = "withdrawn"
    events.write(session, case, "withdrawn", person)


def correct(session: Session, candidate: Candidate, decision: Decision) -> None:
    """Its candidate was corrected: the log of the case says so, and another answerable agency is the case's too."""
    case = _case_of(session, candidate)
    if case is None:
        return
    changed = decision.changes
    before = case.agency_id
    if "agency_id" in changed:
        case.agency_id = changed["agency_id"][1]
    session.flush()
    events.raise_version(session, case, case.version)
    agencies = [before, case.agency_id]
    events.append(
        session, case, "corrected", decision.person, decision=decision.id, fields=sorted(changed), agencies=agencies
    )


def take_back_correction(session: Session, candidate: Candidate, decision: Decision, person: Person) -> None:
    """The correction was undone: the agency of before is answerable again, unless another one was named since."""
    case = _case_of(session, candidate)
    made = [one for one in case.events if one.detail.get("decision") == decision.id] if case else []
    if case is None or not made:
        return
    before, after = made[0].detail["agencies"]
    if case.agency_id == after:
        case.agency_id = before
    session.flush()
    events.raise_version(session, case, case.version)
    events.append(session, case, "corrected", person, fields=made[0].detail["fields"], undone=True)


def _case_of(session: Session, candidate: Candidate) -> Case | None:
    return session.scalar(select(Case).where(Case.candidate_id == candidate.id, Case.state != "withdrawn"))


def _next_number(session: Session) -> str:
    """`2026-0001`: the year of opening in WIB and a running number.

    Numbers are taken one after another: whoever takes one has written to the audit log, and holds its end until the
    transaction is over.
    """
    year = now().astimezone(WIB).year
    running = cast(func.substr(Case.number, 6), Integer)
    last = session.scalar(select(func.max(running)).where(Case.number.startswith(f"{year}-")))
    return f"{year}-{(last or 0) + 1:04}"


# ---- looking ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases are looked at; None does not narrow."""

    state: str | None = "open"  # of STATES
    track: str | None = None
    agency_id: str | None = None  # answerable, or asked


@dataclass(frozen=True, slots=True)
class Standing:
    """A case and its clocks, the most pressing first."""

    case: Case
    clocks: Sequence[Clock]

    @property
    def pressing(self) -> Clock | None:
        return clocks.pressing(self.clocks)


@dataclass(frozen=True, slots=True)
class Page:
    """Cases in their order, and the cursor after which the next page begins (None: this was the last)."""

    items: Sequence[Standing]
    next: str | None


Key = tuple[str, int]  # due day, number of the case, latest first


def page(
    session: Session,
    viewer: Person,
    rules: Rules,
    filters: Filters = Filters(),
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Cases `viewer` may see: those that are open by what is due first, the others newest first.

    A danger to life (U1) that no clock presses stands before all that is due.

    `after`: a cursor of a page before; ValueError if it is none.
    """
    start = _cursor(after) if after else None
    today = clocks.day_of(now())
    statement = _narrow(visible(select(Case).join(Candidate, Candidate.id == Case.candidate_id), viewer), filters)
    if filters.state in ("open", "overdue", "paused"):
        found = sorted(_open_keys(session, viewer, statement, rules, today, filters.state))
        found = [key for key in found if start is None or key > start]
    else:
        if start is not None:
            statement = statement.where(Case.id < -start[1])
        ids = session.scalars(statement.with_only_columns(Case.id).order_by(Case.id.desc()).limit(limit + 1))
        found = [("", -number) for number in ids]
    shown = found[:limit]
    loaded = select(Case).where(Case.id.in_([-key[1] for key in shown]))
    with_all = loaded.options(
        joinedload(Case.candidate), joinedload(Case.agency), selectinload(Case.events), selectinload(Case.referrals)
    )
    by_id = {case.id: case for case in session.scalars(with_all)}
    items = [standing(by_id[-key[1]], viewer, rules, today) for key in shown]
    return Page(items, "{}~{}".format(*shown[-1]) if len(found) > limit else None)


def get(session: Session, viewer: Person, number: str) -> Case | None:
    """The case of that number, if `viewer` may see it."""
    statement = visible(select(Case).join(Candidate, Candidate.id == Case.candidate_id), viewer)
    found: Case | None = session.scalar(statement.where(Case.number == number))
    return found


def standing(case: Case, viewer: Person, rules: Rules, today: date | None = None) -> Standing:
    """A case and those of its clocks that concern `viewer`: a focal point is told of their own referrals alone."""
    found = clocks.clocks(events.log_of(case), rules, today or clocks.day_of(now()))
    mine = {referral.id for referral in case.referrals if referral.agency_id == viewer.agency_id}
    return Standing(case, [one for one in found if viewer.role != "focal" or one.referral in mine])


def reporter_of(session: Session, case: Case) -> Reporter | None:
    return session.scalar(select(Reporter).where(Reporter.candidate_id == case.candidate_id))


def visible(statement: Select[Any], viewer: Person) -> Select[Any]:
    """Narrow a statement over Case and Candidate: a focal point sees what was referred to their agency; the others what they
    see of candidates."""
    if viewer.role != "focal":
        return queue.visible(statement, viewer)
    referred = select(Referral.case_id).where(
        Referral.agency_id == viewer.agency_id, Referral.agency_id.is_not(None), Referral.revoked_at.is_(None)
    )
    return statement.where(Case.id.in_(referred))


def _narrow(statement: Select[Any], filters: Filters) -> Select[Any]:
    if filters.state:
        statement = statement.where(
            Case.state == (filters.state if filters.state in ("closed", "withdrawn") else "open")
        )
    if filters.track:
        statement = statement.where(Case.track == filters.track)
    if filters.agency_id:
        asked = select(Referral.case_id).where(Referral.agency_id == filters.agency_id)
        statement = statement.where((Case.agency_id == filters.agency_id) | Case.id.in_(asked))
    return statement


def _open_keys(
    session: Session, viewer: Person, statement: Select[Any], rules: Rules, today: date, state: str
) -> list[Key]:
    """The keys of open cases, from columns alone: a page loads only what it shows."""
    oldest = statement.order_by(Case.id).limit(MOST_OPEN)
    columns = oldest.with_only_columns(Case.id, Case.track, Case.opened_at, Candidate.first_told_at, Candidate.urgency)
    about = {row.id: row for row in session.execute(columns)}
    ids = oldest.with_only_columns(Case.id).subquery()
    told = select(
        CaseEvent.case_id, CaseEvent.id, CaseEvent.kind, CaseEvent.at, CaseEvent.referral_id, CaseEvent.detail
    ).join(ids, ids.c.id == CaseEvent.case_id)
    logs: dict[int, list[Any]] = {number: [] for number in about}
    for number, group in groupby(session.execute(told.order_by(CaseEvent.case_id)), key=lambda row: row.case_id):
        logs[number] = [tuple(row)[1:] for row in group]
    mine = set(session.scalars(select(Referral.id).where(Referral.agency_id == viewer.agency_id)))
    keys: list[Key] = []
    for number, row in about.items():
        log = events.as_log(logs[number], row.first_told_at, row.opened_at, row.track)
        found = [one for one in clocks.clocks(log, rules, today) if viewer.role != "focal" or one.referral in mine]
        first = clocks.pressing(found)
        is_one = {
            "open": True,
            "overdue": first is not None and first.state == "overdue",
            "paused": clocks.is_paused(log),
        }
        if is_one[state]:
            keys.append((_due_key(first, row.urgency), -number))
    return keys


def _due_key(first: Clock | None, urgency: str | None) -> str:
    """Where a case stands among the others. The age of the event alone (a clock from `told`) presses nobody."""
    is_pressed = first is not None and "told" not in first.limit.starts
    if urgency == DANGER and not is_pressed:
        return ""
    return first.due.isoformat() if first and first.due else "~"


def _cursor(text: str) -> Key:
    due, _, number = text.rpartition("~")
    if not -queue.MOST_ID <= int(number) < 0 or len(due) > 10:
        raise ValueError(f"{text!r} is not a cursor.")
    return due, int(number)


# ---- acting ----------------------------------------------------------------------------------------------------------


def refer(
    session: Session, person: Person, case_id: int, version: int, *, agency_id: str, question: str = ""
) -> list[Referral]:
    """Send the case to each active focal point of an agency. Where that of before said "not ours", it is theirs now."""
    case = _mine(session, person, case_id)
    contacts = session.scalars(
        select(AgencyContact)
        .where(AgencyContact.agency_id == agency_id, AgencyContact.active)
        .order_by(AgencyContact.id)
    ).all()
    if not contacts:
        raise Invalid("no_contact")
    if any(one.agency_id == agency_id and one.contact and one.contact.active for one in _live(case)):
        raise Invalid("referred_already")
    events.claim(session, case, version)
    if case.agency_id is None or _is_disowned(case):
        case.agency_id = agency_id
    made = [referrals.make(session, case, contact, person, question) for contact in contacts]
    for referral in made:
        alerts.write_referral(session, case, referral)
    return made


def note_sent(
    session: Session,
    person: Person,
    case_id: int,
    version: int,
    *,
    agency_id: str,
    way: str,
    day: date,
    to: str,
) -> Referral:
    """Write down that an officer told an agency by letter or telephone, whom there, and on which day.

    It is a referral without a focal point: the same clocks run, from that day.
    """
    case = _mine(session, person, case_id)
    if way not in WAYS or session.get(Agency, agency_id) is None:
        raise Invalid("no_act")
    if not clocks.day_of(case.candidate.first_told_at) <= day <= clocks.day_of(now()):
        raise Invalid("wrong_day")
    _has_reason(to)
    events.claim(session, case, version)
    if case.agency_id is None or _is_disowned(case):
        case.agency_id = agency_id
    return referrals.make_by_hand(session, case, agency_id, person, way=way, day=day, to=to)


def reached(session: Session) -> dict[str, list[str]]:
    """Agency -> the names of its active focal points."""
    rows = session.execute(
        select(AgencyContact.agency_id, AgencyContact.name).where(AgencyContact.active).order_by(AgencyContact.id)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.agency_id, []).append(row.name)
    return found


def is_reached(session: Session, agency_id: str | None) -> bool:
    """Whether an agency has an active focal point."""
    contacts = select(AgencyContact.id).where(AgencyContact.agency_id == agency_id, AgencyContact.active)
    return session.scalar(contacts.limit(1)) is not None


def ask_progress(
    session: Session,
    person: Person,
    case_id: int,
    version: int,
    *,
    referral_id: int,
    question: str = "",
) -> CaseEvent:
    """Ask a focal point how it goes; the link that is sent with it lasts anew."""
    case = _mine(session, person, case_id)
    referral = _live_one(case, referral_id)
    if referral.contact is None or not referral.contact.active:
        raise Invalid("no_contact")
    events.claim(session, case, version)
    referral.expires_at = now() + referrals.LIFE
    event = events.write(session, case, "asked", person, question, referral)
    alerts.write_question(session, case, referral, event.text)
    return event


def note_reply(
    session: Session, person: Person, case_id: int, version: int, *, referral_id: int, kind: str, text: str
) -> CaseEvent:
    """Write down what an agency said by another way: a letter, the telephone."""
    case = _mine(session, person, case_id)
    referral = _live_one(case, referral_id)
    if kind not in ("acknowledged", "answered", "progress", "not_ours"):
        raise Invalid("no_act")
    _has_reason(text)
    events.claim(session, case, version)
    return events.write(session, case, kind, person, text, referral)


def note_progress(session: Session, person: Person, case_id: int, version: int, *, text: str) -> CaseEvent:
    """Write down how it goes, from whomever it was heard."""
    return _act(session, person, case_id, version, "progress", _has_reason(text))


def note(
    session: Session, person: Person, case_id: int, version: int, *, text: str = "", milestone: str | None = None
) -> CaseEvent:
    """A note of the office, or a milestone that clocks run from (clocks.MILESTONES)."""
    if milestone is None:
        return _act(session, person, case_id, version, "note", _has_reason(text))
    if milestone not in clocks.MILESTONES:
        raise Invalid("no_act")
    return _act(session, person, case_id, version, "note", text, milestone=milestone)


def revoke(session: Session, person: Person, case_id: int, version: int, *, referral_id: int) -> None:
    """Close a link: it went to the wrong one, or nothing is asked any more."""
    case = _mine(session, person, case_id)
    referral = _live_one(case, referral_id)
    events.claim(session, case, version)
    referrals.revoke(session, case, referral, person)
    alerts.withdraw_referrals(session, case, referral.id)


def pause(session: Session, person: Person, case_id: int, version: int, *, reason: str) -> CaseEvent:
    """Let the clocks stand still; the reason stays in the log."""
    if clocks.is_paused(events.log_of(_mine(session, person, case_id))):
        raise Invalid("is_paused")
    return _act(session, person, case_id, version, "paused", _has_reason(reason))


def resume(session: Session, person: Person, case_id: int, version: int) -> CaseEvent:
    if not clocks.is_paused(events.log_of(_mine(session, person, case_id))):
        raise Invalid("is_not_paused")
    return _act(session, person, case_id, version, "resumed")


def change_track(
    session: Session, person: Person, case_id: int, version: int, *, track: str, note: str = ""
) -> CaseEvent:
    """To another legal track. A laporan needs a reporter."""
    case = _mine(session, person, case_id)
    if track not in TRACKS or track == case.track:
        raise Invalid("needs_other_track")
    if track == "laporan" and reporter_of(session, case) is None:
        raise Invalid("needs_reporter")
    before = case.track
    event = _act(session, person, case_id, version, "track", note, track=track, before=before)
    case.track = track
    return event


def close(session: Session, person: Person, case_id: int, version: int, *, outcome: str, note: str = "") -> CaseEvent:
    """How it ended."""
    if outcome not in OUTCOMES:
        raise Invalid("needs_outcome")
    event = _act(session, person, case_id, version, "closed", note, outcome=outcome)
    session.get_one(Case, case_id).state = "closed"
    return event


def reopen(session: Session, person: Person, case_id: int, version: int, *, reason: str) -> CaseEvent:
    """A closed case goes on, its clocks too."""
    event = _act(session, person, case_id, version, "reopened", _has_reason(reason), state="closed")
    session.get_one(Case, case_id).state = "open"
    return event


def unmask(session: Session, person: Person, case: Case, reason: str) -> None:
    """Somebody looks at the personal data of a case, and says why."""
    if not access.may(person, "reporter.read"):
        raise NotAllowed("not_allowed", role=person.role)
    audit.write(session, person, "pii.unmask", f"case:{case.number}", reason=_has_reason(reason)[:500])


def _act(
    session: Session,
    person: Person,
    case_id: int,
    version: int,
    kind: str,
    text: str = "",
    *,
    state: str = "open",
    **detail: Any,
) -> CaseEvent:
    case = _mine(session, person, case_id, state)
    events.claim(session, case, version)
    return events.write(session, case, kind, person, text, **detail)


def _mine(session: Session, person: Person, case_id: int, *states: str) -> Case:
    """The case, for whoever may act on it as it is."""
    if not access.may(person, "case.change"):
        raise NotAllowed("not_allowed", role=person.role)
    statement = visible(select(Case).join(Candidate, Candidate.id == Case.candidate_id), person)
    case: Case | None = session.scalar(statement.where(Case.id == case_id))
    if case is None:
        raise Invalid("no_case")
    if case.state not in (states or ("open",)):
        raise Invalid("case_not_open", state=case.state)
    return case


def _live(case: Case) -> list[Referral]:
    return [one for one in case.referrals if one.revoked_at is None]


def _live_one(case: Case, referral_id: int) -> Referral:
    referral = next((one for one in _live(case) if one.id == referral_id), None)
    if referral is None:
        raise Invalid("no_referral")
    return referral


def _is_disowned(case: Case) -> bool:
    """Whether the answerable agency says that it is not."""
    theirs = {one.id for one in case.referrals if one.agency_id == case.agency_id}
    return any(event.kind == "not_ours" and event.referral_id in theirs for event in case.events)


def _has_reason(text: str) -> str:
    if len(text.strip()) < SHORTEST_REASON:
        raise Invalid("needs_note", least=SHORTEST_REASON)
    return text
