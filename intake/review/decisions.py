"""Decisions and what follows from them. Each notes what it changes: see intake/review/undo.py.

First everything is looked at, then the versions that were seen are claimed in one statement, and only then is anything
changed: what is refused has changed nothing. What follows happens as a whole, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from statistics import median
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from intake import alerts, inbox
from intake.casework import cases
from intake.models import (
    OPEN_STATES,
    REASONS,
    TRACKS,
    Candidate,
    Decision,
    DecisionTouch,
    Lease,
    Mention,
    Person,
    Reporter,
    not_undone,
    now,
)
from intake.people import access, audit
from intake.review import corrections, edits, leases, queue
from intake.review.errors import Conflict, Invalid, ReviewError

DECIDERS = access.MATRIX.actions["candidate.decide"]  # roles
# action -> states it may start from; those that close lead to the state of their name
STARTS: Mapping[str, tuple[str, ...]] = {
    "accept": OPEN_STATES,
    **dict.fromkeys(REASONS, OPEN_STATES),
    "duplicate": OPEN_STATES,
    "split": (*OPEN_STATES, "accepted"),
    "correct": (*OPEN_STATES, "accepted"),
    "snooze": OPEN_STATES,
    "reopen": tuple(REASONS),  # a duplicate has no mentions: it is undone, or split off again
}
STAYS_OPEN = ("correct", "split")  # actions after which the candidate is still in the officer's hands
MOST = 200  # candidates decided at once
MOST_MENTIONS = 500  # split off at once
LONGEST_SNOOZE = timedelta(days=30)
LONGEST = 3600  # seconds that are counted of one decision; whoever takes longer was elsewhere
SHORTEST_REASON = 5  # characters
BY_HAND = json.dumps(["person"])  # Mention.join_reason of one that a person brought to its candidate

# Of a candidate, what a person decided, and what its mentions tell; an undo restores both.
DECIDED = ("state", "duplicate_of", "snoozed_until", "corrections")
TOLD = (
    *("headline", "sector", "form", "kind", "agency_id", "agency_reason", "place", "region", "district", "urgency"),
    *("p_failure", "rank", "mention_count", "voice_count", "source_count", "first_told_at", "last_told_at"),
)
MOMENTS = ("snoozed_until", "first_told_at", "last_told_at")


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants done; which of the others count depends on the action."""

    action: str
    track: str | None = None  # of an accept
    reason: str | None = None  # of a closing action: see REASONS
    duplicate_of: int | None = None  # of a duplicate: where its mentions go
    until: datetime | None = None  # of a snooze; None: back into the queue
    mentions: Collection[int] = ()  # of a split: ids that go to a candidate of their own
    fields: Mapping[str, str | None] = field(default_factory=dict)  # of a correct: CORRECTABLE -> code
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision nothing stands against, if nobody changed a candidate since it was `seen` in a version."""

    candidate: Candidate
    original: Candidate | None
    corrections: corrections.Values
    lease: Lease | None
    seen: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many; `key` and `values` say why not."""

    candidate_id: int
    decision: Decision | None = None
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.decision is not None


# ---- deciding ------------------------------------------------------------------------------------------------------


def decide(
    session: Session,
    person: Person,
    candidate_id: int,
    version: int,
    action: str,
    *,
    track: str | None = None,
    reason: str | None = None,
    duplicate_of: int | None = None,
    until: datetime | None = None,
    mentions: Collection[int] = (),
    fields: Mapping[str, str | None] | None = None,
    note: str = "",
    lease: int | None = None,
    batch: str | None = None,
) -> Decision:
    """Decide about a candidate. `version` is the one that was looked at, `lease` the token of the person's lease.

    Raises a ReviewError and changes nothing otherwise.
    """
    edits.may_decide(person)
    order = Order(action, track, reason, duplicate_of, until, mentions, fields or {}, note)
    original = _look(session, person, order, [candidate_id])
    plan = _plan(session, person, order, original, candidate_id, version, lease)
    if changed := edits.claim(session, plan.seen):
        raise edits.conflict(session, changed[0])
    with session.begin_nested():
        return _act(session, person, order, plan, batch)


