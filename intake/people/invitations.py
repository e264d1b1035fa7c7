"""A link by which somebody sets their own password: shown once, used once, kept as a hash, over after a week."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from intake.models import Invitation, Person, now
from intake.people import accounts, audit

LIFE = timedelta(days=7)


def invite(session: Session, person: Person, by: Person | None = None) -> str:
    """The secret of a new invitation; one that the person had before is void."""
    session.execute(_unused(person.id).values(used_at=now()))
    secret = secrets.token_urlsafe(32)
    session.add(Invitation(person_id=person.id, secret_hash=_digest(secret), expires_at=now() + LIFE))
    audit.write(session, by, "user.invite", f"person:{person.id}")
    return secret


def find(session: Session, secret: str, at: datetime | None = None) -> Invitation | None:
    """The invitation that can still be used."""
    live = (Invitation.used_at.is_(None), Invitation.expires_at > (at or now()))
    row = session.scalar(select(Invitation).where(Invitation.secret_hash == _digest(secret), *live))
    return row if row and not row.person.disabled else None


def accept(session: Session, secret: str, password: str) -> Person | None:
    """Set the invited person's password; None if the invitation is over. PasswordRefused leaves it open."""
    accounts.check_password(password)
    row = find(session, secret)
    if row is None:
        return None
    taken = session.execute(_unused(row.person_id).where(Invitation.id == row.id).values(used_at=now()))
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None  # somebody else was first
    accounts.set_password(session, row.person.name, password, by=row.person)
    audit.write(session, row.person, "user.accept", f"person:{row.person_id}")
    return row.person


def waiting(session: Session) -> dict[int, datetime]:
    """Person -> until when an invitation of theirs can be used."""
    live = select(Invitation).where(Invitation.used_at.is_(None), Invitation.expires_at > now())
    return {row.person_id: row.expires_at for row in session.scalars(live)}


def _unused(person_id: int) -> Update:
    return (
        update(Invitation)
        .where(Invitation.person_id == person_id, Invitation.used_at.is_(None))
        .execution_options(synchronize_session=False)
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
