"""What every edit of candidates is made of: who may, what was seen is claimed, and what was done is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select, tuple_, update
from sqlalchemy.orm import Session, aliased, joinedload, load_only

from intake import inbox
from intake.models import Candidate, Decision, DecisionTouch, Mention, Person
from intake.people import access, audit
from intake.review.errors import Conflict, NotAllowed


def may_decide(person: Person) -> None:
    if not access.may(person, "candidate.decide"):
        raise NotAllowed("not_allowed", role=person.role)


def lock(session: Session, candidate_ids: Iterable[int]) -> Sequence[Candidate]:
    """These, as they stand now."""
    known = select(Candidate).where(Candidate.id.in_(set(candidate_ids))).order_by(Candidate.id)
    return session.scalars(known.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def claim(session: Session, seen: Mapping[int, int]) -> list[int]:
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
    candidates = lock(session, seen)
    if claimed.rowcount == len(seen):  # type: ignore[attr-defined]
        return []
    return [one.id for one in candidates if one.version != seen[one.id]]


def conflict(session: Session, candidate_id: int) -> Conflict:
    """Who was first, and what they decided; where that was an undo, that it is not as it was."""
    last = session.scalar(touching(candidate_id))
    if last is None or last.action == "undo":
        return Conflict("not_as_seen")
    return Conflict("changed", by=last.person.name, action=last.action)


def touching(candidate_id: int) -> Select[Decision]:
    """The last of the decisions that changed a candidate."""
    touches = select(Decision).join(DecisionTouch, DecisionTouch.decision_id == Decision.id)
    of_candidate = touches.where(DecisionTouch.candidate_id == candidate_id).options(joinedload(Decision.person))
    return of_candidate.order_by(Decision.id.desc()).limit(1)


def write(session: Session, decision: Decision, touched: Iterable[Candidate], **detail: Any) -> None:
    session.add(decision)
    session.flush()
    session.add_all(DecisionTouch(decision_id=decision.id, candidate_id=one.id) for one in touched)
    subject = f"candidate:{decision.candidate_id}"
    audit.write(session, decision.person, f"decision.{decision.action}", subject, decision=decision.id, **detail)


# ---- what candidates say ---------------------------------------------------------------------------------------------


def mentions(which: Any) -> Select[Mention]:
    """As they stand now, without their texts."""
    known = select(Mention).where(which).options(load_only(Mention.candidate_id, Mention.join_reason))
    return known.order_by(Mention.id).execution_options(populate_existing=True)


def tell_again(session: Session, *candidates: Candidate) -> None:
    """Recompute what candidates say from the mentions they have now. One that has none keeps its words, and counts none."""
    for candidate in candidates:
        settle(session, candidate)
        if has_mentions(session, candidate):
            inbox.refresh(session, candidate)
        else:
            candidate.mention_count = candidate.voice_count = candidate.source_count = 0
        settle(session, candidate)


def settle(session: Session, candidate: Candidate) -> None:
    session.flush()
    session.expire(candidate, ["mentions", "agency"])


def has_mentions(session: Session, candidate: Candidate) -> bool:
    return session.scalar(select(Mention.id).where(Mention.candidate_id == candidate.id).limit(1)) is not None
