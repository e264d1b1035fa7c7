"""Saved views, and what is kept out of the queue for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import AwareDatetime, ConfigDict, Field

from intake.models import SavedView
from intake.review import mutes, queue, views
from intake.review.errors import ReviewError
from intake.web import present
from intake.web.api import lists
from intake.web.api.calls import (
    AS_SEEN,
    Call,
    IfMatch,
    IfNoneMatch,
    acts,
    hold,
    once,
    reads,
    router,
    single,
    unchanged,
)
from intake.web.api.candidates import CandidateOut, page_of
from intake.web.api.fields import (
    AGENCY,
    REGION,
    SECTORS,
    URGENCIES,
    Given,
    NumberInPath,
    State,
    Told,
    example,
    listed,
)
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import Refused, problems

Reader = Annotated[Call, reads("queue.read")]
Saver = Annotated[Call, acts("view.save")]
Muter = Annotated[Call, acts("mute.set")]
routes = router("views")


class FiltersIn(Given):
    """What of the queue a view shows; what is left out does not narrow."""

    state: State | None = Field("candidate", description=f"{listed(present.STATES)}; null: every state")
    region: str | None = Field(None, max_length=13, description=REGION)
    sector: str | None = Field(None, max_length=3, description=SECTORS)
    urgency: str | None = Field(None, max_length=2, description=URGENCIES)
    agency_id: str | None = Field(None, max_length=60, description=AGENCY)
    text: str | None = Field(None, max_length=100, description="words of the headline or of a mention")
    mine: bool = Field(False, description="only what was given to whoever looks, or to whom they stand in for")


class ViewIn(Given):
    """Filters with a name."""

    model_config = ConfigDict(
        json_schema_extra=example(name="Listrik Duri", filters={"sector": "LIS", "region": "14.03"})
    )

    name: str = Field(min_length=2, max_length=views.LONGEST_NAME, description="what it is called")
    filters: FiltersIn = Field(description="what it shows")


class ViewEdit(Given):
    """What of a view changes; what is left out stays."""

    model_config = ConfigDict(json_schema_extra=example(shared=True))

    name: str | None = Field(None, min_length=2, max_length=views.LONGEST_NAME, description="another name")
    shared: bool | None = Field(
        None, description="whether all who read the queue may look through it, each at their part"
    )
    alerts: bool | None = Field(None, description="whether you are told of what is new in it from now on")


class ViewOut(Told):
    """A saved view."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=3, name="Listrik Duri", by="rina", mine=True, shared=False, filters={"sector": "LIS"}, alerts=False,
            has_feed=False, created_at="2026-11-24T10:00:00Z",
        )
    )  # fmt: skip

    id: int = Field(description="its number")
    name: str = Field(description="what it is called")
    by: str = Field(description="whose it is")
    mine: bool = Field(description="whether that is you; only then you can change it")
    shared: bool = Field(description="whether all who read the queue may look through it")
    filters: dict[str, str | bool | None] = Field(description="what narrows the queue, as in `FiltersIn`, and no more")
    alerts: bool | None = Field(description="whether you are told of what is new in it; null: it is not yours")
    has_feed: bool | None = Field(description="whether it has a feed; null: it is not yours")
    created_at: datetime = Field(description="when it was saved")


class FeedOut(Told):
    """Where the feed of a view is read, without an account. The addresses are told once."""

    model_config = ConfigDict(
        json_schema_extra=example(rss="https://k.example/umpan/s.rss", json="https://k.example/umpan/s.json")
    )

    rss: str | None = Field(description="address of RSS; null where the call was repeated")
    json_feed: str | None = Field(
        alias="json", serialization_alias="json", description="address of JSON Feed; null likewise"
    )


