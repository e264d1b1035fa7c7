"""Several candidates decided at once, what became of each, and a decision taken back with all that were made with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from intake.models import Decision
from intake.people import access
from intake.review import decisions, errors, queue
from intake.review.undo import made_with, take_back
from intake.web.pages.forms import Given, Typed, order_of, status_of
from intake.web.present import Wrong
from intake.web.visitor import Number, Signed, Visitor, Who, go, needs
from intake.web.way import FormWay, OnWay, Way

router = APIRouter(include_in_schema=False)


@router.post("/putusan/bersama")
def decide_all(who: Signed, way: FormWay, typed: Given, item: Annotated[list[str], Form()] = []) -> Response:  # noqa: B006
    """The same about several, each named as ID:VERSION: about all of them, or none."""
    items = _items(item)
    try:
        order = order_of(who, typed, None)
        results = decisions.decide_all(who.session, who.person, items, typed.action, **order)
    except errors.ReviewError as error:
        return _results(who, way, (), typed, who.say.error(error.key, error.values), status_of(error))
    except Wrong as wrong:
        return _results(who, way, (), typed, who.say.wrong(wrong.key, wrong.values), 422)
    made = [one.decision for one in results if one.decision]
    if made:
        return go(f"/putusan/{made[0].id}/hasil{way.query()}")
    return _results(who, way, results, typed, items=dict(items), status=409)


def _items(given: Sequence[str]) -> list[tuple[int, int]]:
    pairs = [one.partition(":") for one in given]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for one in pairs for part in (one[0], one[2])):
        raise HTTPException(422)
    return [(int(number), int(version)) for number, _, version in pairs]


@router.get("/putusan/{decision_id}/hasil")
def results_page(who: Who, decision_id: Number, way: OnWay) -> HTMLResponse:
    """What became of each of those that were decided at once, and one undo for all."""
    decision = who.session.get(Decision, decision_id)
    if decision is None or queue.get(who.session, who.person, decision.candidate_id) is None:
        raise HTTPException(404)
    needs(who, "candidate.decide")
    made = made_with(who.session, decision)
    return _results(who, way, [decisions.Result(one.candidate_id, one) for one in made])


def _results(
    who: Visitor,
    way: Way,
    results: Sequence[decisions.Result],
    typed: Typed = Typed(),
    refused: str = "",
    status: int = 200,
    items: Mapping[int, int] | None = None,
) -> HTMLResponse:
    found = {one.candidate_id: queue.get(who.session, who.person, one.candidate_id) for one in results}
    made = [one.decision for one in results if one.decision]
    undone = who.session.scalar(select(Decision).where(Decision.undoes == made[0].id)) if made else None
    left = {number: version for number, version in (items or {}).items() if _was_only_left(results, number)}
    return who.page(
        "bulk.html",
        status,
        way=way,
        results=[(one, found[one.candidate_id]) for one in results if found[one.candidate_id]],
        made=made,
        undone=undone,
        left=left,
        typed=typed,
        refused=refused,
        may_decide=access.may(who.person, "candidate.decide"),
    )


def _was_only_left(results: Sequence[decisions.Result], number: int) -> bool:
    """Whether nothing stood against it but that something stood against another one."""
    return any(one.candidate_id == number and one.key == "not_alone" for one in results)


@router.post("/putusan/{decision_id}/urungkan")
def undo(who: Signed, decision_id: Number) -> Response:
    """Take a decision back with all that were made at once with it, and to its candidate either way."""
    try:
        undone = take_back(who.session, who.person, decision_id)
    except errors.ReviewError as error:
        decision = who.session.get(Decision, decision_id)
        about = queue.get(who.session, who.person, decision.candidate_id) if decision else None
        by, action = (str(error.values.get(name, "")) for name in ("by", "action"))
        return go(f"/kandidat/{about.id}" if about else "/", error.key, by=by, action=action)
    if len(made_with(who.session, who.session.get_one(Decision, decision_id))) > 1:
        return go(f"/putusan/{decision_id}/hasil")
    return go(f"/kandidat/{undone.candidate_id}", "undo", undone.id)
