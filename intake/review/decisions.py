"""Decisions and what follows from them; undo, from what each decision noted of before.

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

from sqlalchemy import Select, delete, func, select, tuple_, update
from sqlalchemy.orm import Session, aliased, joinedload, load_only

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
    MentionBand,
    Person,
    Reporter,
    now,
)
from intake.people import access, audit
from intake.review import corrections, leases, queue
from intake.review.errors import Conflict, Invalid, NotAllowed, ReviewError

DECIDERS = access.MATRIX.actions["candidate.decide"]  # roles
# action -> states it may start from; those that close lead to the state of their name
STARTS: Mapping[str, tuple[str, ...]] = {
    "accept": OPEN_STATES,
    **dict.fromkeys(REASONS, OPEN_STATES),
    "duplicate": OPEN_STATES,
    "split": (*OPEN_STATES, "accepted"),
    "correct": OPEN_STATES,
    "snooze": OPEN_STATES,
    "reopen": tuple(REASONS),  # a duplicate has no mentions: it is undone, or split off again
}
STAYS_OPEN = ("correct", "split")  # actions after which the candidate is still in the officer's hands
MOST = 200  # candidates decided at once
MOST_MENTIONS = 500  # split off at once
LONGEST_SNOOZE = timedelta(days=30)
LONGEST = 3600  # seconds that are counted of one decision; whoever takes longer was elsewhere
TIMED = 50  # decisions the median is of
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
    _may_decide(person)
    order = Order(action, track, reason, duplicate_of, until, mentions, fields or {}, note)
    original = _look(session, person, order, [candidate_id])
    plan = _plan(session, person, order, original, candidate_id, version, lease)
    if changed := _claim(session, plan.seen):
        raise _conflict(session, changed[0])
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
    _may_decide(person)
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
        refused = {number: _conflict(session, number) for number in _claim(session, seen)}
    if refused:
        return tuple(_refused(number, refused) for number in dict.fromkeys((*versions, *refused)))
    batch = token_hex(16)
    with session.begin_nested():
        return tuple(Result(number, _act(session, person, order, plans[number], batch)) for number in versions)


def _refused(number: int, refused: Mapping[int, ReviewError]) -> Result:
    error = refused.get(number)
    return Result(number, None, error.key, error.values) if error else Result(number, None, "not_alone")


def _may_decide(person: Person) -> None:
    if not access.may(person, "candidate.decide"):
        raise NotAllowed("not_allowed", role=person.role)


def _look(session: Session, person: Person, order: Order, candidate_ids: Iterable[int]) -> Candidate | None:
    """The original of a duplicate. From here on nobody else changes any of them, where the database can lock a row.

    Locked in one order, so that two who merge each other's candidates do not wait for each other for ever.
    """
    _is_complete(order)
    if order.action != "duplicate":
        _lock(session, candidate_ids)
        return None
    _lock(session, [*candidate_ids, _original(session, person, order.duplicate_of).id])
    return _original(session, person, order.duplicate_of)  # as it stands now


def _lock(session: Session, candidate_ids: Iterable[int]) -> Sequence[Candidate]:
    """These, as they stand now."""
    known = select(Candidate).where(Candidate.id.in_(set(candidate_ids))).order_by(Candidate.id)
    return session.scalars(known.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


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
        raise _conflict(session, candidate_id)
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
    changed = corrections.checked(session, candidate, order.fields) if order.action == "correct" else {}
    seen = {candidate_id: version} | ({original.id: original.version} if original else {})
    return Plan(candidate, original, changed, leases.holder(session, candidate_id), seen)


def _is_part(session: Session, candidate: Candidate, mentions: Collection[int]) -> None:
    """Raises Invalid unless all these are the candidate's, and it has others."""
    of_candidate = select(func.count()).where(Mention.candidate_id == candidate.id)
    inside = session.scalar(of_candidate.where(Mention.id.in_(mentions)))
    if inside != len(set(mentions)) or inside == session.scalar(of_candidate):
        raise Invalid("needs_mentions", most=MOST_MENTIONS)


