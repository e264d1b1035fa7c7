"""An accepted candidate is told to the agency's contact, and a source in trouble to the operator: an outbox, filled in the
transaction of what is told and emptied by a job.

A message that cannot be delivered is tried again after growing waits; after the last it is `failed`, stands on the contacts
page, and goes out once more when an administrator says so. Nothing is dropped in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, update
from sqlalchemy.orm import Session, joinedload

from intake import bulletin
from intake.courier import GUARDED, AddressRefused, NotDelivered, Ways, carry, check_form, one_line
from intake.database import Sessions
from intake.models import AgencyContact, Alert, Candidate, Case, Decision, Mention, Person, SourceState, now
from intake.people import audit
from intake.start import press_of
from nlp.jurisdiction import load_jurisdiction, load_taxonomy

log = logging.getLogger(__name__)

# How old a message is when it is tried for the first, the second ... and the last time. A mail server that is down over
# night, or a weekend's morning, costs no message.
TRIED_AFTER = tuple(timedelta(minutes=m) for m in (0, 1, 5, 20, 60, 3 * 60, 8 * 60, 16 * 60, 28 * 60))
ATTEMPTS = len(TRIED_AFTER)
LINKED = 5  # articles linked in one message

Post = Callable[[str, str, str], bool]  # address, subject, body -> delivered


def write(session: Session, decision: Decision, candidate: Candidate, case: Case) -> int:
    """Put a message to each active contact of the answerable agency into the outbox. Returns how many."""
    contacts = session.scalars(
        select(AgencyContact).where(AgencyContact.agency_id == candidate.agency_id, AgencyContact.active)
    ).all()
    for contact in contacts:
        subject, body = _message(session, candidate, case, contact)
        session.add(Alert(decision_id=decision.id, contact_id=contact.id, subject=subject, body=body))
    return len(contacts)


def write_news(session: Session, *, operator: bool) -> int:
    """Put what is news of sources into the outbox, all in one message, if there is an operator to be told.

    Returns of how many sources. Where it goes is known when it is sent.
    """
    rows = session.scalars(select(SourceState).where(SourceState.news_at.is_not(None)).order_by(SourceState.name)).all()
    if rows and operator:
        subject, body = bulletin.message(rows)
        session.add(Alert(subject=one_line(subject), body=body))
    for row in rows:
        row.news_at = None
    return len(rows)


def withdraw(session: Session, decision: Decision) -> None:
    """The decision was undone: what was not sent yet is not sent."""
    session.execute(
        update(Alert)
        .where(Alert.decision_id == decision.id, Alert.state.in_(("waiting", "failed")))
        .values(state="withdrawn")
    )


def send_waiting(
    sessions: Sessions,
    limit: int = 50,
    post: Post | None = None,
    at: datetime | None = None,
    *,
    ways: Ways = Ways(),
    operator: str | None = None,
) -> int:
    """Send what is due, each message outside any transaction. Returns how many were delivered.

    At least once: a crash between sending and noting it can repeat a message, never lose one. What is for the operator
    waits while no address is configured.
    """
    has_address = or_(Alert.contact_id.is_not(None), literal(operator is not None))
    with sessions.begin() as session:
        rows = session.execute(
            select(Alert.id, AgencyContact.address, Alert.subject, Alert.body)
            .outerjoin(AgencyContact, AgencyContact.id == Alert.contact_id)
            .where(Alert.state == "waiting", _is_due(at or now()), has_address)
            .order_by(Alert.id)
            .limit(limit)
        ).all()
    sent = 0
    for alert_id, address, subject, body in rows:
        error = _deliver(post or partial(_post, ways), address or operator or "", subject, body, ways)
        sent += not error
        with sessions.begin() as session:
            _note(session, alert_id, error)
    return sent


def undelivered(session: Session, limit: int = 100) -> Sequence[Alert]:
    """Messages that failed for good, and those that failed so far, newest first."""
    return session.scalars(
        select(Alert)
        .options(joinedload(Alert.contact))
        .where(or_(Alert.state == "failed", and_(Alert.state == "waiting", Alert.error != "")))
        .order_by(Alert.state, Alert.id.desc())
        .limit(limit)
    ).all()


def failed(session: Session) -> int:
    """How many messages wait for somebody to look after them."""
    return session.scalar(select(func.count()).select_from(Alert).where(Alert.state == "failed")) or 0


def send_again(session: Session, alert_id: int, by: Person | None = None) -> Alert | None:
    """Put a failed message into the outbox as if it were new, with all its tries. None if there is no failed one."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.state != "failed":
        return None
    alert.state, alert.attempts, alert.created_at = "waiting", 0, now()
    audit.write(session, by, "alert.again", f"alert:{alert.id}", contact=alert.contact_id)
    return alert


