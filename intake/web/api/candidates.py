"""The queue, one candidate with all there is to say of it, and who has it open."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import or_, select

from intake.masking import masked
from intake.models import OPEN_STATES, Candidate, Decision, Lease, Mention, Person
from intake.people import access
from intake.review import decisions, handled, leases, queue, suggestions
from intake.review.errors import ReviewError
from intake.web import present
from intake.web.api import lists
from intake.web.api.calls import AS_SEEN, Call, IfMatch, IfNoneMatch, acts, once, reads, router, seen, single
from intake.web.api.fields import (
    AGENCY,
    DISTRICT,
    FORMS,
    KINDS,
    REGION,
    SECTORS,
    URGENCIES,
    Correctable,
    Given,
    Number,
    NumberInPath,
    State,
    Told,
    Version,
    example,
    listed,
)
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import Refused, english, problems
from intake.web.visitor import open_case_of

SHOWN = 40  # mentions told with a candidate; the others by their own list
Reader = Annotated[Call, reads("queue.read")]
Decider = Annotated[Call, acts("candidate.decide")]
routes = router("candidates")


class CandidateOut(Told):
    """One event waiting in the queue, or decided. Not a case, and its mentions are no formal reports."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=12, version=3, state="candidate", headline="Listrik padam di Duri sejak subuh", sector="LIS", form="MA02",
            kind="PLN", agency_id="VT-PLN-UP3DMI", agency_reason="disebut: PLN Duri", place="riau", region="14.03",
            district=None, urgency="U3", p_failure=0.93, mention_count=4, voice_count=2, source_count=2,
            first_told_at="2026-11-24T05:00:00Z", last_told_at="2026-11-24T09:00:00Z", snoozed_until=None,
        )
    )  # fmt: skip

    id: int = Field(description="its number")
    version: int = Field(description="name it when you decide")
    state: State = Field(description=listed(present.STATES))
    headline: str = Field(description="title of the best article, or the first words of the best post, masked")
    sector: str | None = Field(description=SECTORS)
    form: str | None = Field(description=FORMS)
    kind: str | None = Field(description=KINDS)
    agency_id: str | None = Field(description=f"who is answerable: {AGENCY}; null: not known")
    agency_reason: str = Field(description="why this agency, in words; empty once a person corrected it")
    place: str = Field(description="`riau`, `other`: elsewhere, `unknown`")
    region: str | None = Field(description=f"{REGION}; null: not known")
    district: str | None = Field(description=f"{DISTRICT}; null: not known")
    urgency: str | None = Field(description=URGENCIES)
    p_failure: float = Field(description="calibrated probability that a service failed, 0 to 1")
    mention_count: int = Field(description="texts that tell of it")
    voice_count: int = Field(description="independent voices: near-copies count once")
    source_count: int = Field(description="sources they are from")
    first_told_at: datetime = Field(description="when the first text was published")
    last_told_at: datetime = Field(description="when the last one was")
    snoozed_until: datetime | None = Field(description="not in the queue until then")


class MentionOut(Told):
    """A public text that tells of the event, personal data masked."""

    id: int = Field(description="its number, which a split names")
    kind: str = Field(description="`article` or `post`")
    source: str = Field(description="name of the source")
    url: str = Field(description="of an article; empty for a post, whose address names its author")
    title: str = Field(description="of an article; empty for a post")
    text: str = Field(description="the text, personal data covered as in [NIK]")
    told_at: datetime = Field(description="when it was published; when it was fetched, where the source does not say")
    p_failure: float | None = Field(description="calibrated probability that it tells of a failure")
    near_copy: bool = Field(description="nearly the words of a text that is told of already: no voice of its own")


class WhyOut(Told):
    """One of the four things a place in the queue is made of."""

    key: Literal["urgency", "certainty", "freshness", "voices"] = Field(description="which of them")
    share: float = Field(description="what it adds to the rank; one more is worth twice as much")


class HintOut(Told):
    """Something that may mean the event is handled already. Never a decision."""

    kind: Literal["record", "statement", "over"] = Field(
        description="`record`: of LAPOR! or SIMPeL; `statement`: of the agency; `over`: a later text says it is over"
    )
    indonesian: str = Field(description="in Indonesian")
    english: str = Field(description="in English")
    at: datetime = Field(description="of the record or of the text")
    number: str = Field(description="of a record; empty otherwise")
    mention_id: int | None = Field(description="the text it rests on")
    url: str = Field(description="of that text, if it is an article")
    quote: str = Field(description="the sentence, masked; of a record its subject")


