"""Decisions and what follows from them; undo. Pure transitions, acted out with their audit row in one transaction."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake import alerts, inbox
from intake.casework import cases
from intake.models import REASONS, TRACKS, Candidate, Decision, Mention, Person
from intake.people import audit
from intake.review.errors import Conflict, Invalid, NotAllowed

DECIDERS = ("admin", "head", "officer")
# action -> (states it may start from, state it leads to)
TRANSITIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "accept": (("candidate", "watched"), "accepted"),
    "reject": (("candidate", "watched"), "rejected"),
    "duplicate": (("candidate", "watched"), "duplicate"),
    "watch": (("candidate",), "watched"),
    "reopen": (("watched",), "candidate"),
}
LASTING = ("undo", "bring")  # decisions that cannot be taken back
SHORTEST_REASON = 5  # characters


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
    note: str = "",
) -> Decision:
    """Move a candidate. `version` is the one that was looked at; raises a ReviewError and changes nothing otherwise."""
    _may_decide(person)
    candidate = _get(session, candidate_id)
    _is_complete(session, candidate, action, track, reason, duplicate_of)
    if candidate.version != version:
        raise _conflict(session, candidate)
    starts, state = TRANSITIONS[action]
    if candidate.state not in starts:
        raise Invalid("not_from_here", state=candidate.state, action=action)
    _claim(session, candidate, version)  # the first write: whatever was refused before has changed nothing
    decision = Decision(
        candidate_id=candidate.id,
        person=person,
        action=action,
        track=track if action == "accept" else None,
        reason=reason if action == "reject" else None,
        duplicate_of=duplicate_of if action == "duplicate" else None,
        note=_plain(note),
        before={"state": candidate.state, "duplicate_of": candidate.duplicate_of},
    )
    session.add(decision)
    candidate.state = state
    candidate.duplicate_of = decision.duplicate_of
    session.flush()
    if action == "accept":
        case = cases.open_case(session, candidate, str(track))
        alerts.write(session, decision, candidate, case)
    audit.write(
        session,
        person,
        f"decision.{action}",
        f"candidate:{candidate.id}",
        decision=decision.id,
        track=track,
        reason=reason,
    )
    return decision


def bring(session: Session, person: Person, mention_id: int, reason: str) -> Decision:
    """Make a candidate of a text in which the analysis saw no failure: a person did, and says why.

    It joins its event if that is known. Not undone but rejected, if it was a mistake. One at a time: see `inbox.place`.
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
    decision = Decision(
        candidate_id=candidate.id, person=person, action="bring", note=_plain(reason), before={"mention": mention.id}
    )
    session.add(decision)
    session.flush()
    audit.write(
        session, person, "decision.bring", f"candidate:{candidate.id}", decision=decision.id, mention=mention.id
    )
    return decision


def undo(session: Session, person: Person, decision_id: int) -> Decision:
    """Take back the last decision of a candidate: it stands as before, its case and unsent messages are withdrawn."""
    _may_decide(person)
    decision = session.get(Decision, decision_id)
    if decision is None:
        raise Invalid("no_decision", id=decision_id)
    if undone := session.scalar(select(Decision).where(Decision.undoes == decision.id)):
        raise Conflict("already_undone", by=undone.person.name)
    last = latest(session, decision.candidate_id)
    if last is None or last.id != decision.id:
        raise Conflict("not_the_last", by=last.person.name if last else "", action=last.action if last else "")
    candidate = _get(session, decision.candidate_id)
    _claim(session, candidate, candidate.version)
    taken_back = Decision(
        candidate_id=candidate.id,
        person=person,
        action="undo",
        undoes=decision.id,
        before={"state": candidate.state, "duplicate_of": candidate.duplicate_of},
    )
    session.add(taken_back)
    candidate.state, candidate.duplicate_of = decision.before["state"], decision.before["duplicate_of"]
    if decision.action == "accept":
        cases.withdraw(session, candidate)
        alerts.withdraw(session, decision)
    audit.write(session, person, "decision.undo", f"candidate:{candidate.id}", decision=decision.id)
    session.flush()
    return taken_back


def latest(session: Session, candidate_id: int) -> Decision | None:
    """The last decision of a candidate that still stands."""
    undone = select(Decision.undoes).where(Decision.undoes.is_not(None))
    return session.scalar(
        select(Decision)
        .where(Decision.candidate_id == candidate_id, Decision.action.not_in(LASTING), Decision.id.not_in(undone))
        .order_by(Decision.id.desc())
        .limit(1)
    )


def _may_decide(person: Person) -> None:
    if person.role not in DECIDERS or person.disabled:
        raise NotAllowed("not_allowed", role=person.role)


def _plain(note: str) -> str:
    return inbox.storable(note).strip()[:2000]


def _get(session: Session, candidate_id: int) -> Candidate:
    candidate = session.get(Candidate, candidate_id)
    if candidate is None:
        raise Invalid("no_candidate", id=candidate_id)
    return candidate


def _is_complete(
    session: Session,
    candidate: Candidate,
    action: str,
    track: str | None,
    reason: str | None,
    duplicate_of: int | None,
) -> None:
    if action not in TRANSITIONS:
        raise Invalid("no_action", action=action)
    if action == "accept" and track not in TRACKS:
        raise Invalid("needs_track")
    if action == "reject" and reason not in REASONS:
        raise Invalid("needs_reason")
    if action == "duplicate":
        other = session.get(Candidate, duplicate_of) if duplicate_of else None
        if other is None or other.id == candidate.id or other.state == "duplicate":
            raise Invalid("needs_original", id=duplicate_of)


def _claim(session: Session, candidate: Candidate, version: int) -> None:
    """Raise the version from the one that was seen, in one statement: of two who try, one succeeds."""
    changed = session.execute(
        update(Candidate)
        .where(Candidate.id == candidate.id, Candidate.version == version)
        .values(version=Candidate.version + 1)
        .execution_options(synchronize_session=False)
    )
    session.refresh(candidate)
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise _conflict(session, candidate)


def _conflict(session: Session, candidate: Candidate) -> Conflict:
    """Who was first, and what they decided; where that was an undo, that it is not as it was."""
    last = latest(session, candidate.id)
    return Conflict("changed", by=last.person.name, action=last.action) if last else Conflict("not_as_seen")
