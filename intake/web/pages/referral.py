"""What an agency is asked, behind a signed link: for a focal point without an account, without a cookie.

Looking changes nothing, for mail scanners follow links. A form of the page carries a signature of its own, of this referral
as it was when the page was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from sqlalchemy.orm import Session

from intake.casework import brief, clocks, events, referrals
from intake.casework.clocks import Clock
from intake.casework.referrals import LinkOver, Links
from intake.masking import covered
from intake.models import Agency, Case, Referral, now
from intake.review.errors import Conflict, ReviewError
from intake.web import casework
from intake.web.guesses import Guesses
from intake.web.present import Presenter, Wrong
from intake.web.visitor import DB, agencies_by_name, agency_named, is_demo, render

router = APIRouter(include_in_schema=False)
Token = Annotated[str, InPath(max_length=200)]
GONE = {"forged": 404}  # any other link that is over: 410
TOO_MANY = """Terlalu banyak tautan yang tidak kami kenal dicoba dari jaringan ini. Coba lagi dalam {0} detik, dan salin seluruh
tautan dari pesan yang Saudara terima. Tautan yang benar tetap terbuka.

Too many links that are none of ours were tried from this network. Try again in {0} seconds, and copy the whole link from the
message you received. A right one opens all the same.
"""


@router.get("/rujukan/{token}")
def referral_page(request: Request, session: DB, token: Token) -> Response:
    links = referrals.links_of(request.app.state.settings)
    try:
        referral, case = referrals.by_link(session, links, token)
    except LinkOver as over:
        return _over(request, session, over)
    return _page(request, session, links, token, referral, case)


@router.post("/rujukan/{token}")
def reply(
    request: Request,
    session: DB,
    token: Token,
    form: Annotated[str, Form(max_length=200)] = "",
    act: Annotated[str, Form(max_length=20)] = "",
    text: Annotated[str, Form(max_length=20_000)] = "",
    agency: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """What the agency says; what was typed stays where it is refused."""
    links = referrals.links_of(request.app.state.settings)
    try:
        referral, case = referrals.by_link(session, links, token)
        seen = links.seen(referral, form)
    except LinkOver as over:
        return _over(request, session, over)
    try:
        referrals.reply(session, referral, act, text, seen=seen, whose=whose_of(session, agency))
    except ReviewError as error:
        typed = {"act": act, "text": text, "agency": agency}
        status = 409 if isinstance(error, Conflict) else 429 if error.key == "too_many_replies" else 422
        return _page(request, session, links, token, referral, case, status, error, typed)
    return RedirectResponse(f"/rujukan/{token}", 303)


def shown(session: Session, case: Case, referral: Referral, found: Iterable[Clock]) -> dict[str, Any]:
    """What the page of a referral shows, whoever looks at it."""
    happened = referrals.said(session, referral)
    return {
        "over": "",
        "about": brief.of(session, case),
        "one": case,
        "referral": referral,
        "question": covered(referral.question),
        "clocks": [clock for clock in found if clock.referral == referral.id],
        "happened": happened,
        "texts": casework.texts(happened),
        "possible": referrals.possible(case, happened),
        "names": casework.names_of(session, happened),
        "agencies": agencies_by_name(session),
        "casework": casework,
        "longest": events.LONGEST,
    }


def whose_of(session: Session, typed: str) -> Agency | str:
    """An agency of the list by its name; any other as it was written."""
    try:
        return agency_named(session, typed)
    except Wrong:
        return typed


def _page(
    request: Request,
    session: Session,
    links: Links,
    token: str,
    referral: Referral,
    case: Case,
    status: int = 200,
    error: ReviewError | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    say = _say(request)
    today = clocks.day_of(now())
    found = clocks.clocks(events.log_of(case), clocks.rules_of(request.app.state.settings), today)
    values = shown(session, case, referral, found)
    return _drawn(
        request,
        session,
        status,
        action=f"/rujukan/{token}",
        hidden={"form": links.form(referral, values["happened"][-1].id)},
        error=casework.error(say, error.key, error.values) if error else "",
        typed=typed or {"act": "", "text": "", "agency": ""},
        **values,
    )


def _over(request: Request, session: Session, over: LinkOver) -> Response:
    """A link that opens nothing, and why. Guessing is answered shortly, without asking the database."""
    guesses: Guesses = request.app.state.guesses
    if over.key == "forged" and (seconds := guesses.wait(request.client.host if request.client else "")):
        return PlainTextResponse(TOO_MANY.format(seconds), 429, {"Retry-After": str(seconds)})
    words = _say(request)._(casework.OVER[over.key])
    return _drawn(request, session, GONE.get(over.key, 410), over=words)


def _drawn(request: Request, session: Session, status: int, **values: Any) -> HTMLResponse:
    response = render(request, "referral.html", _say(request), status, demo=is_demo(request, session), **values)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _say(request: Request) -> Presenter:
    return Presenter("id", request.app.state.settings.province)
