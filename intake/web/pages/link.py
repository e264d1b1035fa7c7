"""A link that an officer pastes, what was read there, and what it became."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from intake import inbox, links
from intake.models import Agency, Mention
from intake.people import access
from intake.review import decisions, errors, neighbours, queue
from intake.web.visitor import Number, Visitor, Who, go, signed, visitor

router = APIRouter(include_in_schema=False)


def _decider(who: Visitor) -> Visitor:
    if who.person.role not in decisions.DECIDERS:
        raise HTTPException(403)
    return who


@router.get("/tautan")
def link_page(who: Who) -> HTMLResponse:
    return _form(_decider(who))


def _form(who: Visitor, status: int = 200, **given: Any) -> HTMLResponse:
    """`refused`, or `why` nothing could be read, above what was typed; `taken`: it was read, and is not this person's."""
    nothing: dict[str, Any] = {"refused": None, "why": (), "taken": False, "address": "", "reason": ""}
    return who.page("link.html", status, **nothing | given)


@router.post("/tautan")
def paste(
    request: Request,
    csrf: Annotated[str, Form()] = "",
    address: Annotated[str, Form(max_length=4000)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Read what stands there. No transaction is open while the page is fetched: nobody else waits for that."""
    app, typed = request.app.state, {"address": address.strip(), "reason": reason}
    with app.sessions.begin() as session:
        who = _decider(signed(visitor(request, session), csrf))
        try:
            asked = links.ask(session, who.person, address, app.settings)
        except links.LinkRefused as refused:
            return _form(who, 429 if refused.key == "link_many" else 422, refused=refused, **typed)
    try:
        reading, refusal = links.read(app.sessions, app.settings, asked, app.understand), None
    except links.LinkRefused as refused:
        reading, refusal = links.Reading(), refused
    with app.sessions.begin() as session:
        who = visitor(request, session)
        if reading.mention_id is None:
            return _form(who, 422, refused=refusal, why=reading.why, **typed)
        links.note_reading(session, who.person, reading.mention_id, reason)
        is_shown = _is_theirs(who, session.get_one(Mention, reading.mention_id))
        return go(f"/tautan/{reading.mention_id}", "link_known" if asked.mention_id and is_shown else "")


@router.get("/tautan/{mention_id}")
def reading_page(who: Who, mention_id: Number) -> HTMLResponse:
    """The text as it was read, what was understood of it, and the candidate it belongs to.

    Whoever brought what turns out to be beyond their remits learns that it was taken in, and nothing of it.
    """
    mention = _decider(who).session.get(Mention, mention_id)
    if mention is not None and not _is_theirs(who, mention) and links.brought_by(who.session, mention, who.person):
        return _form(who, taken=True)
    return _reading(who, _mention(who, mention_id))


def _mention(who: Visitor, mention_id: int) -> Mention:
    """A text that this person may see: of a candidate they see; of none yet, for one with bounds what they brought."""
    mention = who.session.get(Mention, mention_id)
    if mention is None or not _is_theirs(who, mention):
        raise HTTPException(404)
    return mention


def _is_theirs(who: Visitor, mention: Mention) -> bool:
    if mention.candidate_id is not None:
        return queue.get(who.session, who.person, mention.candidate_id) is not None
    return not access.bounds_of(who.person) or links.brought_by(who.session, mention, who.person) is not None


def _reading(who: Visitor, mention: Mention, status: int = 200, error: str = "", reason: str = "") -> HTMLResponse:
    analysis = mention.analysis or {}
    agency = neighbours.first_guess(analysis, "agencies", "id")
    return who.page(
        "reading.html",
        status,
        one=mention,
        codes={axis: neighbours.first_guess(analysis, axis, "code") for axis in ("sectors", "forms", "kinds")},
        agency=who.session.get(Agency, agency) if agency else None,
        brought=links.brought_by(who.session, mention),
        error=error,
        reason=reason,
    )


@router.post("/tautan/{mention_id}/kandidat")
def bring(
    request: Request,
    mention_id: Number,
    csrf: Annotated[str, Form()] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """A person sees a failure where the analysis saw none."""
    with inbox.recording(request.app.state.sessions) as session:
        who = _decider(signed(visitor(request, session), csrf))
        mention = _mention(who, mention_id)
        try:
            decision = decisions.bring(session, who.person, mention_id, reason)
        except errors.NotAllowed:
            raise HTTPException(403) from None
        except errors.ReviewError as error:
            return _reading(who, mention, 422, error.key, reason)
        is_shown = queue.get(session, who.person, decision.candidate_id) is not None
        return go(f"/kandidat/{decision.candidate_id}" if is_shown else f"/tautan/{mention_id}", "bring", decision.id)
