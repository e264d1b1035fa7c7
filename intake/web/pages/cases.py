"""Accepted candidates."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from intake.casework import cases
from intake.review import queue
from intake.web.visitor import (
    Who,
)

router = APIRouter(include_in_schema=False)


@router.get("/kasus")
def cases_page(who: Who, before: Annotated[int | None, Query(ge=1, le=queue.MOST_ID)] = None) -> HTMLResponse:
    shown, following = cases.page(who.session, who.person, before)
    return who.page("cases.html", cases=shown, following=following)