def decide_all(
    session: Session,
    person: Person,
    items: Iterable[tuple[int, int]],
    action: str,
    *,
    track: str | None = None,
    reason: str | None = None,
    duplicate_of: int | None = None,
    until: datetime | None = None,
    mentions: Collection[int] = (),
    fields: Mapping[str, str | None] | None = None,
    note: str = "",
) -> tuple[Result, ...]:
    """The same decision about each candidate (id, version), about all or none; they are undone at once too.

    Where one is refused, its result says why, and those of the others that they were left as they are.
    """
    edits.may_decide(person)
    order = Order(action, track, reason, duplicate_of, until, mentions, fields or {}, note)
    versions = dict(items)
    if not 0 < len(versions) <= MOST:
        raise Invalid("wrong_number", most=MOST)
    original = _look(session, person, order, versions)
    plans: dict[int, Plan] = {}
    refused: dict[int, ReviewError] = {}
    for number, version in sorted(versions.items()):
        try:
            plans[number] = _plan(session, person, order, original, number, version, None)
        except ReviewError as error:
            refused[number] = error
    if not refused:
        seen = {number: version for plan in plans.values() for number, version in plan.seen.items()}
        refused = {number: edits.conflict(session, number) for number in edits.claim(session, seen)}
    if refused:
        return tuple(_refused(number, refused) for number in dict.fromkeys((*versions, *refused)))
    batch = token_hex(16)
    with session.begin_nested():
        return tuple(Result(number, _act(session, person, order, plans[number], batch)) for number in versions)


def _refused(number: int, refused: Mapping[int, ReviewError]) -> Result:
    error = refused.get(number)
    return Result(number, None, error.key, error.values) if error else Result(number, None, "not_alone")


def _look(session: Session, person: Person, order: Order, candidate_ids: Iterable[int]) -> Candidate | None:
    """The original of a duplicate. From here on nobody else changes any of them, where the database can lock a row.

    Locked in one order, so that two who merge each other's candidates do not wait for each other for ever.
    """
    _is_complete(order)
    if order.action != "duplicate":
        edits.lock(session, candidate_ids)
        return None
    edits.lock(session, [*candidate_ids, _original(session, person, order.duplicate_of).id])
    return _original(session, person, order.duplicate_of)  # as it stands now


def _is_complete(order: Order) -> None:
    """What can be told without the candidate. Raises Invalid."""
    action = order.action
    if action not in STARTS:
        raise Invalid("no_action", action=action)
    if action == "accept" and order.track not in TRACKS:
        raise Invalid("needs_track")
    if action in REASONS and order.reason not in REASONS[action]:
        raise Invalid("needs_reason")
    if action == "split" and not 0 < len(order.mentions) <= MOST_MENTIONS:
        raise Invalid("needs_mentions", most=MOST_MENTIONS)
    if action == "snooze" and order.until is not None and not now() < order.until <= now() + LONGEST_SNOOZE:
        raise Invalid("needs_until", days=LONGEST_SNOOZE.days)


def _original(session: Session, person: Person, number: int | None) -> Candidate:
    """Where a duplicate's mentions go: to the end of a chain of duplicates, if that is not closed."""
    found = queue.get(session, person, number) if number else None
    while found is not None and found.state == "duplicate" and found.duplicate_of is not None:
        found = queue.get(session, person, found.duplicate_of)
    if found is None:
        raise Invalid("needs_original", id=number)
    if found.state in REASONS:
        raise Invalid("original_closed", id=found.id)
    return found


def _plan(
    session: Session,
    person: Person,
    order: Order,
    original: Candidate | None,
    candidate_id: int,
    version: int,
    token: int | None,
) -> Plan:
    """Raises a ReviewError for whatever stands against it; changes nothing but renewing the person's lease."""
    candidate = queue.get(session, person, candidate_id)
    if candidate is None:
        raise Invalid("no_candidate", id=candidate_id)
    leases.check(session, person, candidate_id, token)
    if candidate.version != version:
        raise edits.conflict(session, candidate_id)
    if candidate.state not in STARTS[order.action]:
        raise Invalid("not_from_here", state=candidate.state, action=order.action)
    if original is candidate:
        raise Invalid("needs_original", id=order.duplicate_of)
    if order.action == "accept" and order.track == "laporan" and not has_reporter(session, candidate_id):
        raise Invalid("needs_reporter")
    if order.action == "split":
        _is_part(session, candidate, order.mentions)
    if order.action == "snooze" and order.until is None and candidate.snoozed_until is None:
        raise Invalid("not_snoozed")
    changed = corrections.checked(session, candidate, order.fields, order.note) if order.action == "correct" else {}
    seen = {candidate_id: version} | ({original.id: original.version} if original else {})
    return Plan(candidate, original, changed, leases.holder(session, candidate_id), seen)