def next_try(alert: Alert) -> datetime | None:
    """When a waiting message is tried next; None for one that is not tried by itself any more."""
    waits = alert.state == "waiting" and alert.attempts < ATTEMPTS
    return alert.created_at + TRIED_AFTER[alert.attempts] if waits else None


def _is_due(at: datetime) -> ColumnElement[bool]:
    """Whether a message has reached the age of its next try."""
    return or_(
        *(and_(Alert.attempts == n, Alert.created_at <= at - age) for n, age in enumerate(TRIED_AFTER)),
    )


def _deliver(post: Post, address: str, subject: str, body: str, ways: Ways) -> str:
    """Empty if delivered, else why not."""
    try:
        check_form(address, ways)  # one that was saved long ago, under other rules
        return "" if post(address, subject, body) else "not_taken"
    except AddressRefused as error:
        return error.key
    except NotDelivered as error:
        return str(error)
    except Exception as error:  # whatever a delivery service does, the next message goes on
        log.warning("a message could not be sent: %s", error)
        return f"{type(error).__name__}: {error}"[:500]


def _note(session: Session, alert_id: int, error: str) -> None:
    alert = session.get_one(Alert, alert_id)
    alert.attempts += 1
    alert.error = error
    if error in GUARDED:
        audit.write(session, None, "alert.barred", f"alert:{alert.id}", error=error, contact=alert.contact_id)
    if not error:
        alert.state, alert.sent_at = "sent", now()
        audit.write(session, None, "alert.sent", f"alert:{alert.id}", contact=alert.contact_id)
    elif alert.attempts >= ATTEMPTS and alert.state == "waiting":  # not one that was withdrawn meanwhile
        alert.state = "failed"
        audit.write(session, None, "alert.failed", f"alert:{alert.id}", error=error)


def _post(ways: Ways, address: str, subject: str, body: str) -> bool:
    """By the courier; `console://` goes to the service log."""
    if address.startswith("console:"):
        log.warning("message\n%s\n%s", subject, body)
    else:
        carry(address, subject, body, ways)
    return True


def _message(session: Session, candidate: Candidate, case: Case, contact: AgencyContact) -> tuple[str, str]:
    """Issue, place, time, agency, links to articles. No author, no handle, no link to a person's profile."""
    taxonomy = load_taxonomy()
    sector = taxonomy.sectors[candidate.sector].id if candidate.sector else "Pelayanan publik"
    form = taxonomy.forms[candidate.form].id if candidate.form else "belum teridentifikasi"
    place = _place(candidate)
    links = session.scalars(
        select(Mention.url)
        .where(Mention.candidate_id == candidate.id, Mention.kind == "article", Mention.url != "")
        .order_by(Mention.told_at)
        .limit(LINKED)
    ).all()
    invented = press_of(session, "") == "demo"
    lines = [
        *(["PERAGAAN: kejadian ini rekaan, tidak ada yang perlu diperiksa.", ""] if invented else []),
        f"Yth. {contact.name},",
        "",
        "Ombudsman mencatat pemberitaan atau unggahan publik tentang pelayanan instansi Saudara. "
        "Ini bukan laporan resmi, melainkan informasi untuk segera diperiksa.",
        "",
        f"Perihal   : {one_line(candidate.headline)}" if links else f"Perihal   : keluhan {sector.lower()}",
        f"Layanan   : {sector}",
        f"Dugaan maladministrasi: {form}",
        f"Tempat    : {place}",
        f"Waktu     : {_day(candidate.first_told_at)}",
        f"Terdengar : dari {candidate.voice_count} sumber berbeda",
        f"Instansi  : {candidate.agency.name if candidate.agency else '-'}",
        f"Nomor     : {case.number}",
        *(["", "Pemberitaan:", *links] if links else []),
    ]
    mark = "[Peragaan] " if invented else ""
    return one_line(f"{mark}[Kentongan {case.number}] {sector}, {place}"), "\n".join(lines)


def _place(candidate: Candidate) -> str:
    tables = load_jurisdiction()
    names = (
        [tables.districts[candidate.district].name]
        if candidate.district and candidate.district in tables.districts
        else []
    )
    names += [tables.regions[candidate.region].name] if candidate.region and candidate.region in tables.regions else []
    return ", ".join(names) or "belum diketahui"


def _day(moment: datetime) -> str:
    from babel.dates import format_date

    from intake.casework.cases import WIB

    return format_date(moment.astimezone(WIB), "d MMMM y", locale="id")
