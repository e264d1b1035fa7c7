"""What the console shows, as a file to take along."""

from __future__ import annotations

from fastapi import APIRouter, Response

from intake.review.errors import ReviewError
from intake.web.download import Format, What, download
from intake.web.visitor import Who, go, needs

router = APIRouter(include_in_schema=False)
PAGES = {"candidates": "/", "mentions": "/", "cases": "/kasus", "trends": "/tren"}  # where it is offered


@router.get("/unduh/{what}.{format}")
def download_page(who: Who, what: What, format: Format) -> Response:
    """All that the person may see; that it was taken is noted."""
    needs(who, "export.make")
    try:
        return download(who.session, who.person, what, format)
    except ReviewError as error:
        return go(PAGES[what], error.key)
