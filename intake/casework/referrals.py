"""A case before an agency's focal point: the signed link that needs no account, and what is answered through it.

A link is `public_url/rujukan/` and a token that says of which referral it is and until when, signed with the key of this
installation and for this purpose alone. It is made when the message is sent and kept nowhere. Who holds it can read what
`brief` tells, and answer; nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.casework import events
from intake.models import Agency, AgencyContact, Case, CaseEvent, Person, Referral, now
from intake.review.errors import Conflict, Invalid, NotAllowed, ReviewError
from intake.settings import Settings, pseudonym_key

SHORTEST = 10  # characters of an answer
MOST, WINDOW = 10, timedelta(minutes=10)  # answers of one referral
MOST_EVER = 60
TRIES = 10  # where others act on the case in the same moment
REPLIES = ("acknowledged", "answered", "not_ours", "progress")
LIFE = timedelta(days=30)  # of a link
QUESTIONS = {
    "rco": "Mohon Saudara segera memeriksa dan menangani hal ini karena menyangkut keselamatan jiwa atau hak yang segera "
    "hilang, mengirim tanda terima, lalu menyampaikan tindakan yang telah diambil.",
    "": "Mohon Saudara memeriksa hal ini, lalu menyampaikan penjelasan tertulis beserta tindak lanjut dan waktu "
    "penyelesaiannya.",
}


class LinkOver(ReviewError):
    """The link opens nothing more; `key`: forged, expired, revoked, withdrawn."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads the links of an installation."""

    key: bytes
    public_url: str | None = None

    def address(self, referral: Referral) -> str | None:
        """The link, or None while nobody said under which address the console is reached from outside."""
        return f"{self.public_url.rstrip('/')}/rujukan/{self.token(referral)}" if self.public_url else None

    def token(self, referral: Referral) -> str:
        return _signer(self.key, "link").dumps([referral.id, int(referral.expires_at.timestamp())])

    def read(self, token: str, at: datetime) -> int:
        """The id of the referral a token is of. Raises LinkOver."""
        number, until = _signed(_signer(self.key, "link"), token)
        if at.timestamp() >= until:
            raise LinkOver("expired")
        return number

    def form(self, referral: Referral, seen: int) -> str:
        """What a form of the page carries: it belongs to this referral, as it was after the event `seen`."""
        return _signer(self.key, "form").dumps([referral.id, seen])

    def seen(self, referral: Referral, form: str) -> int:
        """The event a form was made after. Raises LinkOver if it is none of this referral."""
        number, seen = _signed(_signer(self.key, "form"), form)
        if number != referral.id:
            raise LinkOver("forged")
        return seen


def links_of(settings: Settings) -> Links:
    return Links(pseudonym_key(settings), settings.public_url)


def _signer(key: bytes, purpose: str) -> URLSafeSerializer:
    how = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(key, salt=f"kentongan.referral.{purpose}", signer_kwargs=how)


def _signed(signer: URLSafeSerializer, token: str) -> tuple[int, int]:
    try:
        first, second = signer.loads(token)
    except BadSignature:
        raise LinkOver("forged") from None
    return first, second


# ---- making ----------------------------------------------------------------------------------------------------------


def make(session: Session, case: Case, contact: AgencyContact, person: Person | None, question: str = "") -> Referral:
    """Refer a case to a focal point. The message is the caller's."""
    question = events.plain(question) or QUESTIONS.get(case.track, QUESTIONS[""])
    referral = Referral(
        case_id=case.id,
        agency_id=contact.agency_id,
        contact_id=contact.id,
        question=question,
        expires_at=now() + LIFE,
    )
    session.add(referral)
    session.flush()
    events.write(session, case, "referred", person, question, referral, agency=contact.agency_id)
    session.expire(case, ["referrals"])
    return referral


def make_by_hand(
    session: Session, case: Case, agency_id: str, person: Person, *, way: str, day: date, to: str
) -> Referral:
    """That an agency was told by letter or telephone: a referral to nobody's address, from the day it was sent."""
    question = QUESTIONS.get(case.track, QUESTIONS[""])
    referral = Referral(case_id=case.id, agency_id=agency_id, question=question, expires_at=now())
    session.add(referral)
    session.flush()
    detail = {"agency": agency_id, "way": way, "day": day.isoformat()}
    events.write(session, case, "referred", person, to, referral, **detail)
    session.expire(case, ["referrals"])
    return referral


