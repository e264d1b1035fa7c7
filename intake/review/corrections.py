"""What a person corrected stands above what is understood of the texts, now and of those still to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from intake.models import CORRECTABLE, DANGER, Agency, Candidate, Decision, not_undone
from intake.review import queue
from intake.review.errors import Invalid
from nlp.jurisdiction import load_jurisdiction, load_taxonomy

Values = dict[str, str | None]  # CORRECTABLE -> a code; None: there is none, or nobody can tell
SHORTEST_REASON = 5  # characters


@dataclass(frozen=True, slots=True)
class Label:
    """What a person made of a text in one respect, for training."""

    mention_id: int
    field: str  # one of CORRECTABLE
    old: str | None
    new: str | None
    person: str
    at: datetime


def checked(session: Session, candidate: Candidate, fields: Mapping[str, str | None], note: str) -> Values:
    """What would change, district and region brought to agree. Raises Invalid, with the name of the field.

    That there is no danger to life, where there seemed to be one, needs a note that says why.
    """
    for name, value in fields.items():
        if name not in CORRECTABLE or (value is not None and not _is_known(session, name, value)):
            raise Invalid("wrong_value", field=name)
    wanted = _with_agency(session, candidate, _with_district(candidate, fields))
    changed = {name: value for name, value in wanted.items() if value != getattr(candidate, name)}
    if not changed:
        raise Invalid("nothing_corrected")
    if "urgency" in changed and candidate.urgency == DANGER and len(note.strip()) < SHORTEST_REASON:
        raise Invalid("needs_lower_reason", field="urgency")
    return changed


def corrected(session: Session, candidate: Candidate) -> None:
    """Put what was corrected in the place of what was understood; the rank follows.

    A corrected agency brings its kind and needs no reason. An agency that is understood of a text, but is not of the kind
    that a person named, is none.
    """
    for name, value in candidate.corrections.items():
        setattr(candidate, name, value)
    if candidate.corrections.get("region"):
        candidate.place = "riau"
    agency = session.get(Agency, candidate.agency_id) if candidate.agency_id else None
    if "agency_id" in candidate.corrections:
        candidate.agency_reason = ""
        candidate.kind = agency.kind if agency else candidate.kind
    elif agency and "kind" in candidate.corrections and agency.kind != candidate.kind:
        candidate.agency_id, candidate.agency_reason = None, ""
    candidate.rank = queue.rank(candidate.urgency, candidate.p_failure, candidate.voice_count, candidate.last_told_at)


def danger_stays(candidate: Candidate, other: Candidate) -> None:
    """A danger to life that a person saw goes along with mentions that go to another candidate."""
    if candidate.corrections.get("urgency") == DANGER:
        other.corrections = other.corrections | {"urgency": DANGER}


def labels(session: Session) -> Iterator[Label]:
    """Every correction that was not undone, oldest first, once for each text it was made about."""
    standing = select(Decision).where(Decision.action == "correct", not_undone())
    in_order = standing.options(joinedload(Decision.person)).order_by(Decision.id)
    for decision in session.scalars(in_order.execution_options(yield_per=500)):
        for mention_id in map(int, decision.before["mentions"]):
            for field, (old, new) in decision.changes.items():
                yield Label(mention_id, field, old, new, decision.person.name, decision.at)


def _is_known(session: Session, name: str, value: str) -> bool:
    if name == "agency_id":
        return session.get(Agency, value) is not None
    tables, taxonomy = load_jurisdiction(), load_taxonomy()
    codes: Mapping[str, Mapping[str, object]] = {
        "region": tables.regions,
        "district": tables.districts,
        "sector": taxonomy.sectors,
        "form": taxonomy.forms,
        "kind": taxonomy.kinds,
        "urgency": taxonomy.urgencies,
    }
    return value in codes[name] and value != tables.province


def _with_district(candidate: Candidate, fields: Mapping[str, str | None]) -> Values:
    """A district brings its region; another region puts an end to a district that is not in it."""
    districts, wanted = load_jurisdiction().districts, dict(fields)
    if district := wanted.get("district"):
        region = districts[district].region
        if wanted.setdefault("region", region) != region:
            raise Invalid("wrong_value", field="district")
        return wanted
    present = districts.get(candidate.district or "")
    if "region" in wanted and present is not None and present.region != wanted["region"]:
        wanted["district"] = None
    return wanted


def _with_agency(session: Session, candidate: Candidate, wanted: Values) -> Values:
    """An agency brings its kind; another kind puts an end to an agency that is not of it."""
    named = session.get(Agency, wanted.get("agency_id") or candidate.agency_id or "")
    if "kind" not in wanted or named is None or named.kind == wanted["kind"]:
        return wanted
    if wanted.get("agency_id"):
        raise Invalid("wrong_value", field="kind")
    return wanted | {"agency_id": None}
