"""People, their passwords, sessions and tokens. Only hashes are kept."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from intake.models import ROLES, Agency, Invitation, Person, SignIn, SignInAttempt, now
from intake.people import access, audit, portfolio, totp
from intake.people.seal import Seal
from intake.settings import Settings

if TYPE_CHECKING:
    from pwdlib import PasswordHash

log = logging.getLogger(__name__)

SHORTEST = 12
ATTEMPTS, WINDOW = 10, timedelta(minutes=5)  # failed sign-ins per name and per address
REFRESH = timedelta(minutes=1)  # a session's last use is written at most this often
FEWEST_LETTERS = 5  # different ones in a password
COMMON = Path(__file__).parent / "common_passwords.txt"
LONGEST_TOKEN = 3650  # days
UNREADABLE = (
    "the second factor of %s cannot be read: pseudonym_key, or kentongan.secret, is not the one it was sealed with. "
    "Bring that back, or run: kentongan user reset-code NAME"
)


class SignInRefused(Exception):
    """Why somebody was not let in: `wrong`, `too_many` or `unreadable`; the same for a name that does not exist."""


class PasswordRefused(ValueError):
    """A password that is not taken; `key` is `short` or `common`."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


class LastAdministrator(ValueError):
    """Without an administrator nobody could make another one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is the last administrator; make another one first.")


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
    _fits(session, role, agency_id)
    if session.scalar(select(Person.id).where(func.lower(Person.name) == name.lower())):
        raise ValueError(f"there is already an account named {name!r}.")
    password = check_password(password) if password else secrets.token_urlsafe(18)
    person = Person(name=name, role=role, agency_id=agency_id or None, password=_hasher().hash(password))
    session.add(person)
    session.flush()
    audit.write(session, by, "user.add", f"person:{person.id}", name=name, role=role)
    return person, password


def _fits(session: Session, role: str, agency_id: str | None) -> None:
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role; roles: {', '.join(ROLES)}.")
    if role == "focal" and not agency_id:
        raise ValueError("a focal point belongs to an agency: give its id.")
    if agency_id and session.get(Agency, agency_id) is None:
        raise ValueError(f"no agency has the id {agency_id!r}.")


def set_password(session: Session, name: str, password: str | None = None, by: Person | None = None) -> str:
    """A new password, generated unless given; every session, token and invitation of the person ends."""
    person = named(session, name)
    password = check_password(password) if password else secrets.token_urlsafe(18)
    person.password = _hasher().hash(password)
    _end_all(session, person)
    audit.write(session, by, "user.password", f"person:{person.id}")
    return password


def change_password(session: Session, person: Person, old: str, new: str, address: str) -> None:
    """A person's own new password, for who knows the old one. Raises SignInRefused, PasswordRefused; the caller commits the
    former, so that attempts count: guessing is slowed as at the door."""
    _not_too_often(session, person.name, address)
    if not knows_password(person, old):
        raise _refused(session, person.name, address, "sign_in.refused")
    set_password(session, person.name, check_password(new), by=person)


def disable(session: Session, name: str, by: Person | None = None, *, disabled: bool = True) -> Person:
    """Close (or reopen) an account; closing ends its sessions and tokens. The last administrator stays."""
    person = named(session, name)
    if disabled:
        _keep_an_administrator(session, person)
    person.disabled = disabled
    if disabled:
        _end_all(session, person)
    audit.write(session, by, "user.disable" if disabled else "user.enable", f"person:{person.id}")
    return person


def change_role(
    session: Session, person: Person, role: str, agency_id: str | None = None, by: Person | None = None
) -> bool:
    """Another role, or another agency of a focal point; False if it is theirs already. ValueError names what is wrong.

    Their sessions and tokens end, for these were given to another role, and the leaves that no longer fit. The last
    administrator stays one.
    """
    _fits(session, role, agency_id)
    before, after = (person.role, person.agency_id), (role, agency_id if role == "focal" else None)
    if before == after:
        return False
    if role != "admin":
        _keep_an_administrator(session, person)
    person.role, person.agency_id = after
    _end_sign_ins(session, person)
    portfolio.end_unfit_leaves(session, person, by)
    told = {"from": [one for one in before if one], "to": [one for one in after if one]}
    audit.write(session, by, "user.role", f"person:{person.id}", **told)
    return True


def named(session: Session, name: str) -> Person:
    """The person of that name. ValueError if there is none."""
    person = session.scalar(select(Person).where(func.lower(Person.name) == name.strip().lower()))
    if person is None:
        raise ValueError(f"nobody is named {name!r}.")
    return person


def knows_password(person: Person, password: str) -> bool:
    """Whether `password` is the person's."""
    return _hasher().verify(password[:1024], person.password)


