"""Accepted candidates: what is due, one case with its log and its clocks, and every act on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path as InPath
from fastapi import Query, Response
from pydantic import ConfigDict, Field

from intake.casework import brief, cases, clocks, referrals, sheet
from intake.casework.clocks import Clock, Rules
from intake.masking import covered
from intake.models import Agency, Case, CaseEvent, Referral, now
from intake.people import audit
from intake.review.errors import ReviewError
from intake.web import casework
from intake.web.api import lists
from intake.web.api.calls import AS_SEEN, Call, IfMatch, IfNoneMatch, acts, once, reads, router, seen, single
from intake.web.api.fields import (
    AGENCY,
    Given,
    Number,
    Told,
    Track,
    Version,
    example,
    listed,
)
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.mentions import ReasonIn
from intake.web.api.problems import Refused, problems
from intake.web.pages.referral import whose_of

Reader = Annotated[Call, reads("case.read")]
Worker = Annotated[Call, acts("case.change")]
CaseNumber = Annotated[str, InPath(pattern=r"^\d{4}-\d{4,8}$", description="number of the case, as `2026-0001`")]
Words = Annotated[str, Field(max_length=4000)]
Act = Literal[
    "refer",
    "sent",
    "ask_progress",
    "revoke",
    "heard",
    "progress",
    "note",
    "pause",
    "resume",
    "track",
    "close",
    "reopen",
]
ACTS: dict[str, str] = {
    "refer": "send it to the focal points of `agency_id`, with `text` as the question (empty: the usual one)",
    "sent": "write down that an officer told `agency_id` by letter or telephone (`way`), on which `day`, and whom (`text`)",
    "ask_progress": "ask the focal point of `referral` how it goes",
    "revoke": "close the link of `referral`",
    "heard": "write down what the agency of `referral` said by another way: `kind`, `text`",
    "progress": "write down how it goes: `text`",
    "note": "a note (`text`), or a `milestone` that clocks run from",
    "pause": "let the clocks stand still, because of `text`",
    "resume": "let them run again",
    "track": "to another legal `track`",
    "close": "it ended as `outcome` says",
    "reopen": "a closed case goes on, because of `text`",
}
CLOCK_STATES = {
    "overdue": "not done, and its day is over",
    "due_soon": f"at most {clocks.SOON} days left",
    "running": "more days left",
    "paused": "it stands still",
    "late": "done after its day",
    "met": "done in time",
}
routes = router("cases")


class ClockOut(Told):
    """A time limit at work in this case, computed from its log."""

    limit: str = Field(description="which limit of the configuration")
    what: str = Field(description="what it asks for, in Indonesian")
    english: str = Field(description="the same in English")
    referral: int | None = Field(description="whose clock it is; null: the case's own")
    started: date = Field(description="the day it started, which is not counted")
    due: date | None = Field(description="the last day; null: it stands still")
    ended: date | None = Field(description="the day it was over; null: it runs")
    state: str = Field(description="; ".join(f"`{code}`: {words}" for code, words in CLOCK_STATES.items()))
    days: int = Field(description="until it is due; of `overdue` and `late`, since then; counted as `count` says")
    count: str = Field(description="`working` days of the office, or `calendar` days")
    law: str = Field(description="who says so")
    confirmed: bool = Field(description="false: the regulation itself was not seen yet")


class EventOut(Told):
    """What happened to the case."""

    id: int = Field(description="its number; a reply names the last one that was seen")
    kind: str = Field(description=listed(casework.KINDS))
    referral: int | None = Field(description="to which referral")
    by: str | None = Field(description="who wrote it; null: the focal point, by their link, or the program")
    text: str = Field(description="what it says, personal data covered")
    track: str | None = Field(description="of `opened` and `track`")
    outcome: str | None = Field(description="of `closed`. " + listed(casework.OUTCOMES))
    milestone: str | None = Field(description="of a `note` that clocks run from. " + listed(casework.MILESTONES))
    whose: str | None = Field(description="of `not_ours`: who should be asked instead")
    at: datetime = Field(description="when")


class ReferralOut(Told):
    """The case before an agency's focal point. Its link is never told here."""

    id: int = Field(description="its number, which acts name")
    agency_id: str = Field(description=AGENCY)
    question: str = Field(description="what the agency is asked, personal data covered")
    created_at: datetime = Field(description="when it was sent")
    expires_at: datetime = Field(description="its link opens nothing after that")
    revoked: bool = Field(description="whether its link was closed")
    possible: list[str] = Field(description="how the agency may reply now")