def _claim(session: Session, seen: Mapping[int, int]) -> list[int]:
    """Raise the versions of all these from the ones that were seen, or of none. Returns which were changed meanwhile.

    One statement, of locked rows: of two who try, one succeeds, and whoever does not has changed nothing.
    """
    other = aliased(Candidate)
    as_seen = select(func.count()).where(tuple_(other.id, other.version).in_(list(seen.items()))).scalar_subquery()
    claimed = session.execute(
        update(Candidate)
        .where(Candidate.id.in_(seen), as_seen == len(seen))
        .values(version=Candidate.version + 1)
        .execution_options(synchronize_session=False)
    )
    candidates = _lock(session, seen)
    if claimed.rowcount == len(seen):  # type: ignore[attr-defined]
        return []
    return [one.id for one in candidates if one.version != seen[one.id]]


def _conflict(session: Session, candidate_id: int) -> Conflict:
    """Who was first, and what they decided; where that was an undo, that it is not as it was."""
    last = session.scalar(_touching(candidate_id))
    if last is None or last.action == "undo":
        return Conflict("not_as_seen")
    return Conflict("changed", by=last.person.name, action=last.action)


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
    _write(session, decision, touched, track=decision.track, reason=decision.reason)
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


def _write(session: Session, decision: Decision, touched: Iterable[Candidate], **detail: Any) -> None:
    session.add(decision)
    session.flush()
    session.add_all(DecisionTouch(decision_id=decision.id, candidate_id=one.id) for one in touched)
    subject = f"candidate:{decision.candidate_id}"
    audit.write(session, decision.person, f"decision.{decision.action}", subject, decision=decision.id, **detail)


def _accept(session: Session, decision: Decision, candidate: Candidate) -> None:
    candidate.state = "accepted"
    session.flush()
    case = cases.open_case(session, candidate, str(decision.track), decision.person)
    alerts.write(session, decision, candidate, case)


def _merge(session: Session, decision: Decision, candidate: Candidate, original: Candidate) -> None:
    candidate.state, candidate.duplicate_of = "duplicate", original.id
    _move(session, decision, _mentions(Mention.candidate_id == candidate.id), original, BY_HAND)
    _tell_again(session, candidate, original)


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
    session.add(DecisionTouch(decision_id=decision.id, candidate_id=new.id))
    decision.changes = {"mentions": sorted(set(mentions)), "into": new.id}
    _remember(decision, candidates={str(new.id): {"state": "duplicate", "duplicate_of": candidate.id}})
    _move(session, decision, _mentions(Mention.id.in_(mentions)), new, None)
    _tell_again(session, candidate, new)


def _correct(session: Session, decision: Decision, candidate: Candidate, changed: corrections.Values) -> None:
    """The texts it is said of are noted: each of them is labelled."""
    decision.changes = {name: [getattr(candidate, name), value] for name, value in changed.items()}
    texts = session.scalars(_mentions(Mention.candidate_id == candidate.id))
    _remember(decision, mentions={str(one.id): [candidate.id, one.join_reason] for one in texts})
    candidate.corrections = candidate.corrections | changed
    corrections.corrected(session, candidate)
    _settle(session, candidate)


def _mentions(which: Any) -> Select[Mention]:
    """As they stand now, without their texts."""
    known = select(Mention).where(which).options(load_only(Mention.candidate_id, Mention.join_reason))
    return known.order_by(Mention.id).execution_options(populate_existing=True)


def _move(session: Session, decision: Decision, which: Select[Mention], to: Candidate, why: str | None) -> None:
    mentions = session.scalars(which).all()
    _remember(decision, mentions={str(one.id): [one.candidate_id, one.join_reason] for one in mentions})
    for one in mentions:
        one.candidate, one.join_reason = to, why


def _remember(decision: Decision, **more: Mapping[str, Any]) -> None:
    decision.before = decision.before | {name: decision.before[name] | rows for name, rows in more.items()}