class SuggestionOut(Told):
    """Another candidate that may be the same event: for a person to say."""

    id: int = Field(description="its number, by which it is answered")
    other: CandidateOut = Field(description="the other candidate")
    score: float = Field(description="how alike they are, 0 to 1")
    reasons: list[str] = Field(description="in what they agree, in words")


class HolderOut(Told):
    """Who has the candidate open."""

    by: str = Field(description="their name")
    mine: bool = Field(description="whether that is you")
    taken_at: datetime = Field(description="since when")
    until: datetime = Field(description="free again after that, unless it is renewed")


class DecisionOut(Told):
    """What a person decided."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=31, candidate_id=12, action="accept", by="rina", track="refer", reason=None, duplicate_of=None, note="",
            changes={}, batch=None, undoes=None, at="2026-11-24T10:00:00Z",
        )
    )  # fmt: skip

    id: int = Field(description="its number, by which it is undone")
    candidate_id: int = Field(description="about which candidate")
    action: str = Field(description=listed(present.ACTIONS))
    by: str = Field(description="name of the person")
    track: str | None = Field(description="of an accept. " + listed(present.TRACKS))
    reason: str | None = Field(description="of a closing action. " + listed(present.REASONS))
    duplicate_of: int | None = Field(description="of a duplicate: the candidate its mentions went to")
    note: str = Field(description="what they wrote beside it")
    changes: dict[str, Any] = Field(
        description="of `correct`: field to [old, new]; of `snooze`: until; of `split`: mentions, and into which candidate"
    )
    batch: str | None = Field(description="decisions with the same one were made at once, and are undone at once")
    undoes: int | None = Field(description="of an undo: the decision taken back")
    at: datetime = Field(description="when")

    @classmethod
    def of(cls, one: Decision) -> DecisionOut:
        own = {name: getattr(one, name) for name in cls.model_fields if name != "by"}
        return cls(by=one.person.name, **own)


class CandidateDetail(CandidateOut):
    """A candidate with what there is to say of it."""

    model_config = ConfigDict(json_schema_extra={})

    mentions: list[MentionOut] = Field(description=f"the newest {SHOWN}; all of them: `/candidates/ID/mentions`")
    why: list[WhyOut] = Field(description="why it stands where it stands in the queue")
    hints: list[HintOut] = Field(description="what may mean that it is handled already")
    suggestions: list[SuggestionOut] = Field(description="what may be the same event; for whoever may decide")
    similar: list[int] = Field(description="candidates of the same service and place, nearest in time first")
    held: HolderOut | None = Field(description="who has it open; for whoever may decide")
    last_decision: DecisionOut | None = Field(description="the last one that stands; it can be undone")
    case: str | None = Field(description="number of its open case")


class LeaseOut(Told):
    """You have the candidate open, until a moment."""

    model_config = ConfigDict(
        json_schema_extra=example(
            candidate_id=12, token=4, taken_at="2026-11-24T10:00:00Z", until="2026-11-24T10:05:00Z"
        )
    )

    candidate_id: int = Field(description="which one")
    token: int = Field(description="name it when you renew, decide or release; an older one is late")
    taken_at: datetime = Field(description="since when")
    until: datetime = Field(description="free for others after that, unless you renew it")


class TakenOut(Told):
    """The candidate you hold from now on."""

    candidate: CandidateDetail = Field(description="all there is to say of it")
    lease: LeaseOut = Field(description="your lease")


class BudgetOut(Told):
    """What of the queue is meant for your day."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra=example(minutes=30, candidates=18, done_today=4, left=14, median_seconds=100),
    )

    minutes: int = Field(description="of your day")
    candidates: int = Field(description="as many as fit at your own pace, and no more than there were")
    done_today: int = Field(description="since midnight in WIB")
    left: int = Field(description="of them")
    median_seconds: int = Field(description="your own pace; told to nobody else")


class NextIn(Given):
    """What of the queue the next candidate is taken from; null does not narrow."""

    model_config = ConfigDict(json_schema_extra=example(mine=True))

    region: str | None = Field(None, max_length=13, description=REGION)
    sector: str | None = Field(None, max_length=3, description=SECTORS)
    urgency: str | None = Field(None, max_length=2, description=URGENCIES)
    agency_id: str | None = Field(None, max_length=60, description=AGENCY)
    text: str | None = Field(None, max_length=100, description="words of the headline or of a mention")
    mine: bool = Field(False, description="only of the agencies and regions given to you, or to whom you stand in for")
    today: bool = Field(False, description="only what your day's part still has room for, and dangers to life")