class MuteIn(Given):
    """What is kept out of the queue: all that is named must be so. A danger to life (U1) is never muted."""

    model_config = ConfigDict(
        json_schema_extra=example(
            sector="LIS", region="14.03", reason="pemadaman terencana", until="2026-11-30T17:00:00Z"
        )
    )

    sector: str | None = Field(None, max_length=3, description=SECTORS)
    region: str | None = Field(None, max_length=13, description=REGION)
    agency_id: str | None = Field(None, max_length=60, description=AGENCY)
    reason: str = Field(max_length=mutes.LONGEST_REASON, description="why, in a few words")
    until: AwareDatetime = Field(description=f"until when, at most {mutes.LONGEST.days} days from now")


class MuteOut(Told):
    """What is kept out of the queue for a while."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=2, by="rina", sector="LIS", region="14.03", agency_id=None, reason="pemadaman terencana",
            until="2026-11-30T17:00:00Z", created_at="2026-11-24T10:00:00Z", candidates=3,
        )
    )  # fmt: skip

    id: int = Field(description="its number")
    by: str = Field(description="who muted it")
    sector: str | None = Field(description=f"{SECTORS}; null: any")
    region: str | None = Field(description=f"{REGION}; null: any")
    agency_id: str | None = Field(description=f"{AGENCY}; null: any")
    reason: str = Field(description="why")
    until: datetime = Field(description="until when")
    created_at: datetime = Field(description="since when")
    candidates: int = Field(description=f"of those you may see, how many it holds back now, counted to {queue.COUNTED}")


# ---- views -----------------------------------------------------------------------------------------------------------


@routes.get("/views", summary="Saved views")
def read_views(who: Reader, after: After = None, limit: Limit = 20) -> ListOut[ViewOut]:
    """Your own, then those that others share, each by name."""
    rows = views.listing(who.session, who.person)
    shown, following = lists.part(rows, lambda row: (row.person_id != who.person.id, row.name, row.id), after, limit)
    return ListOut(items=[_view(who, row) for row in shown], next=following)


@routes.post("/views", status_code=201, summary="Save a view", response_model=ViewOut)
@once()
def save_view(who: Saver, given: ViewIn, response: Response) -> Any:
    """Keep filters under a name."""
    try:
        view = views.save(who.session, who.person, given.name, given.filters.model_dump())
    except ReviewError as error:
        raise who.refused(error) from None
    return single(_view(who, view), response)


@routes.get("/views/{view_id}", summary="One view", response_model=ViewOut, responses=problems(404) | AS_SEEN)
def read_view(who: Reader, view_id: NumberInPath, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """Your own, or one that is shared."""
    return single(_view(who, _found(who, view_id)), response, if_none_match)


@routes.get("/views/{view_id}/items", summary="What a view shows", responses=problems(404))
def read_items(who: Reader, view_id: NumberInPath, after: After = None, limit: Limit = 20) -> ListOut[CandidateOut]:
    """One page of the queue, narrowed as the view says, and to what you may see."""
    return page_of(who, views.filters_of(_found(who, view_id), who.person), after, limit)


@routes.patch("/views/{view_id}", summary="Change a view", response_model=ViewOut, responses=problems(404, 412, 428))
@once()
def change_view(
    who: Saver, view_id: NumberInPath, given: ViewEdit, response: Response, if_match: IfMatch = None
) -> Any:
    """Its name, whether it is shared, whether you are told of what is new."""
    session, person = who.session, who.person
    _own(who, view_id, if_match)
    try:
        if given.name is not None:
            views.rename(session, person, view_id, given.name)
        if given.shared is not None:
            views.share(session, person, view_id, shared=given.shared)
        if given.alerts is not None:
            views.switch_alerts(session, person, view_id, on=given.alerts)
    except ReviewError as error:
        raise who.refused(error) from None
    return single(_view(who, _found(who, view_id)), response)


@routes.delete("/views/{view_id}", status_code=204, summary="Delete a view", responses=problems(404, 412, 428))
@once()
def delete_view(who: Saver, view_id: NumberInPath, if_match: IfMatch = None) -> None:
    """Its feed and its alerts end with it."""
    _own(who, view_id, if_match)
    try:
        views.delete(who.session, who.person, view_id)
    except ReviewError as error:
        raise who.refused(error) from None


@routes.post(
    "/views/{view_id}/feed",
    status_code=201,
    summary="Give a view a feed",
    response_model=FeedOut,
    responses=problems(404),
)
@once("rss", "json")
def open_feed(who: Saver, view_id: NumberInPath) -> FeedOut:
    """Or its feed another address; the one it had leads nowhere any more."""
    try:
        secret = views.open_feed(who.session, who.person, view_id)
    except ReviewError as error:
        raise who.refused(error) from None
    address = f"{console(who)}/umpan/{secret}"
    return FeedOut.model_validate({"rss": f"{address}.rss", "json": f"{address}.json"})


@routes.delete("/views/{view_id}/feed", status_code=204, summary="End the feed of a view", responses=problems(404))
@once()
def close_feed(who: Saver, view_id: NumberInPath) -> None:
    """Its address leads nowhere any more."""
    try:
        views.close_feed(who.session, who.person, view_id)
    except ReviewError as error:
        raise who.refused(error) from None


def console(who: Call) -> str:
    """The address of the console as links name it."""
    scheme = "https" if who.settings.behind_tls else "http"
    return (who.settings.public_url or f"{scheme}://{who.request.headers.get('host', '')}").rstrip("/")


def _found(who: Call, view_id: int) -> SavedView:
    view = views.get(who.session, who.person, view_id)
    if view is None:
        raise Refused(404, "no_view", "There is no such view, or it is not yours to see.")
    return view


def _own(who: Call, view_id: int, if_match: str | None) -> None:
    """The caller saw this view of theirs as it is. Raises Refused."""
    hold(who.session, SavedView, _found(who, view_id).id)
    view = _found(who, view_id)
    if view.person_id != who.person.id:
        raise Refused(404, "no_view", "There is no such view, or it is not yours to change.")
    unchanged(_view(who, view), if_match)


def _view(who: Call, view: SavedView) -> ViewOut:
    mine = view.person_id == who.person.id
    return ViewOut(
        id=view.id,
        name=view.name,
        by=view.person.name,
        mine=mine,
        shared=view.shared,
        filters=views.as_json(views.filters_of(view, who.person)),
        alerts=view.alerts if mine else None,
        has_feed=view.feed_hash is not None if mine else None,
        created_at=view.created_at,
    )


# ---- mutes -----------------------------------------------------------------------------------------------------------


@routes.get("/mutes", summary="What is muted now")
def read_mutes(who: Annotated[Call, reads("mute.set")], after: After = None, limit: Limit = 20) -> ListOut[MuteOut]:
    """The one that ends first before the others."""
    rows = mutes.held(who.session, who.person)
    shown, following = lists.part(rows, lambda row: (row.mute.until.isoformat(), row.mute.id), after, limit)
    return ListOut(items=[_mute(row) for row in shown], next=following)


@routes.post("/mutes", status_code=201, summary="Mute", response_model=MuteOut)
@once()
def mute(who: Muter, given: MuteIn) -> MuteOut:
    """Keep what matches out of the queue; open candidates at once."""
    try:
        made = mutes.mute(who.session, who.person, **given.model_dump())
    except ReviewError as error:
        raise who.refused(error) from None
    return _mute(next(row for row in mutes.held(who.session, who.person) if row.mute.id == made.id))


@routes.delete("/mutes/{mute_id}", status_code=204, summary="End a mute before its time", responses=problems(404))
@once()
def end_mute(who: Muter, mute_id: NumberInPath) -> None:
    """What it held back is in the queue again, unless another mute holds for it."""
    try:
        mutes.end(who.session, who.person, mute_id)
    except ReviewError as error:
        raise who.refused(error) from None


def _mute(row: mutes.Held) -> MuteOut:
    own = {name: getattr(row.mute, name) for name in MuteOut.model_fields if name not in ("by", "candidates")}
    return MuteOut(by=row.mute.person.name, candidates=row.candidates, **own)
