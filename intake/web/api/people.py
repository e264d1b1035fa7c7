"""Accounts of others: who there is, what they are for, who stands in for them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import ConfigDict, Field
from sqlalchemy import select

from intake.models import Agency, Cover, Person
from intake.people import accounts, invitations, portfolio, totp
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
from intake.web.api.fields import AGENCY, REGION, Given, Number, NumberInPath, Role, Told, example, listed
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import Refused, problems
from intake.web.api.views import console
from intake.web.present import Wrong

Reader = Annotated[Call, reads("people.read")]
Manager = Annotated[Call, acts("people.change")]
Portfolios = Annotated[Call, acts("remit.change")]
routes = router("people")


class RemitOut(Told):
    """An agency, a region, or an agency in a region, that somebody is for."""

    id: int = Field(description="its number")
    agency_id: str | None = Field(description=f"{AGENCY}; null: any")
    region: str | None = Field(description=f"{REGION}; null: any")
    bounds: bool = Field(
        description="true: with others like it, the only part of everything they may see; false: seen first"
    )


class LeaveOut(Told):
    """Who stands in for whom, both days included, in WIB."""

    id: int = Field(description="its number")
    person_id: int = Field(description="who is on leave")
    cover_id: int = Field(description="who stands in for them")
    first_day: date = Field(description="the first day")
    last_day: date = Field(description="the last day")


class PersonOut(Told):
    """Somebody with an account. No password, no secret and no address of theirs is told."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=4, name="rina", role="officer", agency_id=None, disabled=False, second_factor=True, invited_until=None,
            created_at="2026-11-24T10:00:00Z", remits=[],
            leaves=[],
        )
    )  # fmt: skip

    id: int = Field(description="their number")
    name: str = Field(description="as they sign in")
    role: Role = Field(description=listed(present.ROLES))
    agency_id: str | None = Field(description=f"of a focal point: {AGENCY}")
    disabled: bool = Field(description="whether the account is closed")
    second_factor: bool = Field(description="whether they sign in with a code besides")
    invited_until: datetime | None = Field(description="until when an invitation of theirs can be used")
    created_at: datetime = Field(description="since when")
    remits: list[RemitOut] = Field(description="what they are for")
    leaves: list[LeaveOut] = Field(description="theirs, and those they stand in for, that are not over")


class PersonIn(Given):
    """A new account."""

    model_config = ConfigDict(json_schema_extra=example(name="sari", role="officer", invite=True))

    name: str = Field(min_length=2, max_length=60, description="as they sign in")
    role: Role = Field(description=listed(present.ROLES))
    agency_id: str | None = Field(None, max_length=60, description=f"of a focal point: {AGENCY}")
    invite: bool = Field(True, description="a link to set their own password; false: a password is made")


class PersonMade(Told):
    """The account, and what its person signs in with. That is told once: where the call is repeated, it is null."""

    person: PersonOut = Field(description="the account")
    password: str | None = Field(description="made for them, if no invitation was")
    invitation: str | None = Field(description="link by which they set their own, once, within a week")


class SecretOut(Told):
    """What somebody signs in with. It is told once: where the call is repeated, it is null."""

    password: str | None = Field(description="a new password; every session and token of theirs has ended")
    invitation: str | None = Field(description="link by which they set their own, once, within a week")


class PersonEdit(Given):
    """What of an account changes; what is not named stays."""

    model_config = ConfigDict(json_schema_extra=example(role="focal", agency_id="VT-PLN-UP3DMI"))

    disabled: bool | None = Field(None, description="true: closed, its sessions and tokens end; false: open again")
    role: Role | None = Field(None, description="another one: their sessions and tokens end")
    agency_id: str | None = Field(None, max_length=60, description=f"with the role of a focal point: {AGENCY}")


class RemitIn(Given):
    """What somebody is for: an agency, a region, or both."""

    model_config = ConfigDict(json_schema_extra=example(region="14.03", bounds=True))

    agency_id: str | None = Field(None, max_length=60, description=AGENCY)
    region: str | None = Field(None, max_length=13, description=REGION)
    bounds: bool = Field(False, description="they see nothing beyond this and others like it")


