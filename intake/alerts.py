"""An accepted candidate is told to the agency's contact: an outbox, filled with the decision and emptied by a job."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake import audit
from intake.database import Sessions
from intake.models import AgencyContact, Alert, Candidate, Case, Decision, Mention, now
from nlp.jurisdiction import load_jurisdiction, load_taxonomy

log = logging.getLogger(__name__)

SCHEMES = ("mailto", "mailtos", "json", "jsons", "slack", "tgram", "msteams", "ntfys", "console")
ATTEMPTS = 5
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


def withdraw(session: Session, decision: Decision) -> None:
    """The decision was undone: what was not sent yet is not sent."""
    session.execute(
        update(Alert)
        .where(Alert.decision_id == decision.id, Alert.state.in_(("waiting", "failed")))
        .values(state="withdrawn")
    )


def send_waiting(sessions: Sessions, limit: int = 50, post: Post | None = None) -> int:
    """Send what waits, each message outside any transaction. Returns how many were delivered.

    At least once: a crash between sending and noting it can repeat a message, never lose one.
    """
    with sessions.begin() as session:
        rows = session.execute(
            select(Alert.id, AgencyContact.address, Alert.subject, Alert.body)
            .join(AgencyContact, AgencyContact.id == Alert.contact_id)
            .where(Alert.state == "waiting", Alert.attempts < ATTEMPTS)
            .order_by(Alert.id)
            .limit(limit)
        ).all()
    sent = 0
    for alert_id, address, subject, body in rows:
        error = _deliver(post or _post, address, subject, body)
        sent += not error
        with sessions.begin() as session:
            _note(session, alert_id, error)
    return sent


def check_address(address: str) -> None:
    """ValueError unless `address` is one we may send to."""
    scheme = urlsplit(address).scheme.lower()
    if scheme not in SCHEMES:
        raise ValueError(f"{scheme or address!r} is no way to send a message here; allowed: {', '.join(SCHEMES)}.")


def _deliver(post: Post, address: str, subject: str, body: str) -> str:
    """Empty if delivered, else why not."""
    try:
        check_address(address)
        return "" if post(address, subject, body) else "the service did not take the message"
    except Exception as error:  # whatever a delivery service does, the next message goes on
        log.warning("a message could not be sent: %s", error)
        return f"{type(error).__name__}: {error}"[:500]


def _note(session: Session, alert_id: int, error: str) -> None:
    alert = session.get_one(Alert, alert_id)
    alert.attempts += 1
    alert.error = error
    if not error:
        alert.state, alert.sent_at = "sent", now()
        audit.write(session, None, "alert.sent", f"alert:{alert.id}", contact=alert.contact_id)
    elif alert.attempts >= ATTEMPTS:
        alert.state = "failed"
        audit.write(session, None, "alert.failed", f"alert:{alert.id}", error=error)


def _post(address: str, subject: str, body: str) -> bool:
    """By Apprise; `console://` goes to the service log."""
    if address.startswith("console:"):
        log.warning("message\n%s\n%s", subject, body)
        return True
    import apprise

    service = apprise.Apprise()
    if not service.add(address):
        raise ValueError("the address is not complete")
    return bool(service.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT))


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
    lines = [
        f"Yth. {contact.name},",
        "",
        "Ombudsman mencatat pemberitaan atau unggahan publik tentang pelayanan instansi Saudara. "
        "Ini bukan laporan resmi, melainkan informasi untuk segera diperiksa.",
        "",
        f"Perihal   : {_line(candidate.headline)}" if links else f"Perihal   : keluhan {sector.lower()}",
        f"Layanan   : {sector}",
        f"Dugaan    : {form}",
        f"Tempat    : {place}",
        f"Waktu     : {_day(candidate.first_told_at)}",
        f"Suara     : {candidate.voice_count} sumber mandiri",
        f"Instansi  : {candidate.agency.name if candidate.agency else '-'}",
        f"Nomor     : {case.number}",
        *(["", "Pemberitaan:", *links] if links else []),
    ]
    return _line(f"[Kentongan {case.number}] {sector}, {place}"), "\n".join(lines)


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

    from intake.cases import WIB

    return format_date(moment.astimezone(WIB), "d MMMM y", locale="id")


def _line(text: str) -> str:
    """One line, whatever the text holds: nothing of it can become a header."""
    return re.sub(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", text).strip()