def _is_part(session: Session, candidate: Candidate, mentions: Collection[int]) -> None:
    """Raises Invalid unless all these are the candidate's, and it has others."""
    of_candidate = select(func.count()).where(Mention.candidate_id == candidate.id)
    inside = session.scalar(of_candidate.where(Mention.id.in_(mentions)))
    if inside != len(set(mentions)) or inside == session.scalar(of_candidate):
        raise Invalid("needs_mentions", most=MOST_MENTIONS)


# ---- what follows --------------------------------------------------------------------------------------------------


def _act(session: Session, person: Person, order: Order, plan: Plan, batch: str | None) -> Decision:
    """The claimed decision, made. Its audit row comes first: from there on decisions, and numbers of cases, stand in line."""
    one, original, action = plan.candidate, plan.original, order.action
    touched = [one, original] if original else [one]
    decision = Decision(
        candidate_id=one.id,
        person=person,
        action=action,
        track=order.track if action == "accept" else None,
        reason=order.reason if action in REASONS else None,
        duplicate_of=original.id if original else None,
        note=_plain(order.note),
        changes={},
        before={"candidates": {str(candidate.id): _fields(candidate) for candidate in touched}, "mentions": {}},
        batch=batch,
        seconds=_seconds(plan.lease),
        at=now(),
    )
    edits.write(session, decision, touched, track=decision.track, reason=decision.reason)
    if action not in STAYS_OPEN:
        one.snoozed_until = None
        if plan.lease:
            leases.release(session, person, one.id, plan.lease.token)
    if action == "accept":
        _accept(session, decision, one)
    elif action == "duplicate" and original:
        _merge(session, decision, one, original)
    elif action == "split":
        _split(session, decision, one, order.mentions)
    elif action == "correct":
        _correct(session, decision, one, plan.corrections)
    elif action == "snooze":
        one.snoozed_until = order.until
        decision.changes = {"until": order.until.isoformat() if order.until else None}
    else:
        one.state = "candidate" if action == "reopen" else action
    session.flush()
    return decision


def _accept(session: Session, decision: Decision, candidate: Candidate) -> None:
    candidate.state = "accepted"
    session.flush()
    case = cases.open_case(session, candidate, str(decision.track), decision.person)
    alerts.write(session, decision, candidate, case)


def _merge(session: Session, decision: Decision, candidate: Candidate, original: Candidate) -> None:
    candidate.state, candidate.duplicate_of = "duplicate", original.id
    corrections.danger_stays(candidate, original)
    _move(session, decision, edits.mentions(Mention.candidate_id == candidate.id), original, BY_HAND)
    edits.tell_again(session, candidate, original)


def _split(session: Session, decision: Decision, candidate: Candidate, mentions: Collection[int]) -> None:
    """To a new candidate; when that is undone, and nothing joined it meanwhile, it leads back to where it came from."""
    new = Candidate(
        headline="",
        p_failure=0.0,
        place="unknown",
        first_told_at=candidate.first_told_at,
        last_told_at=candidate.last_told_at,
    )
    session.add(new)
    session.flush()
    corrections.danger_stays(candidate, new)
    session.add(DecisionTouch(decision_id=decision.id, candidate_id=new.id))
    decision.changes = {"mentions": sorted(set(mentions)), "into": new.id}
    _remember(decision, candidates={str(new.id): {"state": "duplicate", "duplicate_of": candidate.id}})
    _move(session, decision, edits.mentions(Mention.id.in_(mentions)), new, None)
    edits.tell_again(session, candidate, new)


def _correct(session: Session, decision: Decision, candidate: Candidate, changed: corrections.Values) -> None:
    """The texts it is said of are noted: each of them is labelled."""
    decision.changes = {name: [getattr(candidate, name), value] for name, value in changed.items()}
    texts = session.scalars(edits.mentions(Mention.candidate_id == candidate.id))
    _remember(decision, mentions={str(one.id): [candidate.id, one.join_reason] for one in texts})
    candidate.corrections = candidate.corrections | changed
    corrections.corrected(session, candidate)
    edits.settle(session, candidate)
    cases.correct(session, candidate, decision)


