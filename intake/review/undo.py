"""A decision taken back, with all that were made at once with it, from what each noted of before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from intake import alerts
from intake.casework import cases
from intake.models import Candidate, Decision, DecisionTouch, Mention, MentionBand, Person, Suggestion, now
from intake.review import decisions, edits, leases, queue
from intake.review.errors import Conflict, Invalid


def take_back(session: Session, person: Person, decision_id: int) -> Decision:
    """Take a decision back, and all that were made at once with it: every candidate is as it was before.

    Only while no other decision about any of them came after. Mentions that arrived since stay where they are.
    """
    edits.may_decide(person)
    decision = session.get(Decision, decision_id)
    if decision is None or queue.get(session, person, decision.candidate_id) is None:
        raise Invalid("no_decision", id=decision_id)
    if decision.action == "undo":
        raise Invalid("lasting")
    together = made_with(session, decision)
    seen = _undoable(session, person, together)
    if changed := edits.claim(session, seen):
        raise edits.conflict(session, changed[0])
    with session.begin_nested():
        undone = {one.id: _undone(session, person, one) for one in reversed(together)}
    return undone[decision.id]


def made_with(session: Session, decision: Decision) -> Sequence[Decision]:
    """The decision and those of its batch, oldest first."""
    if decision.batch is None:
        return [decision]
    return session.scalars(select(Decision).where(Decision.batch == decision.batch).order_by(Decision.id)).all()


def _undoable(session: Session, person: Person, together: Sequence[Decision]) -> Mapping[int, int]:
    """The versions of all that they changed. Raises Conflict if one was undone, or is not the last, and by whom."""
    ids = [one.id for one in together]
    touched = session.scalars(select(DecisionTouch.candidate_id).where(DecisionTouch.decision_id.in_(ids)))
    seen = {candidate.id: candidate.version for candidate in edits.lock(session, touched)}
    if undone := session.scalar(select(Decision).where(Decision.undoes.in_(ids)).limit(1)):
        raise Conflict("already_undone", by=undone.person.name)
    for number in seen:
        last = decisions.latest(session, number)
        if last is not None and last.id not in ids:
            raise Conflict("not_the_last", by=last.person.name, action=last.action)
    for one in together:
        leases.check(session, person, one.candidate_id, None)
    return seen


def _undone(session: Session, person: Person, decision: Decision) -> Decision:
    taken_back = Decision(
        candidate_id=decision.candidate_id, person=person, action="undo", undoes=decision.id, at=now()
    )
    numbers = sorted(map(int, decision.before["candidates"]))
    touched = [session.get_one(Candidate, number) for number in numbers]
    edits.write(session, taken_back, touched, undoes=decision.id)
    _bring_back(session, decision.before["mentions"])
    for candidate in touched:
        _restore(session, decision, candidate, decision.before["candidates"][str(candidate.id)])
    if decision.action == "accept":
        cases.withdraw(session, session.get_one(Candidate, decision.candidate_id), person)
        alerts.withdraw(session, decision)
    if decision.action == "correct":
        cases.take_back_correction(session, session.get_one(Candidate, decision.candidate_id), decision, person)
    for number in decision.before.get("suggestions", ()):
        suggestion = session.get_one(Suggestion, number)
        suggestion.state, suggestion.person_id = "open", None
    session.flush()
    return taken_back


def _bring_back(session: Session, places: Mapping[str, Sequence[Any]]) -> None:
    """Each mention to the candidate it had. One that had none forgets what it was compared by."""
    ids = list(map(int, places))
    for start in range(0, len(ids), decisions.MOST_MENTIONS):
        for mention in session.scalars(edits.mentions(Mention.id.in_(ids[start : start + decisions.MOST_MENTIONS]))):
            number, mention.join_reason = places[str(mention.id)]
            mention.candidate = session.get_one(Candidate, number) if number else None
            if number is None:
                mention.signature, mention.words, mention.voice = None, [], None
                session.execute(delete(MentionBand).where(MentionBand.mention_id == mention.id))
    session.flush()


def _restore(session: Session, decision: Decision, candidate: Candidate, fields: Mapping[str, Any]) -> None:
    """As it was. What was heard since counts; a candidate the decision made is closed unless something else joined it."""
    made = decision.changes.get("into") == candidate.id
    if not (made and edits.has_mentions(session, candidate)):
        for name, value in fields.items():
            setattr(candidate, name, datetime.fromisoformat(value) if value and name in decisions.MOMENTS else value)
    edits.settle(session, candidate)
    if "mention_count" not in fields or _heard_since(session, candidate, decision.at):
        edits.tell_again(session, candidate)


def _heard_since(session: Session, candidate: Candidate, at: datetime) -> bool:
    mentions = select(func.count()).where(Mention.candidate_id == candidate.id)
    analysed = session.scalar(mentions.where(Mention.analysed_at >= at))
    return bool(analysed) or session.scalar(mentions) != candidate.mention_count
