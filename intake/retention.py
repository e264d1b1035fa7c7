"""What is deleted when: by outcome, so that nothing about people is kept longer than it serves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from crawler.archive import SUFFIX, unused_since
from crawler.dates import WIB
from intake.database import Base
from intake.models import IdempotentCall, Mention, Revision, SignIn, SignInAttempt, VisitRow, now
from intake.people import audit

KEEP_ATTEMPTS = timedelta(days=1)
KEEP_SESSIONS = timedelta(days=30)
KEEP_CALLS = timedelta(hours=24)  # answers to calls of the API with an Idempotency-Key
KEEP_VISITS = timedelta(days=60)  # what health and rhythm of a source are computed from
KEEP_IRRELEVANT = timedelta(days=30)  # texts that tell of no failure and belong to no candidate
KEEP_ANSWERS = timedelta(
    days=14
)  # raw answers whose texts belong to no candidate; the others live as long as their texts


def run(session: Session, *, dry_run: bool) -> dict[str, int]:
    """Delete what is over its time; returns how many rows of what (with `dry_run`, how many it would be)."""
    at = now()
    over: list[tuple[str, type[Base], ColumnElement[bool]]] = [
        ("sign_in_attempts", SignInAttempt, SignInAttempt.at < at - KEEP_ATTEMPTS),
        ("sessions", SignIn, SignIn.ended_at < at - KEEP_SESSIONS),
        ("calls", IdempotentCall, IdempotentCall.at < at - KEEP_CALLS),
        ("visits", VisitRow, VisitRow.day < (at - KEEP_VISITS).astimezone(WIB).date()),
        (
            "mentions",
            Mention,
            Mention.candidate_id.is_(None)
            & (Mention.failure == "no")
            & (Mention.fetched_at < at - KEEP_IRRELEVANT)
            & ~Mention.id.in_(select(Mention.voice).where(Mention.voice.is_not(None), Mention.voice != Mention.id)),
        ),
    ]
    counts: dict[str, int] = {}
    for name, model, condition in over:
        counts[name] = session.scalar(select(func.count()).select_from(model).where(condition)) or 0
        if not dry_run and counts[name]:
            session.execute(delete(model).where(condition), execution_options={"synchronize_session": False})
    if not dry_run and any(counts.values()):
        audit.write(session, None, "retention.run", deleted=counts)
    return counts


def sweep(session: Session, folder: Path, *, dry_run: bool) -> int:
    """Delete the raw answers that no text needs any more, and what writers that were ended left; returns how many.

    Needed are those of candidates' texts, edited ones too, and of texts that still wait for their analysis.
    """
    old = unused_since(folder, now() - KEEP_ANSWERS)
    count = 0
    while paths := list(islice(old, 500)):
        needed = _needed(session, [path.name.removesuffix(SUFFIX) for path in paths])
        for path in paths:
            if path.name.removesuffix(SUFFIX) not in needed:
                count += 1
                if not dry_run:
                    path.unlink(missing_ok=True)
    if count and not dry_run:
        audit.write(session, None, "retention.sweep", deleted=count)
    return count


def _needed(session: Session, digests: Iterable[str]) -> set[str]:
    in_use = or_(Mention.candidate_id.is_not(None), Mention.analysed_at.is_(None))
    newest = select(Mention.evidence).where(Mention.evidence.in_(digests), in_use)
    older = select(Revision.evidence).join(Mention, Mention.id == Revision.mention_id)
    waiting = select(Mention.edit).where(Mention.analysed_at.is_(None), Mention.edit.is_not(None))
    found = [*session.scalars(newest), *session.scalars(older.where(Revision.evidence.in_(digests), in_use))]
    found += [edit["evidence"] for edit in session.scalars(waiting) if edit]
    return {digest for digest in found if digest}