class CaseOut(Told):
    """An accepted candidate on a legal track."""

    model_config = ConfigDict(
        json_schema_extra=example(
            number="2026-0001", version=2, state="open", track="refer", candidate_id=12, agency_id="VT-PLN-UP3DMI",
            subject="Listrik padam di Duri sejak subuh", opened_at="2026-11-24T10:00:00Z", pressing=None,
        )
    )  # fmt: skip

    number: str = Field(description="by year of opening")
    version: int = Field(description="name it with every act")
    state: str = Field(description=listed({name: casework.STATES[name] for name in ("open", "closed", "withdrawn")}))
    track: str | None = Field(description=f"{listed(casework.TRACKS)}; null: a focal point is not told")
    candidate_id: int | None = Field(description="the candidate it was; null: a focal point is not told")
    agency_id: str | None = Field(description=f"who is answerable: {AGENCY}")
    subject: str = Field(description="what it is about, without personal data")
    opened_at: datetime = Field(description="when it was opened")
    pressing: ClockOut | None = Field(description="the clock to look at first")


class CaseDetail(CaseOut):
    """A case with its log."""

    model_config = ConfigDict(json_schema_extra={})

    clocks: list[ClockOut] = Field(description="the most pressing first, those that are over last")
    events: list[EventOut] = Field(description="all that happened, oldest first; for a focal point, to their referrals")
    referrals: list[ReferralOut] = Field(description="where it was sent; for a focal point, to their agency")


class ReporterOut(Told):
    """Who reports."""

    name: str = Field(description="their name")
    contact: str = Field(description="how they are reached")
    prior_complaint: str = Field(description="where and when it was raised with the agency")


class WordsOut(Told):
    """What an event of the log says, nothing covered."""

    event: int = Field(description="its number")
    text: str = Field(description="the words")


class PersonalOut(Told):
    """The personal data of a case. It is told once: where the call is repeated, it is null."""

    model_config = ConfigDict(
        json_schema_extra=example(
            reporter={"name": "Pelapor Rekaan", "contact": "surel@contoh.id", "prior_complaint": "Loket, 2 November"},
            texts=[{"event": 19, "text": "Pelapor sudah dihubungi."}],
        )
    )

    reporter: ReporterOut | None = Field(description="null, too: nobody was written down")
    texts: list[WordsOut] | None = Field(description="of the events that say something, oldest first")


class ActIn(Given):
    """An act on a case, and what it needs to be told."""

    model_config = ConfigDict(json_schema_extra=example(version=2, act="refer", agency_id="VT-PLN-UP3DMI"))

    version: Version | None = Field(None, description="of the case, as you saw it; or its ETag in If-Match")
    act: Act = Field(description="; ".join(f"`{code}`: {words}" for code, words in ACTS.items()))
    text: Words = Field("", description="the question, note or reason")
    agency_id: str = Field("", max_length=60, description=f"with `refer` and `sent`: {AGENCY}")
    way: Literal["letter", "phone"] | None = Field(None, description="with sent")
    day: date | None = Field(None, description="with sent: from when its clocks run, in WIB; null: today")
    referral: Number | None = Field(None, description="with ask_progress, revoke, heard")
    kind: Literal["acknowledged", "answered", "progress", "not_ours"] | None = Field(
        None, description="with heard. " + listed({kind: casework.KINDS[kind] for kind in referrals.REPLIES})
    )
    milestone: str | None = Field(None, max_length=20, description="with note. " + listed(casework.MILESTONES))
    track: Track | None = Field(None, description="with track. " + listed(casework.TRACKS))
    outcome: str | None = Field(None, max_length=30, description="with close. " + listed(casework.OUTCOMES))


class ReplyIn(Given):
    """What a focal point answers for their agency."""

    model_config = ConfigDict(json_schema_extra=example(referral=4, seen=19, kind="acknowledged"))

    referral: Number = Field(description="to which referral")
    seen: Number = Field(description="the last event of that referral you saw")
    kind: Literal["acknowledged", "answered", "not_ours", "progress"] = Field(
        description=listed({kind: casework.KINDS[kind] for kind in referrals.REPLIES})
    )
    text: Words = Field("", description="the answer")
    whose: str = Field("", max_length=200, description="with not_ours: the agency that should be asked, or its name")


# ---- looking ---------------------------------------------------------------------------------------------------------


