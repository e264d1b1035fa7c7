"""One's own account: password, second factor, sessions, tokens, leave."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse

from intake.models import now
from intake.people import access, accounts, portfolio, totp
from intake.people.seal import seal_of
from intake.web.i18n import LANGUAGES
from intake.web.pages.people import keep_leave, leave_of
from intake.web.pages.signing import enrolment
from intake.web.present import Wrong
from intake.web.visitor import Number, Signed, Visitor, Who, go

router = APIRouter(include_in_schema=False)
TOKEN_DAYS = (30, 90, 365)


@router.get("/akun")
def account_page(who: Who) -> HTMLResponse:
    return _account(who)


def _account(
    who: Visitor, status: int = 200, error: str = "", wrong: Wrong | None = None, token: str = ""
) -> HTMLResponse:
    """`token`: the one that was just made, shown here and nowhere else."""
    return who.page(
        "account.html",
        status,
        error=error,
        wrong=wrong,
        token=token,
        now=now(),
        sessions=accounts.sessions_of(who.session, who.person, who.request.app.state.settings),
        here=who.sign_in.id,
        tokens=accounts.tokens_of(who.session, who.person),
        scopes=access.scopes_of(who.person),
        token_days=TOKEN_DAYS,
        **leave_of(who, who.person),
    )


@router.post("/akun/bahasa")
def change_language(who: Signed, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
    if language in LANGUAGES:
        who.person.language = language
    return go(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")


@router.post("/akun/sandi")
def change_password(
    who: Signed, old: Annotated[str, Form(max_length=1024)], new: Annotated[str, Form(max_length=1024)]
) -> Response:
    try:
        accounts.change_password(who.session, who.person, old, new, _address(who))
    except accounts.SignInRefused as refused:
        return _account(who, 429 if str(refused) == "too_many" else 422, error=str(refused))
    except accounts.PasswordRefused as refused:
        return _account(who, 422, error=refused.key)
    return go("/masuk", "password")


# ---- sessions and tokens -------------------------------------------------------------------------------------------


@router.post("/akun/sesi")
def end_others(who: Signed) -> Response:
    accounts.end_sessions(who.session, who.person, who.person, but=who.sign_in)
    return go("/akun", "ended")


@router.post("/akun/sesi/{number}")
def end_one(who: Signed, number: Number) -> Response:
    """One session or token of one's own."""
    if accounts.end(who.session, who.person, number, who.person) is None:
        raise HTTPException(404)
    return go("/akun", "ended")


@router.post("/akun/token")
def make_token(
    who: Signed,
    label: Annotated[str, Form(max_length=120)] = "",
    scope: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006  # never changed
    days: Annotated[int, Form(ge=1, le=max(TOKEN_DAYS))] = min(TOKEN_DAYS),
    password: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """For a program that uses the API in one's name."""
    if not accounts.knows_password(who.person, password):
        return _account(who, 422, wrong=Wrong("password_wrong"))
    if not scope or set(scope) - set(access.scopes_of(who.person)):
        return _account(who, 422, wrong=Wrong("scope_none"))
    about: dict[str, Any] = {"label": label if label.isprintable() else "", "scopes": scope, "days": days}
    return _account(who, token=accounts.make_token(who.session, who.person.name, who.person, **about))


# ---- the second factor ---------------------------------------------------------------------------------------------


@router.get("/akun/kode")
def enrol_page(who: Who) -> Response:
    return go("/akun") if who.person.totp else _enrol_form(who)


def _enrol_form(who: Visitor, status: int = 200, wrong: Wrong | None = None, secret: str = "") -> HTMLResponse:
    return who.page("enrol.html", status, wrong=wrong, **enrolment(who.person, secret))


@router.post("/akun/kode")
def enrol(
    who: Signed,
    secret: Annotated[str, Form(max_length=64)] = "",
    code: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    if who.person.totp is not None:
        return go("/akun")
    shown = secret if totp.is_secret(secret) else ""
    if not accounts.knows_password(who.person, password):
        return _enrol_form(who, 422, Wrong("password_wrong"), shown)
    codes = totp.enrol(who.session, who.person, secret, code, seal_of(who.request.app.state.settings))
    if codes is None:
        return _enrol_form(who, 422, Wrong("code_wrong"), shown)
    accounts.end_sessions(who.session, who.person, who.person, but=who.sign_in)  # those that gave no code
    return who.page("recovery.html", codes=codes, onward="/akun")


@router.post("/akun/kode/pemulihan")
def renew_recovery(who: Signed, code: Annotated[str, Form(max_length=100)] = "") -> Response:
    refused = _give_code(who, code)
    return refused or who.page("recovery.html", codes=totp.renew_recovery(who.session, who.person), onward="/akun")


@router.post("/akun/kode/hapus")
def remove_second_factor(who: Signed, code: Annotated[str, Form(max_length=100)] = "") -> Response:
    if refused := _give_code(who, code):
        return refused
    totp.remove(who.session, who.person, who.person)
    return go("/akun", "saved")


def _give_code(who: Visitor, code: str) -> Response | None:
    """The page that says why not, if the code is not right; guessing is slowed as at the door."""
    seal = seal_of(who.request.app.state.settings)
    try:
        accounts.confirm_code(who.session, who.person, code, _address(who), seal)
    except accounts.SignInRefused as refused:
        key = "code_unreadable" if str(refused) == "unreadable" else "code_wrong"
        wrong = Wrong(key, name=who.person.name)
        return _account(who, 429 if str(refused) == "too_many" else 422, wrong=wrong)
    return None


def _address(who: Visitor) -> str:
    return who.request.client.host if who.request.client else ""


# ---- leave ---------------------------------------------------------------------------------------------------------


@router.post("/akun/cuti")
def add_leave(
    who: Signed,
    cover: Annotated[int, Form(ge=0)] = 0,
    first: Annotated[str, Form(max_length=10)] = "",
    last: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    try:
        keep_leave(who, who.person, cover, first, last)
    except Wrong as wrong:
        return _account(who, 422, wrong=wrong)
    return go("/akun", "saved")


@router.post("/akun/cuti/{leave_id}")
def end_leave(who: Signed, leave_id: Number) -> Response:
    if portfolio.end_leave(who.session, who.person, leave_id, who.person) is None:
        raise HTTPException(404)
    return go("/akun", "saved")