# ---- sessions ------------------------------------------------------------------------------------------------------


def sign_in(
    session: Session, name: str, password: str, address: str, *, label: str = "", required: Collection[str] = ()
) -> tuple[str, SignIn]:
    """A new session and its secret. Raises SignInRefused; the caller commits either way, so that attempts count.

    It still owes its code if the person has a second factor, or has a role of `required` and must set one up.
    """
    _not_too_often(session, name, address)
    person = session.scalar(select(Person).where(func.lower(Person.name) == name.strip().lower()))
    known = _hasher().verify(password[:1024], person.password if person else _nobody())
    if person is None or person.disabled or not known:
        raise _refused(session, name, address, "sign_in.refused")
    secret, row = _issue(session, person, "session", label=label[:120])
    row.second_factor = person.totp is None and person.role not in required
    audit.write(session, person, "sign_in" if row.second_factor else "sign_in.half", f"person:{person.id}")
    return secret, row


def give_code(session: Session, row: SignIn, code: str, address: str, seal: Seal) -> str:
    """The code that a session owed: it is whole now, under a new secret. Raises SignInRefused, as confirm_code does."""
    confirm_code(session, row.person, code, address, seal)
    return complete(session, row)


def confirm_code(session: Session, person: Person, code: str, address: str, seal: Seal) -> None:
    """Take a code of the second factor. Raises SignInRefused; guessing is slowed as for passwords."""
    _not_too_often(session, person.name, address)
    try:
        known = totp.check(session, person, code[:100], seal)
    except totp.Unreadable:
        log.error(UNREADABLE, person.name)
        raise _refused(session, person.name, address, "sign_in.code_unreadable", "unreadable") from None
    if not known:
        raise _refused(session, person.name, address, "sign_in.code_refused")


def complete(session: Session, row: SignIn) -> str:
    """A session that owes nothing any more, under a new secret."""
    secret = secrets.token_urlsafe(32)
    row.secret_hash, row.csrf, row.second_factor = _digest(secret), secrets.token_urlsafe(32), True
    audit.write(session, row.person, "sign_in", f"person:{row.person_id}")
    return secret


def _not_too_often(session: Session, name: str, address: str) -> None:
    since = now() - WINDOW
    for column, value in ((SignInAttempt.name, name.lower()[:60]), (SignInAttempt.address, address[:64])):
        if session.scalar(select(func.count()).where(column == value, SignInAttempt.at > since)) >= ATTEMPTS:  # type: ignore[operator]
            audit.write(session, None, "sign_in.too_many", name=name[:60])
            raise SignInRefused("too_many")


def _refused(session: Session, name: str, address: str, action: str, why: str = "wrong") -> SignInRefused:
    session.add(SignInAttempt(name=name.lower()[:60], address=address[:64]))
    audit.write(session, None, action, name=name[:60])
    return SignInRefused(why)


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


def sign_out(session: Session, row: SignIn) -> None:
    """End one session."""
    row.ended_at = now()
    audit.write(session, row.person, "sign_out", f"person:{row.person_id}")


def sessions_of(session: Session, person: Person, settings: Settings) -> Sequence[SignIn]:
    """The live sessions of a person, the one that was used last first."""
    idle, oldest = now() - timedelta(minutes=settings.session_idle), now() - timedelta(hours=settings.session_length)
    live = _live(person, "session").where(SignIn.used_at >= idle, SignIn.created_at >= oldest)
    return session.scalars(live.order_by(SignIn.used_at.desc(), SignIn.id.desc())).all()


def tokens_of(session: Session, person: Person) -> Sequence[SignIn]:
    """The tokens of a person that were not ended, expired ones too, newest first."""
    return session.scalars(_live(person, "token").order_by(SignIn.id.desc())).all()


def end(session: Session, person: Person, number: int, by: Person | None = None) -> SignIn | None:
    """End one session or token of `person`; None if they have no such one."""
    row = session.get(SignIn, number)
    if row is None or row.person_id != person.id or row.ended_at is not None:
        return None
    row.ended_at = now()
    audit.write(session, by, f"{row.kind}.end", f"person:{person.id}", number=row.id, label=row.label)
    return row


