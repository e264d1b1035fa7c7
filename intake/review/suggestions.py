"""What may be one event and was not sure enough to be joined: shown to a person, who says joined or apart.

They are written where a mention is placed: intake/review/neighbours.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.models import Candidate, Decision, Person, Suggestion, now
from intake.people import access, audit
from intake.review import decisions
from intake.review.errors import Conflict, Invalid, NotAllowed
from intake.review.neighbours import OPEN_TO_MERGE


@dataclass(frozen=True, slots=True)
class Suggested:
    """Another candidate that may be the same event, and why."""

    id: int
    other: Candidate
    score: float
    reasons: tuple[str, ...]  # codes, put into words by intake.web.present.JOINED


def list_for(session: Session, viewer: Person, candidate: Candidate) -> tuple[Suggested, ...]:
    """The open suggestions of a candidate that the viewer may see both sides of, most likely first."""
    if candidate.state not in OPEN_TO_MERGE:
        return ()
    of_it = (Suggestion.first_id == candidate.id) | (Suggestion.second_id == candidate.id)
    rows = session.scalars(select(Suggestion).where(of_it, Suggestion.state == "open")).all()
    others = {row.id: row.second_id if row.first_id == candidate.id else row.first_id for row in rows}
    seen = access.visible(select(Candidate).where(Candidate.id.in_({candidate.id, *others.values()})), viewer)
    known = {one.id: one for one in session.scalars(seen.where(Candidate.state.in_(OPEN_TO_MERGE)))}
    shown = [row for row in rows if candidate.id in known and others[row.id] in known]
    return tuple(
        Suggested(row.id, known[others[row.id]], row.score, tuple(row.reasons))
        for row in sorted(shown, key=lambda row: (-row.score, row.id))
    )


def dismiss(session: Session, person: Person, suggestion_id: int) -> Suggestion:
    """They are two events: never suggested again, whatever is said of them later."""
    row = _open(session, person, suggestion_id)
    _say(session, person, row, "apart")
    return row


def join(
    session: Session, person: Person, suggestion_id: int, candidate_id: int, version: int, lease: int | None = None
) -> Decision:
    """They are one event: the candidate in hand, in the version that was seen, is merged into the other one."""
    row = _open(session, person, suggestion_id)
    if candidate_id not in (row.first_id, row.second_id):
        raise Invalid("no_candidate", id=candidate_id)
    original = row.second_id if row.first_id == candidate_id else row.first_id
    decision = decisions.decide(session, person, candidate_id, version, "duplicate", duplicate_of=original, lease=lease)
    _say(session, person, row, "joined")
    return decision


def _open(session: Session, person: Person, suggestion_id: int) -> Suggestion:
    """The suggestion, if it is still one and the person may decide about both sides."""
    if not access.may(person, "candidate.decide"):
        raise NotAllowed("not_allowed", role=person.role)
    row = session.get(Suggestion, suggestion_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Invalid("no_suggestion", id=suggestion_id)
    both = select(Candidate.id).where(Candidate.id.in_((row.first_id, row.second_id)))
    if len(session.scalars(access.visible(both, person)).all()) < 2:
        raise Invalid("no_suggestion", id=suggestion_id)
    if row.state != "open":
        raise Conflict("suggestion_answered", state=row.state)
    return row


def _say(session: Session, person: Person, row: Suggestion, state: str) -> None:
    row.state, row.person_id, row.at = state, person.id, now()
    session.flush()
    audit.write(session, person, f"suggestion.{state}", f"candidate:{row.first_id}", other=row.second_id)
