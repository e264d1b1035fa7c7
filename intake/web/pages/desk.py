"""The queue and one candidate: what officers decide."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from intake.models import (
    Alert,
    Candidate,
    Decision,
    Mention,
)
from intake.people import audit
from intake.review import decisions, errors, queue
from intake.web import present
from intake.web.visitor import (
    Number,
    Signed,
    Who,
    go,
    hearing,
    open_case_of,
)

router = APIRouter(include_in_schema=False)
SHOWN = 40  # mentions of one candidate on its page


@router.get("/")
def queue_page(
    who: Who,
    state: str = "candidate",
    region: str = "",
    sector: str = "",
    urgency: str = "",
    text: Annotated[str, Query(max_length=100)] = "",
    after: str = "",
) -> HTMLResponse:
    filters = queue.Filters(
        state if state in present.STATES else None if state == "all" else "candidate",
        region,
        sector,
        urgency,
        None,
        text,
    )
    if who.person.role == "focal":
        filters = queue.Filters("accepted", region, sector, urgency, None, text)
    page = queue.page(who.session, who.person, filters, _cursor(after))
    chosen = {"state": state, "region": region, "sector": sector, "urgency": urgency, "text": text}
    narrowed = {name: value for name, value in chosen.items() if value and (name, value) != ("state", "candidate")}
    return who.page(
        "queue.html",
        page=page,
        filters=filters,
        chosen=chosen,
        is_narrowed=bool(narrowed),
        names=_source_names(who.session, [candidate.id for candidate in page.items]),
        count=queue.count(who.session, who.person, filters),
        most=queue.COUNTED,
        next_link="/?" + urlencode(narrowed | {"after": str(page.next)}) if page.next else None,
        hearing=hearing(who.session),
    )


def _cursor(text: str) -> queue.Cursor | None:
    try:
        return queue.Cursor.parse(text) if text else None
    except ValueError:
        raise HTTPException(422) from None


def _source_names(session: Session, ids: list[int]) -> dict[int, list[str]]:
    """Candidate id -> names of its sources."""
    names: dict[int, list[str]] = {}
    pairs = select(Mention.candidate_id, Mention.source).where(Mention.candidate_id.in_(ids)).distinct()
    for candidate_id, source in session.execute(pairs.order_by(Mention.source)):
        assert candidate_id is not None, "asked for by id"
        names.setdefault(candidate_id, []).append(source)
    return names


@router.get("/kandidat/{candidate_id}")
def candidate_page(who: Who, candidate_id: Number) -> HTMLResponse:
    candidate = queue.get(who.session, who.person, candidate_id)
    if candidate is None:
        raise HTTPException(404)
    mentions = who.session.scalars(
        select(Mention)
        .where(Mention.candidate_id == candidate.id)
        .options(selectinload(Mention.revisions))
        .order_by(Mention.told_at.desc())
        .limit(SHOWN)
    ).all()
    before, following = queue.neighbours(who.session, who.person, candidate)
    return who.page(
        "candidate.html",
        one=candidate,
        mentions=mentions,
        similar=queue.similar(who.session, who.person, candidate),
        may_decide=who.person.role in decisions.DECIDERS,
        can_start=candidate.state in ("candidate", "watched"),
        last=decisions.latest(who.session, candidate.id),
        decisions=candidate.decisions,
        case=open_case_of(who.session, candidate),
        messages=_messages(who.session, candidate),
        before=before,
        following=following,
    )


@router.get("/sebutan/{mention_id}/asli")
def original(who: Who, mention_id: Number) -> RedirectResponse:
    """To the post itself, whose address names its author; that somebody looked is noted."""
    mention = who.session.get(Mention, mention_id)
    if mention is None or mention.candidate_id is None or not who.say.link(mention.url):
        raise HTTPException(404)
    if queue.get(who.session, who.person, mention.candidate_id) is None:
        raise HTTPException(404)
    audit.write(who.session, who.person, "pii.unmask", f"mention {mention.id}")
    return RedirectResponse(mention.url, 303)


def _messages(session: Session, candidate: Candidate) -> list[Alert]:
    """Who was told about the candidate, or is to be told."""
    of_candidate = select(Decision.id).where(Decision.candidate_id == candidate.id)
    told = select(Alert).where(Alert.decision_id.in_(of_candidate), Alert.state != "withdrawn")
    return list(session.scalars(told.options(selectinload(Alert.contact)).order_by(Alert.id)))


@router.post("/kandidat/{candidate_id}/putusan")
def decide(
    who: Signed,
    candidate_id: Number,
    version: Annotated[int, Form(ge=0, le=queue.MOST_ID)],
    action: Annotated[str, Form()],
    track: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    duplicate_of: Annotated[str, Form()] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Decide, and on to the next one."""
    number = duplicate_of.strip().lstrip("#")
    original = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
    try:
        decision = decisions.decide(
            who.session,
            who.person,
            candidate_id,
            version,
            action,
            track=track or None,
            reason=reason or None,
            duplicate_of=original,
            note=note,
        )
    except errors.ReviewError as error:
        return go(f"/kandidat/{candidate_id}", error.key, by=str(error.values.get("by", "")))
    following = queue.next_item(who.session, who.person)
    return go(f"/kandidat/{following.id}" if following else "/", action, decision.id)


@router.post("/putusan/{decision_id}/urungkan")
def undo(who: Signed, decision_id: Number) -> Response:
    """Take a decision back, and to its candidate either way."""
    try:
        undone = decisions.undo(who.session, who.person, decision_id)
    except errors.ReviewError as error:
        decision = who.session.get(Decision, decision_id)
        about = queue.get(who.session, who.person, decision.candidate_id) if decision else None
        return go(f"/kandidat/{about.id}" if about else "/", error.key, by=str(error.values.get("by", "")))
    return go(f"/kandidat/{undone.candidate_id}", "undo", undone.id)
