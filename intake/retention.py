"""What is deleted when: by outcome, so that nothing about people is kept longer than it serves."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from intake import audit
from intake.database import Base
from intake.models import Mention, SignIn, SignInAttempt, now

KEEP_ATTEMPTS = timedelta(days=1)
KEEP_SESSIONS = timedelta(days=30)
KEEP_IRRELEVANT = timedelta(days=30)  # texts that tell of no failure and belong to no candidate


def run(session: Session, *, dry_run: bool) -> dict[str, int]:
    """Delete what is over its time; returns how many rows of what (with `dry_run`, how many it would be)."""
    at = now()
    over: list[tuple[str, type[Base], ColumnElement[bool]]] = [
        ("sign_in_attempts", SignInAttempt, SignInAttempt.at < at - KEEP_ATTEMPTS),
        ("sessions", SignIn, SignIn.ended_at < at - KEEP_SESSIONS),
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
