"""A case is told to the agency's contact, and a source in trouble to the operator: an outbox, filled in the transaction of
what is told and emptied by a job. The link of a referral is put in as the message leaves, and stands nowhere here.

A message that cannot be delivered is tried again after growing waits; after the last it is `failed`, stands on the contacts
page, and goes out once more when an administrator says so. Nothing is dropped in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Text, and_, case, func, literal, or_, select, update
from sqlalchemy.orm import Session, joinedload

from intake import bulletin
from intake.casework import brief, referrals
from intake.casework.referrals import Links
from intake.courier import GUARDED, AddressRefused, NotDelivered, Ways, carry, check_form, one_line
from intake.database import Sessions
from intake.masking import covered
from intake.models import AgencyContact, Alert, Candidate, Case, Decision, Person, Referral, SourceState, now
from intake.people import audit
from intake.start import press_of

log = logging.getLogger(__name__)

# How old a message is when it is tried for the first, the second ... and the last time. A mail server that is down over
# night, or a weekend's morning, costs no message.
TRIED_AFTER = tuple(timedelta(minutes=m) for m in (0, 1, 5, 20, 60, 3 * 60, 8 * 60, 16 * 60, 28 * 60))
ATTEMPTS = len(TRIED_AFTER)
TOLD = ("refer", "rco")  # tracks on which accepting a candidate tells the agency

Post = Callable[[str, str, str], bool]  # address, subject, body -> delivered


def write(session: Session, decision: Decision, candidate: Candidate, case: Case) -> int:
    """Refer an accepted candidate to each active contact of the answerable agency, if its track tells them at once.

    Returns to how many.
    """
    if case.track not in TOLD:
        return 0
    contacts = session.scalars(
        select(AgencyContact).where(AgencyContact.agency_id == candidate.agency_id, AgencyContact.active)
    ).all()
    for contact in contacts:
        referral = referrals.make(session, case, contact, decision.person)
        write_referral(session, case, referral, decision)
    return len(contacts)


def write_referral(session: Session, case: Case, referral: Referral, decision: Decision | None = None) -> Alert:
    """Put what a focal point is asked into the outbox."""
    subject, body = _message(session, case, referral)
    return _put(session, referral, subject, body, decision)


def write_question(session: Session, case: Case, referral: Referral, question: str) -> Alert:
    """Put a question after a referral's progress into the outbox."""
    subject, body = _question(session, case, referral, question)
    return _put(session, referral, subject, body)


def _put(session: Session, referral: Referral, subject: str, body: str, decision: Decision | None = None) -> Alert:
    alert = Alert(
        decision_id=decision.id if decision else None,
        contact_id=referral.contact_id,
        referral_id=referral.id,
        subject=one_line(subject),
        body=body,
    )
    session.add(alert)
    session.flush()
    return alert


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
    _withdraw(session, Alert.decision_id == decision.id)


def withdraw_referrals(session: Session, case: Case, referral_id: int | None = None) -> None:
    """A referral of a case, or all of them, were revoked: what was not sent yet is not sent."""
    ids = select(Referral.id).where(Referral.case_id == case.id)
    _withdraw(session, Alert.referral_id.in_(ids if referral_id is None else [referral_id]))


def _withdraw(session: Session, which: ColumnElement[bool]) -> None:
    unsent = Alert.state.in_(("waiting", "failed"))
    statement = update(Alert).where(which, unsent).values(state="withdrawn")
    session.execute(statement.execution_options(synchronize_session="fetch"))


def send_waiting(
    sessions: Sessions,
    limit: int = 50,
    post: Post | None = None,
    at: datetime | None = None,
    *,
    ways: Ways = Ways(),
    operator: str | None = None,
    links: Links | None = None,
) -> int:
    """Send what is due, each message outside any transaction. Returns how many were delivered.

    At least once: a crash between sending and noting it can repeat a message, never lose one. What is for the operator
    or for a person waits while they have no address. `links`: makes the link of a referral, as its message leaves.
    """
    to = case(
        (Alert.contact_id.is_not(None), AgencyContact.address),
        (Alert.person_id.is_not(None), case((Person.disabled.is_(False), Person.address))),
        else_=literal(operator, Text),
    )
    with sessions.begin() as session:
        rows = session.execute(
            select(Alert.id, to, Alert.subject, Alert.body, Referral)
            .outerjoin(AgencyContact, AgencyContact.id == Alert.contact_id)
            .outerjoin(Person, Person.id == Alert.person_id)
            .outerjoin(Referral, Referral.id == Alert.referral_id)
            .where(Alert.state == "waiting", _is_due(at or now()), to.is_not(None))
            .order_by(Alert.id)
            .limit(limit)
        ).all()
    sent = 0
    for alert_id, address, subject, body, referral in rows:
        whole = body + _how_to_answer(referral, links) if referral else body
        error = _deliver(post or partial(_post, ways), address, subject, whole, ways)
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


def _message(session: Session, case: Case, referral: Referral) -> tuple[str, str]:
    """Issue, place, time, agency, links to articles, and what is asked."""
    about = brief.of(session, case)
    lines = [
        *_greeting(session, referral),
        "Ombudsman mencatat pemberitaan atau unggahan publik tentang pelayanan instansi Saudara. "
        "Ini bukan laporan resmi, melainkan informasi untuk segera diperiksa.",
        "",
        f"Perihal   : {about.subject}",
        f"Layanan   : {about.service}",
        f"Dugaan maladministrasi: {about.form}",
        f"Tempat    : {about.place}",
        f"Waktu     : {about.day}",
        f"Terdengar : dari {about.voices} sumber berbeda",
        f"Instansi  : {referral.agency.name}",
        f"Nomor     : {case.number}",
        *(["", "Pemberitaan:", *(article.url for article in about.articles)] if about.articles else []),
        "",
        covered(referral.question),
    ]
    return _subject(session, case, f"{about.service}, {about.place}"), "\n".join(lines)


def _question(session: Session, case: Case, referral: Referral, question: str) -> tuple[str, str]:
    asked = covered(question) or "Mohon Saudara menyampaikan perkembangan penanganan hal ini."
    told = f"Perkara nomor {case.number} telah kami sampaikan pada {brief.day_in_words(referral.created_at)}."
    return _subject(session, case, "perkembangan"), "\n".join([*_greeting(session, referral), told, "", asked])


def _greeting(session: Session, referral: Referral) -> list[str]:
    invented = ["PERAGAAN: kejadian ini rekaan, tidak ada yang perlu diperiksa.", ""]
    name = referral.contact.name if referral.contact else referral.agency.name
    return [*(invented if press_of(session, "") == "demo" else []), f"Yth. {name},", ""]


def _subject(session: Session, case: Case, about: str) -> str:
    mark = "[Peragaan] " if press_of(session, "") == "demo" else ""
    return f"{mark}[Kentongan {case.number}] {about}"


def _how_to_answer(referral: Referral, links: Links | None) -> str:
    """The end of a message: the link, or where else an answer goes."""
    address = links.address(referral) if links else None
    if address is None:
        return "\n\nJawaban disampaikan kepada petugas Ombudsman yang menangani nomor ini."
    return (
        "\n\nTanda terima dan jawaban disampaikan melalui tautan berikut, tanpa akun, sampai "
        f"{brief.day_in_words(referral.expires_at)}. Tautan ini untuk Saudara; mohon tidak diteruskan ke pihak lain."
        f"\n\n{address}"
    )
