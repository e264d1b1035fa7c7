"""Saved views: the list, one as a queue, what it is set to, and its feed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from intake.models import Agency, SavedView
from intake.review import errors, queue, views
from intake.settings import Settings
from intake.web import feeds, present
from intake.web.present import Wrong
from intake.web.visitor import DB, Number, Signed, Visitor, Who, go, message_address, needs

router = APIRouter(include_in_schema=False)
Short = Annotated[str, Form(max_length=200)]


@router.get("/pandangan")
def views_page(who: Who) -> HTMLResponse:
    needs(who, "queue.read")
    return _views(who)


def _views(who: Visitor, status: int = 200, error: errors.ReviewError | None = None) -> HTMLResponse:
    found = views.listing(who.session, who.person)
    return who.page("views.html", status, views=[(view, described(who, view)) for view in found], error=error)


@router.post("/pandangan")
def save(
    who: Signed,
    name: Short = "",
    state: Short = "",
    region: Short = "",
    sector: Short = "",
    urgency: Short = "",
    agency_id: Short = "",
    text: Short = "",
    mine: Annotated[bool, Form()] = False,
) -> Response:
    """Keep what the queue is narrowed to."""
    given: dict[str, Any] = {"region": region, "sector": sector, "urgency": urgency, "agency_id": agency_id}
    given |= {"text": text.strip(), "mine": mine, "state": None if state == "all" else state}
    try:
        view = views.save(who.session, who.person, name, given)
    except errors.ReviewError as error:
        return _views(who, _status(error), error)
    return go(f"/pandangan/{view.id}/atur", "view")


@router.get("/pandangan/{view_id}")
def as_queue(who: Who, view_id: Number) -> RedirectResponse:
    """The queue, narrowed as the view says."""
    view = _found(who, view_id)
    narrowed = views.as_json(views.filters_of(view, who.person))
    query = {name: "all" if value is None else "true" if value is True else value for name, value in narrowed.items()}
    return RedirectResponse(f"/?{urlencode(query)}" if query else "/", 303)


@router.get("/pandangan/{view_id}/atur")
def settings_page(who: Who, view_id: Number) -> HTMLResponse:
    return _settings(who, _found(who, view_id))


def _settings(
    who: Visitor,
    view: SavedView,
    status: int = 200,
    error: errors.ReviewError | None = None,
    wrong: Wrong | None = None,
    secret: str = "",
) -> HTMLResponse:
    """`secret`: of the feed's address that was just made, shown here and nowhere else."""
    if view.person_id != who.person.id:
        raise HTTPException(404)
    address = f"{_console(who.request)}/umpan/{secret}"
    return who.page(
        "view.html",
        status,
        view=view,
        about=described(who, view),
        count=queue.count(who.session, who.person, views.filters_of(view, who.person)),
        most=queue.COUNTED,
        addresses=[f"{address}.rss", f"{address}.json"] if secret else [],
        pause=int(views.PAUSE.total_seconds() // 60),
        has_links=who.request.app.state.settings.public_url is not None,
        error=error,
        wrong=wrong,
    )


def described(who: Visitor, view: SavedView) -> list[str]:
    """What a view narrows the queue to, in words."""
    say, filters = who.say, views.filters_of(view, who.person)
    agency = who.session.get(Agency, filters.agency_id) if filters.agency_id else None
    words = [
        say._(present.STATES[filters.state]) if filters.state in present.STATES else say._("semua keadaan"),
        say.region(filters.region) if filters.region else "",
        say.sector(filters.sector, short=True) if filters.sector else "",
        say.urgency(filters.urgency) if filters.urgency else "",
        agency.name if agency else "",
        f"“{filters.text}”" if filters.text else "",
        say._("hanya tugas sendiri") if filters.mine else "",
    ]
    return [word for word in words if word]


@router.post("/pandangan/{view_id}/nama")
def rename(who: Signed, view_id: Number, name: Short = "") -> Response:
    view = _found(who, view_id)
    try:
        views.rename(who.session, who.person, view_id, name)
    except errors.ReviewError as error:
        return _settings(who, view, _status(error), error)
    return _back(view_id)


@router.post("/pandangan/{view_id}/bagikan")
def share(who: Signed, view_id: Number, shared: Annotated[bool, Form()]) -> Response:
    view = _found(who, view_id)
    try:
        views.share(who.session, who.person, view_id, shared=shared)
    except errors.ReviewError as error:
        return _settings(who, view, _status(error), error)
    return _back(view_id)


@router.post("/pandangan/{view_id}/hapus")
def delete(who: Signed, view_id: Number) -> Response:
    try:
        views.delete(who.session, who.person, view_id)
    except errors.ReviewError as error:
        return _views(who, _status(error), error)
    return go("/pandangan", "view_gone")


@router.post("/pandangan/{view_id}/pemberitahuan")
def switch_alerts(who: Signed, view_id: Number, on: Annotated[bool, Form()]) -> Response:
    try:
        views.switch_alerts(who.session, who.person, view_id, on=on)
    except errors.ReviewError as error:
        return _views(who, _status(error), error)
    return _back(view_id)


@router.post("/pandangan/{view_id}/alamat")
def set_address(who: Signed, view_id: Number, address: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Where the alerts of all one's views go; empty: nowhere."""
    view = _found(who, view_id)
    try:
        to = message_address(address, who.request.app.state.settings) if address.strip() else None
    except Wrong as wrong:
        return _settings(who, view, 422, wrong=wrong)
    views.set_address(who.session, who.person, to)
    return _back(view_id)


@router.post("/pandangan/{view_id}/umpan")
def open_feed(who: Signed, view_id: Number) -> Response:
    """Make its feed an address, in the place of the one it had."""
    view = _found(who, view_id)
    try:
        secret = views.open_feed(who.session, who.person, view_id)
    except errors.ReviewError as error:
        return _settings(who, view, _status(error), error)
    return _settings(who, view, secret=secret)


@router.post("/pandangan/{view_id}/umpan/cabut")
def close_feed(who: Signed, view_id: Number) -> Response:
    try:
        views.close_feed(who.session, who.person, view_id)
    except errors.ReviewError as error:
        return _views(who, _status(error), error)
    return _back(view_id)


def _found(who: Visitor, view_id: int) -> SavedView:
    view = views.get(who.session, who.person, view_id)
    if view is None:
        raise HTTPException(404)
    return view


def _back(view_id: int) -> Response:
    return go(f"/pandangan/{view_id}/atur", "view")


def _status(error: errors.ReviewError) -> int:
    if isinstance(error, errors.NotAllowed):
        return 403
    return 404 if error.key == "no_view" else 422


# ---- the feed --------------------------------------------------------------------------------------------------------


@router.get("/umpan/{secret}.rss")
def rss(request: Request, session: DB, secret: str) -> Response:
    return _feed(request, session, secret, feeds.RSS)


@router.get("/umpan/{secret}.json")
def json_feed(request: Request, session: DB, secret: str) -> Response:
    return _feed(request, session, secret, feeds.JSON)


def _feed(request: Request, session: DB, secret: str, kind: str) -> Response:
    """For whoever knows its address; needs no account, and is never more than the view's owner may see now."""
    view = views.by_feed(session, secret)
    if view is None:
        raise HTTPException(404)
    items = views.feed(session, view)
    write = feeds.rss if kind == feeds.RSS else feeds.json_feed
    body = write(f"Kentongan: {view.name}", _console(request), view.person.language, items)
    at = feeds.newest(items) or view.created_at
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Last-Modified": format_datetime(at.astimezone(UTC), usegmt=True),
        "Cache-Control": "private, no-cache",
    }
    if _is_held(request, headers["ETag"], at):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _is_held(request: Request, tag: str, at: datetime) -> bool:
    """Whether the reader has it already. What it says of the tag counts more than what it says of the time."""
    if tags := request.headers.get("if-none-match"):
        return "*" in tags or tag in [one.strip().removeprefix("W/") for one in tags.split(",")]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except (ValueError, IndexError, TypeError, OverflowError):
        return False
    return at.replace(microsecond=0) <= (since if since.tzinfo else since.replace(tzinfo=UTC))


def _console(request: Request) -> str:
    """The address of the console as links name it."""
    settings: Settings = request.app.state.settings
    scheme = "https" if settings.behind_tls else "http"
    return (settings.public_url or f"{scheme}://{request.headers.get('host', '')}").rstrip("/")