class LeaveIn(Given):
    """Who stands in, from one day to another."""

    model_config = ConfigDict(json_schema_extra=example(cover_id=5, first_day="2026-12-21", last_day="2026-12-31"))

    cover_id: Number = Field(description="somebody else of the same role; of a focal point, the same agency")
    first_day: date = Field(description="in WIB")
    last_day: date = Field(description="in WIB, included")


# ---- people ----------------------------------------------------------------------------------------------------------


@routes.get("/people", summary="Everybody with an account")
def read_people(who: Reader, after: After = None, limit: Limit = 20) -> ListOut[PersonOut]:
    """By name."""
    rows = accounts.people(who.session)
    shown, following = lists.part(rows, lambda row: (row.name, row.id), after, limit)
    return ListOut(items=[_person(who, row) for row in shown], next=following)


@routes.get("/people/{person_id}", summary="One person", response_model=PersonOut, responses=problems(404) | AS_SEEN)
def read_person(who: Reader, person_id: NumberInPath, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """What they are, what they are for, who stands in for them."""
    return single(_person(who, _found(who, person_id)), response, if_none_match)


@routes.post("/people", status_code=201, summary="Make an account", response_model=PersonMade)
@once("password", "invitation")
def add_person(who: Manager, given: PersonIn) -> PersonMade:
    """With an invitation, or with a password that is told once."""
    if given.role == "focal" and not given.agency_id:
        raise who.wrong(Wrong("agency_needed"))
    agency_id = _agency(who, given.agency_id) if given.role == "focal" else None
    try:
        person, password = accounts.add_person(who.session, given.name, given.role, agency_id=agency_id, by=who.person)
    except ValueError as error:
        raise Refused(422, "invalid", f"{error} Nothing was changed.") from None
    link = _invite(who, person) if given.invite else None
    return PersonMade(person=_person(who, person), password=None if given.invite else password, invitation=link)


@routes.patch(
    "/people/{person_id}",
    summary="Change a role, close or reopen an account",
    response_model=PersonOut,
    responses=problems(404, 412, 428),
)
@once()
def change_person(
    who: Manager, person_id: NumberInPath, given: PersonEdit, response: Response, if_match: IfMatch = None
) -> Any:
    """Either ends its sessions and tokens. The last administrator stays."""
    hold(who.session, Person, _found(who, person_id).id)
    person = _found(who, person_id)
    unchanged(_person(who, person), if_match)
    if given.role == "focal" and not given.agency_id:
        raise who.wrong(Wrong("agency_needed"))
    agency_id = _agency(who, given.agency_id) if given.role == "focal" else None
    try:
        if given.role is not None:
            accounts.change_role(who.session, person, given.role, agency_id, who.person)
        if given.disabled is not None:
            accounts.disable(who.session, person.name, who.person, disabled=given.disabled)
    except accounts.LastAdministrator:
        raise who.wrong(Wrong("last_admin", name=person.name)) from None
    return single(_person(who, person), response)


@routes.post(
    "/people/{person_id}/password",
    status_code=201,
    summary="A new password",
    response_model=SecretOut,
    responses=problems(404),
)
@once("password", "invitation")
def new_password(who: Manager, person_id: NumberInPath) -> SecretOut:
    """Every session, token and invitation of theirs ends."""
    person = _found(who, person_id)
    return SecretOut(password=accounts.set_password(who.session, person.name, by=who.person), invitation=None)


@routes.post(
    "/people/{person_id}/invitation",
    status_code=201,
    summary="A new invitation",
    response_model=SecretOut,
    responses=problems(404),
)
@once("password", "invitation")
def invite(who: Manager, person_id: NumberInPath) -> SecretOut:
    """The one they had before is void."""
    return SecretOut(password=None, invitation=_invite(who, _found(who, person_id)))


@routes.delete(
    "/people/{person_id}/second_factor", status_code=204, summary="Take a second factor away", responses=problems(404)
)
@once()
def reset_second_factor(who: Manager, person_id: NumberInPath) -> None:
    """For somebody who lost both their phone and their recovery codes; their sessions end."""
    person = _found(who, person_id)
    totp.remove(who.session, person, who.person)
    accounts.end_sessions(who.session, person, who.person)


@routes.delete(
    "/people/{person_id}/sessions", status_code=204, summary="End all of a person's sessions", responses=problems(404)
)
@once()
def end_sessions(who: Manager, person_id: NumberInPath) -> None:
    """And every token of theirs, except the one this is called with."""
    person = _found(who, person_id)
    accounts.end_sessions(who.session, person, who.person)
    for token in accounts.tokens_of(who.session, person):
        if token.id != who.token.id:
            accounts.end(who.session, person, token.id, who.person)


@routes.post(
    "/people/{person_id}/remits",
    status_code=201,
    summary="Give somebody a remit",
    response_model=RemitOut,
    responses=problems(404),
)
@once()
def add_remit(who: Portfolios, person_id: NumberInPath, given: RemitIn) -> RemitOut:
    """An agency, a region, or both."""
    person = _found(who, person_id)
    agency_id = _agency(who, given.agency_id) if given.agency_id else None
    if given.region and given.region not in who.say.tables.regions:
        raise who.wrong(Wrong("region_unknown"))
    try:
        remit = portfolio.add_remit(
            who.session, person, agency_id, given.region or None, bounds=given.bounds, by=who.person
        )
    except portfolio.NotPossible as why:
        raise who.wrong(Wrong(why.key)) from None
    return RemitOut.model_validate(remit)


@routes.delete(
    "/people/{person_id}/remits/{remit_id}", status_code=204, summary="Take a remit away", responses=problems(404)
)
@once()
def remove_remit(who: Portfolios, person_id: NumberInPath, remit_id: NumberInPath) -> None:
    """They see what it bounded them to no more, or everything again if it was the last that did."""
    if portfolio.remove_remit(who.session, _found(who, person_id), remit_id, who.person) is None:
        raise Refused(404, "not_found", "This person has no such remit.")


@routes.post(
    "/people/{person_id}/leaves",
    status_code=201,
    summary="Note a leave",
    response_model=LeaveOut,
    responses=problems(404),
)
@once()
def add_leave(who: Portfolios, person_id: NumberInPath, given: LeaveIn) -> LeaveOut:
    """Whoever stands in sees the remits of the person on leave."""
    return keep_leave(who, _found(who, person_id), given)


@routes.delete(
    "/people/{person_id}/leaves/{leave_id}", status_code=204, summary="Take a leave back", responses=problems(404)
)
@once()
def end_leave(who: Portfolios, person_id: NumberInPath, leave_id: NumberInPath) -> None:
    """Nobody stands in any more."""
    take_leave_back(who, _found(who, person_id), leave_id)


def _found(who: Call, person_id: int) -> Person:
    person = who.session.get(Person, person_id)
    if person is None:
        raise Refused(404, "not_found", f"There is no person {person_id}.")
    return person


def _person(who: Call, person: Person) -> PersonOut:
    who.session.flush()
    plain = ("id", "name", "role", "agency_id", "disabled", "created_at")
    return PersonOut(
        **{name: getattr(person, name) for name in plain},
        second_factor=person.totp is not None,
        invited_until=invitations.waiting(who.session).get(person.id),
        remits=[RemitOut.model_validate(one) for one in person.remits],
        leaves=[LeaveOut.model_validate(one) for one in portfolio.leaves(who.session, person)],
    )


def _agency(who: Call, agency_id: str | None) -> str:
    known = who.session.scalar(select(Agency.id).where(Agency.id == agency_id))
    if known is None:
        raise who.wrong(Wrong("agency_unknown", given=agency_id or ""))
    return known


def _invite(who: Call, person: Person) -> str:
    return f"{console(who)}/undangan/{invitations.invite(who.session, person, who.person)}"


def keep_leave(who: Call, person: Person, given: LeaveIn) -> LeaveOut:
    """Somebody's leave, as it is kept. Raises Refused."""
    cover = who.session.get(Person, given.cover_id)
    if cover is None:
        raise who.wrong(Wrong("leave_cover"))
    try:
        leave = portfolio.add_leave(who.session, person, cover, given.first_day, given.last_day, by=who.person)
    except portfolio.NotPossible as why:
        raise who.wrong(Wrong(why.key)) from None
    who.session.flush()
    return LeaveOut.model_validate(leave)


def take_leave_back(who: Call, person: Person, leave_id: int) -> Cover:
    """Raises Refused if `person` has no such leave."""
    leave = portfolio.end_leave(who.session, person, leave_id, who.person)
    if leave is None:
        raise Refused(404, "not_found", "This person has no such leave.")
    return leave