def end_sessions(session: Session, person: Person, by: Person | None = None, *, but: SignIn | None = None) -> int:
    """End every session of `person`, except one of theirs perhaps; tokens stay. Returns how many."""
    others = SignIn.id != (but.id if but else 0)
    rows = session.scalars(_live(person, "session").where(others)).all()
    for row in rows:
        row.ended_at = now()
    if rows:
        audit.write(session, by, "session.end_all", f"person:{person.id}", count=len(rows))
    return len(rows)


def _live(person: Person, kind: str) -> Select[SignIn]:
    return select(SignIn).where(SignIn.person_id == person.id, SignIn.kind == kind, SignIn.ended_at.is_(None))


# ---- tokens of the API ---------------------------------------------------------------------------------------------


def token_of(session: Session, secret: str, at: datetime | None = None) -> SignIn | None:
    """The live API token behind a bearer secret, its last use noted."""
    at = at or now()
    row = _find(session, secret, "token")
    if row is None or (row.expires_at is not None and row.expires_at <= at):
        return None
    if at - row.used_at > REFRESH:
        row.used_at = at
    return row


def make_token(
    session: Session,
    name: str,
    by: Person | None = None,
    *,
    label: str = "",
    scopes: Sequence[str] = (),
    days: int | None = None,
) -> str:
    """A token for the API, for some scopes (the usual ones, if none is named) and days; its secret is returned once.

    ValueError says which scope there is none of, or that it is beyond what the person may do.
    """
    person = named(session, name)
    if person.disabled:
        raise ValueError(f"{name} is disabled; a token would not work.")
    own, usual = access.scopes_of(person), access.usual_scopes(person)
    if beyond := [scope for scope in scopes if scope not in own]:
        raise ValueError(f"{', '.join(beyond)}: no scope of {name}, who has {', '.join(own) or 'none'}.")
    if days is not None and not 1 <= days <= LONGEST_TOKEN:
        raise ValueError(f"a token lasts 1 to {LONGEST_TOKEN} days.")
    secret, row = _issue(session, person, "token", label=label.strip()[:120], scopes=list(scopes or usual))
    row.expires_at = now() + timedelta(days=days) if days else None
    audit.write(session, by, "user.token", f"person:{person.id}", label=row.label, scopes=row.scopes, days=days)
    return secret


def _issue(session: Session, person: Person, kind: str, **more: Any) -> tuple[str, SignIn]:
    secret, at = secrets.token_urlsafe(32), now()
    row = SignIn(person=person, kind=kind, secret_hash=_digest(secret), csrf=secrets.token_urlsafe(32), **more)
    row.created_at = row.used_at = at  # equal until it is used
    session.add(row)
    session.flush()
    return secret, row


def _find(session: Session, secret: str, kind: str) -> SignIn | None:
    row = session.scalar(
        select(SignIn).where(SignIn.secret_hash == _digest(secret), SignIn.kind == kind, SignIn.ended_at.is_(None))
    )
    return row if row and not row.person.disabled else None


def _end_sign_ins(session: Session, person: Person) -> None:
    session.execute(
        update(SignIn).where(SignIn.person_id == person.id, SignIn.ended_at.is_(None)).values(ended_at=now())
    )


def _end_all(session: Session, person: Person) -> None:
    _end_sign_ins(session, person)
    session.execute(
        update(Invitation).where(Invitation.person_id == person.id, Invitation.used_at.is_(None)).values(used_at=now())
    )


def _keep_an_administrator(session: Session, person: Person) -> None:
    """Raises LastAdministrator if `person` is that. Of two who go at once, the second waits for the first and stays."""
    active = (Person.role == "admin", Person.disabled.is_(False))
    held = update(Person).where(*active).values(role=Person.role).execution_options(synchronize_session=False)
    if person.role == "admin" and not person.disabled and session.execute(held).rowcount == 1:  # type: ignore[attr-defined]
        raise LastAdministrator(person.name)


def check_password(password: str) -> str:
    """The password. PasswordRefused if it is too short, or one of those that are tried first."""
    if len(password) < SHORTEST:
        raise PasswordRefused(
            "short", f"a password needs at least {SHORTEST} characters; a sentence is easy to remember."
        )
    if password.lower() in _common() or len(set(password)) < FEWEST_LETTERS:
        raise PasswordRefused("common", "this password is one of the first to be tried; a sentence is a better one.")
    return password


@cache
def _common() -> frozenset[str]:
    """Passwords that are long enough, and tried first all the same."""
    return frozenset(COMMON.read_text(encoding="utf-8").split())


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