def revoke(session: Session, case: Case, referral: Referral, person: Person | None) -> None:
    """Its link opens nothing more, and its clocks are no clocks any more."""
    referral.revoked_at = now()
    events.write(session, case, "revoked", person, referral=referral)


# ---- answering -------------------------------------------------------------------------------------------------------


def by_link(session: Session, links: Links, token: str) -> tuple[Referral, Case]:
    """The referral behind a link, and its case. Raises LinkOver."""
    at = now()
    referral = session.get(Referral, links.read(token, at))
    if referral is None:
        raise LinkOver("forged")
    case = session.get_one(Case, referral.case_id)
    if referral.revoked_at is not None or (referral.contact and not referral.contact.active):
        raise LinkOver("withdrawn" if case.state == "withdrawn" else "revoked", number=case.number)
    return referral, case


def said(session: Session, referral: Referral) -> Sequence[CaseEvent]:
    """All that happened to a referral, in order."""
    statement = select(CaseEvent).where(CaseEvent.referral_id == referral.id, CaseEvent.case_id == referral.case_id)
    return session.scalars(statement.order_by(CaseEvent.id)).all()


def possible(case: Case, happened: Sequence[CaseEvent]) -> tuple[str, ...]:
    """How a focal point may reply now."""
    kinds = [event.kind for event in happened]
    if case.state != "open" or "not_ours" in kinds or "revoked" in kinds:
        return ()
    replied = {"acknowledged", "answered"} & set(kinds)
    last_asked = max((place for place, kind in enumerate(kinds) if kind == "asked"), default=-1)
    is_asked = last_asked >= 0 and "progress" not in kinds[last_asked:]
    allowed = {"acknowledged": not replied, "answered": True, "not_ours": "answered" not in kinds, "progress": is_asked}
    return tuple(kind for kind in REPLIES if allowed[kind])


def reply(
    session: Session,
    referral: Referral,
    kind: str,
    text: str,
    *,
    seen: int,
    person: Person | None = None,
    whose: Agency | str = "",
) -> CaseEvent:
    """What the agency says: through its link, or `person` with an account of that agency. Raises a ReviewError.

    `seen`: the last event of the referral that was shown. Sent twice, it is kept once. `whose`: with `not_ours`, who should
    be asked instead.
    """
    if person is not None and (person.role != "focal" or person.agency_id != referral.agency_id):
        raise NotAllowed("not_allowed", role=person.role)
    case, text = session.get_one(Case, referral.case_id), events.plain(text)
    detail = _elsewhere(whose) if kind == "not_ours" else {}
    for _ in range(TRIES):
        session.refresh(case)
        version, happened = case.version, said(session, referral)
        last = happened[-1]
        if last.id != seen:
            if (last.kind, last.text) == (kind, text) and len(happened) > 1 and happened[-2].id == seen:
                return last
            raise Conflict("referral_changed")
        _is_complete(case, happened, kind, text, detail)
        if events.raise_version(session, case, version):  # nothing happened to the case since it was looked at
            return events.write(session, case, kind, person, text, referral, **detail)
    raise Conflict("referral_changed")


def _elsewhere(whose: Agency | str) -> dict[str, str]:
    if isinstance(whose, Agency):
        return {"agency": whose.id}
    named = events.plain(whose)[:200]
    return {"whose": named} if named else {}


def _is_complete(case: Case, happened: Sequence[CaseEvent], kind: str, text: str, detail: dict[str, str]) -> None:
    if kind not in possible(case, happened):
        raise Invalid("no_reply_now")
    if kind in ("answered", "progress") and len(text) < SHORTEST:
        raise Invalid("needs_words", least=SHORTEST)
    if kind == "not_ours" and not detail:
        raise Invalid("needs_whose")
    theirs = [event for event in happened if event.kind in REPLIES]
    since = now() - WINDOW
    if len(theirs) >= MOST_EVER or sum(event.at > since for event in theirs) >= MOST:
        raise Invalid("too_many_replies", most=MOST)
