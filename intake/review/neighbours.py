"""The stored mentions that may tell of the event of a new one, found by a bounded number of rows however many there are.

A mention is known by numbers in `mention_band`: those of its wording (nlp.fingerprint.bands), and marks of what it is
about. The newest rows of each of its numbers are read, by the primary key alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, delete, insert, select, union_all
from sqlalchemy.orm import Session, aliased

from intake.models import Candidate, Decision, DecisionTouch, Mention, MentionBand, Suggestion, not_undone
from intake.review.cluster import LATER, TELLING, Trace, Verdict
from nlp.fingerprint import bands, weight

COMPARED = 400  # rows at most that are read for a mention
WORDING = 5  # ... of each band of its wording
RAREST = 6  # words that a mention is found by
NOWHERE = "-"
MOST_OPEN = 5  # suggestions of one candidate
WHOLE_GOVERNMENTS = ("PEMDA", "OTHER", "NONE", "KEMENTERIAN")  # kinds too wide to tell events apart
OPEN_TO_MERGE = ("candidate", "accepted")  # states


def trace(mention: Mention) -> Trace:
    """What the rule sees of a stored, signed mention."""
    return trace_of(
        mention.analysis or {},
        told_at=mention.told_at,
        words=frozenset(mention.words),
        post=not mention.title,
        signature=mention.signature or b"",
        length=len(mention.title) + len(mention.text),
    )


def trace_of(analysis: Mapping[str, Any], **more: Any) -> Trace:
    """The same from an analysis as JSON, and the fields of a Trace that are no part of it."""
    kind, body = first_guess(analysis, "kinds", "code"), first_guess(analysis, "agencies", "id")
    return Trace(
        sectors=tuple(guess["code"] for guess in analysis.get("sectors", ())),
        regions=frozenset(analysis.get("regions", ())),
        districts=frozenset(analysis.get("districts", ())),
        kind=kind,
        body=body if kind not in WHOLE_GOVERNMENTS else None,
        **more,
    )


def first_guess(analysis: Mapping[str, Any], axis: str, name: str) -> str | None:
    guesses = analysis.get(axis) or ()
    return guesses[0][name] if guesses else None


def sign(session: Session, mention: Mention) -> None:
    """Write down by which numbers a mention is found; once more after its text was edited."""
    session.execute(delete(MentionBand).where(MentionBand.mention_id == mention.id))
    numbers = {*bands(mention.signature or b""), *marks(trace(mention))}
    session.execute(insert(MentionBand), [{"band": number, "mention_id": mention.id} for number in sorted(numbers)])


def marks(one: Trace) -> tuple[int, ...]:
    """Numbers of what a mention is about: its likely sectors by place, and its rarest words, most telling first."""
    places = (*sorted(one.districts)[:3], *sorted(one.regions)[:2]) or (NOWHERE,)
    words = sorted(one.words, key=lambda word: (-weight(word), word))
    rare = [word for word in words if ":" in word or weight(word) >= TELLING][:RAREST]
    about = [f"{sector} {place}" for sector in one.sectors[:2] for place in places]
    return tuple(_number(name) for name in (*rare, *about))


def neighbours(session: Session, mention: Mention) -> Sequence[Mention]:
    """Mentions under a candidate that may tell of the same event, oldest first; COMPARED rows at most."""
    found = session.scalars(rows_of(bands(mention.signature or b""), marks(trace(mention)))).all()
    near = select(Mention).where(
        Mention.id.in_({number for number in found if number != mention.id}),
        Mention.candidate_id.is_not(None),
        Mention.told_at.between(mention.told_at - LATER, mention.told_at + LATER),
    )
    return session.scalars(near.order_by(Mention.id)).all()


def rows_of(wording: Iterable[int], about: Sequence[int]) -> Select[int]:
    """The newest mentions of each number, as one statement."""
    shares = dict.fromkeys(wording, WORDING)
    rest = max(1, (COMPARED - WORDING * len(shares)) // max(1, len(about)))
    shares |= dict.fromkeys(about, rest)
    newest = [_newest(number, most) for number, most in shares.items()]
    return select(union_all(*newest).subquery().c.mention_id)


def _newest(number: int, most: int) -> Select[int]:
    column = MentionBand.mention_id
    rows = select(column).where(MentionBand.band == number).order_by(column.desc()).limit(most).subquery()
    return select(rows.c.mention_id)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


# ---- suggestions -----------------------------------------------------------------------------------------------------


def suggest(session: Session, candidate: Candidate, others: Mapping[int, Verdict]) -> None:
    """Note which candidates may be the same event, most likely first, as long as there is room for it.

    What a person said of two is never asked again: that they are apart, or that they were split.
    """
    likely = sorted(others.items(), key=lambda pair: (-pair[1].score, pair[0]))[:MOST_OPEN]
    for number, verdict in likely:
        other = session.get_one(Candidate, number)
        first, second = sorted((candidate.id, number))
        if other is candidate or other.state not in OPEN_TO_MERGE or _were_split(session, first, second):
            continue
        known = session.scalar(select(Suggestion).where(Suggestion.first_id == first, Suggestion.second_id == second))
        if known is None:
            if _make_room(session, (first, second), verdict.score):
                reasons = list(verdict.reasons)
                session.add(Suggestion(first_id=first, second_id=second, score=verdict.score, reasons=reasons))
        elif known.state == "open" and verdict.score > known.score:
            known.score, known.reasons = verdict.score, list(verdict.reasons)
        session.flush()


def _were_split(session: Session, first: int, second: int) -> bool:
    """Whether a person split one off the other, and that stands."""
    one, two = aliased(DecisionTouch), aliased(DecisionTouch)
    splits = (
        select(Decision.id)
        .join(one, one.decision_id == Decision.id)
        .join(two, two.decision_id == Decision.id)
        .where(one.candidate_id == first, two.candidate_id == second, Decision.action == "split", not_undone())
    )
    return session.scalar(splits.limit(1)) is not None


def _make_room(session: Session, pair: tuple[int, int], score: float) -> bool:
    """Whether both have room for one more; the least likely one gives way to a likelier."""
    for number in pair:
        of_it = (Suggestion.first_id == number) | (Suggestion.second_id == number)
        held = select(Suggestion).where(of_it, Suggestion.state == "open").order_by(Suggestion.score)
        waiting = session.scalars(held).all()
        if len(waiting) >= MOST_OPEN:
            if waiting[0].score >= score:
                return False
            session.delete(waiting[0])
            session.flush()
    return True