class ClaimIn(Given):
    """How a candidate is taken."""

    model_config = ConfigDict(json_schema_extra=example(take_over=False))

    take_over: bool = Field(False, description="also from whoever has it open; they are told")


class RenewIn(Given):
    """Which lease is held longer."""

    model_config = ConfigDict(json_schema_extra=example(token=4))

    token: Number = Field(description="of your lease")


class CorrectionIn(Given):
    """What is put in the place of what was understood; fields that are left out stay."""

    model_config = ConfigDict(json_schema_extra=example(version=3, fields={"sector": "AIR", "district": None}))

    version: Version | None = Field(None, description="of the candidate, as you saw it; or its ETag in If-Match")
    fields: dict[Correctable, str | None] = Field(
        description="field to code; null: there is none. agency_id, kind, region, district, sector, form, urgency",
        max_length=7,
    )
    note: str = Field("", max_length=2000, description="beside it")
    lease: Number | None = Field(None, description="token of your lease, if you hold one")


class ReporterIn(Given):
    """A victim who reports; without one nothing is a laporan."""

    model_config = ConfigDict(
        json_schema_extra=example(name="Pelapor Rekaan", contact="surel@contoh.id", prior_complaint="Loket, 2 November")
    )

    name: str = Field(min_length=1, max_length=200, description="who reports")
    contact: str = Field(min_length=1, max_length=500, description="how they are reached")
    prior_complaint: str = Field(
        min_length=1, max_length=2000, description="where and when it was raised with the agency"
    )


# ---- the queue -------------------------------------------------------------------------------------------------------


@routes.get("/queue", summary="One page of the queue")
def read_queue(
    who: Reader,
    state: Annotated[
        State | Literal["all", "snoozed", "muted"],
        Query(description=f"`all`, {listed(present.STATES)}; {listed(present.ASIDE)} of the open ones"),
    ] = "candidate",
    region: Annotated[str | None, Query(max_length=13, description=REGION)] = None,
    sector: Annotated[str | None, Query(max_length=3, description=SECTORS)] = None,
    urgency: Annotated[str | None, Query(max_length=2, description=URGENCIES)] = None,
    agency_id: Annotated[str | None, Query(max_length=60, description=AGENCY)] = None,
    text: Annotated[str | None, Query(max_length=100, description="words of the headline or of a mention")] = None,
    mine: Annotated[bool, Query(description="only what was given to you, or to whom you stand in for")] = False,
    after: After = None,
    limit: Limit = 20,
) -> ListOut[CandidateOut]:
    """Candidates you may see, in the order they should be looked at. Reading takes them from nobody."""
    chosen = None if state == "all" else state
    return page_of(who, queue.Filters(chosen, region, sector, urgency, agency_id, text, mine), after, limit)


def page_of(who: Call, filters: queue.Filters, after: str | None, limit: int) -> ListOut[CandidateOut]:
    """One page of the queue."""
    begin = lists.place(after)
    try:
        cursor = queue.Cursor.parse(begin) if begin is not None else None
    except (ValueError, AttributeError):
        raise lists.wrong_cursor() from None
    page = queue.page(who.session, who.person, filters, cursor, limit)
    items = [CandidateOut.model_validate(item) for item in page.items]
    return ListOut(items=items, next=lists.cursor(str(page.next)) if page.next else None)


@routes.get("/queue/budget", summary="What of the queue is meant for your day")
def read_budget(who: Reader) -> BudgetOut:
    """Minutes, candidates, and how many are left."""
    return BudgetOut.model_validate(queue.budget(who.session, who.person))


@routes.post(
    "/queue/next",
    summary="Take the next candidate",
    response_model=TakenOut,
    responses={**problems(409), 204: {"description": "There is none left"}},
)
@once()
def take_next(who: Decider, given: NextIn) -> TakenOut | Response:
    """The first that nobody has open is yours for some minutes; of two who ask at once, each gets another one."""
    about = given.model_dump(exclude={"today"})
    filters = queue.Filters(**about)
    if given.today:
        filters = queue.for_today(filters, queue.budget(who.session, who.person))
    taken = leases.claim_next(who.session, who.person, filters, _length(who))
    if taken is None:
        return Response(status_code=204)
    candidate, lease = taken
    return TakenOut(candidate=detail(who, candidate), lease=LeaseOut.model_validate(lease))


# ---- one candidate ---------------------------------------------------------------------------------------------------


