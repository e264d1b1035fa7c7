"""What is listened to, and how well."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Response
from fastapi.responses import HTMLResponse

from intake import sources
from intake.models import (
    SourceState,
    now,
)
from intake.review import queue
from intake.web.visitor import (
    Number,
    Signed,
    Visitor,
    Who,
    go,
    hearing,
    only,
)

router = APIRouter(include_in_schema=False)
SOURCES_SHOWN = 50  # on one page


@router.get("/sumber")
def sources_page(
    who: Who,
    group: str = "",
    text: Annotated[str, Query(max_length=100)] = "",
    number: Annotated[int, Query(ge=1, le=queue.MOST_ID)] = 1,
) -> HTMLResponse:
    only(who, "admin", "head", "officer", "analyst", "auditor")
    rows = sources.listing(who.session)
    named = [row for row in rows if text.strip().lower() in row.name.lower()]
    groups = {name: [row for row in named if sources.group_of(row) == name] for name in sources.GROUPS}
    shown = groups[group] if group in groups else [row for name in sources.GROUPS for row in groups[name]]
    begin = (number - 1) * SOURCES_SHOWN
    more = urlencode({"group": group, "text": text, "number": number + 1})
    return who.page(
        "sources.html",
        rows=shown[begin : begin + SOURCES_SHOWN],
        resting=sources.waits(rows, now()),
        host_of=sources.host_of,
        counts={name: len(found) for name, found in groups.items()},
        chosen={"group": group, "text": text},
        next_link=f"/sumber?{more}" if begin + SOURCES_SHOWN < len(shown) else None,
        hearing=hearing(who.session),
    )


@router.post("/sumber/{source_id}")
def switch_source(who: Signed, source_id: Number, enabled: Annotated[bool, Form()]) -> Response:
    sources.enable(who.session, _source(who, source_id).name, enabled, who.person)
    return go("/sumber", "saved")


@router.post("/sumber/{source_id}/pindah")
def move_source(who: Signed, source_id: Number) -> Response:
    """Take over the address a source has moved to."""
    try:
        sources.take_over(who.session, _source(who, source_id), who.person)
    except ValueError:
        return go("/sumber", "not_moved")
    return go("/sumber", "moved")


def _source(who: Visitor, source_id: int) -> SourceState:
    """A source, for whoever may change it."""
    only(who, "admin")
    row = who.session.get(SourceState, source_id)
    if row is None:
        raise HTTPException(404)
    return row