def _move(session: Session, decision: Decision, which: Select[Mention], to: Candidate, why: str | None) -> None:
    mentions = session.scalars(which).all()
    _remember(decision, mentions={str(one.id): [one.candidate_id, one.join_reason] for one in mentions})
    for one in mentions:
        one.candidate, one.join_reason = to, why


def _remember(decision: Decision, **more: Mapping[str, Any]) -> None:
    decision.before = decision.before | {name: decision.before[name] | rows for name, rows in more.items()}


def _fields(candidate: Candidate) -> dict[str, Any]:
    values = {name: getattr(candidate, name) for name in (*DECIDED, *TOLD)}
    return values | {name: values[name].isoformat() for name in MOMENTS if values[name]}


def _seconds(lease: Lease | None) -> int | None:
    return min(round((now() - lease.taken_at).total_seconds()), LONGEST) if lease else None


def _plain(note: str) -> str:
    return inbox.storable(note).strip()[:2000]


# ---- a text nobody understood, a reporter ----------------------------------------------------------------------------


def bring(session: Session, person: Person, mention_id: int, reason: str) -> Decision:
    """Make a candidate of a text in which the analysis saw no failure: a person did, and says why.

    It joins its event if that is known. In a transaction of `inbox.recording`.
    """
    edits.may_decide(person)
    mention = session.get(Mention, mention_id)
    if mention is None or mention.analysed_at is None:
        raise Invalid("no_mention")
    if mention.candidate_id is not None:
        raise Conflict("has_candidate")
    if len(reason.strip()) < SHORTEST_REASON:
        raise Invalid("needs_why")
    candidate = inbox.place(session, mention)
    candidate.version = Candidate.version + 1  # one that was known is another one now
    edits.settle(session, candidate)
    made = candidate.mention_count == 1
    decided = {name: value for name, value in _fields(candidate).items() if name in DECIDED}
    before = {"state": "not_relevant"} if made else decided
    decision = Decision(
        candidate_id=candidate.id,
        person=person,
        action="bring",
        note=_plain(reason),
        changes={"into": candidate.id} if made else {},
        before={"candidates": {str(candidate.id): before}, "mentions": {str(mention.id): [None, None]}},
        at=now(),
    )
    edits.write(session, decision, [candidate], mention=mention.id)
    session.flush()
    return decision


def attach_reporter(
    session: Session, person: Person, candidate_id: int, name: str, contact: str, prior_complaint: str
) -> Reporter:
    """Write down who reports, without whom nothing is a laporan. What they are called stands nowhere else."""
    edits.may_decide(person)
    if queue.get(session, person, candidate_id) is None:
        raise Invalid("no_candidate", id=candidate_id)
    if not all(map(str.strip, (name, contact, prior_complaint))):
        raise Invalid("reporter_incomplete")
    edits.lock(session, [candidate_id])
    if has_reporter(session, candidate_id):
        raise Conflict("has_reporter")
    reporter = Reporter(
        candidate_id=candidate_id,
        name=inbox.storable(name).strip()[:200],
        contact=_plain(contact),
        prior_complaint=_plain(prior_complaint),
        person_id=person.id,
    )
    session.add(reporter)
    audit.write(session, person, "reporter.attach", f"candidate:{candidate_id}")
    return reporter


def has_reporter(session: Session, candidate_id: int) -> bool:
    return session.scalar(select(Reporter.id).where(Reporter.candidate_id == candidate_id)) is not None


# ---- what was decided ------------------------------------------------------------------------------------------------


def latest(session: Session, candidate_id: int) -> Decision | None:
    """The last decision that changed a candidate and still stands."""
    return session.scalar(edits.touching(candidate_id).where(Decision.action != "undo", not_undone()))


def history(session: Session, candidate_id: int) -> Sequence[Decision]:
    """All that changed a candidate, and their undoing, oldest first; merges into it too."""
    return session.scalars(edits.touching(candidate_id).order_by(None).order_by(Decision.id).limit(None)).all()


def median_seconds(session: Session, person: Person) -> float | None:
    """How long their last decisions took them, from opening a candidate. For that person alone."""
    seconds = queue.timed(session, person)
    return median(seconds) if seconds else None
