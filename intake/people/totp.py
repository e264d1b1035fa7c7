"""The second factor: a code of six digits that changes every half minute (RFC 6238), and recovery codes for when it is lost.

Its secret stands in the database sealed (intake/people/seal.py), recovery codes as hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

import pyotp
import segno
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake.models import Person, now
from intake.people import audit
from intake.people.seal import Seal

STEP = 30  # seconds a code is shown
DRIFT = 1  # steps a clock may be off
RECOVERY_CODES = 10
_SECRET = re.compile(r"[A-Z2-7]{32}")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another


class Unreadable(Exception):
    """The secret of a second factor was sealed with another key than this installation has."""


def new_secret() -> str:
    """160 random bits, as apps take them."""
    return pyotp.random_base32()


def is_secret(text: str) -> bool:
    """Whether `text` is one that `new_secret` can make."""
    return _SECRET.fullmatch(text) is not None


def spelled(secret: str) -> str:
    """The secret in groups of four, for typing."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def picture(secret: str, name: str) -> tuple[int, str]:
    """A QR code for the app: how many squares it is wide, and the outline of the black ones as an SVG path."""
    code = segno.make(pyotp.TOTP(secret, name=name, issuer="Kentongan").provisioning_uri(), error="m")
    rows = [list(row) for row in code.matrix_iter(border=4)]
    squares = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return len(rows), "".join(squares)


def enrol(
    session: Session, person: Person, secret: str, code: str, seal: Seal, at: datetime | None = None
) -> list[str] | None:
    """Take `secret` as the second factor if `code` comes from it; returns recovery codes, which are not shown again."""
    step = _step_of(secret, code, at or now()) if is_secret(secret) else None
    if step is None:
        return None
    person.totp, person.totp_used = _sealed(secret, person, seal), step
    audit.write(session, person, "second_factor.enrol", f"person:{person.id}")
    return renew_recovery(session, person)


def renew_recovery(session: Session, person: Person) -> list[str]:
    """Ten new recovery codes; the old ones are void."""
    codes = [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(3)) for _ in range(RECOVERY_CODES)
    ]
    person.recovery = [_digest(code) for code in codes]
    audit.write(session, person, "second_factor.recovery", f"person:{person.id}")
    return codes


def check(session: Session, person: Person, code: str, seal: Seal, at: datetime | None = None) -> bool:
    """Whether `code` is the one of now, give or take a step, or a recovery code; either is taken once only.

    Raises Unreadable if the key is another one and `code` no recovery code: these are taken all the same.
    """
    _lock(session, person)
    if person.totp is None:
        return False
    secret = _secret_of(person, seal)
    step = _step_of(secret, code, at or now(), after=person.totp_used) if secret else None
    if step is not None:
        person.totp_used = step
        return True
    digest = _digest(code)
    left = [one for one in person.recovery if not hmac.compare_digest(one, digest)]
    if len(left) == len(person.recovery):
        if secret is None:
            raise Unreadable
        return False
    person.recovery = left
    audit.write(session, person, "second_factor.recovered", f"person:{person.id}", left=len(left))
    return True


def remove(session: Session, person: Person, by: Person | None) -> None:
    """Forget the second factor: by the person, or by an administrator for somebody who lost it."""
    person.totp, person.totp_used, person.recovery = None, None, []
    audit.write(session, by, "second_factor.remove", f"person:{person.id}")


def seal_plain(session: Session, seal: Seal) -> int:
    """Seal what an older version kept as it is; returns how many. Only for whoever checks codes with the same seal."""
    rows = [row for row in session.scalars(select(Person).where(Person.totp.is_not(None))) if is_secret(row.totp or "")]
    for row in rows:
        row.totp = _sealed(row.totp or "", row, seal)
    return len(rows)


def _sealed(secret: str, person: Person, seal: Seal) -> str:
    return seal.close(base64.b32decode(secret), person.id)


def _secret_of(person: Person, seal: Seal) -> str | None:
    """The secret of a second factor; None if it cannot be read. One that was kept as it is, is sealed now."""
    kept = person.totp or ""
    if is_secret(kept):
        person.totp = _sealed(kept, person, seal)
        return kept
    secret = seal.open(kept, person.id)
    return base64.b32encode(secret).decode() if secret else None


def _step_of(secret: str, code: str, at: datetime, after: int | None = None) -> int | None:
    """The step of time whose code this is; None if it is of none near `at`, or of none later than `after`."""
    given = "".join(code.split())
    if not (given.isascii() and given.isdigit() and len(given) == 6):
        return None
    middle, found = int(at.timestamp()) // STEP, None
    for step in range(middle - DRIFT, middle + DRIFT + 1):
        if hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP), given) and step > (after or 0):
            found = step
    return found


def _lock(session: Session, person: Person) -> None:
    """Of two requests with one code, the second waits for the first and sees that it is used."""
    session.execute(
        update(Person)
        .where(Person.id == person.id)
        .values(totp_used=Person.totp_used)
        .execution_options(synchronize_session=False)
    )
    session.refresh(person, ["totp", "totp_used", "recovery"])


def _digest(code: str) -> str:
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
