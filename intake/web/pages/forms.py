"""What a form of the desk was filled in with, and what of that is decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Form
from rapidfuzz import fuzz, process, utils
from sqlalchemy.orm import Session

from intake.models import REASONS, Candidate, now
from intake.review import errors, queue
from intake.review.corrections import Values
from intake.web.present import Wrong
from intake.web.visitor import Visitor, agency_named

CLOSES = {reason: action for action, reasons in REASONS.items() for reason in reasons}
SNOOZES = (1, 3, 7)  # days
CODES = ("kind", "region", "district", "sector", "form", "urgency")  # what is corrected by choosing a code
NEAR, ALIKE = 3, 55  # agencies offered for a name that none has, and how alike they are at least, of 100
UNKNOWN = "-"  # chosen for several: that nobody can tell; empty leaves each as it is


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form of the desk was filled in with; which of it counts depends on the action."""

    version: int = 0
    action: str = ""
    track: str = ""
    reason: str = ""
    duplicate_of: str = ""
    days: int = 0  # put off for; 0: it comes back
    note: str = ""
    lease: str = ""
    mentions: Sequence[int] = ()
    agency: str = ""
    kind: str = ""
    region: str = ""
    district: str = ""
    sector: str = ""
    form: str = ""
    urgency: str = ""

    @property
    def token(self) -> int | None:
        return int(self.lease) if self.lease.isascii() and self.lease.isdigit() and len(self.lease) < 10 else None

    @property
    def original(self) -> int | None:
        number = self.duplicate_of.strip().lstrip("#")
        return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


Short = Annotated[str, Form(max_length=200)]
Small = Annotated[int, Form(ge=0, le=queue.MOST_ID)]


def _typed(
    version: Small = 0,
    action: Short = "",
    track: Short = "",
    reason: Short = "",
    duplicate_of: Short = "",
    days: Annotated[int, Form(ge=0, le=30)] = 0,
    note: Annotated[str, Form(max_length=2000)] = "",
    lease: Short = "",
    mentions: Annotated[list[int], Form()] = [],  # noqa: B006 - what FastAPI reads
    agency: Short = "",
    kind: Short = "",
    region: Short = "",
    district: Short = "",
    sector: Short = "",
    form: Short = "",
    urgency: Short = "",
) -> Typed:
    if action == "decide":  # one form for all that is told by the button alone
        action = "accept" if track else CLOSES.get(reason, "snooze")
    elif action == "close":
        action = CLOSES.get(reason, "not_relevant")
    ids = tuple(number for number in mentions if 0 < number <= queue.MOST_ID)
    codes = {"kind": kind, "region": region, "district": district, "sector": sector, "form": form, "urgency": urgency}
    return Typed(version, action, track, reason, duplicate_of, days, note, lease, ids, agency, **codes)


Given = Annotated[Typed, Depends(_typed)]


def order_of(who: Visitor, typed: Typed, candidate: Candidate | None) -> dict[str, Any]:
    """What is decided besides the action; of `candidate` only what it is not yet is corrected. Raises Wrong."""
    until = now() + timedelta(days=typed.days, minutes=-1) if typed.action == "snooze" and typed.days else None
    return {
        "track": typed.track or None,
        "reason": typed.reason or None,
        "duplicate_of": typed.original,
        "until": until,
        "mentions": typed.mentions,
        "fields": _fields(who.session, typed, candidate) if typed.action == "correct" else None,
        "note": typed.note,
    }


def _fields(session: Session, typed: Typed, candidate: Candidate | None) -> Values:
    return corrected(session, typed, candidate) if candidate else _corrected_of_several(session, typed)


def corrected(session: Session, typed: Typed, candidate: Candidate) -> Values:
    """What the form says of a candidate that it does not say of itself. Raises Wrong."""
    given = {name: getattr(typed, name) or None for name in CODES}
    changed = {name: value for name, value in given.items() if value != getattr(candidate, name)}
    if typed.agency.strip() != (candidate.agency.name if candidate.agency else ""):
        changed["agency_id"] = agency_named(session, typed.agency).id if typed.agency.strip() else None
    return changed


def _corrected_of_several(session: Session, typed: Typed) -> Values:
    """What was filled in; the rest stays as each of them has it. Raises Wrong where that is nothing."""
    chosen = {name: getattr(typed, name) for name in CODES if getattr(typed, name)}
    fields = {name: None if code == UNKNOWN else code for name, code in chosen.items()}
    if typed.agency.strip():
        fields["agency_id"] = agency_named(session, typed.agency).id
    if not fields:
        raise Wrong("correct_nothing")
    return fields


def near_names(given: str, names: Iterable[str]) -> list[str]:
    """The names of agencies that have most words of `given`, best first."""
    words = utils.default_process(given)
    found = process.extract(
        words, names, scorer=fuzz.token_set_ratio, processor=utils.default_process, limit=NEAR, score_cutoff=ALIKE
    )
    return [name for name, *_ in found]


def status_of(error: errors.ReviewError) -> int:
    return 409 if isinstance(error, errors.Conflict) else 403 if isinstance(error, errors.NotAllowed) else 422