@routes.get("/cases", summary="Cases by what is due")
def read_cases(
    who: Reader,
    state: Annotated[
        Literal["open", "overdue", "paused", "closed", "withdrawn", "all"],
        Query(description=f"`all`, or {listed(casework.STATES)}"),
    ] = "open",
    track: Annotated[Track | None, Query(description=listed(casework.TRACKS))] = None,
    agency_id: Annotated[str | None, Query(max_length=60, description=f"answerable, or asked: {AGENCY}")] = None,
    after: After = None,
    limit: Limit = 20,
) -> ListOut[CaseOut]:
    """Those that are open by what is due first, the others newest first."""
    begin, filters = lists.place(after), cases.Filters(None if state == "all" else state, track, agency_id)
    try:
        page = cases.page(who.session, who.person, _rules(who), filters, begin, limit)
    except (ValueError, AttributeError):
        raise lists.wrong_cursor() from None
    return ListOut(items=[_case(who, one) for one in page.items], next=lists.cursor(page.next) if page.next else None)


@routes.get("/cases/{number}", summary="One case", response_model=CaseDetail, responses=problems(404) | AS_SEEN)
def read_case(who: Reader, number: CaseNumber, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """With its log, its clocks and where it was sent."""
    return single(_detail(who, _found(who, number)), response, if_none_match)


@routes.get(
    "/cases/{number}/sheet.pdf",
    summary="The one-page sheet of a case",
    response_class=Response,
    responses={**problems(404), 200: {"description": "A4, Indonesian", "content": {"application/pdf": {}}}},
)
def read_sheet(who: Reader, number: CaseNumber) -> Response:
    """For the file. That it was taken out is noted. Not for focal points."""
    case = _found(who, number)
    if who.person.role == "focal":
        raise Refused(404, "no_case", NO_CASE)
    province = next(region.name for region in who.say.tables.regions.values() if region.kind == "provinsi")
    standing = cases.standing(case, who.person, _rules(who))
    drawn = casework.sheet_of(who.session, standing, f"Perwakilan {province}", who.settings.province)
    audit.write(who.session, who.person, "case.sheet", f"case:{case.number}")
    name = {"Content-Disposition": f'inline; filename="kasus-{case.number}.pdf"'}
    return Response(sheet.pdf(drawn), media_type="application/pdf", headers=name)


NO_CASE = "There is no such case, or it is not yours to see."


def _found(who: Call, number: str) -> Case:
    case = cases.get(who.session, who.person, number)
    if case is None:
        raise Refused(404, "no_case", NO_CASE)
    return case


def _rules(who: Call) -> Rules:
    return clocks.rules_of(who.settings)


def _is_focal(who: Call) -> bool:
    return who.person.role == "focal"


def _case(who: Call, standing: cases.Standing) -> CaseOut:
    case, pressing = standing.case, standing.pressing
    return CaseOut(
        number=case.number,
        version=case.version,
        state=case.state,
        track=None if _is_focal(who) else case.track,
        candidate_id=None if _is_focal(who) else case.candidate_id,
        agency_id=case.agency_id,
        subject=brief.of(who.session, case).subject,
        opened_at=case.opened_at,
        pressing=_clock(pressing) if pressing else None,
    )


def _detail(who: Call, case: Case) -> CaseDetail:
    standing = cases.standing(case, who.person, _rules(who))
    sent = [one for one in case.referrals if not _is_focal(who) or _is_theirs(who, one)]
    theirs = {one.id for one in sent}
    events = [one for one in case.events if not _is_focal(who) or one.referral_id in theirs]
    return CaseDetail(
        **_case(who, standing).model_dump(),
        clocks=[_clock(one) for one in standing.clocks],
        events=[_event(who, one) for one in events],
        referrals=[_referral(who, case, one) for one in sent],
    )


def _is_theirs(who: Call, referral: Referral) -> bool:
    return referral.agency_id == who.person.agency_id and referral.revoked_at is None


def _clock(one: Clock) -> ClockOut:
    own = {name: getattr(one, name) for name in ("referral", "started", "due", "ended", "state", "days")}
    told = {name: getattr(one.limit, name) for name in ("what", "english", "count", "law", "confirmed")}
    return ClockOut(limit=one.limit.id, **own, **told)


def _event(who: Call, one: CaseEvent) -> EventOut:
    detail = one.detail
    named = who.session.get(Agency, detail["agency"]) if one.kind == "not_ours" and "agency" in detail else None
    internal = {name: None if _is_focal(who) else detail.get(name) for name in ("track", "outcome", "milestone")}
    return EventOut(
        id=one.id,
        kind=one.kind,
        referral=one.referral_id,
        by=one.person.name if one.person and (not _is_focal(who) or one.person.role == "focal") else None,
        text=covered(one.text),
        whose=named.name if named else covered(detail["whose"]) if "whose" in detail else None,
        at=one.at,
        **internal,
    )


def _referral(who: Call, case: Case, one: Referral) -> ReferralOut:
    own = {name: getattr(one, name) for name in ("id", "agency_id", "created_at", "expires_at")}
    possible = [] if one.revoked_at else list(referrals.possible(case, referrals.said(who.session, one)))
    return ReferralOut(question=covered(one.question), revoked=one.revoked_at is not None, possible=possible, **own)


# ---- acting ----------------------------------------------------------------------------------------------------------


def _do(who: Call, case: Case, version: int, given: ActIn) -> None:
    session, person, number, referral = who.session, who.person, case.id, given.referral or 0
    where = (session, person, number, version)
    deeds: dict[str, Callable[[], object]] = {
        "refer": lambda: cases.refer(*where, agency_id=given.agency_id, question=given.text),
        "sent": lambda: cases.note_sent(
            *where,
            agency_id=given.agency_id,
            way=given.way or "",
            day=given.day or clocks.day_of(now()),
            to=given.text,
        ),
        "ask_progress": lambda: cases.ask_progress(*where, referral_id=referral, question=given.text),
        "revoke": lambda: cases.revoke(*where, referral_id=referral),
        "heard": lambda: cases.note_reply(*where, referral_id=referral, kind=given.kind or "", text=given.text),
        "progress": lambda: cases.note_progress(*where, text=given.text),
        "note": lambda: cases.note(*where, text=given.text, milestone=given.milestone),
        "pause": lambda: cases.pause(*where, reason=given.text),
        "resume": lambda: cases.resume(*where),
        "track": lambda: cases.change_track(*where, track=given.track or "", note=given.text),
        "close": lambda: cases.close(*where, outcome=given.outcome or "", note=given.text),
        "reopen": lambda: cases.reopen(*where, reason=given.text),
    }
    deeds[given.act]()


@routes.post(
    "/cases/{number}/acts",
    status_code=201,
    summary="Act on a case",
    response_model=CaseDetail,
    responses=problems(404, 409, 412, 428),
)
@once()
def act(who: Worker, number: CaseNumber, given: ActIn, response: Response, if_match: IfMatch = None) -> Any:
    """Refer it, ask how it goes, write down what was heard, stop its clocks, close it. The case as it is then is told."""
    case, version = _found(who, number), seen(given.version, if_match)
    try:
        _do(who, case, version, given)
    except ReviewError as error:
        raise who.refused(error) from None
    who.session.flush()
    who.session.expire_all()
    return single(_detail(who, _found(who, number)), response)


@routes.post(
    "/cases/{number}/replies",
    status_code=201,
    summary="Answer for an agency",
    response_model=EventOut,
    responses=problems(404, 409),
)
@once()
def reply(who: Annotated[Call, acts("case.answer")], number: CaseNumber, given: ReplyIn) -> EventOut:
    """For a focal point with an account: what their agency says to a referral."""
    case = _found(who, number)
    one = next((one for one in case.referrals if one.id == given.referral and _is_theirs(who, one)), None)
    if one is None:
        raise Refused(404, "no_referral", "There is no such referral, or it is not your agency's.")
    whose = whose_of(who.session, given.whose)
    try:
        event = referrals.reply(
            who.session, one, given.kind, given.text, seen=given.seen, person=who.person, whose=whose
        )
    except ReviewError as error:
        raise who.refused(error) from None
    return _event(who, event)


@routes.post(
    "/cases/{number}/personal",
    summary="Open the personal data of a case",
    response_model=PersonalOut,
    responses=problems(404),
)
@once("reporter", "texts")
def open_personal(who: Annotated[Call, acts("reporter.read")], number: CaseNumber, given: ReasonIn) -> PersonalOut:
    """Who reports, and what its log says, for a reason that is noted."""
    case = _found(who, number)
    try:
        cases.unmask(who.session, who.person, case, given.reason)
    except ReviewError as error:
        raise who.refused(error) from None
    reporter = cases.reporter_of(who.session, case)
    return PersonalOut(
        reporter=ReporterOut.model_validate(reporter) if reporter else None,
        texts=[WordsOut(event=one.id, text=one.text) for one in case.events if one.text],
    )
