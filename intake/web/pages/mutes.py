"""What is kept out of the queue for a while, by whom, why and until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse

from crawler.dates import WIB
from intake.models import Agency, Mute, now
from intake.review import errors, mutes, queue
from intake.web.present import Wrong
from intake.web.visitor import Number, Signed, Visitor, Who, agencies_by_name, agency_named, go, needs

router = APIRouter(include_in_schema=False)
Short = Annotated[str, Form(max_length=200)]
Asked = Annotated[str, Query(max_length=13)]
NOTHING = {"sector": "", "region": "", "agency": "", "reason": "", "until": ""}


@router.get("/bisukan")
def mutes_page(who: Who, sector: Asked = "", region: Asked = "") -> HTMLResponse:
    """`sector` and `region`: what the form is filled in with, for whoever comes from a candidate."""
    needs(who, "mute.set")
    return _mutes(who, typed=NOTHING | {"sector": sector, "region": region})


def _mutes(
    who: Visitor,
    status: int = 200,
    error: errors.ReviewError | None = None,
    wrong: Wrong | None = None,
    typed: Mapping[str, str] = NOTHING,
) -> HTMLResponse:
    today = now().astimezone(WIB).date()
    return who.page(
        "mutes.html",
        status,
        mutes=[(held, _what(who, held.mute)) for held in mutes.held(who.session, who.person)],
        most=queue.COUNTED,
        agencies=agencies_by_name(who.session),
        first=today.isoformat(),
        last=(today + mutes.LONGEST - timedelta(days=1)).isoformat(),
        error=error,
        wrong=wrong,
        **typed,
    )


def _what(who: Visitor, row: Mute) -> str:
    """What a mute is about, in words."""
    agency = who.session.get(Agency, row.agency_id) if row.agency_id else None
    words = [
        who.say.sector(row.sector, short=True) if row.sector else "",
        who.say.region(row.region) if row.region else "",
        agency.name if agency else "",
    ]
    return ", ".join(word for word in words if word)


@router.post("/bisukan")
def mute(
    who: Signed,
    sector: Short = "",
    region: Short = "",
    agency: Short = "",
    reason: Annotated[str, Form(max_length=1000)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    needs(who, "mute.set")
    typed = {"sector": sector, "region": region, "agency": agency, "reason": reason, "until": until}
    try:
        agency_id = agency_named(who.session, agency).id if agency.strip() else None
        named = {"sector": sector or None, "region": region or None, "agency_id": agency_id}
        mutes.mute(who.session, who.person, reason=reason, until=_end_of(until), **named)
    except Wrong as wrong:
        return _mutes(who, 422, wrong=wrong, typed=typed)
    except errors.ReviewError as error:
        return _mutes(who, 403 if isinstance(error, errors.NotAllowed) else 422, error, typed=typed)
    return go("/bisukan", "muted")


@router.post("/bisukan/{mute_id}/akhiri")
def end(who: Signed, mute_id: Number) -> Response:
    needs(who, "mute.set")
    try:
        mutes.end(who.session, who.person, mute_id)
    except errors.ReviewError as error:
        return _mutes(who, 403 if isinstance(error, errors.NotAllowed) else 404, error)
    return go("/bisukan", "unmuted")


def _end_of(day: str) -> datetime:
    """The end of a day in WIB; what is no day is over already, and so refused."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), WIB)
    except (ValueError, OverflowError):
        return now()
