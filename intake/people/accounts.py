"""People, their passwords, sessions and tokens. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from intake.models import ROLES, Agency, Person, SignIn, SignInAttempt, now
from intake.people import audit
from intake.settings import Settings

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST = 12
ATTEMPTS, WINDOW = 10, timedelta(minutes=5)  # failed sign-ins per name and per address
REFRESH = timedelta(minutes=1)  # a session's last use is written at most this often


class SignInRefused(Exception):
    """Why somebody was not let in: `wrong` or `too_many`; the same answer for a name that does not exist."""


def people(session: Session) -> list[Person]:
    """Everybody with an account, by name."""
    return list(session.scalars(select(Person).order_by(Person.name)))


def add_person(
    session: Session,
    name: str,
    role: str,
    password: str | None = None,
    agency_id: str | None = None,
    by: Person | None = None,
) -> tuple[Person, str]:
    """A new account and its password, generated unless given. ValueError names what is wrong."""
    name = name.strip()
    if not 2 <= len(name) <= 60 or not name.isprintable():
        raise ValueError(f"the name {name!r} must have 2 to 60 printable characters.")
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role; roles: {', '.join(ROLES)}.")
    if session.scalar(select(Person.id).where(func.lower(Person.name) == name.lower())):
        raise ValueError(f"there is already an account named {name!r}.")
    if role == "focal" and not agency_id:
        raise ValueError("a focal point belongs to an agency: give its id.")
    if agency_id and session.get(Agency, agency_id) is None:
        raise ValueError(f"no agency has the id {agency_id!r}.")
    password = _checked(password) if password else secrets.token_urlsafe(18)
    person = Person(name=name, role=role, agency_id=agency_id or None, password=_hasher().hash(password))
    session.add(person)
    session.flush()
    audit.write(session, by, "user.add", f"person:{person.id}", name=name, role=role)
    return person, password


def set_password(session: Session, name: str, password: str | None = None, by: Person | None = None) -> str:
    """A new password, generated unless given; every session and token of the person ends."""
    person = named(session, name)
    password = _checked(password) if password else secrets.token_urlsafe(18)
    person.password = _hasher().hash(password)
    _end_all(session, person)
    audit.write(session, by, "user.password", f"person:{person.id}")
    return password


def disable(session: Session, name: str, by: Person | None = None, *, disabled: bool = True) -> Person:
    """Close (or reopen) an account; closing ends its sessions and tokens. The last administrator stays."""
    person = named(session, name)
    if disabled and person.role == "admin" and _administrators(session) == 1:
        raise ValueError(f"{name} is the last administrator; make another one first.")
    person.disabled = disabled
    if disabled:
        _end_all(session, person)
    audit.write(session, by, "user.disable" if disabled else "user.enable", f"person:{person.id}")
    return person


def named(session: Session, name: str) -> Person:
    """The person of that name. ValueError if there is none."""
    person = session.scalar(select(Person).where(func.lower(Person.name) == name.strip().lower()))
    if person is None:
        raise ValueError(f"nobody is named {name!r}.")
    return person


def knows_password(person: Person, password: str) -> bool:
    """Whether `password` is the person's."""
    return _hasher().verify(password[:1024], person.password)


def sign_in(session: Session, name: str, password: str, address: str) -> tuple[str, SignIn]:
    """A new session and its secret. Raises SignInRefused; the caller commits either way, so that attempts count."""
    since = now() - WINDOW
    for column, value in ((SignInAttempt.name, name.lower()[:60]), (SignInAttempt.address, address[:64])):
        if session.scalar(select(func.count()).where(column == value, SignInAttempt.at > since)) >= ATTEMPTS:  # type: ignore[operator]
            audit.write(session, None, "sign_in.too_many", name=name[:60])
            raise SignInRefused("too_many")
    person = session.scalar(select(Person).where(func.lower(Person.name) == name.strip().lower()))
    known = _hasher().verify(password[:1024], person.password if person else _nobody())
    if person is None or person.disabled or not known:
        session.add(SignInAttempt(name=name.lower()[:60], address=address[:64]))
        audit.write(session, None, "sign_in.refused", name=name[:60])
        raise SignInRefused("wrong")
    secret, row = _issue(session, person, "session")
    audit.write(session, person, "sign_in", f"person:{person.id}")
    return secret, row


def session_of(session: Session, secret: str, settings: Settings, at: datetime | None = None) -> SignIn | None:
    """The live session behind a cookie, its last use noted; None if there is none, or it is over."""
    at = at or now()
    row = _find(session, secret, "session")
    if row is None:
        return None
    idle, age = at - row.used_at, at - row.created_at
    if idle > timedelta(minutes=settings.session_idle) or age > timedelta(hours=settings.session_length):
        row.ended_at = at
        return None
    if idle > REFRESH:
        row.used_at = at
    return row


def token_of(session: Session, secret: str) -> SignIn | None:
    """The live API token behind a bearer secret."""
    return _find(session, secret, "token")


def sign_out(session: Session, row: SignIn) -> None:
    """End one session."""
    row.ended_at = now()
    audit.write(session, row.person, "sign_out", f"person:{row.person_id}")


def make_token(session: Session, name: str, by: Person | None = None) -> str:
    """A token for the API; its secret is returned once and only its hash is kept."""
    person = named(session, name)
    if person.disabled:
        raise ValueError(f"{name} is disabled; a token would not work.")
    secret, _ = _issue(session, person, "token")
    audit.write(session, by, "user.token", f"person:{person.id}")
    return secret


def _issue(session: Session, person: Person, kind: str) -> tuple[str, SignIn]:
    secret = secrets.token_urlsafe(32)
    row = SignIn(person=person, kind=kind, secret_hash=_digest(secret), csrf=secrets.token_urlsafe(32))
    session.add(row)
    session.flush()
    return secret, row


def _find(session: Session, secret: str, kind: str) -> SignIn | None:
    row = session.scalar(
        select(SignIn).where(SignIn.secret_hash == _digest(secret), SignIn.kind == kind, SignIn.ended_at.is_(None))
    )
    return row if row and not row.person.disabled else None


def _end_all(session: Session, person: Person) -> None:
    session.execute(
        update(SignIn).where(SignIn.person_id == person.id, SignIn.ended_at.is_(None)).values(ended_at=now())
    )


def _administrators(session: Session) -> int:
    return session.scalar(select(func.count()).where(Person.role == "admin", Person.disabled.is_(False))) or 0


def _checked(password: str) -> str:
    if len(password) < SHORTEST:
        raise ValueError(f"a password needs at least {SHORTEST} characters; a sentence is easy to remember.")
    return password


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@cache
def _hasher() -> PasswordHash:
    """Argon2id with the library's recommended cost (64 MiB, 3 passes, 4 lanes)."""
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """A hash to compare with when the name does not exist, so that the answer takes as long."""
    return _hasher().hash(secrets.token_urlsafe(18))
