"""An address that is pasted: what is read there, and what it becomes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from fastapi.params import Security
from pydantic import ConfigDict, Field

from intake import inbox, links
from intake.models import Mention
from intake.people import access
from intake.review import decisions, queue
from intake.review.errors import ReviewError
from intake.web.api.calls import (
    AS_SEEN,
    Asking,
    Call,
    IfNoneMatch,
    asking,
    claim,
    forget,
    keep,
    reads,
    router,
    scopes_for,
    single,
)
from intake.web.api.candidates import DecisionOut, MentionOut, mention_of
from intake.web.api.fields import Given, NumberInPath, Told, example
from intake.web.api.problems import WORDS, Refused, problems

PASTE = "link.paste"
Paster = Annotated[Asking, Security(asking, scopes=scopes_for(PASTE))]
routes = router("links")


class LinkIn(Given):
    """Where something stands that is worth a look."""

    model_config = ConfigDict(json_schema_extra=example(url="https://koran.example/berita/1", reason="dikirim warga"))

    url: str = Field(min_length=1, max_length=links.LONGEST_ADDRESS, description="address of one public page")
    reason: str = Field("", max_length=500, description="why it is worth a look; it goes to the audit log")


class ReadingOut(Told):
    """What stands there, and what was understood of it."""

    mention: MentionOut | None = Field(
        description="the text, masked; null: it was taken in, and is for those who are answerable for its region or agency"
    )
    candidate_id: int | None = Field(description="the candidate it belongs to; null: none")
    failure: str | None = Field(description="`yes`: it tells of a failure, `vague`, `no`; null: not analysed yet")
    analysed_at: datetime | None = Field(description="null: it waits for its analysis; ask again")


class BringIn(Given):
    """Why there is a failure in what the analysis did not understand so."""

    model_config = ConfigDict(json_schema_extra=example(reason="air tidak mengalir tiga hari"))

    reason: str = Field(max_length=2000, description="what failed, in a few words")


@routes.post("/links", status_code=201, summary="Read a page", response_model=ReadingOut, responses=problems(404, 409))
def paste(asked: Paster, given: LinkIn) -> ReadingOut | Response:
    """Fetch, store and analyse it, in at most 45 seconds. No transaction is open meanwhile: nobody else waits for that."""
    app = asked.request.app.state
    with app.sessions.begin() as session:
        who = asked.call(session, PASTE)
        if known := claim(who):
            return known
        try:
            page = links.ask(session, who.person, given.url, app.settings)
        except links.LinkRefused as refused:
            raise _refused(who, refused) from None
    try:
        reading, refusal = links.read(app.sessions, app.settings, page, app.understand), None
    except links.LinkRefused as refused:
        reading, refusal = links.Reading(), refused
    with app.sessions.begin() as session:
        who = asked.call(session, PASTE)
        if reading.mention_id is not None:
            links.note_reading(session, who.person, reading.mention_id, given.reason)
            told = _reading(who, session.get_one(Mention, reading.mention_id))
            keep(who, told)
            return told
        forget(who)
    raise _refused(who, refusal) if refusal else Refused(422, "link_nothing", _nothing(reading))


def _refused(who: Call, refused: links.LinkRefused) -> Refused:
    status = 429 if refused.key in ("link_many", "link_busy") else 422
    headers = {"Retry-After": "60"} if status == 429 else {}
    return Refused(status, refused.key, who.say.refused_link(refused.key, refused.values), headers)


def _nothing(reading: links.Reading) -> str:
    return " ".join([WORDS["link_nothing"], *(english for _indonesian, english in reading.why)])


@routes.get(
    "/links/{mention_id}", summary="What was read", response_model=ReadingOut, responses=problems(404) | AS_SEEN
)
def read_reading(
    who: Annotated[Call, reads(PASTE)], mention_id: NumberInPath, response: Response, if_none_match: IfNoneMatch = None
) -> Any:
    """Of a text of a candidate you may see, or one that you brought."""
    return single(_reading(who, _mention(who, mention_id)), response, if_none_match)


@routes.post(
    "/links/{mention_id}/candidate",
    status_code=201,
    summary="Make a candidate of a text",
    response_model=DecisionOut,
    responses=problems(404, 409),
)
def bring(asked: Paster, mention_id: NumberInPath, given: BringIn) -> DecisionOut | Response:
    """A person sees a failure where the analysis saw none. It is a decision, which can be undone."""
    with inbox.recording(asked.request.app.state.sessions) as session:
        who = asked.call(session, PASTE)
        if known := claim(who):
            return known
        _mention(who, mention_id)
        try:
            made = DecisionOut.of(decisions.bring(session, who.person, mention_id, given.reason))
        except ReviewError as error:
            raise who.refused(error) from None
        keep(who, made)
        return made


def _mention(who: Call, mention_id: int) -> Mention:
    """A text of a candidate the caller sees; of none yet, for one with bounds what they brought. Raises Refused."""
    mention = who.session.get(Mention, mention_id)
    if mention is None or not _is_theirs(who, mention):
        raise Refused(404, "no_mention", f"There is no text {mention_id}, or it is not yours to see.")
    return mention


def _is_theirs(who: Call, mention: Mention) -> bool:
    if mention.candidate_id is not None:
        return queue.get(who.session, who.person, mention.candidate_id) is not None
    return not access.bounds_of(who.person) or links.brought_by(who.session, mention, who.person) is not None


def _reading(who: Call, mention: Mention) -> ReadingOut:
    if not _is_theirs(who, mention):
        return ReadingOut(mention=None, candidate_id=None, failure=None, analysed_at=None)
    about = {name: getattr(mention, name) for name in ("candidate_id", "failure", "analysed_at")}
    return ReadingOut(mention=mention_of(mention), **about)