def _tell_again(session: Session, *candidates: Candidate) -> None:
    """Recompute what candidates say from the mentions they have now. One that has none keeps its words, and counts none."""
    for candidate in candidates:
        _settle(session, candidate)
        if _has_mentions(session, candidate):
            inbox.refresh(session, candidate)
        else:
            candidate.mention_count = candidate.voice_count = candidate.source_count = 0
        _settle(session, candidate)


def _settle(session: Session, candidate: Candidate) -> None:
    session.flush()
    session.expire(candidate, ["mentions", "agency"])


def _has_mentions(session: Session, candidate: Candidate) -> bool:
    return session.scalar(select(Mention.id).where(Mention.candidate_id == candidate.id).limit(1)) is not None


def _seconds(lease: Lease | None) -> int | None:
    return min(round((now() - lease.taken_at).total_seconds()), LONGEST) if lease else None


def _plain(note: str) -> str:
    return inbox.storable(note).strip()[:2000]


# ---- a text nobody understood, a reporter ----------------------------------------------------------------------------


def bring(session: Session, person: Person, mention_id: int, reason: str) -> Decision:
    """Make a candidate of a text in which the analysis saw no failure: a person did, and says why.

    It joins its event if that is known. One at a time: see `inbox.place`.
    """
    _may_decide(person)
    mention = session.get(Mention, mention_id)
    if mention is None or mention.analysed_at is None:
        raise Invalid("no_mention")
    if mention.candidate_id is not None:
        raise Conflict("has_candidate")
    if len(reason.strip()) < SHORTEST_REASON:
        raise Invalid("needs_why")
    candidate = inbox.place(session, mention)
    candidate.version = Candidate.version + 1  # one that was known is another one now
    _settle(session, candidate)
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
    _write(session, decision, [candidate], mention=mention.id)
    session.flush()
    return decision


def attach_reporter(
    session: Session, person: Person, candidate_id: int, name: str, contact: str, prior_complaint: str
) -> Reporter:
    """Write down who reports, without whom nothing is a laporan. What they are called stands nowhere else."""
    _may_decide(person)
    if queue.get(session, person, candidate_id) is None:
        raise Invalid("no_candidate", id=candidate_id)
    if not all(map(str.strip, (name, contact, prior_complaint))):
        raise Invalid("reporter_incomplete")
    _lock(session, [candidate_id])
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


# ---- undo ----------------------------------------------------------------------------------------------------------


def undo(session: Session, person: Person, decision_id: int) -> Decision:
    """Take a decision back, and all that were made at once with it: every candidate is as it was before.

    Only while no other decision about any of them came after. Mentions that arrived since stay where they are.
    """
    _may_decide(person)
    decision = session.get(Decision, decision_id)
    if decision is None or queue.get(session, person, decision.candidate_id) is None:
        raise Invalid("no_decision", id=decision_id)
    if decision.action == "undo":
        raise Invalid("lasting")
    together = _made_with(session, decision)
    seen = _undoable(session, person, together)
    if changed := _claim(session, seen):
        raise _conflict(session, changed[0])
    with session.begin_nested():
        undone = {one.id: _take_back(session, person, one) for one in reversed(together)}
    return undone[decision.id]


def latest(session: Session, candidate_id: int) -> Decision | None:
    """The last decision that changed a candidate and still stands."""
    undone = aliased(Decision)
    stands = Decision.action != "undo", ~select(undone.id).where(undone.undoes == Decision.id).exists()
    return session.scalar(_touching(candidate_id).where(*stands))


def history(session: Session, candidate_id: int) -> Sequence[Decision]:
    """All that changed a candidate, and their undoing, oldest first; merges into it too."""
    return session.scalars(_touching(candidate_id).order_by(None).order_by(Decision.id).limit(None)).all()


def median_seconds(session: Session, person: Person) -> float | None:
    """How long their last decisions took them, from opening a candidate. For that person alone."""
    timed = select(Decision.seconds).where(Decision.person_id == person.id, Decision.seconds.is_not(None))
    seconds = session.scalars(timed.order_by(Decision.at.desc()).limit(TIMED)).all()
    return median(one for one in seconds if one is not None) if seconds else None


