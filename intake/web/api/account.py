"""One's own account: who one is here, password, sessions, tokens, leave."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from intake.models import SignIn
from intake.people import access, accounts, portfolio
from intake.review import views
from intake.web import present
from intake.web.api import lists
from intake.web.api.calls import (
    AS_SEEN,
    Call,
    IfMatch,
    IfNoneMatch,
    acts,
    forget,
    once,
    reads,
    router,
    single,
    unchanged,
)
from intake.web.api.fields import AGENCY, Given, NumberInPath, Role, Told, example, listed
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.people import LeaveIn, LeaveOut, RemitOut, keep_leave, take_leave_back
from intake.web.api.problems import Refused, problem, problems
from intake.web.present import Wrong
from intake.web.visitor import message_address

Own = Annotated[Call, reads(None)]
OwnAct = Annotated[Call, acts(None)]
Language = Literal["id", "en"]
Password = Annotated[str, Field(max_length=1024)]
routes = router("account")


class TokenOut(Told):
    """A token of yours. Its secret was told once and is kept nowhere."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=7, label="rekap harian", scopes=["read:queue"], created_at="2026-11-24T10:00:00Z",
            used_at="2026-11-24T10:00:00Z", expires_at=None, here=True,
        )
    )  # fmt: skip

    id: int = Field(description="its number")
    label: str = Field(description="what it is for")
    scopes: list[str] = Field(description=listed(present.SCOPES))
    created_at: datetime = Field(description="since when")
    used_at: datetime = Field(description="when it was used last, to the minute")
    expires_at: datetime | None = Field(description="until when; null: it does not end by itself")
    here: bool = Field(description="whether it is the one you call with")


class SessionOut(Told):
    """A session of yours in the console."""

    id: int = Field(description="its number")
    label: str = Field(description="the browser")
    created_at: datetime = Field(description="since when")
    used_at: datetime = Field(description="when it was used last, to the minute")


class AccountOut(Told):
    """Who you are here."""

    model_config = ConfigDict(
        json_schema_extra=example(
            name="rina",
            role="officer",
            agency_id=None,
            scopes=["read:queue"],
            actions=["queue.read"],
            remits=[],
            leaves=[],
            language="id",
            alerts_to="rina@contoh.id",
        )
    )

    name: str = Field(description="whose token it is")
    role: Role = Field(description=listed(present.ROLES))
    agency_id: str | None = Field(description=f"of a focal point: {AGENCY}")
    scopes: list[str] = Field(description="of this token. " + listed(present.SCOPES))
    actions: list[str] = Field(description="what this token may do, as docs/roles.md names it")
    remits: list[RemitOut] = Field(description="what you are for")
    leaves: list[LeaveOut] = Field(description="yours, and those you stand in for, that are not over")
    language: Language = Field(description="of the console: `id` Indonesian, `en` English")
    alerts_to: str | None = Field(
        description="where alerts of your views go, without passwords and keys; null: nowhere"
    )


class AccountEdit(Given):
    """What of your account changes; what is not named stays."""

    model_config = ConfigDict(json_schema_extra=example(language="en"))

    language: Language | None = Field(None, description="of the console: `id` Indonesian, `en` English")


class AlertsIn(Given):
    """Where alerts of your views go."""

    model_config = ConfigDict(json_schema_extra=example(address="rina@contoh.id"))

    address: str | None = Field(max_length=500, description="mail, or another way in use; null: nowhere")


class PasswordIn(Given):
    """A new password of yours."""

    model_config = ConfigDict(
        str_strip_whitespace=False,
        json_schema_extra=example(old="kalimat lama yang panjang", new="kalimat baru yang panjang"),
    )

    old: Password = Field(description="the one you have")
    new: Password = Field(description=f"at least {accounts.SHORTEST} characters; a sentence is easy to remember")


