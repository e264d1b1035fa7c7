"""What may be one event and was not sure enough to be joined: shown to a person, who says joined or apart.

They are written where a mention is placed: intake/review/neighbours.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.models import Candidate, Decision, Person, Suggestion, now
from intake.people import access, audit
from intake.review import decisions, edits, leases
from intake.review.errors import Conflict, Invalid
from intake.review.neighbours import OPEN_TO_MERGE


@dataclass(frozen=True, slots=True)
class Suggested:
    """Another candidate that may be the same event, and why; `by`: whoever said that it is not."""

    id: int
    other: Candidate
    score: float
    reasons: tuple[str, ...]  # codes, put into words by intake.web.present.JOINED
    by: str
    at: datetime  # when it was suggested, or answered
    leads: bool  # whether the other one is kept when they are joined


def is_lead(one: Candidate, other: Candidate) -> bool:
    """Which of two that are one event is kept: the one that is a case; else with more voices; else the older."""
    weighed = [(two.state == "accepted", two.voice_count, -two.id) for two in (one, other)]
    return weighed[0] > weighed[1]


def list_for(session: Session, viewer: Person, candidate: Candidate) -> tuple[Suggested, ...]:
    """The open suggestions of a candidate that the viewer may see both sides of, most likely first."""
    if candidate.state not in OPEN_TO_MERGE:
        return ()
    found = [one for one in _of(session, viewer, candidate, "open") if one.other.state in OPEN_TO_MERGE]
    return tuple(sorted(found, key=lambda one: (-one.score, one.id)))


def apart_from(session: Session, viewer: Person, candidate: Candidate) -> tuple[Suggested, ...]:
    """Those a person said are another event than this one, the newest answer first; both sides seen, as above."""
    return tuple(sorted(_of(session, viewer, candidate, "apart"), key=lambda one: (one.at, one.id), reverse=True))


def _of(session: Session, viewer: Person, candidate: Candidate, state: str) -> list[Suggested]:
    of_it = (Suggestion.first_id == candidate.id) | (Suggestion.second_id == candidate.id)
    answered = select(Suggestion, Person.name).outerjoin(Person, Person.id == Suggestion.person_id)
    rows = session.execute(answered.where(of_it, Suggestion.state == state)).all()
    others = {row.id: row.second_id if row.first_id == candidate.id else row.first_id for row, _ in rows}
    seen = access.visible(select(Candidate).where(Candidate.id.in_({candidate.id, *others.values()})), viewer)
    known = {one.id: one for one in session.scalars(seen)}
    return [
        Suggested(row.id, other, row.score, tuple(row.reasons), by or "", row.at, is_lead(other, candidate))
        for row, by in rows
        if candidate.id in known and (other := known.get(others[row.id])) is not None
    ]


def dismiss(session: Session, person: Person, suggestion_id: int) -> Suggestion:
    """They are two events: not suggested again, whatever is said of them later, unless the answer is taken back."""
    row = _in_state(session, person, suggestion_id, "open")
    _say(session, person, row, "apart")
    return row


def ask_again(session: Session, person: Person, suggestion_id: int) -> Suggestion:
    """Take back that they are two events. It changed neither, so it needs to be the last decision about none."""
    row = _in_state(session, person, suggestion_id, "apart")
    _say(session, person, row, "open")
    row.person_id = None
    return row


def join(
    session: Session, person: Person, suggestion_id: int, candidate_id: int, version: int, lease: int | None = None
) -> Decision:
    """They are one event: one is merged into the other, see `is_lead`. In hand is `candidate_id`, in the version seen.

    An undo of that leaves the suggestion open again.
    """
    row = _in_state(session, person, suggestion_id, "open")
    if candidate_id not in (row.first_id, row.second_id):
        raise Invalid("no_candidate", id=candidate_id)
    two = edits.lock(session, (row.first_id, row.second_id))
    in_hand, other = two if two[0].id == candidate_id else (two[1], two[0])
    if is_lead(in_hand, other):
        leases.check(session, person, in_hand.id, lease)
        if in_hand.version != version:
            raise edits.conflict(session, in_hand.id)
        joined, lead, version, lease = other, in_hand, other.version, None
    else:
        joined, lead = in_hand, other
    decision = decisions.decide(session, person, joined.id, version, "duplicate", duplicate_of=lead.id, lease=lease)
    decision.before = decision.before | {"suggestions": [row.id]}
    _say(session, person, row, "joined")
    return decision


def _in_state(session: Session, person: Person, suggestion_id: int, state: str) -> Suggestion:
    """The suggestion, if that is how it stands and the person may decide about both sides."""
    edits.may_decide(person)
    row = session.get(Suggestion, suggestion_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Invalid("no_suggestion", id=suggestion_id)
    both = select(Candidate.id).where(Candidate.id.in_((row.first_id, row.second_id)))
    if len(session.scalars(access.visible(both, person)).all()) < 2:
        raise Invalid("no_suggestion", id=suggestion_id)
    if row.state != state:
        raise Conflict("suggestion_answered" if state == "open" else "not_apart", state=row.state)
    return row


def _say(session: Session, person: Person, row: Suggestion, state: str) -> None:
    row.state, row.person_id, row.at = state, person.id, now()
    session.flush()
    audit.write(session, person, f"suggestion.{state}", f"candidate:{row.first_id}", other=row.second_id)