def _touching(candidate_id: int) -> Select[Decision]:
    """The last of the decisions that changed a candidate."""
    touches = select(Decision).join(DecisionTouch, DecisionTouch.decision_id == Decision.id)
    of_candidate = touches.where(DecisionTouch.candidate_id == candidate_id).options(joinedload(Decision.person))
    return of_candidate.order_by(Decision.id.desc()).limit(1)


def _made_with(session: Session, decision: Decision) -> Sequence[Decision]:
    """The decision and those of its batch, oldest first."""
    if decision.batch is None:
        return [decision]
    return session.scalars(select(Decision).where(Decision.batch == decision.batch).order_by(Decision.id)).all()


def _undoable(session: Session, person: Person, together: Sequence[Decision]) -> Mapping[int, int]:
    """The versions of all that they changed. Raises Conflict if one was undone, or is not the last, and by whom."""
    ids = [one.id for one in together]
    touched = session.scalars(select(DecisionTouch.candidate_id).where(DecisionTouch.decision_id.in_(ids)))
    seen = {candidate.id: candidate.version for candidate in _lock(session, touched)}
    if undone := session.scalar(select(Decision).where(Decision.undoes.in_(ids)).limit(1)):
        raise Conflict("already_undone", by=undone.person.name)
    for number in seen:
        last = latest(session, number)
        if last is not None and last.id not in ids:
            raise Conflict("not_the_last", by=last.person.name, action=last.action)
    for one in together:
        leases.check(session, person, one.candidate_id, None)
    return seen


def _take_back(session: Session, person: Person, decision: Decision) -> Decision:
    taken_back = Decision(
        candidate_id=decision.candidate_id, person=person, action="undo", undoes=decision.id, at=now()
    )
    numbers = sorted(map(int, decision.before["candidates"]))
    touched = [session.get_one(Candidate, number) for number in numbers]
    _write(session, taken_back, touched, undoes=decision.id)
    _bring_back(session, decision.before["mentions"])
    for candidate in touched:
        _restore(session, decision, candidate, decision.before["candidates"][str(candidate.id)])
    if decision.action == "accept":
        cases.withdraw(session, session.get_one(Candidate, decision.candidate_id), person)
        alerts.withdraw(session, decision)
    session.flush()
    return taken_back


def _bring_back(session: Session, places: Mapping[str, Sequence[Any]]) -> None:
    """Each mention to the candidate it had. One that had none forgets what it was compared by."""
    ids = list(map(int, places))
    for start in range(0, len(ids), MOST_MENTIONS):
        for mention in session.scalars(_mentions(Mention.id.in_(ids[start : start + MOST_MENTIONS]))):
            number, mention.join_reason = places[str(mention.id)]
            mention.candidate = session.get_one(Candidate, number) if number else None
            if number is None:
                mention.signature, mention.words, mention.voice = None, [], None
                session.execute(delete(MentionBand).where(MentionBand.mention_id == mention.id))
    session.flush()


def _restore(session: Session, decision: Decision, candidate: Candidate, fields: Mapping[str, Any]) -> None:
    """As it was. What was heard since counts; a candidate the decision made is closed unless something else joined it."""
    made = decision.changes.get("into") == candidate.id
    if not (made and _has_mentions(session, candidate)):
        for name, value in fields.items():
            setattr(candidate, name, datetime.fromisoformat(value) if value and name in MOMENTS else value)
    _settle(session, candidate)
    if "mention_count" not in fields or _heard_since(session, candidate, decision.at):
        _tell_again(session, candidate)


def _heard_since(session: Session, candidate: Candidate, at: datetime) -> bool:
    mentions = select(func.count()).where(Mention.candidate_id == candidate.id)
    analysed = session.scalar(mentions.where(Mention.analysed_at >= at))
    return bool(analysed) or session.scalar(mentions) != candidate.mention_count


def _fields(candidate: Candidate) -> dict[str, Any]:
    values = {name: getattr(candidate, name) for name in (*DECIDED, *TOLD)}
    return values | {name: values[name].isoformat() for name in MOMENTS if values[name]}
