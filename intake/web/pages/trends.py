"""What is told how often."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from intake import charts, trends
from intake.models import (
    Agency,
)
from intake.web.visitor import (
    Who,
    hearing,
    only,
)

router = APIRouter(include_in_schema=False)


@router.get("/tren")
def trends_page(
    who: Who, region: str = "", sector: str = "", weeks: Annotated[int, Query(ge=4, le=53)] = 12
) -> HTMLResponse:
    only(who, "admin", "head", "officer", "analyst", "auditor")
    cells = trends.weekly(who.session, weeks=weeks, sector=sector or None, region=region or None, viewer=who.person)
    totals: dict[tuple[str | None, str | None, str | None], list[int]] = {}
    for cell in cells:
        row = totals.setdefault((cell.sector, cell.agency_id, cell.region), [0, 0])
        row[0] += cell.voices
        row[1] += cell.mentions
    agencies = {one.id: one.name for one in who.session.execute(select(Agency.id, Agency.name))}
    return who.page(
        "trends.html",
        rows=sorted(totals.items(), key=lambda item: (-item[1][0], str(item[0])))[:100],
        agencies=agencies,
        chosen={"region": region, "sector": sector, "weeks": weeks},
        query=urlencode({"region": region, "sector": sector, "weeks": weeks}),
        hearing=hearing(who.session),
    )


@router.get("/tren.svg")
def trends_chart(
    who: Who,
    region: str = "",
    sector: str = "",
    weeks: Annotated[int, Query(ge=4, le=53)] = 12,
    narrow: bool = False,
) -> Response:
    """The chart as a picture; `narrow` draws it for a phone."""
    only(who, "admin", "head", "officer", "analyst", "auditor")
    cells = trends.weekly(who.session, weeks=weeks, sector=sector or None, region=region or None, viewer=who.person)
    say = who.say
    drawn = charts.line_chart(
        cells,
        trends.last_weeks(weeks),
        (lambda cell: say.region(cell.region)) if sector else (lambda cell: say.sector(cell.sector, short=True)),
        title=say._("Sumber berbeda per pekan"),
        description=say._("{n} sumber dalam {weeks} pekan terakhir", n=sum(c.voices for c in cells), weeks=weeks),
        value_label=say._("sumber berbeda"),
        rest_label=say._("lainnya"),
        narrow=narrow,
    )
    return Response(drawn, media_type="image/svg+xml")
