"""The original of a post, whose address names its author: shown once the reason was noted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse

from intake.models import Mention
from intake.review import errors, originals
from intake.web.pages.forms import status_of
from intake.web.visitor import (
    Number,
    Signed,
    Visitor,
    Who,
    needs,
)

router = APIRouter(include_in_schema=False)


@router.get("/sebutan/{mention_id}/asli")
def original_page(who: Who, mention_id: Number) -> HTMLResponse:
    """Asks for what the address of a post is needed: it names its author."""
    return _original(who, _post(who, mention_id))


@router.post("/sebutan/{mention_id}/asli")
def open_original(who: Signed, mention_id: Number, reason: Annotated[str, Form(max_length=1000)] = "") -> HTMLResponse:
    """The address, once, after the reason was noted."""
    mention = _post(who, mention_id)
    try:
        address = originals.unmask(who.session, who.person, mention.id, reason)
    except errors.ReviewError as error:
        return _original(who, mention, status_of(error), who.say.error(error.key, error.values), reason)
    return _original(who, mention, address=address)


def _original(
    who: Visitor, mention: Mention, status: int = 200, refused: str = "", reason: str = "", address: str = ""
) -> HTMLResponse:
    return who.page("original.html", status, one=mention, refused=refused, reason=reason, address=address)


def _post(who: Visitor, mention_id: int) -> Mention:
    mention = originals.find(who.session, who.person, mention_id)
    if mention is None:
        raise HTTPException(404)
    needs(who, "mention.unmask")
    return mention
