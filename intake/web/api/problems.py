"""What is answered instead, when a call is refused: a problem in words (RFC 9457), with a code a program may react to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from intake.review.errors import Conflict, NotAllowed, ReviewError
from intake.web import casework, present
from intake.web.i18n import translator
from intake.web.present import Presenter, Wrong

TITLES = {
    400: "Bad request",
    401: "Unauthorised",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed since",
    413: "Too large",
    422: "Invalid",
    428: "Version needed",
    429: "Too many calls",
    500: "Internal error",
}
CODES = {  # of a refusal that has none of its own
    400: "bad_request",
    401: "no_token",
    403: "not_allowed",
    404: "not_found",
    405: "no_method",
    409: "conflict",
    412: "changed",
    413: "too_large",
    422: "invalid",
    428: "needs_version",
    429: "too_many_calls",
    500: "failed",
}
# What only the API says; everything else is worded as the console words it, in English.
WORDS = {
    "scope": "This token was not made for that: it needs one of the scopes {scopes}, for a person whose role may do it.",
    "wrong_cursor": "after: not a cursor of this list; take `next` of the page before.",
    "key_reused": "This Idempotency-Key was used for another call. Nothing was changed; choose a new one.",
    "in_progress": "The call with this Idempotency-Key is being done right now; ask again in a moment.",
    "needs_version": "Name the version you saw: in the body, or its ETag in If-Match. Nothing was changed.",
    "changed_since": "It was changed since you read it. Nothing was changed now; read it again.",
    "not_all": "Nothing was decided, because of those whose results say why.",
    "too_many_calls": "More than {most} calls in a minute with this token. Wait {seconds} seconds.",
    "too_many_attempts": "Too many wrong passwords. Nothing was changed; wait five minutes.",
    "unknown_query": "{names}: nothing this address asks for.",
    "link_nothing": "Nothing could be read there.",
}
MISSING = ("no_candidate", "no_decision", "no_suggestion", "no_view", "no_mute", "no_case", "no_mention")
english = translator("en")  # what a program's author reads


class Changed(BaseModel):
    """What happened since you looked, as far as it is known."""

    by: str | None = Field(None, description="who was first")
    action: str | None = Field(
        None, description="what they did: an action of a decision, `claim`, or a kind of case event"
    )
    at: datetime | None = Field(None, description="when")
    how: str | None = Field(
        None, description="of a lost lease: `taken_over`, `taken`, `decided`, or `expired`: its time was over"
    )
    until: datetime | None = Field(None, description="of a candidate somebody holds: until when")
    etag: str | None = Field(None, description="the ETag it has now")


class Result(BaseModel):
    """What stands against one candidate of a bulk decision."""

    candidate_id: int = Field(description="which of them")
    code: str = Field(description="why it is not decided; `not_alone`: only because another one is not")
    detail: str = Field(description="the same in words")


class Problem(BaseModel):
    """What went wrong, in words (RFC 9457). Nothing was changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "rina decided about this candidate since you opened it. Your decision was not saved.",
                    "code": "changed",
                    "changed": {"by": "rina", "action": "accept"},
                }
            ]
        }
    )

    type: str = Field("about:blank", description="about:blank: the title says what kind of problem it is")
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status once more")
    detail: str = Field(description="what happened, and that nothing was changed")
    code: str = Field(
        description="what a program may react to: "
        + ", ".join(
            dict.fromkeys((*CODES.values(), *WORDS, *present.ERRORS, *casework.ERRORS, *present.WRONG, *present.LINKS))
        )
    )
    changed: Changed | None = Field(None, description="of a conflict: what happened since you looked")
    results: list[Result] | None = Field(None, description="of a bulk decision: what stands against each")


class Refused(HTTPException):
    """A call that is not done; `code` is what a program may react to, `more` further parts of the problem."""

    def __init__(
        self, status: int, code: str, detail: str = "", headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(status, detail or WORDS[code], dict(headers or {}))
        self.code, self.more = code, more


def problem(status: int, detail: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of a refusal."""
    about = {"code": code or CODES.get(status, "refused"), "title": TITLES.get(status, "Error")} | more
    return Problem(type="about:blank", status=status, detail=detail, **about).model_dump(mode="json", exclude_none=True)


def refused(error: ReviewError, province: str, *, by_header: bool = False) -> Refused:
    """A rule of the office that stands against it. `by_header`: what was seen was named in If-Match."""
    values = error.values
    if isinstance(error, NotAllowed):
        status = 403
    elif isinstance(error, Conflict):
        status = 412 if by_header else 409
    else:
        status = 404 if error.key in MISSING else 422
    more: dict[str, Any] = {}
    if isinstance(error, Conflict):
        told = {name: values[name] for name in ("by", "action", "at", "how", "until") if values.get(name)}
        told |= {"action": values["kind"]} if values.get("kind") else {}
        more["changed"] = told or None
    return Refused(status, error.key, worded(error.key, values, province), **more)


def worded(key: str, values: Mapping[str, Any], province: str) -> str:
    """Why something was refused, in English."""
    if key in present.ERRORS:
        return present.refusal(english, key, values)
    if key in casework.ERRORS:
        return casework.error(Presenter("en", province), key, values)
    return key


def wrong(error: Wrong, province: str) -> Refused:
    """Something given that cannot be kept."""
    return Refused(422, error.key, Presenter("en", province).wrong(error.key, error.values))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation, for its description."""
    schema = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[status], "content": schema} for status in sorted(statuses)}
