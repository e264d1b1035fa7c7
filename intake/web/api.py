"""The JSON API for queue and decisions, under /api/v1, with a bearer token of `kentongan user token`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import accounts, queue, review, sources
from intake.masking import masked
from intake.models import Candidate, Decision, Mention, Person
from intake.web.console import DB, Who

router = APIRouter(prefix="/api")
TITLES = {401: "Unauthorised", 403: "Forbidden", 404: "Not found", 409: "Conflict", 413: "Too large", 422: "Invalid"}


class CandidateOut(BaseModel):
    """One event waiting in the queue, or decided. Not a case, and its mentions are no formal reports."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    version: int = Field(description="name it when you decide")
    state: str
    headline: str
    sector: str | None
    form: str | None
    kind: str | None
    agency_id: str | None
    agency_reason: str
    place: str
    region: str | None
    district: str | None
    urgency: str | None
    p_failure: float = Field(description="calibrated probability, 0 to 1")
    mention_count: int
    voice_count: int = Field(description="independent voices: near-copies count once")
    source_count: int
    first_told_at: datetime
    last_told_at: datetime


class MentionOut(BaseModel):
    """A public text that tells of the event, personal data masked."""

    id: int
    kind: str
    source: str
    url: str
    title: str
    text: str
    told_at: datetime
    p_failure: float | None
    near_copy: bool


class CandidateDetail(CandidateOut):
    mentions: list[MentionOut]


class QueueOut(BaseModel):
    items: list[CandidateOut]
    next: str | None = Field(description="cursor of the next page; null: this was the last")


class DecisionIn(BaseModel):
    """What a person decides. `track` with accept, `reason` with reject, `duplicate_of` with duplicate."""

    model_config = ConfigDict(extra="forbid")

    candidate_id: int
    version: int
    action: Literal["accept", "reject", "duplicate", "watch", "reopen"]
    track: Literal["iaps", "rco", "invite", "refer"] | None = None
    reason: str | None = Field(None, max_length=24)
    duplicate_of: int | None = None
    note: str = Field("", max_length=2000)


class DecisionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    candidate_id: int
    action: str
    track: str | None
    reason: str | None
    duplicate_of: int | None
    note: str
    undoes: int | None
    at: datetime


class SourceOut(BaseModel):
    """A source and its health."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    adapter: str
    url: str
    enabled: bool
    probed: bool
    status: str | None
    visited_at: datetime | None
    success_at: datetime | None
    new_at: datetime | None
    notes: list[dict[str, str]]


def caller(request: Request, session: DB) -> Person:
    """The person behind the bearer token; a cookie is not taken."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    row = accounts.token_of(session, secret.strip()) if scheme.lower() == "bearer" and secret else None
    if row is None:
        raise HTTPException(401, "a bearer token is needed: kentongan user token NAME")
    return row.person


Caller = Annotated[Person, Depends(caller, scope="function")]


@router.get("/v1/queue")
def read_queue(
    session: DB,
    person: Caller,
    state: str = "candidate",
    region: str | None = None,
    sector: str | None = None,
    urgency: str | None = None,
    agency_id: str | None = None,
    text: Annotated[str | None, Query(max_length=100)] = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> QueueOut:
    """One page of the queue, in the order candidates should be looked at."""
    filters = queue.Filters(None if state == "all" else state, region, sector, urgency, agency_id, text)
    try:
        cursor = queue.Cursor.parse(after) if after else None
    except ValueError:
        raise HTTPException(422, "after: not a cursor of this API") from None
    page = queue.page(session, person, filters, cursor, limit)
    items = [CandidateOut.model_validate(item) for item in page.items]
    return QueueOut(items=items, next=str(page.next) if page.next else None)


@router.get("/v1/candidates/{candidate_id}")
def read_candidate(session: DB, person: Caller, candidate_id: int) -> CandidateDetail:
    """One candidate with its newest mentions."""
    candidate = _candidate(session, person, candidate_id)
    mentions = session.scalars(
        select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.told_at.desc()).limit(100)
    )
    about = CandidateOut.model_validate(candidate).model_dump()
    return CandidateDetail(**about, mentions=[_mention(mention) for mention in mentions])


@router.post("/v1/decisions", status_code=201)
def decide(session: DB, person: Caller, given: DecisionIn) -> DecisionOut:
    """Decide about a candidate."""
    return _reviewed(lambda: review.decide(session, person, **given.model_dump()))


@router.post("/v1/decisions/{decision_id}/undo", status_code=201)
def undo(session: DB, person: Caller, decision_id: int) -> DecisionOut:
    """Take back the last decision of a candidate."""
    return _reviewed(lambda: review.undo(session, person, decision_id))


@router.get("/v1/sources")
def read_sources(session: DB, person: Caller) -> list[SourceOut]:
    """Every source and its health."""
    if person.role == "focal":
        raise HTTPException(403, "not for focal points")
    return [SourceOut.model_validate(row) for row in sources.listing(session)]


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, who: Who) -> dict[str, Any]:
    """The description of this API, for those who are signed in."""
    described: dict[str, Any] = request.app.openapi()
    return described


def _candidate(session: Session, person: Person, candidate_id: int) -> Candidate:
    candidate = queue.get(session, person, candidate_id)
    if candidate is None:
        raise HTTPException(404, f"no candidate {candidate_id}")
    return candidate


def _mention(mention: Mention) -> MentionOut:
    return MentionOut(
        id=mention.id,
        kind=mention.kind,
        source=mention.source,
        url=mention.url if mention.kind == "article" else "",
        title=mention.title,
        text=masked(mention.text, (mention.analysis or {}).get("pii", ())),
        told_at=mention.told_at,
        p_failure=mention.p_failure,
        near_copy=mention.voice != mention.id,
    )


def _reviewed(act: Callable[[], Decision]) -> DecisionOut:
    """A decision, or the reason why there is none as a problem."""
    try:
        return DecisionOut.model_validate(act())
    except review.NotAllowed as error:
        raise HTTPException(403, error.key) from None
    except review.Conflict as error:
        raise HTTPException(409, f"{error.key} {error.values}") from None
    except review.ReviewError as error:
        raise HTTPException(404 if error.key.startswith("no_") else 422, error.key) from None
