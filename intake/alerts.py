"""An accepted candidate is told to the agency's contact: an outbox, filled with the decision and emptied by a job.

A message that cannot be delivered is tried again after growing waits; after the last it is `failed`, stands on the contacts
page, and goes out once more when an administrator says so. Nothing is dropped in silence.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from intake import audit
from intake.database import Sessions
from intake.models import AgencyContact, Alert, Candidate, Case, Decision, Mention, Person, now
from intake.start import press_of
from nlp.jurisdiction import load_jurisdiction, load_taxonomy

log = logging.getLogger(__name__)

SCHEMES = ("mailto", "mailtos", "json", "jsons", "slack", "tgram", "msteams", "ntfys", "console")
WEB_SCHEMES = ("json", "jsons", "ntfys")  # the address itself names the host that is called
# How old a message is when it is tried for the first, the second ... and the last time. A mail server that is down over
# night, or a weekend's morning, costs no message.
TRIED_AFTER = tuple(timedelta(minutes=m) for m in (0, 1, 5, 20, 60, 3 * 60, 8 * 60, 16 * 60, 28 * 60))
ATTEMPTS = len(TRIED_AFTER)
LINKED = 5  # articles linked in one message
_MAIL = re.compile(r"[^\s@:/?#<>]{1,64}@[^\s@:/?#<>]{1,250}\.[^\s@:/?#<>.]{2,60}")

Post = Callable[[str, str, str], bool]  # address, subject, body -> delivered
Resolve = Callable[[str], Iterable[str]]  # name of a host -> its addresses in digits


class AddressRefused(ValueError):
    """An address we do not send to; `key` is a message key, `values` what it speaks of."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(f"{key} {values}" if values else key)
        self.key, self.values = key, values


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


def send_waiting(sessions: Sessions, limit: int = 50, post: Post | None = None, at: datetime | None = None) -> int:
    """Send what is due, each message outside any transaction. Returns how many were delivered.

    At least once: a crash between sending and noting it can repeat a message, never lose one.
    """
    with sessions.begin() as session:
        rows = session.execute(
            select(Alert.id, AgencyContact.address, Alert.subject, Alert.body)
            .join(AgencyContact, AgencyContact.id == Alert.contact_id)
            .where(Alert.state == "waiting", _is_due(at or now()))
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


def as_address(text: str) -> str:
    """What was typed as an address for messages: a plain e-mail address becomes `mailto://`."""
    text = text.strip()
    return f"mailto://{text}" if _MAIL.fullmatch(text) else text


def check_address(address: str, resolve: Resolve | None = None) -> None:
    """AddressRefused unless `address` is one we may send to.

    A web hook must lead to the public internet: whatever stands inside is not to be reached through us. A mail server may
    stand in the house, and `console://` goes nowhere. A name that cannot be resolved now is let through: it is asked again
    at each sending.
    """
    scheme = urlsplit(address).scheme.lower()
    if scheme not in SCHEMES:
        raise AddressRefused("address_way", given=scheme or address[:60])
    if scheme == "console":
        return
    import apprise

    service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise AddressRefused("address_incomplete", given=scheme)
    host = str(getattr(service, "host", "") or "") if scheme in WEB_SCHEMES else ""
    if host and (inner := _inner_address(host, resolve or _resolve)):
        raise AddressRefused("address_inside", host=host, address=inner)


def _inner_address(host: str, resolve: Resolve) -> str:
    """The first address of `host` that is not public; empty if all are."""
    from crawler.public import is_public

    return next((address for address in resolve(host) if not is_public(address)), "")


def _resolve(host: str) -> list[str]:
    """The addresses a connection would go to, numbers in odd notations included; none if the name is not found."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def _is_due(at: datetime) -> ColumnElement[bool]:
    """Whether a message has reached the age of its next try."""
    return or_(
        *(and_(Alert.attempts == n, Alert.created_at <= at - age) for n, age in enumerate(TRIED_AFTER)),
    )


def _deliver(post: Post, address: str, subject: str, body: str) -> str:
    """Empty if delivered, else why not."""
    try:
        check_address(address)
        return "" if post(address, subject, body) else "not_taken"
    except AddressRefused as error:
        return error.key
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
    elif alert.attempts >= ATTEMPTS and alert.state == "waiting":  # not one that was withdrawn meanwhile
        alert.state = "failed"
        audit.write(session, None, "alert.failed", f"alert:{alert.id}", error=error)


def _post(address: str, subject: str, body: str) -> bool:
    """By Apprise; `console://` goes to the service log. A redirect is not followed: it could lead inward."""
    if address.startswith("console:"):
        log.warning("message\n%s\n%s", subject, body)
        return True
    import apprise

    service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
    if not service.add(address):
        raise AddressRefused("address_incomplete", given=urlsplit(address).scheme)
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
    invented = press_of(session, "") == "demo"
    lines = [
        *(["PERAGAAN: kejadian ini rekaan, tidak ada yang perlu diperiksa.", ""] if invented else []),
        f"Yth. {contact.name},",
        "",
        "Ombudsman mencatat pemberitaan atau unggahan publik tentang pelayanan instansi Saudara. "
        "Ini bukan laporan resmi, melainkan informasi untuk segera diperiksa.",
        "",
        f"Perihal   : {_line(candidate.headline)}" if links else f"Perihal   : keluhan {sector.lower()}",
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
    return _line(f"{mark}[Kentongan {case.number}] {sector}, {place}"), "\n".join(lines)


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
