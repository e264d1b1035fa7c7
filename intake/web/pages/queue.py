"""The queue officers work through, and the next candidate of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.models import REASONS, Mention, Remit
from intake.people import access
from intake.review import decisions, errors, leases, queue, search
from intake.web.pages.forms import SNOOZES
from intake.web.visitor import Signed, Visitor, Who, agencies_by_name, go, hearing, needs
from intake.web.way import FormWay, OnWay, Way

router = APIRouter(include_in_schema=False)


@router.get("/")
def queue_page(who: Who, way: OnWay, after: str = "", pilih: str = "") -> HTMLResponse:
    """`pilih` (semua): every candidate of the page is ticked, for whoever has no script."""
    if who.person.role == "focal":
        way = replace(way, filters=replace(way.filters, state="accepted"))
    is_decider = access.may(who.person, "candidate.decide")
    budget = queue.budget(who.session, who.person) if is_decider else None
    filters = way.for_today(budget) if budget else way.filters
    page, count = queue.counted_page(who.session, who.person, filters, _cursor(after))
    ids = [candidate.id for candidate in page.items]
    held = leases.holders(who.session, ids) if is_decider else {}
    return who.page(
        "queue.html",
        page=page,
        way=way,
        chosen=way.chosen(),
        is_narrowed=way.is_narrowed,
        is_decider=is_decider,
        budget=budget,
        pace=decisions.median_seconds(who.session, who.person) if is_decider else None,
        is_done=filters != way.filters and (bool(page.items) or _waits(who, way)),
        has_remits=_has_remits(who),
        held=held,
        names=_source_names(who.session, ids),
        count=count,
        aside=queue.aside(who.session, who.person) if who.person.role != "focal" else queue.Aside(0, 0),
        most=queue.COUNTED,
        found_at_most=search.MOST,
        next_link=f"/{way.query(after=str(page.next))}" if page.next else None,
        all_link=f"/{way.query(pilih='semua', **({'after': after} if after else {}))}",
        all_ticked=pilih == "semua",
        hearing=hearing(who.session),
        closing=REASONS,
        snoozes=SNOOZES,
        agencies=agencies_by_name(who.session) if is_decider else {},
    )


def _waits(who: Visitor, way: Way) -> bool:
    """Whether something is left beyond the day's part."""
    return queue.next_item(who.session, who.person, way.filters) is not None


def _has_remits(who: Visitor) -> bool:
    own: Iterable[Remit] = (remit for remit in who.person.remits if not remit.bounds)
    return any(own) or bool(access.covered(who.person))


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


@router.post("/antrean/berikutnya")
def take_next(who: Signed, way: FormWay, after: Annotated[int, Form(ge=0, le=queue.MOST_ID)] = 0) -> Response:
    """Take the next candidate and open it; `after` is the one in hand, which is passed over undecided."""
    needs(who, "candidate.decide")
    passed = queue.get(who.session, who.person, after) if after else None
    if passed is not None:
        way = replace(way, past=str(queue.Cursor(passed.rank, passed.id)))
        held = leases.holder(who.session, passed.id)
        if held is not None:
            leases.release(who.session, who.person, passed.id, held.token)
    return go(next_address(who, way))


def next_address(who: Visitor, way: Way) -> str:
    """The address of the next candidate, which the person holds from now on; of the queue, when there is none left."""
    filters = way.for_today(queue.budget(who.session, who.person))
    past = _cursor(way.past)
    if past is None:
        taken = leases.claim_next(who.session, who.person, filters, lease_length(who))
        return f"/kandidat/{taken[0].id}{way.query()}" if taken else f"/{way.query()}"
    for one in queue.page(who.session, who.person, replace(filters, state="candidate"), past).items:
        try:
            leases.claim(who.session, who.person, one.id, lease_length(who))
        except errors.ReviewError:
            continue  # somebody else has it, or just decided it
        return f"/kandidat/{one.id}{way.query()}"
    return f"/{replace(way, past='').query()}"


def lease_length(who: Visitor) -> timedelta:
    return timedelta(minutes=who.request.app.state.settings.lease_minutes)
