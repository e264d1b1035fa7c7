"""A call of the API: whose it is, what its token allows, whether it was made before, and what it saw.

A call with an Idempotency-Key is noted in the transaction of its deed: sent again, it is answered the same and done once; of
two that come at once, the second waits for the first. What was refused is not noted, for it changed nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.params import Security
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from intake.database import Base, insert_for
from intake.models import IdempotentCall, Person, SignIn, now
from intake.people import access, accounts
from intake.retention import KEEP_CALLS
from intake.review.errors import ReviewError
from intake.settings import Settings
from intake.web.api.problems import WORDS, Refused, problems, refused, wrong
from intake.web.api.rates import Rates
from intake.web.present import Presenter, Wrong
from intake.web.visitor import DB

KEEP = timedelta(hours=24)  # answers to calls with a key
GIVEN_UP = timedelta(minutes=2)  # a call that has no answer by then was cut off
PARTS = ParamSpec("PARTS")
RESULT = TypeVar("RESULT")
_SEEN = re.compile(r'(?:W/)?"(\d{1,9})-[0-9a-f]{16}"')

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token, made on the page of one's account or by `kentongan user token NAME`. The scopes of an operation are "
    "those of which the token needs one.",
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, in which transaction, and with which key."""

    request: Request
    session: Session
    token: SignIn
    key: str | None = None
    hash: str = ""

    @property
    def person(self) -> Person:
        return self.token.person

    @property
    def settings(self) -> Settings:
        settings: Settings = self.request.app.state.settings
        return settings

    @property
    def say(self) -> Presenter:
        return Presenter("en", self.settings.province)

    def refused(self, error: ReviewError) -> Refused:
        """A rule that stands against it, as a problem."""
        return refused(error, self.settings.province, by_header="if-match" in self.request.headers)

    def wrong(self, error: Wrong) -> Refused:
        return wrong(error, self.settings.province)


def router(*tags: str) -> APIRouter:
    """For the operations about one noun."""
    refusals = problems(401, 403, 422, 429, 500)
    return APIRouter(prefix="/api/v1", tags=list(tags), responses=refusals, generate_unique_id_function=_named)


def _named(route: APIRoute) -> str:
    return route.name


# ---- whose ---------------------------------------------------------------------------------------------------------


def token_of(session: Session, given: HTTPAuthorizationCredentials | None) -> SignIn:
    """The token behind the header; a cookie is not taken."""
    row = accounts.token_of(session, given.credentials.strip()) if given else None
    if row is None:
        message = "A bearer token is needed: `kentongan user token NAME` makes one."
        raise Refused(401, "no_token", message, {"WWW-Authenticate": "Bearer"})
    return row


def _allowed(
    request: Request, session: Session, given: HTTPAuthorizationCredentials | None, action: str | None
) -> SignIn:
    token = token_of(session, given)
    rates: Rates = request.app.state.rates
    if seconds := rates.wait(token.id):
        words = WORDS["too_many_calls"].format(most=rates.most, seconds=seconds)
        raise Refused(429, "too_many_calls", words, {"Retry-After": str(seconds)})
    request.state.action = action  # for the audit log
    if action is not None and not access.allows(token, action):
        scopes = " ".join(scopes_for(action))
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scopes}"'}
        raise Refused(403, "scope", WORDS["scope"].format(scopes=scopes), challenge)
    _knows_its_query(request)
    return token


def _knows_its_query(request: Request) -> None:
    """What an address does not ask for is refused, not ignored: a filter with a slip of the pen would show too much."""
    known = {one.alias for one in request.scope["route"].dependant.query_params}
    if unknown := sorted(set(request.query_params) - known):
        raise Refused(422, "unknown_query", WORDS["unknown_query"].format(names=", ".join(unknown)[:200]))


def scopes_for(action: str | None) -> list[str]:
    """The scopes that stand for an action."""
    return [scope for scope, actions in access.SCOPES.items() if action in actions]


def reads(action: str | None) -> Security:
    """A call that changes nothing, by a token that allows `action` (None: any token)."""

    def call(request: Request, session: DB, given: Bearer) -> Call:
        return Call(request, session, _allowed(request, session, given, action))

    return Security(call, scopes=scopes_for(action), scope="function")


@dataclass(frozen=True, slots=True)
class Asking:
    """A call that changes something, before anybody looked whose it is."""

    request: Request
    given: HTTPAuthorizationCredentials | None
    key: str | None
    hash: str

    def call(self, session: Session, action: str | None) -> Call:
        """In a transaction, by a token that allows `action`. Raises Refused."""
        return Call(self.request, session, _allowed(self.request, session, self.given, action), self.key, self.hash)


async def asking(
    request: Request,
    given: Bearer,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=8,
            max_length=100,
            pattern=r"^[\x21-\x7e]+$",
            description="Your own name for this call, new for each: sent again within 24 hours with the same key, it is "
            "answered the same and done once. Another call with the same key is refused.",
            examples=["2f1c7c6e-0b1d-4c39-9d0e-3a1f6c1c9a55"],
        ),
    ] = None,
) -> Asking:
    """The call with all that tells it from another one."""
    about = f"{request.method} {request.url.path}?{request.url.query}\n{request.headers.get('if-match', '')}\n"
    return Asking(request, given, idempotency_key, hashlib.sha256(about.encode() + await request.body()).hexdigest())