@routes.get(
    "/candidates/{candidate_id}",
    summary="One candidate",
    response_model=CandidateDetail,
    responses=problems(404) | AS_SEEN,
)
def read_candidate(
    who: Reader, response: Response, candidate_id: NumberInPath, if_none_match: IfNoneMatch = None
) -> Any:
    """With its newest mentions, why it stands where it stands, hints, suggestions, and who has it open."""
    return single(detail(who, found(who, candidate_id)), response, if_none_match)


def detail(who: Call, one: Candidate) -> CandidateDetail:
    """All that the caller may read of a candidate."""
    session, person = who.session, who.person
    may_decide = access.may(person, "candidate.decide")
    newest = _mentions(one.id).limit(SHOWN)
    last = decisions.latest(session, one.id) if access.reads(person, "decision.note") else None
    case = open_case_of(session, one) if access.may(person, "case.read") and person.role != "focal" else None
    lease = leases.holder(session, one.id) if may_decide and one.state in OPEN_STATES else None
    return CandidateDetail(
        **CandidateOut.model_validate(one).model_dump(),
        mentions=[mention_of(mention) for mention in session.scalars(newest)],
        why=[WhyOut.model_validate(why) for why in queue.why(one)],
        hints=[HintOut.model_validate(hint) for hint in handled.hints(session, one)],
        suggestions=suggested(who, one) if may_decide else [],
        similar=[other.id for other in queue.similar(session, person, one)],
        held=_holder(lease, person) if lease else None,
        last_decision=DecisionOut.of(last) if last else None,
        case=case.number if case else None,
    )


def found(who: Call, candidate_id: int) -> Candidate:
    """The candidate, if the caller may see it. Raises Refused."""
    candidate = queue.get(who.session, who.person, candidate_id)
    if candidate is None:
        raise Refused(404, "no_candidate", f"There is no candidate {candidate_id}, or it is not yours to see.")
    return candidate


def mention_of(mention: Mention) -> MentionOut:
    """A text as it may be told: masked, without an author."""
    return MentionOut(
        id=mention.id,
        kind=mention.kind,
        source=mention.source,
        url=mention.url if mention.kind == "article" else "",
        title=mention.title,
        text=masked(mention.text, (mention.analysis or {}).get("pii", ())),
        told_at=mention.told_at,
        p_failure=mention.p_failure,
        near_copy=mention.voice not in (None, mention.id),
    )


def suggested(who: Call, one: Candidate, *, apart: bool = False) -> list[SuggestionOut]:
    """What may be the same event; `apart`: what a person said is another one."""
    listing = suggestions.apart_from if apart else suggestions.list_for
    return [
        SuggestionOut(
            id=row.id,
            other=CandidateOut.model_validate(row.other),
            score=row.score,
            reasons=[english(present.JOINED.get(code, code)) for code in row.reasons],
        )
        for row in listing(who.session, who.person, one)
    ]


def _mentions(candidate_id: int) -> Any:
    return (
        select(Mention).where(Mention.candidate_id == candidate_id).order_by(Mention.told_at.desc(), Mention.id.desc())
    )


def _holder(lease: Lease, person: Person) -> HolderOut:
    is_mine = lease.person_id == person.id
    return HolderOut(by=lease.person.name, mine=is_mine, taken_at=lease.taken_at, until=lease.until)


