"""What is counted and what was done: trends, the audit log, and files of all that somebody may see."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from intake import trends
from intake.people import audit
from intake.review import queue
from intake.review.errors import ReviewError
from intake.web.api import lists
from intake.web.api.calls import Call, reads, router
from intake.web.api.fields import AGENCY, REGION, SECTORS, Told, example
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import problems
from intake.web.download import TYPES, Format, What, download

routes = router("records")


class CellOut(Told):
    """What was told in one week about one service of one agency in one region."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra=example(
            week="2026-11-23", sector="LIS", agency_id="VT-PLN-UP3DMI", region="14.03", mentions=9, voices=4
        ),
    )

    week: date = Field(description="its Monday, in WIB")
    sector: str | None = Field(description=f"{SECTORS}; null: not known")
    agency_id: str | None = Field(description=f"{AGENCY}; null: not known")
    region: str | None = Field(description=f"{REGION}; null: not known")
    mentions: int = Field(description="texts of candidates that were not closed with a reason")
    voices: int = Field(description="of them, those that are no near-copies; counted in the week they were heard first")


class AuditOut(Told):
    """Who did what. A row is never changed; each one's hash covers the one before it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra=example(
            place=41, at="2026-11-24T10:00:00Z", person_id=4, action="decision.accept", subject="candidate:12",
            detail={"decision": 31}, hash="0" * 64,
        ),
    )  # fmt: skip

    place: int = Field(description="in the chain: 1, 2, 3 without a gap")
    at: datetime = Field(description="when")
    person_id: int | None = Field(description="who; null: the command line or the program")
    action: str = Field(description="what: decision.accept, sign_in, user.add ...")
    subject: str = Field(description="of what: candidate:12, person:3 ...; empty if of nothing in particular")
    detail: dict[str, Any] = Field(description="what else is known of it")
    hash: str = Field(description="SHA-256 of the hash before it and of this row")


@routes.get("/trends", summary="What is told how often")
def read_trends(
    who: Annotated[Call, reads("trends.read")],
    weeks: Annotated[int, Query(ge=1, le=53, description="how many, this one included")] = 12,
    region: Annotated[str | None, Query(max_length=13, description=REGION)] = None,
    sector: Annotated[str | None, Query(max_length=3, description=SECTORS)] = None,
    agency_id: Annotated[str | None, Query(max_length=60, description=AGENCY)] = None,
    after: After = None,
    limit: Limit = 100,
) -> ListOut[CellOut]:
    """By week, oldest first. For somebody whose remits bound them, theirs alone."""
    cells = trends.weekly(
        who.session, weeks=weeks, region=region, sector=sector, agency_id=agency_id, viewer=who.person
    )
    shown, following = lists.part(cells, _cell_key, after, limit)
    return ListOut(items=[CellOut.model_validate(cell) for cell in shown], next=following)


def _cell_key(cell: trends.Cell) -> tuple[str, str, str, str]:
    return cell.week.isoformat(), cell.sector or "", cell.agency_id or "", cell.region or ""


@routes.get("/audit", summary="The audit log")
def read_audit(
    who: Annotated[Call, reads("audit.read")],
    person_id: Annotated[int | None, Query(ge=0, le=queue.MOST_ID, description="who; 0: the program")] = None,
    action: Annotated[str | None, Query(max_length=40, description="what, as `decision.accept`")] = None,
    subject: Annotated[str | None, Query(max_length=80, description="of what, as `candidate:12`")] = None,
    since: Annotated[AwareDatetime | None, Query(description="not before")] = None,
    until: Annotated[AwareDatetime | None, Query(description="before")] = None,
    after: After = None,
    limit: Limit = 50,
) -> ListOut[AuditOut]:
    """Newest first."""
    filters = audit.Filters(person_id, action, subject, since, until)
    rows, following = audit.page(who.session, filters, lists.number(after), limit)
    items = [AuditOut.model_validate(row) for row in rows]
    return ListOut(items=items, next=lists.cursor(following) if following is not None else None)


FILES: dict[str, Any] = {
    kind: {"schema": {"type": "object"}} if kind.endswith("json") else {} for kind in TYPES.values()
}


@routes.get(
    "/exports/{what}.{format}",
    summary="All of a kind as a file",
    response_class=Response,
    responses={**problems(404, 409), 200: {"description": "The file", "content": FILES}},
)
def make_export(
    who: Annotated[Call, reads("export.make")],
    what: Annotated[What, InPath(description="of mentions those that belong to a candidate; of trends the last year")],
    format: Annotated[Format, InPath(description="places are known by codes: in geojson the geometry is null")],
) -> Response:
    """What you may see, personal data masked, at most 50,000 rows. That it was taken is noted."""
    try:
        return download(who.session, who.person, what, format)
    except ReviewError as error:
        raise who.refused(error) from None
