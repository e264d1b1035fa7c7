"""The JSON API for queue and decisions, under /api/v1, with a bearer token of `kentongan user token NAME`.

Errors are problem details (RFC 9457); `code` names what a program may react to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import sources
from intake.masking import masked
from intake.models import Candidate, Decision, Mention, Person
from intake.people import accounts
from intake.review import decisions, errors, queue
from intake.web import present
from intake.web.i18n import translator
from intake.web.visitor import DB, visitor_of

TITLES = {
    400: "Bad request",
    401: "Unauthorised",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    422: "Invalid",
    500: "Internal error",
}
english = translator("en")  # what a program's author reads


class Problem(BaseModel):
    """What went wrong, in words (RFC 9457)."""

    type: str = Field("about:blank", description="about:blank: the title says what kind of problem it is")
    title: str
    status: int
    detail: str = Field(description="what happened, and that nothing was changed")
    code: str | None = Field(None, description="of a refused decision: " + ", ".join(present.ERRORS))


class Refused(HTTPException):
    """A decision that was not made; `code` is its message key."""

    def __init__(self, status: int, detail: str, code: str) -> None:
        super().__init__(status, detail)
        self.code = code


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation, for its description."""
    schema = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[status], "content": schema} for status in statuses}


def listed(words: Mapping[str, str | tuple[str, str]]) -> str:
    """Codes and what they mean, for a field's description."""
    meant = {code: word if isinstance(word, str) else ". ".join(map(english, word)) for code, word in words.items()}
    return "; ".join(f"`{code}`: {english(word)}" for code, word in meant.items())


router = APIRouter(prefix="/api", responses=problems(401, 422))
Track = Literal["iaps", "rco", "invite", "refer", "watch", "laporan"]
Reason = Literal[
    "not_service",
    "no_failure",
    "settled",
    "too_old",
    "hoax",
    "outside_riau",
    "outside_authority",
    "private_matter",
    "too_vague",
    "no_place",
    "no_agency",
]
State = Literal["candidate", "accepted", "not_relevant", "outside", "insufficient", "duplicate"]
Action = Literal[
    "accept", "not_relevant", "outside", "insufficient", "duplicate", "split", "correct", "snooze", "reopen"
]
Correctable = Literal["agency_id", "region", "district", "sector", "form"]
Number = Annotated[int, Field(ge=1, le=queue.MOST_ID)]
NumberInPath = Annotated[int, InPath(ge=1, le=queue.MOST_ID)]


class CandidateOut(BaseModel):
    """One event waiting in the queue, or decided. Not a case, and its mentions are no formal reports."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    version: int = Field(description="name it when you decide")
    state: State = Field(description=listed(present.STATES))
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
    """What a person decides, and what the action needs to be told."""

    model_config = ConfigDict(extra="forbid")

    candidate_id: Number
    version: int = Field(ge=0, le=queue.MOST_ID, description="of the candidate, as you saw it")
    action: Action = Field(description=listed(present.ACTIONS))
    track: Track | None = Field(None, description="with accept. " + listed(present.TRACKS))
    reason: Reason | None = Field(
        None, description="with not_relevant, outside and insufficient, each its own. " + listed(present.REASONS)
    )
    duplicate_of: Number | None = Field(None, description="with duplicate: id of the original candidate")
    until: AwareDatetime | None = Field(
        None, description="with snooze, at most 30 days from now; null: back to the queue"
    )
    mentions: list[Number] = Field([], max_length=500, description="with split: the mentions of a new candidate")
    fields: dict[Correctable, str | None] = Field({}, description="with correct: codes; null: there is none")
    note: str = Field("", max_length=2000)
    lease: int | None = Field(None, ge=1, le=queue.MOST_ID, description="token of your lease, if you hold one")


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
    health: str | None
    health_since: datetime | None
    expected_at: datetime | None
    due_at: datetime | None
    notes: list[dict[str, str]]


bearer = HTTPBearer(auto_error=False, scheme_name="token", description="a token of `kentongan user token NAME`")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def caller(session: DB, given: Bearer) -> Person:
    """The person behind the bearer token; a cookie is not taken."""
    row = accounts.token_of(session, given.credentials.strip()) if given else None
    if row is None:
        message = "A bearer token is needed: `kentongan user token NAME` makes one."
        raise HTTPException(401, message, {"WWW-Authenticate": "Bearer"})
    return row.person


Caller = Annotated[Person, Depends(caller, scope="function")]


@router.get("/v1/queue")
def read_queue(
    session: DB,
    person: Caller,
    state: State | Literal["all"] = "candidate",
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
        raise HTTPException(422, "after: not a cursor of this API; take `next` of the page before.") from None
    page = queue.page(session, person, filters, cursor, limit)
    items = [CandidateOut.model_validate(item) for item in page.items]
    return QueueOut(items=items, next=str(page.next) if page.next else None)


@router.get("/v1/candidates/{candidate_id}", responses=problems(404))
def read_candidate(session: DB, person: Caller, candidate_id: NumberInPath) -> CandidateDetail:
    """One candidate with its newest mentions."""
    candidate = _candidate(session, person, candidate_id)
    mentions = session.scalars(
        select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.told_at.desc()).limit(100)
    )
    about = CandidateOut.model_validate(candidate).model_dump()
    return CandidateDetail(**about, mentions=[_mention(mention) for mention in mentions])


@router.post("/v1/decisions", status_code=201, responses=problems(403, 404, 409))
def decide(session: DB, person: Caller, given: DecisionIn) -> DecisionOut:
    """Decide about a candidate."""
    return _reviewed(lambda: decisions.decide(session, person, **given.model_dump()))


@router.post("/v1/decisions/{decision_id}/undo", status_code=201, responses=problems(403, 404, 409))
def undo(session: DB, person: Caller, decision_id: NumberInPath) -> DecisionOut:
    """Take back the last decision of a candidate."""
    return _reviewed(lambda: decisions.undo(session, person, decision_id))


@router.get("/v1/sources", responses=problems(403))
def read_sources(session: DB, person: Caller) -> list[SourceOut]:
    """Every source and its health."""
    if person.role == "focal":
        raise HTTPException(403, "A focal point may not read the sources.")
    return [SourceOut.model_validate(row) for row in sources.listing(session)]


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, session: DB, given: Bearer) -> dict[str, Any]:
    """The description of this API, for whoever has a token or is signed in."""
    if given is not None or visitor_of(request, session) is None:
        caller(session, given)
    described: dict[str, Any] = request.app.openapi()
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    schemas.setdefault("Problem", Problem.model_json_schema())
    return described


def _candidate(session: Session, person: Person, candidate_id: int) -> Candidate:
    candidate = queue.get(session, person, candidate_id)
    if candidate is None:
        raise HTTPException(404, f"There is no candidate {candidate_id}, or it is not yours to see.")
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
    except errors.ReviewError as error:
        raise Refused(_status(error), present.refusal(english, error.key, error.values), error.key) from None


def _status(error: errors.ReviewError) -> int:
    if isinstance(error, errors.NotAllowed):
        return 403
    if isinstance(error, errors.Conflict):
        return 409
    return 404 if error.key in ("no_candidate", "no_decision") else 422