@routes.get("/candidates/{candidate_id}/mentions", summary="The mentions of a candidate", responses=problems(404))
def read_mentions(
    who: Reader, candidate_id: NumberInPath, after: After = None, limit: Limit = 20
) -> ListOut[MentionOut]:
    """All that tells of the event, newest first."""
    statement = _mentions(found(who, candidate_id).id)
    begin = lists.place(after)
    if begin is not None:
        try:
            at, number = datetime.fromisoformat(begin[0]), int(begin[1])
            at.astimezone()
        except (ValueError, TypeError, LookupError, OverflowError):
            raise lists.wrong_cursor() from None
        if at.tzinfo is None or not 0 <= number <= queue.MOST_ID:
            raise lists.wrong_cursor()
        statement = statement.where(Mention.told_at <= at, or_(Mention.told_at < at, Mention.id < number))
    rows = who.session.scalars(statement.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    following = lists.cursor([last.told_at.isoformat(), last.id]) if last else None
    return ListOut(items=[mention_of(row) for row in rows[:limit]], next=following)


@routes.get("/candidates/{candidate_id}/decisions", summary="The history of a candidate", responses=problems(404))
def read_history(
    who: Reader, candidate_id: NumberInPath, after: After = None, limit: Limit = 20
) -> ListOut[DecisionOut]:
    """Every decision that changed it, and its undoing, oldest first; merges into it too. Not for focal points."""
    candidate = found(who, candidate_id)
    if not access.reads(who.person, "decision.note"):
        raise Refused(403, "not_allowed", "Your role does not read how the office decides.")
    begin = lists.number(after)
    history = [one for one in decisions.history(who.session, candidate.id) if begin is None or one.id > begin]
    items = [DecisionOut.of(one) for one in history[:limit]]
    return ListOut(items=items, next=lists.cursor(items[-1].id) if len(history) > limit else None)


@routes.get("/candidates/{candidate_id}/suggestions", summary="What may be the same event", responses=problems(404))
def read_suggestions(
    who: Reader,
    candidate_id: NumberInPath,
    apart: Annotated[bool, Query(description="those that a person said are another event")] = False,
    after: After = None,
    limit: Limit = 20,
) -> ListOut[SuggestionOut]:
    """Candidates that were not sure enough to be joined; whoever may decide says joined or apart."""
    candidate = found(who, candidate_id)
    rows = suggested(who, candidate, apart=apart) if access.may(who.person, "candidate.decide") else []
    shown, following = lists.part(rows, lambda row: (-row.score, row.id), after, limit)
    return ListOut(items=shown, next=following)


@routes.patch(
    "/candidates/{candidate_id}",
    summary="Correct a candidate",
    response_model=DecisionOut,
    responses=problems(404, 409, 412, 428),
)
@once()
def correct(who: Decider, candidate_id: NumberInPath, given: CorrectionIn, if_match: IfMatch = None) -> DecisionOut:
    """Agency, place, service, form or urgency, put right by a person. It is a decision, which can be undone."""
    version = seen(given.version, if_match)
    try:
        made = decisions.decide(
            who.session, who.person, candidate_id, version, "correct",
            fields={str(name): code for name, code in given.fields.items()}, note=given.note, lease=given.lease,
        )  # fmt: skip
    except ReviewError as error:
        raise who.refused(error) from None
    return DecisionOut.of(made)


@routes.post(
    "/candidates/{candidate_id}/reporter",
    status_code=204,
    summary="Write down who reports",
    responses=problems(404, 409),
)
@once()
def attach_reporter(who: Decider, candidate_id: NumberInPath, given: ReporterIn) -> None:
    """Without a reporter no candidate becomes a laporan. What is written down is covered from then on."""
    try:
        decisions.attach_reporter(who.session, who.person, candidate_id, **given.model_dump())
    except ReviewError as error:
        raise who.refused(error) from None


# ---- in hand ---------------------------------------------------------------------------------------------------------


@routes.post(
    "/candidates/{candidate_id}/lease",
    status_code=201,
    summary="Take a candidate in hand",
    response_model=LeaseOut,
    responses=problems(404, 409),
)
@once()
def claim(who: Decider, candidate_id: NumberInPath, given: ClaimIn) -> LeaseOut:
    """It is yours for some minutes, unless somebody else has it open; `take_over` takes it from them."""
    take = leases.take_over if given.take_over else leases.claim
    try:
        return LeaseOut.model_validate(take(who.session, who.person, candidate_id, _length(who)))
    except ReviewError as error:
        raise who.refused(error) from None


@routes.patch(
    "/candidates/{candidate_id}/lease",
    summary="Hold a candidate longer",
    response_model=LeaseOut,
    responses=problems(404, 409),
)
@once()
def renew(who: Decider, candidate_id: NumberInPath, given: RenewIn) -> LeaseOut:
    """Once its time is over, it is refused with what changed."""
    found(who, candidate_id)
    try:
        return LeaseOut.model_validate(leases.renew(who.session, who.person, candidate_id, given.token, _length(who)))
    except ReviewError as error:
        raise who.refused(error) from None


@routes.delete(
    "/candidates/{candidate_id}/lease", status_code=204, summary="Let a candidate go", responses=problems(404)
)
@once()
def release(
    who: Decider,
    candidate_id: NumberInPath,
    token: Annotated[int, Query(ge=1, le=queue.MOST_ID, description="of your lease")],
) -> None:
    """Free for the others again. Nothing happens if it was lost before."""
    leases.release(who.session, who.person, found(who, candidate_id).id, token)


def _length(who: Call) -> timedelta:
    return timedelta(minutes=who.settings.lease_minutes)
