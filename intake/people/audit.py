"""Who did what: a row in the transaction of the deed, chained to the row before it by its hash.

The database refuses to change or delete a row (migration 0005). What whoever owns the database could still do to it, `verify`
finds: alone what was edited, deleted, inserted or moved; with anchors, kept outside, also a log written anew or cut short.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from intake.models import AuditHead, AuditRow, Person, now
from intake.people import access
from intake.review.errors import Invalid, NotAllowed

SHORTEST_REASON = 5  # characters
REFUSED_AGAIN = timedelta(hours=1)  # the same refusal of the same person is noted once in that time
STEP = 1000  # rows held at once
_ANCHOR = re.compile(r"([1-9]\d{0,17}) ([0-9a-f]{64}) (\S{20,40})")


def write(session: Session, person: Person | None, action: str, subject: str = "", **detail: Any) -> AuditRow:
    """Append an audit row; `person` None stands for the program or its command line.

    Whoever appends holds the end of the chain until the transaction is over, so that it has no gap and no fork.
    """
    session.flush()
    place, before = _end(session)
    row = AuditRow(
        place=place,
        at=now(),
        person_id=person.id if person else None,
        action=action,
        subject=subject,
        detail=json.loads(json.dumps(detail, default=str)),
    )
    row.hash = hash_of(before, row)
    session.add(row)
    session.execute(_head().values(count=place, hash=row.hash))
    session.flush()
    return row


def unmask(session: Session, person: Person, subject: str, reason: str) -> AuditRow:
    """Note that `person` is shown what is covered, `subject` of what (mention:12), and why. Raises NotAllowed, Invalid."""
    if not access.may(person, "mention.unmask"):
        raise NotAllowed("may_not_unmask", role=person.role)
    why = reason.replace("\0", "").strip()
    if len(why) < SHORTEST_REASON:
        raise Invalid("needs_unmask_reason")
    return write(session, person, "pii.unmask", subject, reason=why[:500])


def refused(session: Session, person: Person, tried: str, path: str) -> None:
    """Note that `person` may not do what they `tried`, at which address: its pattern, for the address may hold a secret.

    Once an hour for each person and thing that is tried, so that nobody floods the log.
    """
    noted = select(AuditRow.id).where(
        AuditRow.subject == tried,
        AuditRow.person_id == person.id,
        AuditRow.action == "access.refused",
        AuditRow.at > now() - REFUSED_AGAIN,
    )
    if session.scalar(noted.limit(1)) is not None:
        return
    session.execute(_head().values(count=AuditHead.count))  # of two at once, the second waits, and looks again
    if session.scalar(noted.limit(1)) is None:
        write(session, person, "access.refused", tried, path=path)


def hash_of(before: str, row: AuditRow) -> str:
    """SHA-256 of the hash before it and all that a row says, in one fixed form."""
    at = row.at.astimezone(UTC).isoformat()  # in whatever zone the server tells it
    said = [before, row.place, at, row.person_id, row.action, row.subject, row.detail]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _end(session: Session) -> tuple[int, str]:
    """The place of the next row, and the hash of the last; locked by the update that counts it."""
    if session.execute(_head().values(count=AuditHead.count + 1)).rowcount == 0:  # type: ignore[attr-defined]
        session.execute(insert(AuditHead).values(id=1, count=1, hash=""))
    count, digest = session.execute(select(AuditHead.count, AuditHead.hash).where(AuditHead.id == 1)).one()
    return count, digest


def _head() -> Any:
    return update(AuditHead).where(AuditHead.id == 1).execution_options(synchronize_session=False)


# ---- is it whole? --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the chain was at one moment, kept outside the database."""

    place: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Verified:
    """Every row is as it was written, up to `place`; `anchors` of them were compared."""

    place: int
    hash: str
    anchors: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the log is not as it was written, and in which way."""

    place: int
    why: Literal["changed", "missing", "cut", "extra", "rewritten"]


def verify(session: Session, anchors: Sequence[Anchor] = ()) -> Verified | Broken:
    """Read the whole log and compute its chain again, a thousand rows at a time.

    - changed: a row does not follow from the one before it: it was edited, inserted, or moved there.
    - missing: no row has this place, and later ones have.
    - cut: the log ends before the place that its head, or an anchor, knows.
    - extra: there are rows after the end that the head knows.
    - rewritten: the chain is whole, and another one than the anchor, or the head, saw.
    """
    known = {anchor.place: anchor.hash for anchor in anchors}
    head = session.get(AuditHead, 1, populate_existing=True)
    count, end = (head.count, head.hash) if head else (0, "")
    place, digest = 0, ""
    for row in _rows(session):
        place += 1
        if row.place != place:
            return Broken(place, "missing")
        if row.hash != hash_of(digest, row):
            return Broken(place, "changed")
        digest = row.hash
        if known.get(place, digest) != digest:
            return Broken(place, "rewritten")
    if place < max(count, *known, 0):
        return Broken(place + 1, "cut")
    if place > count:
        return Broken(count + 1, "extra")
    return Verified(place, digest, len(known)) if digest == end else Broken(place, "rewritten")


def _rows(session: Session) -> Iterator[AuditRow]:
    """Every row in its order, some at a time; none stays in the session."""
    place: int | None = None
    while True:
        statement = select(AuditRow).order_by(AuditRow.place).limit(STEP)
        rows = session.scalars(statement if place is None else statement.where(AuditRow.place > place)).all()
        for row in rows:
            session.expunge(row)
        yield from rows
        if len(rows) < STEP:
            return
        place = rows[-1].place


# ---- anchors -------------------------------------------------------------------------------------------------------


def anchor(session: Session, path: Path) -> Anchor | None:
    """Append the end of the chain to the file, a line `place hash time`; None if it stands there, or nothing is logged."""
    head = session.get(AuditHead, 1, populate_existing=True)
    last = max((one.place for one in anchors_of(path)), default=0)
    if head is None or head.count <= last:
        return None
    made = Anchor(head.count, head.hash, now())
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{made.place} {made.hash} {made.at.isoformat(timespec='seconds')}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
    return made


def anchors_of(path: Path) -> list[Anchor]:
    """The anchors of a file, none if there is no file. ValueError names a line that is none."""
    lines: list[str] = []
    with suppress(FileNotFoundError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        parts = _ANCHOR.fullmatch(line)
        if parts is None:
            raise ValueError(f"{path}:{number} is no anchor: it was edited or cut off.")
        found.append(Anchor(int(parts[1]), parts[2], datetime.fromisoformat(parts[3])))
    return found


# ---- read ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the log is looked at; None does not narrow."""

    person_id: int | None = None  # 0: the program and its command line
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    session: Session, filters: Filters = Filters(), before: int | None = None, limit: int = 50
) -> tuple[Sequence[AuditRow], int | None]:
    """Rows of the log, newest first, and the place before which the next page begins."""
    statement = select(AuditRow).order_by(AuditRow.place.desc()).limit(limit + 1)
    exact: Mapping[Any, Any] = {
        AuditRow.person_id: filters.person_id,
        AuditRow.action: filters.action,
        AuditRow.subject: filters.subject,
    }
    for column, value in exact.items():
        if value is not None:
            statement = statement.where(column == value if value != 0 else column.is_(None))
    if filters.since is not None:
        statement = statement.where(AuditRow.at >= filters.since)
    if filters.until is not None:
        statement = statement.where(AuditRow.at < filters.until)
    if before is not None:
        statement = statement.where(AuditRow.place < before)
    rows = session.scalars(statement).all()
    return rows[:limit], rows[limit - 1].place if len(rows) > limit else None