@routes.get("/account", summary="Who you are here", response_model=AccountOut, responses=AS_SEEN)
def read_account(who: Own, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """And what your token may do."""
    return single(_account(who), response, if_none_match)


def _account(who: Call) -> AccountOut:
    person, token = who.person, who.token
    return AccountOut(
        name=person.name,
        role=person.role,  # type: ignore[arg-type]  # one of ROLES
        agency_id=person.agency_id,
        scopes=token.scopes,
        actions=[action for action in access.MATRIX.actions if access.allows(token, action)],
        remits=[RemitOut.model_validate(one) for one in person.remits],
        leaves=[LeaveOut.model_validate(one) for one in portfolio.leaves(who.session, person)],
        language=person.language,  # type: ignore[arg-type]  # one of LANGUAGES
        alerts_to=who.say.address(person.address) if person.address else None,
    )


@routes.patch("/account", summary="Change your account", response_model=AccountOut, responses=problems(412, 428))
@once()
def change_account(who: OwnAct, given: AccountEdit, response: Response, if_match: IfMatch = None) -> Any:
    """The language of the console."""
    unchanged(_account(who), if_match)
    if given.language is not None:
        who.person.language = given.language
    return single(_account(who), response)


@routes.put("/account/alerts", status_code=204, summary="Say where alerts of your views go")
@once()
def set_alerts(who: Annotated[Call, acts("view.save")], given: AlertsIn) -> None:
    """Nowhere: what was not sent yet is not sent."""
    try:
        to = message_address(given.address, who.settings) if given.address else None
    except Wrong as error:
        raise who.wrong(error) from None
    views.set_address(who.session, who.person, to)


@routes.post("/account/password", status_code=204, summary="A new password of yours", response_model=None)
@once()
def change_password(who: OwnAct, given: PasswordIn) -> Response | None:
    """Every session and token of yours ends, the one you call with too. Guessing is slowed as at the door."""
    forget(who)  # there is no token left to ask again with; and no digest of a password is kept
    address = who.request.client.host if who.request.client else ""
    try:
        accounts.change_password(who.session, who.person, given.old, given.new, address)
    except accounts.SignInRefused as error:
        later = Refused(429, "too_many_attempts", headers={"Retry-After": f"{accounts.WINDOW.seconds}"})
        return _counted(later if str(error) == "too_many" else who.wrong(Wrong("password_wrong")))
    except accounts.PasswordRefused as error:
        raise Refused(422, f"password_{error.key}", f"{str(error).capitalize()} Nothing was changed.") from None
    return None


def _counted(refusal: Refused) -> Response:
    """A refusal that is answered, not raised: that would take back the attempt that was just counted."""
    told = problem(refusal.status_code, refusal.detail, refusal.code)
    return JSONResponse(told, refusal.status_code, refusal.headers, media_type="application/problem+json")


@routes.get("/account/tokens", summary="Your tokens")
def read_tokens(who: Own, after: After = None, limit: Limit = 20) -> ListOut[TokenOut]:
    """Those that were not ended, newest first. They are made in the console, where your password is asked for."""
    rows = accounts.tokens_of(who.session, who.person)
    shown, following = lists.part(rows, lambda row: (-row.id,), after, limit)
    return ListOut(items=[_token(who, row) for row in shown], next=following)


@routes.delete("/account/tokens/{number}", status_code=204, summary="End a token of yours", responses=problems(404))
@once()
def end_token(who: OwnAct, number: NumberInPath) -> None:
    """The one you call with, too."""
    _end(who, number, "token")


@routes.get("/account/sessions", summary="Your sessions in the console")
def read_sessions(who: Own, after: After = None, limit: Limit = 20) -> ListOut[SessionOut]:
    """Those that live, newest first."""
    rows = accounts.sessions_of(who.session, who.person, who.settings)
    shown, following = lists.part(rows, lambda row: (-row.id,), after, limit)
    return ListOut(items=[SessionOut.model_validate(row) for row in shown], next=following)


@routes.delete("/account/sessions", status_code=204, summary="End all your sessions in the console")
@once()
def end_own_sessions(who: OwnAct) -> None:
    """Tokens stay."""
    accounts.end_sessions(who.session, who.person, who.person)


@routes.delete("/account/sessions/{number}", status_code=204, summary="End a session of yours", responses=problems(404))
@once()
def end_session(who: OwnAct, number: NumberInPath) -> None:
    """Whoever sits there has to sign in again."""
    _end(who, number, "session")


@routes.post("/account/leaves", status_code=201, summary="Note a leave of yours", response_model=LeaveOut)
@once()
def add_own_leave(who: OwnAct, given: LeaveIn) -> LeaveOut:
    """Whoever stands in sees your remits."""
    return keep_leave(who, who.person, given)


@routes.delete(
    "/account/leaves/{leave_id}", status_code=204, summary="Take a leave of yours back", responses=problems(404)
)
@once()
def end_own_leave(who: OwnAct, leave_id: NumberInPath) -> None:
    """Nobody stands in any more."""
    take_leave_back(who, who.person, leave_id)


def _end(who: Call, number: int, kind: str) -> None:
    row = who.session.get(SignIn, number)
    if row is None or row.kind != kind or accounts.end(who.session, who.person, number, who.person) is None:
        raise Refused(404, "not_found", f"You have no such {kind}.")


def _token(who: Call, row: SignIn) -> TokenOut:
    own = {name: getattr(row, name) for name in TokenOut.model_fields if name != "here"}
    return TokenOut(here=row.id == who.token.id, **own)
