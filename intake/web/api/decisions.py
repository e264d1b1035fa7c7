"""Decisions about candidates: one, many at once, and taken back; and answers to suggestions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field

from intake.review import decisions, suggestions
from intake.review.errors import ReviewError
from intake.review.undo import take_back
from intake.web import present
from intake.web.api.calls import Call, acts, once, router
from intake.web.api.candidates import DecisionOut
from intake.web.api.fields import (
    Action,
    Correctable,
    Given,
    Number,
    NumberInPath,
    Reason,
    Told,
    Track,
    Version,
    example,
    listed,
)
from intake.web.api.problems import Refused, problems, worded

Decider = Annotated[Call, acts("candidate.decide")]
routes = router("decisions")


class OrderIn(Given):
    """What a person decides, and what the action needs to be told."""

    action: Action = Field(description=listed(present.ACTIONS))
    track: Track | None = Field(None, description="with accept. " + listed(present.TRACKS))
    reason: Reason | None = Field(
        None, description="with not_relevant, outside and insufficient, each its own. " + listed(present.REASONS)
    )
    duplicate_of: Number | None = Field(None, description="with duplicate: id of the original candidate")
    until: AwareDatetime | None = Field(
        None, description="with snooze, at most 30 days from now; null: back to the queue"
    )
    mentions: list[Number] = Field([], max_length=500, description="with split: the mentions of a new candidate")
    fields: dict[Correctable, str | None] = Field({}, description="with correct: codes; null: there is none")
    note: str = Field("", max_length=2000, description="beside it")


class DecisionIn(OrderIn):
    """A decision about one candidate."""

    model_config = ConfigDict(json_schema_extra=example(candidate_id=12, version=3, action="accept", track="refer"))

    candidate_id: Number = Field(description="which candidate")
    version: Version = Field(description="of the candidate, as you saw it")
    lease: Number | None = Field(None, description="token of your lease, if you hold one")


class ItemIn(Given):
    """One of many."""

    candidate_id: Number = Field(description="which candidate")
    version: Version = Field(description="of it, as you saw it")


class BulkIn(OrderIn):
    """The same decision about several candidates: about all or none."""

    model_config = ConfigDict(
        json_schema_extra=example(
            items=[{"candidate_id": 12, "version": 3}, {"candidate_id": 14, "version": 1}],
            action="not_relevant",
            reason="settled",
        )
    )

    items: list[ItemIn] = Field(min_length=1, max_length=decisions.MOST, description="which candidates, each once")


class BulkOut(Told):
    """What was decided, in the order it was asked for."""

    decisions: list[DecisionOut] = Field(description="one for each; an undo of any takes all of them back")


class JoinIn(Given):
    """The candidate in hand, which is one of the two of the suggestion."""

    model_config = ConfigDict(json_schema_extra=example(candidate_id=12, version=3))

    candidate_id: Number = Field(description="the one in hand")
    version: Version = Field(description="of it, as you saw it")
    lease: Number | None = Field(None, description="token of your lease, if you hold one")


@routes.post(
    "/decisions",
    status_code=201,
    summary="Decide about a candidate",
    response_model=DecisionOut,
    responses=problems(404, 409),
)
@once()
def decide(who: Decider, given: DecisionIn) -> DecisionOut:
    """Accept, close, merge, split, correct, snooze or reopen it. What follows happens as a whole, or not at all."""
    try:
        return DecisionOut.of(decisions.decide(who.session, who.person, **given.model_dump()))
    except ReviewError as error:
        raise who.refused(error) from None


@routes.post(
    "/decisions/bulk",
    status_code=201,
    summary="Decide about several candidates at once",
    response_model=BulkOut,
    responses=problems(404, 409),
)
@once()
def decide_all(who: Decider, given: BulkIn) -> BulkOut:
    """All are decided, or none: then the problem's `results` say what stands against each."""
    order: dict[str, Any] = given.model_dump(exclude={"items"})
    items = [(one.candidate_id, one.version) for one in given.items]
    if len(dict(items)) < len(items):
        raise Refused(422, "wrong_number", "items: a candidate stands there twice. Nothing was changed.")
    try:
        results = decisions.decide_all(who.session, who.person, items, **order)
    except ReviewError as error:
        raise who.refused(error) from None
    against = [
        {
            "candidate_id": one.candidate_id,
            "code": one.key,
            "detail": worded(one.key, one.values, who.settings.province),
        }
        for one in results
        if not one.ok
    ]
    if against:
        raise Refused(409, "not_all", results=against)
    return BulkOut(decisions=[DecisionOut.of(one.decision) for one in results if one.decision])


@routes.post(
    "/decisions/{decision_id}/undo",
    status_code=201,
    summary="Take a decision back",
    response_model=DecisionOut,
    responses=problems(404, 409),
)
@once()
def undo(who: Decider, decision_id: NumberInPath) -> DecisionOut:
    """With all that were made at once with it, as long as nothing else was decided since."""
    try:
        return DecisionOut.of(take_back(who.session, who.person, decision_id))
    except ReviewError as error:
        raise who.refused(error) from None


@routes.post(
    "/suggestions/{suggestion_id}/join",
    status_code=201,
    summary="They are one event",
    response_model=DecisionOut,
    responses=problems(404, 409),
)
@once()
def join(who: Decider, suggestion_id: NumberInPath, given: JoinIn) -> DecisionOut:
    """A decision, which can be undone. The case is kept; else the one with more voices; else the older one."""
    try:
        return DecisionOut.of(suggestions.join(who.session, who.person, suggestion_id, **given.model_dump()))
    except ReviewError as error:
        raise who.refused(error) from None


@routes.post(
    "/suggestions/{suggestion_id}/apart",
    status_code=204,
    summary="They are two events",
    responses=problems(404, 409),
)
@once()
def apart(who: Decider, suggestion_id: NumberInPath) -> None:
    """Not suggested again, unless that is taken back."""
    try:
        suggestions.dismiss(who.session, who.person, suggestion_id)
    except ReviewError as error:
        raise who.refused(error) from None


@routes.delete(
    "/suggestions/{suggestion_id}/apart",
    status_code=204,
    summary="Take back that they are two events",
    responses=problems(404, 409),
)
@once()
def ask_again(who: Decider, suggestion_id: NumberInPath) -> None:
    """Whatever was decided since: it is suggested again. That they are one is taken back by undoing the decision."""
    try:
        suggestions.ask_again(who.session, who.person, suggestion_id)
    except ReviewError as error:
        raise who.refused(error) from None