def acts(action: str | None) -> Security:
    """A call that changes something, by a token that allows `action`. Its operation is wrapped in `once`."""

    def call(session: DB, asked: Annotated[Asking, Depends(asking)]) -> Call:
        return asked.call(session, action)

    return Security(call, scopes=scopes_for(action), scope="function")


# ---- once ----------------------------------------------------------------------------------------------------------


def once(*secret: str) -> Callable[[Callable[PARTS, RESULT]], Callable[PARTS, RESULT | Response]]:
    """For an operation that changes something: what it was answered with its key before, it is answered again.

    `secret`: fields of the answer that are told once and kept nowhere.
    """

    def wrapped(act: Callable[PARTS, RESULT]) -> Callable[PARTS, RESULT | Response]:
        @wraps(act)
        def answered(*args: PARTS.args, **given: PARTS.kwargs) -> RESULT | Response:
            who = given["who"]
            assert isinstance(who, Call)
            if known := claim(who):
                return known
            answer = act(*args, **given)
            keep(who, answer, secret)
            return answer

        return answered

    return wrapped


def claim(who: Call) -> Response | None:
    """Take the key for this call; or what the same call was answered before. Raises Refused."""
    if who.key is None:
        return None
    session = who.session
    this = (IdempotentCall.person_id == who.person.id, IdempotentCall.key == who.key)
    given_up = (IdempotentCall.status == 0) & (IdempotentCall.at < now() - GIVEN_UP)
    session.execute(delete(IdempotentCall).where(*this, given_up | (IdempotentCall.at < now() - KEEP_CALLS)))
    row = {"person_id": who.person.id, "key": who.key, "call_hash": who.hash, "status": 0, "answer": {}, "at": now()}
    taken = insert_for(session)(IdempotentCall).values(row).on_conflict_do_nothing().returning(IdempotentCall.key)
    if session.scalar(taken) is not None:
        return None
    known = session.get_one(IdempotentCall, (who.person.id, who.key), populate_existing=True)
    if known.call_hash != who.hash:
        raise Refused(422, "key_reused")
    if known.status == 0:
        raise Refused(409, "in_progress", headers={"Retry-After": "5"})
    again = {"Idempotency-Replayed": "true"}
    if known.status == 204:
        return Response(status_code=204, headers=again)
    return JSONResponse(known.answer, known.status, again)


def keep(who: Call, answer: object, secret: Iterable[str] = ()) -> None:
    """Note what the call is answered."""
    if who.key is None:
        return
    told = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else {}
    status = answer.status_code if isinstance(answer, Response) else who.request.scope["route"].status_code or 200
    this = (IdempotentCall.person_id == who.person.id, IdempotentCall.key == who.key)
    values = {"status": status, "answer": told | dict.fromkeys(secret)}
    who.session.execute(update(IdempotentCall).where(*this).values(values))


def forget(who: Call) -> None:
    """The call was refused after all: its key is free."""
    this = (IdempotentCall.person_id == who.person.id, IdempotentCall.key == who.key)
    who.session.execute(delete(IdempotentCall).where(*this))


# ---- what was seen -------------------------------------------------------------------------------------------------

IfNoneMatch = Annotated[
    str | None, Header(description="ETags you hold; if it is one of them still, the answer is 304 without a body")
]
IfMatch = Annotated[
    str | None, Header(description="ETag of what you saw: an edit of anything else is refused with 412", max_length=200)
]
AS_SEEN: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you hold it (If-None-Match)"}}


def tag_of(told: BaseModel) -> str:
    """The ETag of one thing: its version, where it has one, and a digest of all that is told of it."""
    digest = hashlib.sha256(told.model_dump_json().encode()).hexdigest()[:16]
    version = getattr(told, "version", None)
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


Told = TypeVar("Told", bound=BaseModel)


def single(told: Told, response: Response, if_none_match: str | None = None) -> Any:
    """One thing with its ETag; 304 if the caller holds it already."""
    response.headers["ETag"] = tag = tag_of(told)
    response.headers["Cache-Control"] = "private, no-cache"
    held = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    if tag in held or "*" in held:
        return Response(status_code=304, headers=dict(response.headers))
    return told


def seen(version: int | None, if_match: str | None) -> int:
    """The version that was looked at, named in the body or by its ETag. Raises Refused."""
    if version is not None:
        return version
    found = _SEEN.fullmatch((if_match or "").strip())
    if found is None:
        raise Refused(428, "needs_version")
    return int(found[1])


def unchanged(told: BaseModel, if_match: str | None) -> None:
    """It is still what the caller saw, if that has no version of its own. Raises Refused."""
    if not if_match:
        raise Refused(428, "needs_version")
    if (tag := tag_of(told)) not in (if_match.strip(), if_match.strip().removeprefix("W/")):
        raise Refused(412, "changed_since", changed={"etag": tag})


def hold(session: Session, model: type[Base], number: int) -> None:
    """Nobody else changes this row until the transaction is over; then look at it."""
    key: Any = model.id  # type: ignore[attr-defined]
    held = update(model).where(key == number).values(id=number)
    session.execute(held.execution_options(synchronize_session=False))
    if row := session.get(model, number):
        session.refresh(row)
